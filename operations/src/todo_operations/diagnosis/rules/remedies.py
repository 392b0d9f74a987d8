"""Words for what to do, with the commands and settings of this project where there are some."""

from __future__ import annotations

from todo_operations.diagnosis.findings import Ref
from todo_operations.diagnosis.view import View

SETTINGS = "inventory/group_vars/all/releases.yml"


def again(view: View, about: Ref) -> str:
    """How an object is brought back as the project defines it."""
    release = view.release_of(about)
    if release:
        return f"`make up TAGS={release}`"
    return "apply its manifest again"


def value(view: View, about: Ref, path: str) -> str:
    """Where a chart's value is set: for a release in the inventory, else in the object itself."""
    release = view.release_of(about)
    if release:
        return (
            f"set `{path}` in the values of the release {release} in {SETTINGS}, "
            f"then `make up TAGS={release}`"
        )
    return f"change {path} of {about} and apply it again"
