"""Stable paging: a cursor names the last row seen, so rows that come or go move no page."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from todo_core.tasks.schemas import Sort, is_utf8

# What each order compares, and what type its key has in PostgreSQL. Tasks without a due time come
# last.
_KEYS: dict[str, tuple[str, str]] = {
    "created_at": ("id", "bigint"),
    "updated_at": ("updated_at", "timestamptz"),
    "due_at": ("coalesce(due_at, 'infinity')", "timestamptz"),
    "-due_at": ("coalesce(due_at, '-infinity')", "timestamptz"),
    "priority": ("array_position(ARRAY['none','low','medium','high'], priority)", "int"),
    "title": ("lower(title)", "text"),
}


_FOREIGN = "is not a cursor that a list answered with"
# The longest title takes 200 characters of at most 6 bytes, and base64 makes 4 of 3.
CURSOR_MAX = 2000


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered, as SQL. The id settles what the key leaves open."""

    key: str
    type: str
    descending: bool

    @property
    def by(self) -> str:
        """The ORDER BY list."""
        direction = "DESC" if self.descending else "ASC"
        if self.key == "id":
            return f"id {direction}"
        return f"{self.key} {direction}, id {direction}"

    @property
    def after(self) -> str:
        """The condition for rows behind the cursor; takes parameters `key` and `id`."""
        comparison = "<" if self.descending else ">"
        if self.key == "id":
            return f"id {comparison} %(id)s"
        return f"({self.key}, id) {comparison} (%(key)s::{self.type}, %(id)s)"


def order(sort: Sort) -> Order:
    """Return the order that a sort parameter names."""
    name = sort.removeprefix("-")
    key, kind = _KEYS.get(sort) or _KEYS[name]
    return Order(key, kind, sort.startswith("-"))


def write_cursor(sort: Sort, key: Any, task_id: int) -> str:
    """Return the cursor of the page behind the row with this key and id."""
    text = key.isoformat() if isinstance(key, datetime) else key
    raw = json.dumps([sort, text, task_id], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_cursor(cursor: str, sort: Sort) -> tuple[str | int | None, int]:
    """Return key and id of a cursor. Raises ValueError for one of another order or not ours."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        found_sort, key, task_id = json.loads(raw)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise ValueError(_FOREIGN) from error
    if found_sort != sort:
        raise ValueError(f"belongs to the order {found_sort!r}, not {sort!r}")
    if type(task_id) is not int or not 0 < task_id < 2**63:
        raise ValueError(_FOREIGN)
    return _key(order(sort).type, key), task_id


def _key(kind: str, key: object) -> str | int | None:
    """Return the key as PostgreSQL takes it. Raises ValueError for one of another type."""
    if kind == "bigint" and key is None:
        return None
    if kind == "int" and type(key) is int and 1 <= key <= 4:
        return key
    if isinstance(key, str):
        # PostgreSQL takes no NUL and no half of a surrogate pair.
        if kind == "text" and "\x00" not in key and is_utf8(key):
            return key
        if kind == "timestamptz":
            return key if key in ("infinity", "-infinity") else _time(key)
    raise ValueError(_FOREIGN)


def _time(text: str) -> str:
    """Return the time as PostgreSQL reads it: Python reads week dates and more, which it does not.

    Raises ValueError.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise ValueError(_FOREIGN) from error
