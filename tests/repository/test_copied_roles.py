"""Roles in somebody else's project, with what their READMEs name.

The project's Ansible has no settings of this one, so none of the plugins that make modules faster.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fake_kubernetes_api import Server

ROOT = Path(__file__).resolve().parents[2]
# Those that take what they need from variables of their own; the others read the inventory, too.
REUSABLE = ("existing_cluster", "helm_release", "images", "kagent", "minikube", "secrets")
# Put over those of the scenarios, which may be under way, and of the examples.
SETTINGS = {
    "helm_release_helm": "helm",
    "helm_release_kubeconfig": "{{ shared_kubeconfig }}",
    "helm_release_values": {},
    "images_prefix": "localhost/copied",
    # The one that the scenario's programs play.
    "minikube_profile": "molecule",
}
EXAMPLE = re.compile(r"^## Use it\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def copy(role: str, project: Path) -> None:
    """Copy the role, and what its README says that it needs, beside the project's playbooks."""
    shutil.copytree(ROOT / "roles" / role, project / "roles" / role)
    readme = (ROOT / "roles" / role / "README.md").read_text()
    needs = re.search(r"^Copied alone, the role needs: (.*)$", readme, re.MULTILINE)
    assert needs is not None
    for name in re.findall(r"`(\w+/[\w.]+)`", needs[1]):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    for other in re.findall(r"the role `(\w+)` with what it needs", needs[1]):
        copy(other, project)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """The folder where the roles' scenarios find a cluster of nobody."""
    with Server() as server:
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(server.kubeconfig()))
        yield tmp_path


class Project:
    """A folder with a role and the playbooks of its scenario."""

    def __init__(self, role: str, folder: Path, shared: Path) -> None:
        self.folder = folder
        self._shared = shared
        shutil.copytree(ROOT / "molecule" / role, folder)
        copy(role, folder)
        # What the playbooks take from the checkout: charts, scripted programs, Helm 3.
        for name in ("molecule", ".tools"):
            (folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "charts", folder / "charts")
        (folder / "ansible.cfg").touch()

    def add_example(self, role: str) -> bool:
        """Write the play that the role's README shows, if any, with two charts to release."""
        example = EXAMPLE.search((ROOT / "roles" / role / "README.md").read_text())
        if example is None:
            return False
        (self.folder / "example.yml").write_text(example[1])
        samples = ROOT / "molecule" / "shared" / "charts"
        for name, chart in (("database", "sample"), ("web", "sample"), ("shapes", "shapes")):
            shutil.copytree(samples / chart, self.folder / "charts" / name)
        return True

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}.yml").exists()

    def play(self, name: str) -> str:
        """What the playbook shows. Fails, with all of it, where that fails."""
        given = [f"--extra-vars={json.dumps(SETTINGS)}", "--inventory=molecule/shared/hosts.yml"]
        done = subprocess.run(
            ["ansible-playbook", *given, f"{name}.yml"],
            cwd=self.folder,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
                "MOLECULE_EPHEMERAL_DIRECTORY": str(self._shared),
                "MOLECULE_PROJECT_DIRECTORY": str(self.folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout


@pytest.mark.parametrize("role", REUSABLE)
def test_role_does_its_work_in_a_project_that_copied_it(role: str, shared: Path) -> None:
    project = Project(role, shared / "somebody's project", shared)
    try:
        if project.has("prepare"):
            project.play("prepare")
        assert " changed=0 " not in project.play("converge")
        name = "example" if project.add_example(role) else "converge"
        for _ in range(2):
            said = project.play(name)
        assert set(re.findall(r"\bchanged=(\d+)", said)) == {"0"}
    finally:
        if project.has("cleanup"):
            project.play("cleanup")
