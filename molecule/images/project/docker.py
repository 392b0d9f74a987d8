#!/usr/bin/env python3
"""Stands in for docker: `exec` reaches nodes that this script plays, all else is the real docker.

A node keeps its images, name to id, in NODE.json beside this script. It takes them from the archive
that the real `docker save` makes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path


def archived() -> dict[str, str]:
    """Name to id of the images in the archive on standard input."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        files = {
            member.name: content.read()
            for member in archive
            if member.isfile() and (content := archive.extractfile(member))
        }
    return {
        name: "sha256:" + hashlib.sha256(files[image["Config"]]).hexdigest()
        for image in json.loads(files["manifest.json"])
        for name in image["RepoTags"]
    }


def node(name: str, command: list[str]) -> None:
    state = Path(sys.argv[0]).with_name(f"{name}.json")
    images: dict[str, str] = json.loads(state.read_text()) if state.exists() else {}
    if command[0] == "sh":
        shown = [{"id": ident, "repoTags": [image]} for image, ident in images.items()]
        print(json.dumps({"images": shown}))
        print("---\nREF TYPE DIGEST SIZE")
        for reference in images:
            print(reference, "application/vnd.oci.image.manifest.v1+json sha256:0 1")
    elif command[:2] == ["crictl", "ps"]:
        print(json.dumps({"containers": []}))
    elif command[:2] == ["crictl", "rmi"]:
        state.write_text(json.dumps({n: i for n, i in images.items() if n not in command[2:]}))
    elif command[0] == "ctr":
        state.write_text(json.dumps(images | archived()))
    else:
        sys.exit(f"the node does not know {command}")


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[0] == "exec":
        name, *command = [word for word in arguments[1:] if word != "-i"]
        node(name, command)
    else:
        docker = shutil.which("docker") or sys.exit("docker is not installed")
        os.execv(docker, ["docker", *arguments])


if __name__ == "__main__":
    main()
