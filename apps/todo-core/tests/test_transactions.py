"""Transactions in pipeline mode: bound to one user, and done whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from todo_core.database import Database


@pytest.fixture
async def database(scratch: Any) -> AsyncIterator[Database]:
    """A pool of one connection, so that whatever stays behind on it is found."""
    conninfo = scratch.conninfo("todo_backend")
    async with Database(lambda: conninfo, size=1, name="test") as database:
        yield database


async def test_reading_sees_only_the_users_rows(
    database: Database, user: Any, stranger: Any
) -> None:
    mine = user.add("Mine")
    stranger.add("Foreign")
    for _ in range(3):
        assert await database.read(user.id, "SELECT id FROM tasks", ()) == [{"id": mine["id"]}]
    async with database.anonymous() as connection:
        cursor = await connection.execute("SELECT id FROM tasks")
        assert await cursor.fetchall() == [], "the connection is still bound to the user"


async def test_reading_changes_nothing(database: Database, user: Any) -> None:
    task = user.add("Mine")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await database.read(user.id, "DELETE FROM tasks RETURNING id", ())
    assert user.list() == [task]
    async with database.transaction(user.id) as connection:
        cursor = await connection.execute("DELETE FROM tasks RETURNING id")
        assert await cursor.fetchall() == [{"id": task["id"]}], "the next transaction may write"


INSERT = "INSERT INTO tasks (user_id, title) VALUES (%s, %s)"


async def test_a_transaction_binds_the_connection_for_its_own_time(
    database: Database, user: Any
) -> None:
    async with database.transaction(user.id) as connection:
        await connection.execute(INSERT, (user.id, "Stays"))
    assert [task["title"] for task in user.list()] == ["Stays"]
    async with database.anonymous() as connection:
        cursor = await connection.execute("SELECT id FROM tasks")
        assert await cursor.fetchall() == [], "the connection is still bound to the user"


async def test_what_fails_in_the_body_leaves_nothing(database: Database, user: Any) -> None:
    async def write() -> None:
        async with database.transaction(user.id) as connection:
            await connection.execute(INSERT, (user.id, "Goes"))
            raise KeyError

    with pytest.raises(KeyError):
        await write()
    assert user.list() == []
    assert await database.read(user.id, "SELECT 1 AS one", ()) == [{"one": 1}]


async def test_a_statement_that_fails_unseen_leaves_nothing(database: Database, user: Any) -> None:
    async def write() -> None:
        async with database.transaction(user.id) as connection:
            await connection.execute(INSERT, (user.id, "Goes"))
            # Nobody asks for its result, so it fails where the pipeline ends.
            await connection.execute(INSERT, (user.id, ""))
            await connection.execute(INSERT, (user.id, "Goes, too"))

    with pytest.raises(psycopg.errors.CheckViolation):
        await write()
    assert user.list() == []
    assert await database.read(user.id, "SELECT 1 AS one", ()) == [{"one": 1}]


async def test_a_cancelled_transaction_leaves_nothing(database: Database, user: Any) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.transaction(user.id) as connection:
            await connection.execute(INSERT, (user.id, "Goes"))
            inside.set()
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert user.list() == []
    assert await database.read(user.id, "SELECT 1 AS one", ()) == [{"one": 1}]
