# ruff: noqa: S608 - only column lists of this file are put into queries
"""All queries about conversations and messages."""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg.types.json import Jsonb
from todo_core.database import Connection, Row
from todo_core.errors import LimitError

# Seconds after which a turn that no longer renews its hold has lost the conversation.
HOLD = 15
# Of one user, as a bound on what one account can fill.
CONVERSATIONS_MAX = 1000
_COLUMNS: LiteralString = "id, title, created_at, updated_at"


async def book_turn(connection: Connection, *, user_id: str, per_minute: int) -> float | None:
    """Book a turn; returns the seconds to wait when a minute's turns are booked already.

    Returns None when there is no such account. (The generic cell rate algorithm of ATM networks.)
    """
    pace = 60 / per_minute
    values = {"user": user_id, "pace": pace, "ahead": 60 - pace}
    cursor = await connection.execute(
        "UPDATE users SET chat_booked_until ="
        " greatest(chat_booked_until, now()) + make_interval(secs => %(pace)s)"
        " WHERE id = %(user)s AND (chat_booked_until IS NULL"
        " OR chat_booked_until <= now() + make_interval(secs => %(ahead)s)) RETURNING 0 AS wait",
        values,
    )
    if (row := await cursor.fetchone()) is None:
        cursor = await connection.execute(
            "SELECT extract(epoch FROM chat_booked_until - now())::float - %(ahead)s AS wait"
            " FROM users WHERE id = %(user)s",
            values,
        )
        row = await cursor.fetchone()
    return None if row is None else row["wait"]


async def insert_conversation(
    connection: Connection, *, user_id: str, title: str, turn_id: str
) -> int:
    """Open a conversation that the turn holds; returns its id.

    Raises LimitError when the user has `CONVERSATIONS_MAX`.
    """
    cursor = await connection.execute(
        "INSERT INTO conversations (user_id, title, turn_id, turn_until)"
        " SELECT %s, %s, %s, now() + make_interval(secs => %s)"
        " WHERE (SELECT count(*) FROM conversations WHERE user_id = %s) < %s RETURNING id",
        (user_id, title, turn_id, HOLD, user_id, CONVERSATIONS_MAX),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LimitError(
            f"There are {CONVERSATIONS_MAX} conversations, the most that one user may have;"
            " delete one to begin another, or go on in one of them"
        )
    return int(row["id"])


async def hold_conversation(
    connection: Connection, *, user_id: str, conversation_id: int, turn_id: str
) -> bool | None:
    """Take or renew the hold: False when another turn has it, None without a conversation."""
    cursor = await connection.execute(
        "UPDATE conversations SET turn_id = %(turn)s,"
        " turn_until = now() + make_interval(secs => %(hold)s)"
        " WHERE user_id = %(user)s AND id = %(id)s"
        " AND (turn_id IS NULL OR turn_id = %(turn)s OR turn_until < now()) RETURNING id",
        {"turn": turn_id, "hold": HOLD, "user": user_id, "id": conversation_id},
    )
    if await cursor.fetchone() is not None:
        return True
    cursor = await connection.execute(
        "SELECT id FROM conversations WHERE user_id = %s AND id = %s", (user_id, conversation_id)
    )
    return None if await cursor.fetchone() is None else False


async def release_conversation(
    connection: Connection, *, user_id: str, conversation_id: int, turn_id: str
) -> None:
    """End the turn's hold, if it still has it, and move the conversation to the top."""
    await connection.execute(
        "UPDATE conversations SET updated_at = now(), turn_id = nullif(turn_id, %s)"
        " WHERE user_id = %s AND id = %s",
        (turn_id, user_id, conversation_id),
    )


async def insert_message(
    connection: Connection,
    *,
    user_id: str,
    conversation_id: int,
    role: str,
    content: str,
    tool_calls: list[dict[str, Any]] | None = None,
    pending: dict[str, Any] | None = None,
) -> int | None:
    """Store a message; None when the conversation was deleted meanwhile."""
    cursor = await connection.execute(
        "INSERT INTO messages (user_id, conversation_id, role, content, tool_calls, pending)"
        " SELECT %(user)s, id, %(role)s, %(content)s, %(calls)s, %(pending)s FROM conversations"
        " WHERE user_id = %(user)s AND id = %(conversation)s RETURNING id",
        {
            "user": user_id,
            "conversation": conversation_id,
            "role": role,
            "content": content,
            "calls": Jsonb(tool_calls or []),
            "pending": None if pending is None else Jsonb(pending),
        },
    )
    row = await cursor.fetchone()
    return None if row is None else int(row["id"])


async def select_messages(
    connection: Connection,
    *,
    user_id: str,
    conversation_id: int,
    limit: int,
    before: int | None = None,
    with_calls: bool = True,
) -> list[Row]:
    """Return the newest messages, of those before one with this id, oldest first.

    Without calls `tool_calls` is empty: results can be large.
    """
    cursor = await connection.execute(
        "SELECT id, role, content, pending, created_at,"
        " CASE WHEN %(calls)s THEN tool_calls ELSE '[]' END AS tool_calls FROM messages"
        " WHERE user_id = %(user)s AND conversation_id = %(conversation)s"
        " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {
            "calls": with_calls,
            "user": user_id,
            "conversation": conversation_id,
            "before": before,
            "limit": limit,
        },
    )
    return (await cursor.fetchall())[::-1]


async def select_conversations(
    connection: Connection, *, user_id: str, limit: int, after: tuple[Any, int] | None
) -> list[Row]:
    """Return conversations, the one last talked in first."""
    key, last_id = after or (None, None)
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE user_id = %(user)s"
        " AND (%(key)s::timestamptz IS NULL OR (updated_at, id) < (%(key)s, %(id)s::bigint))"
        " ORDER BY updated_at DESC, id DESC LIMIT %(limit)s",
        {"user": user_id, "key": key, "id": last_id, "limit": limit},
    )
    return await cursor.fetchall()


async def select_conversation(
    connection: Connection, *, user_id: str, conversation_id: int
) -> Row | None:
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE user_id = %s AND id = %s",
        (user_id, conversation_id),
    )
    return await cursor.fetchone()


async def delete_conversation(
    connection: Connection, *, user_id: str, conversation_id: int
) -> bool:
    cursor = await connection.execute(
        "DELETE FROM conversations WHERE user_id = %s AND id = %s RETURNING id",
        (user_id, conversation_id),
    )
    return await cursor.fetchone() is not None
