"""Migrations: from every earlier revision, with data, while servers of that revision run."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from processes import until_somebody_waits
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel
from todo_core import models
from todo_core.migrate import configuration, engine_of, main, migrate
from todo_core.settings import DatabaseSettings
from waiting import wait_until

HEAD = ScriptDirectory.from_config(configuration()).get_current_head()


def _with(revision: str, changed: str, **columns: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return what an earlier revision's servers write, with these columns of one table."""
    return [(table, row | columns if table == changed else row) for table, row in WRITES[revision]]


# What a server of a revision writes, as it writes it: only the columns that it knows. Each row is
# read back by its own columns after the upgrade. A new revision that adds columns adds an entry.
WRITES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "0001": [
        ("users", {"id": "{user}", "email": "{user}@example.com", "password_hash": "x"}),
        ("sessions", {"user_id": "{user}", "token_hash": b"{user}s"}),
        (
            "access_tokens",
            {"user_id": "{user}", "name": "laptop", "token_hash": b"{user}t", "scopes": ["todos"]},
        ),
        ("login_failures", {"key": b"{user}", "failures": 3}),
        (
            "tasks",
            {
                "user_id": "{user}",
                "title": "Pay rent 🎉",
                "description": "by the end of the month",
                "completed": True,
                "priority": "high",
                "due_at": "2028-02-29T12:00:00+00:00",
                "tags": ["home", "money"],
                "recurrence": "monthly",
                "recurrence_day": 29,
            },
        ),
        ("conversations", {"user_id": "{user}", "title": "Rent"}),
        (
            "messages",
            {
                "user_id": "{user}",
                "conversation_id": "{conversation}",
                "role": "user",
                "content": "Pay rent",
            },
        ),
    ],
}
WRITES["0002"] = _with("0001", "users", chat_booked_until="2028-02-29T12:00:00+00:00")
WRITES["0003"] = _with("0002", "tasks", time_zone="Europe/Berlin")
WRITES["0004"] = WRITES["0003"]
WRITES["0005"] = _with("0004", "tasks", recurrence_time="12:30:00")


def revisions() -> list[str]:
    """All revisions, the oldest first."""
    script = ScriptDirectory.from_config(configuration())
    return [found.revision for found in script.walk_revisions()][::-1]


def _filled(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, bytes):
        return value.decode().format(**names).encode()
    if value == "{conversation}":
        return names["conversation"]
    return value.format(**names) if isinstance(value, str) else value


def write(conninfo: str, revision: str, user: str) -> list[tuple[str, dict[str, Any]]]:
    """Write everything as a server of the revision does; returns what it wrote."""
    names: dict[str, Any] = {"user": user}
    written = []
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT set_config('app.user_id', %s, true)", (user,))
        for table, template in WRITES[revision]:
            row = {column: _filled(value, names) for column, value in template.items()}
            columns, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
            made = connection.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING *",  # noqa: S608
                row,
            ).fetchone()
            assert made is not None
            if table == "conversations":
                names["conversation"] = made[0]
            written.append((table, row))
    return written


def use(conninfo: str, revision: str, user: str) -> list[tuple[str, dict[str, Any]]]:
    """Write, read, change and delete in every table as a server does; returns what is left."""
    written = write(conninfo, revision, user)
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT set_config('app.user_id', %s, true)", (user,))
        for table, row in written:
            columns = ", ".join(row)
            found = connection.execute(
                f"SELECT {columns} FROM {table} WHERE {_same(row)}",  # noqa: S608
                row,
            ).fetchall()
            assert len(found) == 1, (table, row)
            assignments = ", ".join(f"{name} = %({name})s" for name in row)
            changed = connection.execute(
                f"UPDATE {table} SET {assignments} WHERE {_same(row)}",  # noqa: S608
                row,
            )
            assert changed.rowcount == 1, (table, row)
    gone = f"{user}-gone"
    deleted = write(conninfo, revision, gone)
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT set_config('app.user_id', %s, true)", (gone,))
        for table, row in reversed(deleted):
            removed = connection.execute(f"DELETE FROM {table} WHERE {_same(row)}", row)  # noqa: S608
            assert removed.rowcount == 1, (table, row)
    return written


def _same(row: dict[str, Any]) -> str:
    return " AND ".join(f"{name} = %({name})s" for name in row)


def assert_kept(database: Any, written: list[tuple[str, dict[str, Any]]]) -> None:
    with database.superuser() as connection:
        for table, row in written:
            query = f"SELECT count(*) FROM {table} WHERE {_same(row)}"  # noqa: S608
            assert connection.execute(query, row).fetchone() == (1,), (table, row)


def test_migrations_make_what_the_models_say(scratch: Any) -> None:
    assert models.Task.__tablename__ == "tasks"
    engine = engine_of(DatabaseSettings(**scratch.settings("todo_owner")))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_every_revision_says_what_its_servers_write() -> None:
    assert list(WRITES) == revisions()


@pytest.mark.parametrize("revision", revisions())
def test_upgrade_keeps_every_row_while_the_old_servers_go_on(
    new_scratch: Any, revision: str
) -> None:
    """A server of the old revision uses every table before, during and after the upgrade."""
    written: list[tuple[str, dict[str, Any]]] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def serve(conninfo: str) -> None:
        try:
            for number in range(10_000):
                written.extend(use(conninfo, revision, f"during-{number}"))
                if done.is_set():
                    break
        except BaseException as failure:
            failures.append(failure)

    with new_scratch(revision) as database:
        conninfo = database.conninfo("todo_backend")
        written.extend(use(conninfo, revision, "before"))
        server = threading.Thread(target=serve, args=(conninfo,))
        server.start()
        try:
            migrate(engine_of(DatabaseSettings(**database.settings("todo_owner"))))
        finally:
            done.set()
            server.join(60)
        assert not failures, failures
        written.extend(use(conninfo, revision, "after"))
        assert_kept(database, written)
        with database.superuser() as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert found == (HEAD,)


def test_upgrade_waits_for_a_server_without_holding_what_that_needs(new_scratch: Any) -> None:
    """A server that has used the tasks goes on to the users, while the upgrade wants the tasks."""
    with new_scratch("0001") as database, ThreadPoolExecutor(1) as pool:
        engine = engine_of(DatabaseSettings(**database.settings("todo_owner")))
        with psycopg.connect(database.conninfo("todo_backend")) as server:
            server.execute("SELECT count(*) FROM tasks")
            upgrade = pool.submit(migrate, engine)
            until_somebody_waits(database)
            assert server.execute("SELECT count(*) FROM users").fetchone() == (0,)
        upgrade.result(60)


def test_migrating_again_changes_nothing_and_down_and_up_works(new_scratch: Any) -> None:
    with new_scratch() as database:
        engine = engine_of(DatabaseSettings(**database.settings("todo_owner")))
        migrate(engine)
        with engine.connect() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
            connection.commit()
        migrate(engine)
        with database.superuser() as connection:
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)


def test_of_two_migrations_at_once_one_waits_and_both_succeed(new_scratch: Any) -> None:
    with new_scratch(None) as database, ThreadPoolExecutor(2) as pool:
        engine = engine_of(DatabaseSettings(**database.settings("todo_owner")))
        for done in [pool.submit(migrate, engine) for _ in range(2)]:
            done.result(60)
        with database.superuser() as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert found == [(HEAD,)]


def _relay(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def test_a_database_that_cannot_be_reached_yet_is_waited_for(
    new_scratch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        new_scratch(None) as database,
        socket.socket() as door,
        ThreadPoolExecutor(3) as pool,
        ExitStack() as connections,
    ):
        # Until it listens, who knocks is refused.
        door.bind(("127.0.0.1", 0))
        settings = database.settings("todo_owner")
        place = (settings["database_host"], settings["database_port"])
        settings |= {"database_host": "127.0.0.1", "database_port": door.getsockname()[1]}
        done = pool.submit(migrate, engine_of(DatabaseSettings(**settings)))
        wait_until(lambda: "no database yet" in caplog.text, "a first try was refused")
        door.listen()
        client = connections.enter_context(door.accept()[0])
        server = connections.enter_context(socket.create_connection(place))
        for ends in ((client, server), (server, client)):
            pool.submit(_relay, *ends)
        done.result(60)
        with database.superuser() as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert found == (HEAD,)


def test_a_refusal_of_the_database_is_not_tried_again(
    new_scratch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with new_scratch(None) as database:
        settings = database.settings("todo_owner") | {"database_password": "wrong"}
        with pytest.raises(OperationalError, match="password authentication failed"):
            migrate(engine_of(DatabaseSettings(**settings)))
    assert "no database yet" not in caplog.text


@pytest.mark.parametrize(
    ("version", "arguments", "problem", "remedy"),
    [
        ("9999", [], "at revision 9999, which this version", "restore a backup"),
        (HEAD, ["nonsense"], "nonsense", "name a revision"),
    ],
)
def test_an_unknown_revision_is_refused_and_nothing_changes(
    new_scratch: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: str,
    arguments: list[str],
    problem: str,
    remedy: str,
) -> None:
    with new_scratch() as database:
        with database.superuser() as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [version])
        for name, value in database.settings("todo_owner").items():
            monkeypatch.setenv(f"TODO_{name.upper()}", str(value))
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert problem in said
        assert remedy in said.partition("Remedy: ")[2]
        with database.superuser() as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert found == (version,)
