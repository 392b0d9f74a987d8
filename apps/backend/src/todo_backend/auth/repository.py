# ruff: noqa: S608 - only an expression of this file is put into queries
"""All queries about accounts and sessions."""

from __future__ import annotations

from todo_core.database import Connection, Database, Row

# A session ends after 90 days, or 30 unused (identify_session).
SESSION_DAYS = 90
# From this many failures in a row on, an account (for browsers that signed in to it before: each
# of them) has to wait: 2, 4, 8 ... seconds. Sign-ins that run at once count until they succeed.
FREE_FAILURES = 10
_LONGEST_WAIT = 300
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


async def count_login(database: Database, *, key: bytes) -> float:
    """Count an attempt to sign in as failed until it succeeds; returns the seconds it has to wait.

    One statement, so that of many attempts at once each sees those before it. One that has to wait
    is not counted.
    """
    values = {"key": key, "forget": _FORGET_MINUTES, "free": FREE_FAILURES, "most": _LONGEST_WAIT}
    wait = "least(power(2, least(f.failures - %(free)s + 1, 20)), %(most)s)"
    async with database.anonymous() as connection:
        cursor = await connection.execute(
            "INSERT INTO login_failures AS f (key, failures) VALUES (%(key)s, 1)"
            " ON CONFLICT (key) DO UPDATE SET last_at = now(), failures = CASE"
            " WHEN f.last_at > now() - make_interval(mins => %(forget)s)"
            " THEN least(f.failures + 1, 1000) ELSE 1 END WHERE f.failures < %(free)s"
            f" OR f.last_at < now() - make_interval(secs => {wait}) RETURNING 0::float AS wait",
            values,
        )
        if (row := await cursor.fetchone()) is None:
            cursor = await connection.execute(
                f"SELECT {wait} - extract(epoch FROM now() - f.last_at)::float AS wait"
                " FROM login_failures f WHERE key = %(key)s",
                values,
            )
            row = await cursor.fetchone()
        await connection.execute(
            "DELETE FROM login_failures WHERE last_at < now() - interval '1 day'"
        )
    return 0.0 if row is None else max(0.0, row["wait"])


async def forget_login_failures(connection: Connection, *, key: bytes) -> None:
    await connection.execute("DELETE FROM login_failures WHERE key = %s", (key,))
