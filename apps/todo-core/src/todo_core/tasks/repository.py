# ruff: noqa: S608 - only column lists of this file are put into queries
"""All queries about tasks, each bound to the caller by condition and row-level security."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, LiteralString, Protocol

from psycopg import sql
from psycopg.abc import Params

from todo_core.database import Connection, Database, Row
from todo_core.errors import LimitError
from todo_core.tasks.paging import order
from todo_core.tasks.schemas import TASKS_MAX, Priority, Sort, Status

_COLUMNS: LiteralString = (
    "id, user_id, title, description, completed, priority, due_at, tags, recurrence,"
    " time_zone, created_at, updated_at"
)
# Later than every earlier change, even within one tick of the clock: it tells versions apart.
_TOUCH: LiteralString = "updated_at = greatest(now(), updated_at + interval '1 microsecond')"
_COLUMN_NAMES = frozenset(
    [
        "title",
        "description",
        "completed",
        "priority",
        "due_at",
        "tags",
        "recurrence",
        "recurrence_day",
        "recurrence_time",
        "time_zone",
        "successor_id",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks, in which order, how many."""

    status: Status = "all"
    q: str | None = None
    tag: str | None = None
    priority: Priority | None = None
    sort: Sort = "-created_at"
    limit: int = 50
    after: tuple[str | int | None, int] | None = None


class Reader(Protocol):
    """Reads as `Database.read` does."""

    async def read(self, user_id: str, query: LiteralString, values: Params) -> list[Row]: ...


async def select_tasks(database: Reader, *, user_id: str, wanted: TaskFilter) -> list[Row]:
    """Return one row more than the limit when there is a next page; `cursor_key` orders them."""
    ordered = order(wanted.sort)
    conditions = ["user_id = %(user_id)s"]
    values: dict[str, Any] = {"user_id": user_id, "limit": wanted.limit + 1}
    if wanted.status != "all":
        conditions.append("completed" if wanted.status == "completed" else "NOT completed")
    if wanted.q:
        conditions.append("(title ILIKE ANY (%(q)s) OR description ILIKE ANY (%(q)s))")
        values["q"] = [f"%{_literal(text)}%" for text in _spellings(wanted.q)]
    if wanted.tag is not None:
        conditions.append("tags && %(tags)s")
        values["tags"] = _spellings(wanted.tag)
    if wanted.priority is not None:
        conditions.append("priority = %(priority)s")
        values["priority"] = wanted.priority
    if wanted.after is not None:
        conditions.append(ordered.after)
        values["key"], values["id"] = wanted.after
    key = "NULL" if ordered.key == "id" else ordered.key
    if ordered.type == "timestamptz":
        # As text: Python's datetime has no infinity.
        key = f"CASE WHEN isfinite({key}) THEN to_json({key}) #>> '{{}}' ELSE ({key})::text END"
    query = (
        f"SELECT {_COLUMNS}, {key} AS cursor_key FROM tasks"
        f" WHERE {' AND '.join(conditions)} ORDER BY {ordered.by} LIMIT %(limit)s"
    )
    return await database.read(user_id, query, values)


def _spellings(text: str) -> list[str]:
    """Return the text as it is stored, and as earlier versions stored what was typed so."""
    return list(dict.fromkeys(unicodedata.normalize(form, text) for form in ("NFC", "NFD")))


def _literal(text: str) -> str:
    """Return the text with LIKE's own characters meaning themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def select_task(database: Database, *, user_id: str, task_id: int) -> Row | None:
    """Return the task; None when there is none of this user."""
    query: LiteralString = f"SELECT {_COLUMNS} FROM tasks WHERE user_id = %s AND id = %s"
    rows = await database.read(user_id, query, (user_id, task_id))
    return rows[0] if rows else None


async def lock_task(connection: Connection, *, user_id: str, task_id: int) -> Row | None:
    """Return the task with all columns and keep others from changing it; None without one."""
    query: LiteralString = (
        f"SELECT {_COLUMNS}, recurrence_day, recurrence_time,"
        # A successor that was deleted is none, so completing the task again makes another.
        " (SELECT s.id FROM tasks s WHERE s.id = tasks.successor_id) AS successor_id"
        " FROM tasks WHERE user_id = %s AND id = %s FOR UPDATE"
    )
    cursor = await connection.execute(query, (user_id, task_id))
    return await cursor.fetchone()


async def insert_task(
    connection: Connection,
    *,
    user_id: str,
    title: str,
    description: str | None = None,
    completed: bool = False,
    priority: str = "none",
    due_at: datetime | None = None,
    tags: list[str] | None = None,
    recurrence: str = "none",
    recurrence_day: int | None = None,
    recurrence_time: time | None = None,
    time_zone: str | None = None,
) -> Row:
    """Make the task and return it. Raises LimitError when the user has `TASKS_MAX`."""
    cursor = await connection.execute(
        "INSERT INTO tasks (user_id, title, description, completed, priority, due_at, tags,"
        " recurrence, recurrence_day, recurrence_time, time_zone)"
        " SELECT %s, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s, %s"
        " WHERE (SELECT count(*) FROM tasks WHERE user_id = %s) < %s"
        f" RETURNING {_COLUMNS}",
        (
            *(user_id, title, description, completed, priority, due_at, tags or []),
            *(recurrence, recurrence_day, recurrence_time, time_zone, user_id, TASKS_MAX),
        ),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LimitError(f"There are {TASKS_MAX} tasks, the most that one user may have")
    return row


async def update_task(
    connection: Connection, *, user_id: str, task_id: int, changes: dict[str, Any]
) -> Row | None:
    """Set the given columns and return the task; None when there is none of this user."""
    assert changes.keys() <= _COLUMN_NAMES
    assignments = sql.SQL(", ").join(
        [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in changes]
        + [sql.SQL(_TOUCH)]
    )
    query = sql.SQL(
        "UPDATE tasks SET {} WHERE user_id = %(user_id)s AND id = %(task_id)s RETURNING {}"
    ).format(assignments, sql.SQL(_COLUMNS))
    cursor = await connection.execute(query, {**changes, "user_id": user_id, "task_id": task_id})
    return await cursor.fetchone()


async def delete_task(connection: Connection, *, user_id: str, task_id: int) -> str | None:
    """Delete the task and return its title; None when there is none of this user."""
    cursor = await connection.execute(
        "DELETE FROM tasks WHERE user_id = %s AND id = %s RETURNING title", (user_id, task_id)
    )
    row = await cursor.fetchone()
    return None if row is None else str(row["title"])


async def delete_untouched(connection: Connection, *, user_id: str, task_id: int) -> bool:
    """Delete the task if it is open and as it was made; returns whether it was."""
    cursor = await connection.execute(
        "DELETE FROM tasks WHERE user_id = %s AND id = %s"
        " AND NOT completed AND updated_at = created_at RETURNING id",
        (user_id, task_id),
    )
    return await cursor.fetchone() is not None
