"""The pool, and the second wall: row-level security."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from todo_core.database import Database
from todo_core.errors import UnavailableError
from todo_core.settings import DatabaseSettings

USER_TABLES = ("sessions", "access_tokens", "tasks", "conversations", "messages")


def _own(connection: psycopg.Connection[Any], user_id: str) -> None:
    connection.execute("SELECT set_config('app.user_id', %s, false)", (user_id,))


@pytest.mark.parametrize("role", ["todo_backend", "todo_mcp"])
def test_servers_own_nothing_and_make_nothing(scratch: Any, role: str) -> None:
    with psycopg.connect(scratch.conninfo(role), autocommit=True) as connection:
        for statement in (
            "CREATE TABLE mine (id int)",
            "ALTER TABLE tasks DISABLE ROW LEVEL SECURITY",
            "DROP TABLE tasks",
            "TRUNCATE tasks",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_every_table_of_users_is_under_row_level_security(scratch: Any) -> None:
    with scratch.superuser() as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"
        ).fetchall()
    assert {name for (name,) in rows} == {"users", *USER_TABLES}


@pytest.mark.parametrize("role", ["todo_backend", "todo_mcp"])
def test_a_query_without_a_condition_sees_only_the_users_rows(
    scratch: Any, user: Any, stranger: Any, role: str
) -> None:
    mine, foreign = user.add("Mine"), stranger.add("Foreign")
    with psycopg.connect(scratch.conninfo(role), autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
        _own(connection, user.id)
        assert connection.execute("SELECT id FROM tasks").fetchall() == [(mine["id"],)]
        changed = connection.execute("UPDATE tasks SET title = 'x' RETURNING id").fetchall()
        assert changed == [(mine["id"],)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO tasks (user_id, title) VALUES (%s, 'x')", (stranger.id,)
            )
        assert connection.execute("DELETE FROM tasks RETURNING id").fetchall() == [(mine["id"],)]
    assert stranger.list() == [foreign]


def test_the_mcp_server_sees_no_accounts(scratch: Any) -> None:
    with psycopg.connect(scratch.conninfo("todo_mcp"), autocommit=True) as connection:
        for table in ("users", "sessions", "access_tokens", "conversations", "messages"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}")  # noqa: S608
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM find_credentials('a@example.com')")


def test_settings_name_the_variable_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from todo_core.settings import load

    monkeypatch.setenv("TODO_DATABASE_USER", "x")
    monkeypatch.setenv("TODO_DATABASE_PORT", "many")
    with pytest.raises(SystemExit):
        load(DatabaseSettings)
    assert "TODO_DATABASE_PORT" in capsys.readouterr().err


@pytest.fixture
async def database(scratch: Any) -> AsyncIterator[Database]:
    conninfo = scratch.conninfo("todo_backend")
    async with Database(lambda: conninfo, size=3, name="test", patience=1) as database:
        yield database


async def _pids(database: Database, count: int) -> list[int]:
    """Use as many connections at once; returns their servers' process ids."""

    async def pid() -> int:
        async with database.anonymous() as connection:
            cursor = await connection.execute("SELECT pg_backend_pid() AS pid, pg_sleep(0.1)")
            row = await cursor.fetchone()
        assert row is not None
        return int(row["pid"])

    return await asyncio.gather(*(pid() for _ in range(count)))


async def test_connections_lost_while_idle_fail_nothing(scratch: Any, database: Database) -> None:
    lost = await _pids(database, 3)
    assert len(set(lost)) == 3
    with scratch.superuser() as connection:
        for pid in lost:
            # Waits until the process is gone.
            connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
    assert not set(await _pids(database, 3)) & set(lost)


async def test_a_server_that_stops_answering_is_given_up(scratch: Any, database: Database) -> None:
    """Stopped, not ended: the connection stays open, and no answer ever comes."""

    def signal(name: str, pids: list[int]) -> None:
        command = f"kill -{name} {' '.join(map(str, pids))}"
        with scratch.superuser() as connection:
            connection.execute(f"COPY (SELECT WHERE false) TO PROGRAM '{command}'")

    stopped = await _pids(database, 3)
    signal("STOP", stopped)
    try:
        with pytest.raises(UnavailableError):
            await _pids(database, 1)
    finally:
        signal("CONT", stopped)
    assert await _pids(database, 1)


async def test_a_long_outage_with_many_requests_ends_without_a_restart(
    scratch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """More callers give up than may wait at once, and the pool gives up, too."""

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    caplog.set_level(logging.WARNING, "psycopg.pool")
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    conninfo = [f"host=127.0.0.1 port={port}"]
    async with server, Database(lambda: conninfo[0], size=3, name="test") as database:
        asked = await asyncio.gather(
            *(database.check() for _ in range(300)), return_exceptions=True
        )
        assert {repr(error) for error in asked} == {
            "UnavailableError('The database does not answer')",
            "UnavailableError('The database has too much to do')",
        }
        async with asyncio.timeout(60):
            while "reconnection attempt in pool 'test' failed" not in caplog.text:
                await asyncio.sleep(0.1)
        conninfo[0] = scratch.conninfo("todo_backend")
        await database.check()
