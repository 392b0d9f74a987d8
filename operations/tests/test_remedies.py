"""Remedies are true: the commands, files and settings that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "operations" / "src").rglob("*.py"))


def named(pattern: str) -> set[str]:
    text = "\n".join(path.read_text() for path in SOURCES)
    # A text that goes on in the next line of the source.
    return set(re.findall(pattern, re.sub(r'"\s*\n\s*f?"', "", text)))


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {
        name for names in re.findall(r"^([a-z][\w -]*?):", makefile, re.M) for name in names.split()
    }
    assert named(r"`make ([a-z-]+)") <= targets


@pytest.mark.parametrize("path", sorted(named(r"inventory/[\w/]+\.yml")))
def test_files_exist(path: str) -> None:
    assert (ROOT / path).is_file()


def test_tags_exist() -> None:
    known = (ROOT / "site.yml").read_text() + (
        ROOT / "inventory/group_vars/all/releases.yml"
    ).read_text()
    for tag in named(r"make up TAGS=([a-z-]+)"):
        assert re.search(rf"\b{tag}\b", known), tag


@pytest.mark.parametrize(
    "setting",
    sorted(named(r"`((?:platform|ingress|secrets|minikube)_\w+)`")),
)
def test_settings_exist(setting: str) -> None:
    text = "".join(path.read_text() for path in ROOT.glob("inventory/group_vars/all/*.yml"))
    text += "".join(path.read_text() for path in ROOT.glob("roles/*/defaults/main.yml"))
    assert re.search(rf"^{setting}:", text, re.M)
