"""How much of a tool's result is kept: a list may hold a thousand tasks."""

from __future__ import annotations

import json
from typing import Any


def within(value: Any, most: int) -> tuple[Any, int]:
    """Return what of a result fits into `most` characters of JSON, and how many it takes.

    A list that does not fit becomes `{"result": its first rows, "count": its length}`, a text its
    beginning; anything else is small and stays.
    """
    if isinstance(value, str):
        return value[:most], len(value[:most])
    if not isinstance(value, list):
        return value, len(json.dumps(value, default=str))
    kept: list[Any] = []
    size = 0
    for row in value:
        length = len(json.dumps(row, default=str))
        if size + length > most:
            return {"result": kept, "count": len(value)}, size
        kept.append(row)
        size += length
    return value, size
