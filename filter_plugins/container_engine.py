"""Filters of the role container_engine: reading what the kernel says."""

from __future__ import annotations

from typing import Any


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
        return {"container_engine_has_capability": container_engine_has_capability}
