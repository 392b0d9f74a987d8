# ruff: noqa: S608 - only column lists of this file are put into queries
"""All queries about personal access tokens."""

from __future__ import annotations

from typing import LiteralString

from todo_core.database import Connection, Row

_COLUMNS: LiteralString = "id, name, scopes, created_at, expires_at, last_used_at"


async def insert_token(
    connection: Connection,
    *,
    user_id: str,
    name: str,
    token_hash: bytes,
    scopes: list[str],
    days: int,
    most: int,
) -> Row | None:
    """Make a token; None when the user has as many as allowed."""
    await connection.execute(
        "DELETE FROM access_tokens WHERE user_id = %s AND expires_at < now() - interval '30 days'",
        (user_id,),
    )
    cursor = await connection.execute(
        "INSERT INTO access_tokens (user_id, name, token_hash, scopes, expires_at)"
        " SELECT %s, %s, %s, %s::text[], now() + make_interval(days => %s)"
        " WHERE (SELECT count(*) FROM access_tokens WHERE user_id = %s) < %s"
        f" RETURNING {_COLUMNS}",
        (user_id, name, token_hash, scopes, days, user_id, most),
    )
    return await cursor.fetchone()


async def select_tokens(connection: Connection, *, user_id: str) -> list[Row]:
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM access_tokens WHERE user_id = %s ORDER BY id DESC",
        (user_id,),
    )
    return await cursor.fetchall()


async def delete_token(connection: Connection, *, user_id: str, token_id: int) -> bool:
    """Revoke a token; returns False when there is none of this user."""
    cursor = await connection.execute(
        "DELETE FROM access_tokens WHERE user_id = %s AND id = %s RETURNING id",
        (user_id, token_id),
    )
    return await cursor.fetchone() is not None
