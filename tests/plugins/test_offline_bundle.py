"""Filters of the role offline_bundle: what is made from what, and what is missing."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import offline_bundle
import offline_bundle_info
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "offline_bundle"
PROGRAM = {"name": "kubelet", "module": "kubernetes", "package": "k8s.io/kubernetes/cmd/kubelet"}
VARIABLES = {"kubernetes": {"version.gitVersion": "{version}", "version.gitMinor": "{minor}"}}


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "go" / "kubernetes"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(
        "module bundle/kubernetes\n\ngo 1.25.0\n\nrequire k8s.io/kubernetes v1.35.4\n"
        "require (\n\tk8s.io/api v0.35.4\n)\n"
    )
    (folder / "go.sum").write_text("k8s.io/kubernetes v1.35.4 h1:abc=\n")
    return folder.parent


def programs(modules: Path, *given: dict[str, Any]) -> list[dict[str, Any]]:
    return offline_bundle.offline_bundle_programs(
        list(given), modules=str(modules), cache="/cache", variables=VARIABLES
    )


def test_version_comes_from_go_mod_and_fills_the_linker_variables(modules: Path) -> None:
    (kubelet,) = programs(modules, PROGRAM)
    assert kubelet["version"] == "v1.35.4"
    assert kubelet["variables"] == {"version.gitVersion": "v1.35.4", "version.gitMinor": "35"}


def test_programs_of_a_module_share_a_folder(modules: Path) -> None:
    other = PROGRAM | {"name": "kubeadm", "package": "k8s.io/kubernetes/cmd/kubeadm"}
    kubelet, kubeadm = programs(modules, PROGRAM, other)
    assert Path(kubelet["dest"]).parent == Path(kubeadm["dest"]).parent
    assert kubelet["dest"].startswith("/cache/kubernetes-v1.35.4-")


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "main.go"])
def test_any_changed_source_changes_the_place(modules: Path, changed: str) -> None:
    before = programs(modules, PROGRAM)[0]["dest"]
    path = modules / "kubernetes" / changed
    path.write_text((path.read_text() if path.exists() else "") + "// changed\n")
    assert programs(modules, PROGRAM)[0]["dest"] != before


def test_a_flag_changes_the_place_and_a_remark_does_not(modules: Path) -> None:
    before = programs(modules, PROGRAM)[0]["dest"]
    assert programs(modules, PROGRAM | {"cgo": True})[0]["dest"] != before
    assert programs(modules, PROGRAM | {"minutes": 99})[0]["dest"] == before


def test_unpinned_package_is_refused(modules: Path) -> None:
    with pytest.raises(ValueError, match="add it with `go get`"):
        programs(modules, PROGRAM | {"package": "example.org/other"})


def test_label_is_read_from_each_image() -> None:
    made = {"RepoTags": ["traefik:v3"], "Config": {"Labels": {"made-from": "new"}}}
    plain = {"RepoTags": ["debian:trixie-slim"], "Config": {"Labels": None}}
    inspected = json.dumps([made, plain, {"RepoTags": None}])
    found = offline_bundle_info.labels(inspected, "made-from")
    assert found == {"traefik:v3": "new", "debian:trixie-slim": ""}
    assert offline_bundle_info.labels("", "made-from") == {}


def test_an_image_made_from_something_else_is_missing() -> None:
    images = [{"name": "docker.io/library/traefik:v3", "place": "new"}]
    missing = offline_bundle.offline_bundle_missing_images
    assert missing(images, {"traefik:v3": "old"}) == images
    assert missing(images, {"traefik:v3": "new"}) == []
    assert missing(images, {}) == images


def test_a_root_counts_whoever_made_it() -> None:
    images = [{"name": "debian:trixie-slim"}]
    missing = offline_bundle.offline_bundle_missing_images
    assert missing(images, {"debian:trixie-slim": ""}) == []
    assert missing(images, {}) == images


def test_a_changed_recipe_changes_the_image(tmp_path: Path) -> None:
    recipe = tmp_path / "node"
    recipe.mkdir()
    (recipe / "Dockerfile").write_text("FROM scratch\n")
    images = [{"name": "local/node:1", "recipe": "node", "program": "crictl"}]
    made_from = [{"name": "crictl", "dest": "/cache/cri-tools-v1/crictl"}]
    arguments: dict[str, Any] = {"programs": made_from, "recipes": str(tmp_path)}
    (before,) = offline_bundle.offline_bundle_images(images, **arguments)
    (recipe / "Dockerfile").write_text("FROM debian\n")
    (after,) = offline_bundle.offline_bundle_images(images, **arguments)
    assert before["place"] != after["place"]
    assert before["dest"] == "/cache/cri-tools-v1/crictl"


INDEX = (
    "Debian http://mirror/debian/\nDebian-Security http://mirror/debian-security/\nOther http://x/"
)


def test_sources_follow_this_machines_mirrors() -> None:
    assert offline_bundle.offline_bundle_sources(INDEX, release="trixie") == [
        "deb http://mirror/debian/ trixie main",
        "deb http://mirror/debian/ trixie-updates main",
        "deb http://mirror/debian-security/ trixie-security main",
    ]


def test_a_named_mirror_wins_and_none_leaves_the_choice() -> None:
    lines = offline_bundle.offline_bundle_sources(
        "Ubuntu http://u/", release="x", mirror="http://m"
    )
    assert lines == ["deb http://m x main", "deb http://m x-updates main"]
    assert offline_bundle.offline_bundle_sources("Ubuntu http://u/", release="x") == []


def test_packages_of_commands_that_are_there_are_not_asked_for() -> None:
    wanted = {"sh": ["dash"], "no-such-command-anywhere": ["a", "b"]}
    assert offline_bundle.offline_bundle_missing_packages(wanted) == ["a", "b"]


def test_images_are_named_after_the_versions_that_are_built() -> None:
    """An image's name is written where it is asked for; go.mod alone decides what is in it."""
    settings = yaml.safe_load((ROOT / "inventory/group_vars/all/versions.yml").read_text())
    parts = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    versions = {
        program["name"]: program["version"].removeprefix("v")
        for program in programs(ROLE / "files" / "go", *parts["__offline_bundle_program_list"])
    }
    names = {
        re.sub(r"{{ (\w+) }}", lambda found: settings[found[1]], image["name"]): image.get(
            "program"
        )
        for image in parts["__offline_bundle_image_list"]
    }
    for name, program in names.items():
        tag = name.rpartition(":")[2].removeprefix("v")
        # Those with a plain number hold files of our own making.
        if tag != "1" and versions.get(program, "local") != "local":
            assert re.fullmatch(rf"{re.escape(versions[program])}(-0)?", tag), name
    manifest = (ROOT / "roles/minikube/files/kube-router.yaml").read_text()
    assert set(re.findall(r"image: (?:&\w+ )?(\S+:\S+)", manifest)) <= set(names)


@pytest.mark.parametrize(
    ("kubeconfig", "built"), [("", {"kubelet", "minikube", "traefik"}), ("/a/kubeconfig", set())]
)
def test_a_cluster_that_is_there_needs_no_parts_of_one(
    tmp_path: Path, kubeconfig: str, built: set[str]
) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"role_path": str(ROLE)},
        "vars_files": [str(ROLE / folder / "main.yml") for folder in ("vars", "defaults")],
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ __offline_bundle_programs | map(attribute='name') | to_json }}",
                    "dest": str(tmp_path / "programs.json"),
                    "mode": "0644",
                }
            }
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    subprocess.run(
        ["ansible-playbook", "-i", "inventory/hosts.yml", str(tmp_path / "play.yml")]
        + ["-e", json.dumps({"existing_cluster_kubeconfig": kubeconfig})],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    programs = set(json.loads((tmp_path / "programs.json").read_text()))
    assert programs >= built
    assert bool(programs) is bool(built)
