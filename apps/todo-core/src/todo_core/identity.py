"""Secrets that name a user: made, hashed, looked up. None is ever stored or logged as it is."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import LiteralString

from psycopg.abc import Params

from todo_core.database import Database, Row

ACCESS_TOKEN_PREFIX = "todo_pat_"  # noqa: S105 - tells what a secret is, and is none
# What a token may be used for: everything about tasks, or only reading them over REST.
SCOPES = ("todos", "todos:read")
# One row in any case; an unknown session is bound to nobody.
_BIND_SESSION = (
    "SELECT s.*, set_config('app.user_id', coalesce(s.user_id, ''), true),"
    " set_config('transaction_read_only', 'on', true)"
    " FROM (SELECT) one LEFT JOIN identify_session(%s) s ON true"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and what the credential that was shown allows."""

    user_id: str
    email: str
    name: str | None
    scopes: frozenset[str]
    session_id: int | None = None


def new_secret(prefix: str = "") -> str:
    """Return 256 random bits as URL-safe text."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return the SHA-256 under which a secret of 256 random bits is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def identify_session(database: Database, secret: str) -> Identity | None:
    """Return whose session cookie this is; None when it is unknown, revoked or expired."""
    async with database.anonymous() as connection:
        cursor = await connection.execute("SELECT * FROM identify_session(%s)", (digest(secret),))
        row = await cursor.fetchone()
    return None if row is None else _session(row)


async def read_by_session(
    database: Database, secret: str, query: LiteralString, values: Params
) -> tuple[Identity | None, list[Row]]:
    """Return whose session it is, and what the query finds among the rows of that user.

    One round trip for both: the database itself binds the transaction to the session's user.
    """
    row, rows = await database.read_bound((_BIND_SESSION, (digest(secret),)), query, values)
    return (None, []) if row["user_id"] is None else (_session(row), rows)


def _session(row: Row) -> Identity:
    return Identity(row["user_id"], row["email"], row["name"], frozenset(SCOPES), row["session_id"])


async def identify_access_token(database: Database, secret: str) -> Identity | None:
    """Return whose personal access token this is; None when it is unknown, revoked or expired."""
    if not secret.startswith(ACCESS_TOKEN_PREFIX):
        return None
    async with database.anonymous() as connection:
        cursor = await connection.execute(
            "SELECT * FROM identify_access_token(%s)", (digest(secret),)
        )
        row = await cursor.fetchone()
    if row is None:
        return None
    return Identity(row["user_id"], row["email"], row["name"], frozenset(row["scopes"]))
