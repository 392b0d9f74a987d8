"""Filters of the role images: which image has which tag, and what is to be done for it.

A tag is made from what goes into the image: the files of all build contexts that .dockerignore
lets through, the Dockerfile, the build arguments and, through them, the tags of base images. The
same content has the same tag on every machine, so "the tag exists" says that nothing changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_KEYS = {"name", "context", "dockerfile", "target", "contexts", "args", "bases", "load"}
_DIGITS = 12


def _ignored(context: Path) -> list[str]:
    """The patterns of a context's .dockerignore, as BuildKit reads them."""
    path = context / ".dockerignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    patterns = (line.strip() for line in lines if not line.startswith("#"))
    return [pattern for pattern in patterns if pattern]


def images_context_digest(context: str) -> str:
    """SHA-256 (hexadecimal) of the files of a build context that BuildKit would see.

    Path, content and the executable bit count, as in git; owner, times and other permissions do
    not, because a fresh clone would change them. Raises AnsibleFilterError when the folder is
    missing or a file cannot be read.
    """
    # Docker's own reading of .dockerignore. Imported here: it takes 0.2 s, and Ansible loads
    # this file in every play.
    from docker.utils.build import exclude_paths

    root = Path(context)
    if not root.is_dir():
        raise AnsibleFilterError(f"build context {root} is not a folder")
    digest = hashlib.sha256()
    for name in sorted(exclude_paths(str(root), _ignored(root))):
        path = root / name
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                kind, content = "link", os.fsencode(path.readlink())
            elif stat.S_ISREG(mode):
                kind, content = ("program" if mode & stat.S_IXUSR else "file"), path.read_bytes()
            else:
                continue
        except OSError as error:
            raise AnsibleFilterError(f"build context {root}: {error}") from error
        for part in (kind.encode(), os.fsencode(name), hashlib.sha256(content).digest()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _checked(image: dict[str, Any], names: set[str]) -> dict[str, Any]:
    name = image.get("name", "")
    if not _NAME.fullmatch(name):
        raise AnsibleFilterError(f"images_build: {name!r} is no image name: use a-z, 0-9, - . _")
    unknown = set(image) - _KEYS
    if unknown:
        raise AnsibleFilterError(
            f"images_build: {name} has unknown keys {', '.join(sorted(unknown))}; "
            f"known are {', '.join(sorted(_KEYS))}"
        )
    if not image.get("context"):
        raise AnsibleFilterError(f"images_build: {name} names no context")
    for argument, base in image.get("bases", {}).items():
        if base not in names:
            raise AnsibleFilterError(
                f"images_build: {name} takes {argument} from {base}, which is not in the list"
            )
    return image


def _in_build_order(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each image after its bases. Raises AnsibleFilterError when they form a circle."""
    waiting = {image["name"]: image for image in images}
    ordered: list[dict[str, Any]] = []
    while waiting:
        ready = [
            image
            for image in waiting.values()
            if not any(base in waiting for base in image.get("bases", {}).values())
        ]
        if not ready:
            raise AnsibleFilterError(
                f"images_build: {', '.join(sorted(waiting))} are bases of each other"
            )
        for image in ready:
            del waiting[image["name"]]
        ordered += ready
    return ordered


def images_plan(
    images: list[dict[str, Any]],
    *,
    directory: str,
    prefix: str,
    args: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The images in build order, each with its `reference` and everything a build needs.

    `directory` is where relative paths start, `prefix` what comes before the images' names, `args`
    are build arguments of all images. Raises AnsibleFilterError for a list that cannot be built.
    """
    names = {image.get("name", "") for image in images}
    if len(names) < len(images):
        raise AnsibleFilterError("images_build names an image twice")
    references: dict[str, str] = {}
    digests: dict[str, str] = {}
    plan = []
    for image in _in_build_order([_checked(image, names) for image in images]):
        context = str(Path(directory, image["context"]))
        contexts = {
            name: str(Path(directory, path)) for name, path in image.get("contexts", {}).items()
        }
        dockerfile = Path(directory, image.get("dockerfile", f"{context}/Dockerfile"))
        if not dockerfile.is_file():
            raise AnsibleFilterError(f"images_build: {image['name']} has no {dockerfile}")
        bases = image.get("bases", {})
        arguments = {
            **{name: str(value) for name, value in (args or {}).items()},
            **{name: str(value) for name, value in image.get("args", {}).items()},
            **{name: references[base] for name, base in bases.items()},
        }
        for path in {context, *contexts.values()} - digests.keys():
            digests[path] = images_context_digest(path)
        content = {
            "args": {
                # A registry in front of a base's name does not change its content.
                **arguments,
                **{name: references[base].rpartition(":")[2] for name, base in bases.items()},
            },
            "context": digests[context],
            "contexts": {name: digests[path] for name, path in contexts.items()},
            "dockerfile": hashlib.sha256(dockerfile.read_bytes()).hexdigest(),
            "target": image.get("target", ""),
        }
        text = json.dumps(content, sort_keys=True)
        tag = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        references[image["name"]] = f"{prefix}/{image['name']}:{tag}"
        plan.append(
            {
                "name": image["name"],
                "reference": references[image["name"]],
                "context": context,
                "contexts": contexts,
                "dockerfile": str(dockerfile),
                "target": content["target"],
                "args": arguments,
                "needs": sorted({references[base] for base in bases.values()}),
                "load": bool(image.get("load", True)),
            }
        )
    return plan


def images_references(plan: list[dict[str, Any]]) -> dict[str, str]:
    """Name to reference of the images of a plan."""
    return {image["name"]: image["reference"] for image in plan}


def images_digests(plan: list[dict[str, Any]], host: dict[str, str]) -> dict[str, str]:
    """Name to digest (sha256:...) of the images of a plan; `host` maps the references there are."""
    return {image["name"]: host[image["reference"]] for image in plan if image["reference"] in host}


def images_selected(plan: list[dict[str, Any]], selected: list[str]) -> list[dict[str, Any]]:
    """The images asked for; without a choice all that a cluster runs.

    Raises AnsibleFilterError for a name that is not in the plan.
    """
    names = [image["name"] for image in plan]
    unknown = sorted(set(selected) - set(names))
    if unknown:
        raise AnsibleFilterError(
            f"images_selected names {', '.join(unknown)}; images_build has {', '.join(names)}"
        )
    return [image for image in plan if (image["name"] in selected if selected else image["load"])]


def images_problems(probe: dict[str, Any], load: list[str]) -> list[str]:
    """What keeps images from reaching the cluster, each with its remedy; `probe` is the result of
    the module images_probe, `load` the images of others that the cluster needs."""
    if probe["problem"]:
        return [
            f"Docker cannot be used: {probe['problem']}. "
            "Run with `--tags container_engine` first, or mend what it says."
        ]
    problems = [
        f"The cluster's node {node} does not answer: {problem}. "
        "Start the cluster with `--tags minikube`, or set images_nodes."
        for node, problem in probe["node_problems"].items()
    ]
    nodes: list[dict[str, list[str]]] = list(probe["nodes"].values())
    if probe["registry_problem"]:
        problems.append(
            f"The registry does not answer as it should: {probe['registry_problem']}. See that it "
            "runs and that `docker login` was done for it, or correct images_registry."
        )
    absent = [
        reference
        for reference in load
        if reference not in probe["host"] and not (nodes and all(reference in n for n in nodes))
    ]
    if absent:
        problems.append(
            f"Docker does not have {', '.join(absent)}. Run with `--tags offline_bundle`, pull "
            "them, or correct images_load (full names with registry and tag)."
        )
    return problems


def images_to_build(
    plan: list[dict[str, Any]],
    selected: list[dict[str, Any]],
    host: dict[str, str],
    nodes: dict[str, dict[str, list[str]]],
) -> list[dict[str, Any]]:
    """What must be built: selected images that neither Docker nor all nodes have, and those of
    their bases that Docker lacks. `host` maps references to ids, `nodes` does so for each node."""
    by_reference = {image["reference"]: image for image in plan}
    wanted: set[str] = set()
    waiting = [
        image["reference"]
        for image in selected
        if not (
            image["load"] and nodes and all(image["reference"] in node for node in nodes.values())
        )
    ]
    while waiting:
        reference = waiting.pop()
        if reference not in host and reference not in wanted:
            wanted.add(reference)
            waiting += by_reference[reference]["needs"]
    return [image for image in plan if image["reference"] in wanted]


def images_to_load(
    references: list[str],
    host: dict[str, str],
    nodes: dict[str, dict[str, list[str]]],
    built: list[str],
) -> dict[str, list[str]]:
    """Node to the references that it lacks, has with another content than Docker, or that are
    (to be) built in this run. An image that only the node has needs nothing.

    `nodes` maps node and reference to the ids that the node knows the image by.
    """
    return {
        node: missing
        for node, present in nodes.items()
        if (
            missing := [
                reference
                for reference in references
                if reference not in present
                or reference in built
                or (reference in host and host[reference] not in present[reference])
            ]
        )
    }


def images_crowded(
    references: list[str], keep: int, host: dict[str, str], nodes: dict[str, dict[str, list[str]]]
) -> list[str]:
    """The references whose repository has more than `keep` tags in Docker or on a node."""
    # The current tags may not be there yet: they are built and loaded in this run.
    stores = [{*host, *references}, *({*node, *references} for node in nodes.values())]
    return [
        reference
        for reference in references
        if any(
            sum(_repository(name) == _repository(reference) for name in store) > keep
            for store in stores
        )
    ]


def _repository(reference: str) -> str:
    return reference.rpartition(":")[0]


class FilterModule:
    """Makes the functions known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter name to function."""
        return {
            function.__name__: function
            for function in (
                images_context_digest,
                images_crowded,
                images_digests,
                images_plan,
                images_problems,
                images_references,
                images_selected,
                images_to_build,
                images_to_load,
            )
        }
