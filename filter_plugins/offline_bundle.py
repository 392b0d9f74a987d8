"""Filters of the role offline_bundle: what it is made of, and what of that is missing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any


def offline_bundle_programs(
    programs: list[dict[str, Any]],
    *,
    modules: str,
    cache: str,
    variables: dict[str, dict[str, str]],
) -> list[dict[str, Any]]:
    """The programs with `version`, linker `variables` and `dest`, their path in the cache, added.

    `modules` is the folder of the Go modules, `cache` the folder of finished programs, `variables`
    the linker variables by the name of the Go module ({version}, {major} and {minor} in their
    values stand for the pinned version). Programs of one module lie in one folder, whose name
    carries a digest of go.mod, go.sum, sources and flags: whatever changes a program's bytes
    changes its place, and an old program never stands in for a new one.

    Raises ValueError when a program's go.mod does not require the module of its package.
    """
    finished = []
    for program in programs:
        folder = Path(modules) / program["module"]
        version = _version(folder / "go.mod", program["package"])
        linked = _linked(variables.get(program["module"], {}), version)
        flags = [program.get("cgo", False), program.get("build_tags", []), linked]
        digest = hashlib.sha256(json.dumps(flags, sort_keys=True).encode())
        for path in sorted(folder.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        place = Path(cache) / f"{program['module']}-{version}-{digest.hexdigest()[:12]}"
        dest = str(place / program["name"])
        finished.append(program | {"version": version, "variables": linked, "dest": dest})
    return finished


def _linked(variables: dict[str, str], version: str) -> dict[str, str]:
    major, minor = (version.lstrip("v").split(".") + ["", ""])[:2]
    return {
        name: value.format(version=version, major=major, minor=minor)
        for name, value in variables.items()
    }


def _version(go_mod: Path, package: str) -> str:
    if package == ".":
        return "local"
    for module, version in re.findall(r"^(?:require )?\s*(\S+) (v\S+)", go_mod.read_text(), re.M):
        if package == module or package.startswith(f"{module}/"):
            return str(version)
    raise ValueError(f"{go_mod} requires no module of {package}: add it with `go get`")


def offline_bundle_images(
    images: list[dict[str, str]], *, programs: list[dict[str, Any]], recipes: str
) -> list[dict[str, str]]:
    """The images with `place`, a digest of all they are made from, and `dest` of their program.

    `recipes` is the folder of the recipes that images name.
    Raises KeyError when an image names a program that is not among `programs`.
    """
    places = {program["name"]: program["dest"] for program in programs}
    finished = []
    for image in images:
        added = {"dest": places[image["program"]]} if "program" in image else {}
        digest = hashlib.sha256("/".join(added.get("dest", "").split("/")[-2:]).encode())
        if "recipe" in image:
            folder = Path(recipes) / image["recipe"]
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = str(path.relative_to(folder)).encode()
                digest.update(name + b"\0" + path.read_bytes() + b"\0")
        finished.append(image | added | {"place": digest.hexdigest()[:12]})
    return finished


def offline_bundle_missing_images(
    images: list[dict[str, str]], found: dict[str, str]
) -> list[dict[str, str]]:
    """The images that Docker does not have, or has made from something else.

    `found` is what the module offline_bundle_info tells: an image with a `place` counts only when
    that is its label.
    """
    return [
        image
        for image in images
        if (made := found.get(_familiar(image["name"]))) is None or image.get("place", made) != made
    ]


def offline_bundle_sources(index: str, *, release: str, mirror: str = "") -> list[str]:
    """Lines of sources.list(5) for a Debian release, from the mirrors this machine uses itself.

    `index` is what `apt-get indextargets --format '$(LABEL) $(REPO_URI)'` printed. `mirror`
    replaces the one found. Empty, on a machine that is not Debian and names no mirror, leaves
    the choice to the bootstrap program.
    """
    found = dict(line.split(" ", 1) for line in index.splitlines() if " " in line)
    main = mirror or found.get("Debian", "")
    if not main:
        return []
    lines = [f"deb {main} {release} main", f"deb {main} {release}-updates main"]
    if "Debian-Security" in found:
        lines.append(f"deb {found['Debian-Security']} {release}-security main")
    return lines


def offline_bundle_missing_packages(packages: dict[str, list[str]]) -> list[str]:
    """The packages, by the command they bring, of commands that are not on this machine's PATH."""
    missing = (names for command, names in packages.items() if not shutil.which(command))
    return [name for names in missing for name in names]


def _familiar(name: str) -> str:
    """Docker lists its own registry's images without the registry."""
    return name.removeprefix("docker.io/").removeprefix("library/")


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "offline_bundle_programs": offline_bundle_programs,
            "offline_bundle_images": offline_bundle_images,
            "offline_bundle_missing_images": offline_bundle_missing_images,
            "offline_bundle_missing_packages": offline_bundle_missing_packages,
            "offline_bundle_sources": offline_bundle_sources,
        }
