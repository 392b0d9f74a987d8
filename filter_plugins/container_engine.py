"""Filters of the role container_engine: reading what `docker info` and the kernel say."""

from __future__ import annotations

import json
from typing import Any


def _document(result: dict[str, Any]) -> dict[str, Any]:
    try:
        document = json.loads(result.get("stdout") or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def container_engine_problem(result: dict[str, Any]) -> str:
    """What keeps the engine of a registered `docker info --format json` from being used, or ""."""
    document = _document(result)
    if not document:
        return (result.get("stderr") or result.get("msg") or "docker is not installed").strip()
    errors = document.get("ServerErrors") or []
    if errors:
        return str(errors[0])
    if not document.get("ServerVersion"):
        said = (result.get("stderr") or "").strip()
        return said or "the docker daemon does not answer"
    plugins = (document.get("ClientInfo") or {}).get("Plugins") or []
    if not any(plugin.get("Name") == "buildx" and not plugin.get("Err") for plugin in plugins):
        return "the docker client lacks the buildx plugin"
    return ""


def container_engine_ready(result: dict[str, Any]) -> bool:
    """Whether a registered `docker info --format json` shows an engine with BuildKit."""
    return not container_engine_problem(result)


def container_engine_has_capability(status: str, number: int) -> bool:
    """Whether the bounding set in the text of /proc/PID/status holds capability `number`.

    Source: proc_pid_status(5), field CapBnd; the numbers are linux/capability.h's.
    Raises ValueError when the text has no such field.
    """
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "CapBnd":
            return bool(int(value, 16) >> number & 1)
    raise ValueError("no CapBnd in the process status: is this Linux?")


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            function.__name__: function
            for function in (
                container_engine_problem,
                container_engine_ready,
                container_engine_has_capability,
            )
        }
