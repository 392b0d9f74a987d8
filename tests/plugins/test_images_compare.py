"""The module images_compare, with a docker that saves the images a test has made."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import images_compare
import pytest
from ansible.module_utils.images_docker import DockerError

# Docker writes these in one of two orders: a folder's files behind it, or all by their paths.
FILES = {
    "opt/core": None,
    "opt/core/a.py": b"a",
    "opt/core-1.0": None,
    "opt/core-1.0/RECORD": b"record",
}
BY_PATH = sorted(FILES)


def layer(order: list[str], **changes: Any) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name in order:
            content = FILES[name]
            member = tarfile.TarInfo(name)
            member.mtime = 1
            if content is None:
                member.type = tarfile.DIRTYPE
            member.size = len(content or b"")
            for key, value in changes.get(Path(name).stem, {}).items():
                setattr(member, key, value)
            data = changes.get("content", content) if name.endswith("a.py") else content
            archive.addfile(member, io.BytesIO(data or b""))
    return written.getvalue()


def linked(first: str, second: str) -> bytes:
    """A layer with one file of two names, whose bytes lie with the first."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        member = tarfile.TarInfo(first)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo(second)
        link.type, link.linkname = tarfile.LNKTYPE, first
        archive.addfile(link)
    return written.getvalue()


def save(path: Path, *layers: bytes, user: str = "10001") -> None:
    """An image as `docker save` writes it."""
    names = [f"blobs/layer{number}" for number in range(len(layers))]
    settings = {"config": {"User": user}, "rootfs": {"diff_ids": [hash(one) for one in layers]}}
    parts = dict(zip(names, layers, strict=True))
    parts["blobs/settings"] = json.dumps(settings).encode()
    manifest = [{"Config": "blobs/settings", "Layers": names}]
    parts["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as archive:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A docker with two images, `first` and `second`, beside which a test saves them."""
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = image ]; then echo localhost/first:1 sha256:1; '
        "echo localhost/second:1 sha256:2; exit; fi\n"
        f'name=${{4#localhost/}}; exec cp "{tmp_path}/${{name%:1}}.tar" "$3"\n'
    )
    program.chmod(0o755)
    return program


def compare(docker: Path, second: str = "localhost/second:1") -> str:
    return images_compare.compare(str(docker), "localhost/first:1", second, 60)


def test_the_order_of_files_does_not_count(docker: Path) -> None:
    assert list(FILES) != BY_PATH
    save(docker.with_name("first.tar"), layer(list(FILES)))
    save(docker.with_name("second.tar"), layer(BY_PATH))
    assert compare(docker) == ""


def test_the_order_of_a_files_names_does_not_count(docker: Path) -> None:
    save(docker.with_name("first.tar"), linked("a", "b"))
    save(docker.with_name("second.tar"), linked("b", "a"))
    assert compare(docker) == ""


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ([layer(BY_PATH, content=b"b")], "/opt/core/a.py differs in layer 1 of 1"),
        ([layer(BY_PATH, a={"mode": 0o755})], "/opt/core/a.py differs"),
        ([layer(BY_PATH, a={"mtime": 2})], "/opt/core/a.py differs"),
        ([layer(BY_PATH, a={"uid": 5})], "/opt/core/a.py differs"),
        ([layer(BY_PATH[:-1])], "/opt/core/a.py differs"),
        ([layer(BY_PATH), layer([])], "one has 1 layers, the other 2"),
    ],
    ids=["content", "mode", "time", "owner", "absent", "layers"],
)
def test_what_differs_is_named(docker: Path, second: list[bytes], told: str) -> None:
    save(docker.with_name("first.tar"), layer(list(FILES)))
    save(docker.with_name("second.tar"), *second)
    assert told in compare(docker)


def test_settings_that_differ_are_named(docker: Path) -> None:
    save(docker.with_name("first.tar"), layer(BY_PATH))
    save(docker.with_name("second.tar"), layer(BY_PATH), user="0")
    assert compare(docker) == "their settings differ in config"


def test_images_of_one_id_are_not_even_saved(docker: Path) -> None:
    assert compare(docker, second="localhost/first:1") == ""


def test_an_image_that_is_not_there_is_named(docker: Path) -> None:
    with pytest.raises(DockerError, match="Docker does not have localhost/third:1"):
        compare(docker, second="localhost/third:1")


def test_what_docker_says_of_a_failure_is_told(docker: Path) -> None:
    with pytest.raises(DockerError, match="No such file"):
        compare(docker)
