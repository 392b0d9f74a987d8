"""What the modules of the role images share: Docker's images and those of cluster nodes."""

from __future__ import annotations

import json
import subprocess

# Both stores of Docker are served: the older one knows an image by the digest of its
# configuration, the containerd one by that of its manifest. A node knows both.
_NODE_COMMAND = "crictl images --output json && echo --- && ctr --namespace k8s.io images list"


class DockerError(Exception):
    """Docker or a node gave no answer; the text says what it said instead."""


def output(command: list[str], seconds: int = 60) -> str:
    """What a command writes. Raises DockerError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except FileNotFoundError:
        raise DockerError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise DockerError(f"{command[0]} gave no answer within {seconds} seconds") from None
    if done.returncode:
        raise DockerError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def host_images(docker: str) -> dict[str, str]:
    """Reference to id of all tagged images that Docker has. Raises DockerError."""
    form = "{{.Repository}}:{{.Tag}} {{.ID}}"
    lines = output([docker, "image", "ls", "--no-trunc", "--format", form]).splitlines()
    pairs = (line.split() for line in lines)
    return {full_name(name): ident for name, ident in pairs if "<none>" not in name}


def host_ids(docker: str, references: list[str]) -> dict[str, str]:
    """Reference to id of these images. Raises DockerError that names those Docker does not have."""
    host = host_images(docker)
    if absent := [reference for reference in references if reference not in host]:
        raise DockerError(f"Docker does not have {', '.join(absent)}")
    return {reference: host[reference] for reference in references}


def node_images(docker: str, node: str) -> dict[str, list[str]]:
    """Reference to ids of all tagged images that a node has. Raises DockerError."""
    told = output([docker, "exec", node, "sh", "-c", _NODE_COMMAND])
    runtime, _, store = told.partition("\n---\n")
    images: dict[str, list[str]] = {}
    for image in json.loads(runtime)["images"]:
        for name in image["repoTags"]:
            images.setdefault(name, []).append(image["id"])
    for line in store.splitlines()[1:]:
        name, _, digest = line.split()[:3]
        if name in images:
            images[name].append(digest)
    return images


# How registries say that they do not have an image: in words of their own or of the client.
_ABSENT = ("not found", "manifest unknown", "name unknown", "no such manifest")


def registry_digest(docker: str, reference: str) -> str:
    """The digest (sha256:...) by which the registry that the reference names has it, or an empty
    text. Raises DockerError."""
    # Of a form that is not JSON, buildx makes its own table.
    form = ("--format", "{{json .Manifest}}")
    try:
        found = output([docker, "buildx", "imagetools", "inspect", *form, reference])
    except DockerError as error:
        if any(words in str(error).lower() for words in _ABSENT):
            return ""
        raise
    return str(json.loads(found)["digest"])


def full_name(reference: str) -> str:
    """A reference with registry and `library/`, as containerd writes it.

    Source: the rules of github.com/distribution/reference.
    """
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    if "." in first or ":" in first or first == "localhost":
        return reference
    return f"docker.io/{reference}"
