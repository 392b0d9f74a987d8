"""The command `todo-migrate`: bring the database to the newest revision, as its owner.

Runs before new servers start. Whoever comes second waits for the advisory lock and then finds
nothing to do. Each migration works while servers of the version before still run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from todo_core.observe.logs import configure_logging
from todo_core.settings import DatabaseSettings, load

_LOCK = 0x746F646F  # "todo"
# Seconds: how long to wait for a database that cannot be reached, in all and for one answer, for
# another migration, and for a table that a server of the old version holds.
_REACH_TIMEOUT = 30
_CONNECT_TIMEOUT = 10
_LOCK_TIMEOUT = 120
_TABLE_LOCK_TIMEOUT = 10

log = logging.getLogger("todo.migrate")


class UnknownRevisionError(Exception):
    """The database is newer than this code; the text names its revision."""


def configuration() -> Config:
    """Return Alembic's configuration: the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Upgrade the database revision by revision, each of them whole or not at all.

    Raises UnknownRevisionError for a database that a later version has upgraded, and what Alembic
    or the database raise.
    """
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text(f"SET lock_timeout = '{_TABLE_LOCK_TIMEOUT}s'"))
        connection.commit()
        config = configuration()
        config.attributes["connection"] = connection
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        heads = MigrationContext.configure(connection).get_current_heads()
        if unknown := set(heads) - known:
            raise UnknownRevisionError(
                f"the database is at revision {', '.join(sorted(unknown))}, which this version of"
                " the application does not know"
            )
        # Alembic would join a transaction that is open and so hold the locks of every table it
        # has changed until the end: a deadlock with a server that uses two of them.
        connection.commit()
        command.upgrade(config, revision)


def engine_of(settings: DatabaseSettings) -> Engine:
    """Return an engine that keeps no connection."""
    url = URL.create("postgresql+psycopg")
    return create_engine(url, poolclass=NullPool, creator=lambda: _connect(settings))


def _connect(settings: DatabaseSettings) -> psycopg.Connection:
    """Connect; try again for a while where no server answers, or one that is just starting.

    A firewall in the network of pods knows a new pod's address only a moment after it has started.
    """
    end = time.monotonic() + _REACH_TIMEOUT
    while True:
        try:
            return psycopg.connect(
                settings.connection(
                    connect_timeout=_CONNECT_TIMEOUT, application_name="todo-migrate"
                )
            )
        except psycopg.OperationalError as error:
            # A server's refusal, of a password say, is FATAL and stays.
            refused = "FATAL" in str(error) and "starting up" not in str(error)
            if refused or time.monotonic() > end:
                raise
            log.warning("no database yet: %s", str(error).splitlines()[0])
            time.sleep(1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="todo-migrate", description=__doc__)
    parser.add_argument("revision", nargs="?", default="head", help="default: the newest")
    options = parser.parse_args(argv)
    settings = load(DatabaseSettings)
    configure_logging(settings.log_level, service="migration")
    try:
        migrate(engine_of(settings), options.revision)
    except UnknownRevisionError as error:
        remedy = (
            "deploy the version that upgraded the database, or a later one; to go back, restore a"
            " backup from before that upgrade"
        )
        return _fail(error, remedy)
    except CommandError as error:
        return _fail(error, "name a revision of todo_core/migrations/versions, or none")
    except (OperationalError, ValueError) as error:
        return _fail(error, "check TODO_DATABASE_* and that PostgreSQL is ready, then run it again")
    return 0


def _fail(error: Exception, remedy: str) -> int:
    print(
        f"todo-migrate: {str(error).splitlines()[0]}\nRemedy: {remedy}. Nothing is left half done.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
