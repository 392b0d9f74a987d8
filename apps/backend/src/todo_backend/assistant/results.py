"""What of a model's words and a tool's result can be kept, and how much of it."""

from __future__ import annotations

import json
import math
from typing import Any

# No tool has arguments or results deeper than a few levels.
_DEEPEST = 50


def clean(value: Any, depth: int = 0) -> Any:
    """Return the value without what PostgreSQL and JSON cannot hold.

    That are NUL, halves of surrogate pairs, NaN and the infinities: a model may say anything.
    """
    if isinstance(value, str):
        whole = value.replace("\x00", "").encode("utf-16", "surrogatepass")
        return whole.decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return None
    if isinstance(value, dict):
        return {clean(name): clean(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [clean(part, depth + 1) for part in value]
    return value


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
