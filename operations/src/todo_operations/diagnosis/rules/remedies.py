"""Words for what to do, with the commands and settings of this project where there are some."""

from __future__ import annotations

from todo_operations import chart_values
from todo_operations.diagnosis.findings import Ref
from todo_operations.diagnosis.view import View

SETTINGS = "inventory/group_vars/all/releases.yml"
_AGENTS = "inventory/group_vars/all/agents.yml"


def again(view: View, about: Ref) -> str:
    """How an object is brought back as the project defines it."""
    release = view.release_of(about)
    if release:
        return f"`make up TAGS={_tag(release)}`"
    return "apply its manifest again"


def value(view: View, about: Ref, path: str) -> str:
    """How to set what a workload has at a path: by the chart's value of that path, or, where a
    release's chart has none, by undoing what somebody did to the object."""
    release = _release(view, about)
    if not release:
        return f"change {path} of {about} and apply it again"
    if chart_values.has_value(release, path):
        return f"set `{path}` in {settings(view, about)}"
    return (
        f"{again(view, about)} puts {path} back where it was changed by hand (the chart has no "
        "value for it)"
    )


def settings(view: View, about: Ref) -> str:
    """Where the settings of a workload's programs are written, and how they get there."""
    release = _release(view, about)
    if not release:
        return f"{about}, and apply it again"
    file = _AGENTS if release == "agents" else SETTINGS
    return f"the values of the release {release} in {file}, then {again(view, about)}"


def _release(view: View, about: Ref) -> str:
    """The release of one of the project's charts that an object belongs to; empty for others."""
    release = view.release_of(about)
    return release if chart_values.is_chart(release) else ""


def _tag(release: str) -> str:
    return chart_values.place(release)[1]
