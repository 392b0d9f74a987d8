"""All queries about accounts and sessions."""

from __future__ import annotations

from todo_core.database import Connection, Database, Row

# A session ends after 90 days, or 30 unused (identify_session).
SESSION_DAYS = 90
# Old failures count no more.
_FORGET_MINUTES = 15


async def insert_user(
    connection: Connection, *, user_id: str, email: str, name: str | None, password_hash: str
) -> bool:
    """Make the account; returns False when the address has one."""
    cursor = await connection.execute(
        "INSERT INTO users (id, email, name, password_hash) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (email) DO NOTHING RETURNING true AS made",
        (user_id, email, name, password_hash),
    )
    return await cursor.fetchone() is not None


async def find_credentials(database: Database, *, email: str) -> Row | None:
    """Return user_id, email, name and password_hash of an account."""
    async with database.anonymous() as connection:
        cursor = await connection.execute("SELECT * FROM find_credentials(%s)", (email,))
        return await cursor.fetchone()


async def update_password(connection: Connection, *, user_id: str, password_hash: str) -> None:
    await connection.execute(
        "UPDATE users SET password_hash = %s WHERE id = %s", (password_hash, user_id)
    )


async def delete_user(connection: Connection, *, user_id: str) -> None:
    """Delete the account and, by its foreign keys, all that belongs to it."""
    await connection.execute("DELETE FROM users WHERE id = %s", (user_id,))


async def insert_session(connection: Connection, *, user_id: str, token_hash: bytes) -> None:
    await connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND expires_at < now()", (user_id,)
    )
    await connection.execute(
        "INSERT INTO sessions (user_id, token_hash, expires_at)"
        " VALUES (%s, %s, now() + make_interval(days => %s))",
        (user_id, token_hash, SESSION_DAYS),
    )


async def delete_session(connection: Connection, *, user_id: str, session_id: int) -> None:
    await connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND id = %s", (user_id, session_id)
    )


async def delete_sessions(connection: Connection, *, user_id: str) -> None:
    await connection.execute("DELETE FROM sessions WHERE user_id = %s", (user_id,))


async def login_failures(database: Database, *, key: bytes) -> tuple[int, float]:
    """Return how often signing in failed lately, and how many seconds ago the last time was."""
    async with database.anonymous() as connection:
        cursor = await connection.execute(
            "SELECT failures, extract(epoch FROM now() - last_at)::float AS age FROM login_failures"
            " WHERE key = %s AND last_at > now() - make_interval(mins => %s)",
            (key, _FORGET_MINUTES),
        )
        row = await cursor.fetchone()
    return (0, 0.0) if row is None else (row["failures"], row["age"])


async def note_login_failure(database: Database, *, key: bytes) -> None:
    async with database.anonymous() as connection:
        await connection.execute(
            "INSERT INTO login_failures AS f (key, failures) VALUES (%(key)s, 1)"
            " ON CONFLICT (key) DO UPDATE SET last_at = now(), failures = CASE"
            " WHEN f.last_at > now() - make_interval(mins => %(mins)s)"
            " THEN least(f.failures + 1, 1000) ELSE 1 END",
            {"key": key, "mins": _FORGET_MINUTES},
        )
        await connection.execute(
            "DELETE FROM login_failures WHERE last_at < now() - interval '1 day'"
        )


async def forget_login_failures(database: Database, *, key: bytes) -> None:
    async with database.anonymous() as connection:
        await connection.execute("DELETE FROM login_failures WHERE key = %s", (key,))
