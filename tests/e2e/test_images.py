"""What the images of the running platform hold, looked at from outside, and their bills."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from e2e.support import ROOT, docker, kubectl_json, playbook

IMAGES = ("postgres", "mcp-server", "backend", "frontend")
# Uncompressed; PostgreSQL installed in the usual way has 578.
MEGABYTES = {"postgres": 180, "mcp-server": 150, "backend": 170, "frontend": 170}
SHELLS = {"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "zsh"}
PACKAGE_MANAGERS = {
    *("apk", "apt", "apt-get", "conda", "corepack", "dnf", "dpkg", "easy_install", "npm", "npx"),
    *("pip", "pip3", "rpm", "uv", "yarn", "yum"),
}


@pytest.fixture(scope="module", params=IMAGES)
def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def reference(service: str) -> str:
    """The image as the cluster runs it."""
    kind = "statefulset" if service == "postgres" else "deployment"
    found = kubectl_json("get", kind, "-n", "todo", service)
    image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


@pytest.fixture(scope="module")
def files(reference: str) -> list[tarfile.TarInfo]:
    """All files of a container that never ran."""
    container = docker("create", reference, "nothing")
    try:
        with (
            subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export,
            tarfile.open(fileobj=export.stdout, mode="r|") as archive,
        ):
            return list(archive)
    finally:
        # And the volume that an image like PostgreSQL's declares.
        docker("rm", "--volumes", container)


def test_image_is_small(service: str, reference: str) -> None:
    size = int(docker("image", "inspect", "--format", "{{.Size}}", reference)) / 10**6
    print(f"{service}: {size:.0f} MB")
    assert size <= MEGABYTES[service]


def test_image_holds_nothing_to_climb_on(service: str, files: list[tarfile.TarInfo]) -> None:
    assert [file.name for file in files if file.isfile() and file.mode & 0o6000] == []
    programs = {Path(file.name).name for file in files if not file.isdir() and file.mode & 0o111}
    # initdb needs a shell, under both of its names.
    assert programs & SHELLS == ({"sh", "dash"} if service == "postgres" else set())
    assert programs & PACKAGE_MANAGERS == set()
    packages = {Path(file.name).name for file in files if file.isdir()}
    assert not packages & {"pip", "npm", "setuptools", "ensurepip"}
    # Nothing that runs may change what it runs; links have the rights of what they lead to.
    ours = [file for file in files if file.uid != 0 and not file.issym()]
    assert {file.name.split("/")[0] for file in ours} <= {"run", "var"}
    writable = [file for file in files if file.mode & 0o002 and not file.issym()]
    assert [file.name for file in writable if not file.mode & 0o1000] == []


def test_image_says_what_it_is_and_runs_as_nobody(service: str, reference: str) -> None:
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", reference))
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"todo/{service}"
    assert labels["org.opencontainers.image.description"]
    assert labels["org.opencontainers.image.version"] == reference.rpartition(":")[2]
    # Their own, and for the rest those of the root that they stand on.
    assert labels["org.opencontainers.image.licenses"]
    assert config["User"] == "10001:10001"
    # No shell and no curl: the program itself is asked, in its own language.
    assert config["Healthcheck"]["Test"][0] == "CMD"


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    playbook("playbooks/sbom.yml", "-e", f"sbom_dir={folder}")
    assert "changed=0" in playbook("playbooks/sbom.yml", "-e", f"sbom_dir={folder}")
    return folder


def bill(folder: Path, reference: str) -> dict[str, Any]:
    name = reference.rpartition("/")[2].replace(":", "-")
    found: dict[str, Any] = json.loads((folder / f"{name}.spdx.json").read_text())
    return found


def packages(document: dict[str, Any], kind: str) -> dict[str, str]:
    """Name to version of the packages of one kind (pypi, deb, npm, generic)."""
    found = {}
    for package in document["packages"]:
        for entry in package.get("externalRefs", []):
            if entry["referenceLocator"].startswith(f"pkg:{kind}/"):
                # Python has several ways to write one name.
                name = re.sub(r"[-_.]+", "-", package["name"].lower()) if kind == "pypi" else ""
                found[name or package["name"]] = package.get("versionInfo", "")
    return found


def test_bill_lists_what_the_image_really_holds(
    service: str, reference: str, bills: Path, files: list[tarfile.TarInfo]
) -> None:
    document = bill(bills, reference)
    assert document["spdxVersion"] == "SPDX-2.3"
    debian = packages(document, "deb")
    status = "var/lib/dpkg/status.d/"
    recorded = {file.name.removeprefix(status) for file in files if file.name.startswith(status)}
    assert recorded
    assert recorded <= debian.keys()
    assert debian["libc6"].startswith("2.41")
    if service == "postgres":
        version = docker("run", "--rm", "--entrypoint", "postgres", reference, "--version").split()
        assert debian["postgresql-17"].startswith(version[2])
    elif service == "frontend":
        wanted = json.loads((ROOT / "apps/frontend/package.json").read_text())["dependencies"]
        assert wanted.items() <= packages(document, "npm").items()
        version = docker("run", "--rm", "--entrypoint", "node", reference, "--version").split()
        assert packages(document, "generic")["node"] == version[0].removeprefix("v")
    else:
        locked = dict(
            re.findall(
                r"(?m)^([a-z0-9-]+)==(\S+) ",
                (ROOT / "apps" / service / "requirements.txt").read_text(),
            )
        )
        assert len(locked) > 20
        assert locked.items() <= packages(document, "pypi").items()


def test_every_running_image_has_its_bill(bills: Path) -> None:
    assert len(list(bills.iterdir())) == len(IMAGES)
