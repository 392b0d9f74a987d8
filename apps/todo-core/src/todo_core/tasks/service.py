"""The rules about tasks that REST and the MCP tools share. Each call is one transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from todo_core.database import Connection, Database, Row
from todo_core.errors import ChangedError, NotFoundError
from todo_core.tasks import repository
from todo_core.tasks.paging import write_cursor
from todo_core.tasks.recurrence import next_due, recurs_on
from todo_core.tasks.repository import Reader, TaskFilter
from todo_core.tasks.schemas import TaskCreate

# A page as the tools need it: all tasks of a user, within reason. Whoever gets so many has to
# reckon with older ones.
ALL = 1000


def missing(task_id: int) -> NotFoundError:
    return NotFoundError(f"Task {task_id} was not found")


async def list_tasks(
    database: Reader, *, user_id: str, wanted: TaskFilter
) -> tuple[list[Row], str | None]:
    """Return the tasks and the cursor of the next page, None on the last."""
    rows = await repository.select_tasks(database, user_id=user_id, wanted=wanted)
    cursor = None
    if len(rows) > wanted.limit:
        rows.pop()
        cursor = write_cursor(wanted.sort, rows[-1]["cursor_key"], rows[-1]["id"])
    for row in rows:
        del row["cursor_key"]
    return rows, cursor


async def all_tasks(database: Database, *, user_id: str, wanted: TaskFilter) -> list[Row]:
    """Return the newest tasks that the filter wants, at most `ALL`."""
    return (await list_tasks(database, user_id=user_id, wanted=replace(wanted, limit=ALL)))[0]


async def get_task(database: Database, *, user_id: str, task_id: int) -> Row:
    """Return the task. Raises NotFoundError."""
    row = await repository.select_task(database, user_id=user_id, task_id=task_id)
    if row is None:
        raise missing(task_id)
    return row


async def create_task(database: Database, *, user_id: str, task: TaskCreate) -> Row:
    """Make the task and return it. Raises LimitError, and NotFoundError without the account."""
    fields = task.model_dump()
    fields |= recurs_on(task.due_at, task.time_zone)
    async with database.transaction(user_id) as connection:
        return await repository.insert_task(connection, user_id=user_id, **fields)


async def update_task(
    database: Database,
    *,
    user_id: str,
    task_id: int,
    changes: dict[str, Any],
    versions: Collection[datetime] | None = None,
) -> Row:
    """Change the given fields and return the task.

    ``versions``: the `updated_at` that the task may have; None for any. Raises NotFoundError,
    ChangedError when the task has another version, LimitError when there is no room for the next
    one of a recurring task.
    """
    async with database.transaction(user_id) as connection:
        row = await _lock(connection, user_id, task_id, versions)
        return await _change(connection, row, changes)


async def toggle_task(
    database: Database,
    *,
    user_id: str,
    task_id: int,
    versions: Collection[datetime] | None = None,
) -> Row:
    """Complete an open task, reopen a completed one; return it. Raises as `update_task` does."""
    async with database.transaction(user_id) as connection:
        row = await _lock(connection, user_id, task_id, versions)
        return await _change(connection, row, {"completed": not row["completed"]})


async def complete_task(database: Database, *, user_id: str, task_id: int) -> Row:
    """Complete the task, or leave it completed; return it. Raises NotFoundError, LimitError."""
    async with database.transaction(user_id) as connection:
        row = await _lock(connection, user_id, task_id)
        return row if row["completed"] else await _change(connection, row, {"completed": True})


async def delete_task(
    database: Database,
    *,
    user_id: str,
    task_id: int,
    versions: Collection[datetime] | None = None,
) -> str:
    """Delete the task and return its title. Raises NotFoundError, ChangedError."""
    async with database.transaction(user_id) as connection:
        if versions is not None:
            await _lock(connection, user_id, task_id, versions)
        title = await repository.delete_task(connection, user_id=user_id, task_id=task_id)
    if title is None:
        raise missing(task_id)
    return title


async def _lock(
    connection: Connection,
    user_id: str,
    task_id: int,
    versions: Collection[datetime] | None = None,
) -> Row:
    row = await repository.lock_task(connection, user_id=user_id, task_id=task_id)
    if row is None:
        raise missing(task_id)
    if versions is not None and row["updated_at"] not in versions:
        raise ChangedError("The task was changed in the meantime; read it again")
    return row


async def _change(connection: Connection, row: Row, changes: dict[str, Any]) -> Row:
    """Change a locked task; completing a recurring one makes the next, reopening takes it back."""
    changes = dict(changes)
    after = {**row, **changes}
    if any(after[name] != row[name] for name in ("due_at", "time_zone")):
        # Not where it is only given again: a task due on the 31st is due on 28 February, too.
        changes |= recurs_on(after["due_at"], after["time_zone"])
        after |= changes
    if changes.get("completed") and not row["completed"] and row["successor_id"] is None:
        successor = await _recur(connection, after)
        if successor is not None:
            changes["successor_id"] = successor["id"]
    if (
        row["completed"]
        and not after["completed"]
        # Otherwise the successor is all that is left of the recurrence.
        and after["recurrence"] != "none"
        and row["successor_id"] is not None
        and await repository.delete_untouched(
            connection, user_id=row["user_id"], task_id=row["successor_id"]
        )
    ):
        changes["successor_id"] = None
    changed = await repository.update_task(
        connection, user_id=row["user_id"], task_id=row["id"], changes=changes
    )
    assert changed is not None, "the row is locked"
    return changed


async def _recur(connection: Connection, row: Row) -> Row | None:
    if row["recurrence"] == "none":
        return None
    due_at = row["due_at"]
    if due_at is not None:
        due_at = next_due(
            *(due_at, row["recurrence"], row["recurrence_day"], datetime.now(UTC)),
            *(row["time_zone"], row["recurrence_time"]),
        )
        if due_at is None:
            return None
    copied = (
        *("user_id", "title", "description", "priority", "tags", "recurrence"),
        *("recurrence_day", "recurrence_time", "time_zone"),
    )
    return await repository.insert_task(
        connection, due_at=due_at, **{name: row[name] for name in copied}
    )
