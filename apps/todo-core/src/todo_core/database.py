"""The database: one pool a process, one short transaction an operation.

Statements are sent in pipeline mode, so that opening a transaction, binding it to the user and
asking take one round trip together.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import Params
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from todo_core.errors import NotFoundError, UnavailableError

Row = dict[str, Any]
Connection = AsyncConnection[DictRow]

_BIND = "SELECT set_config('app.user_id', %s, true)"
_BIND_READER = (
    "SELECT set_config('app.user_id', %s, true), set_config('transaction_read_only', 'on', true)"
)
# Calls that may wait for a connection at once; more are refused without a wait. The pool's own
# max_waiting counts those that gave up, too, until it connects again, and connects for no call
# that it refuses: after an outage with so many calls it would refuse all of them forever.
_WAITING = 200
# An outage of the server, not a mistake of ours.
_OUTAGES = (psycopg.OperationalError, psycopg.errors.AdminShutdown, PoolTimeout)
# These derive from OperationalError, too, but a statement of ours caused them.
_MISTAKES = (psycopg.errors.ProgramLimitExceeded,)


class Database:
    """Connections of one database role.

    ``conninfo`` is asked for each new connection's settings, so that a rotated password is used
    without a restart. After ``patience`` seconds a server that does not answer at all counts as
    lost; it has to be longer than the server's own limit for a statement, 10 seconds.
    """

    def __init__(
        self, conninfo: Callable[[], str], *, size: int, name: str, patience: float = 15
    ) -> None:
        async def current() -> str:
            return conninfo()

        self._patience = patience
        self._size = size
        self._waiting = 0
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            current,
            min_size=min(2, size),
            max_size=size,
            open=False,
            timeout=5,
            max_lifetime=1800,
            # A try waits twice as long as the one before it; after these seconds the next call
            # begins again, so that a server that is back is found soon.
            reconnect_timeout=5,
            name=name,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "application_name": name,
                "connect_timeout": 5,
                "prepare_threshold": 2,
                # A lost server is noticed, and a lost client's transaction ends.
                "tcp_user_timeout": 10_000,
                "options": "-c statement_timeout=10s -c idle_in_transaction_session_timeout=30s"
                " -c timezone=UTC",
            },
        )

    async def __aenter__(self) -> Database:
        # Does not wait: the server starts, and says by /readyz that the database is not there yet.
        await self._pool.open(wait=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close(timeout=5)

    @asynccontextmanager
    async def transaction(self, user_id: str) -> AsyncIterator[Connection]:
        """One transaction that can see and change only the rows of this user.

        Raises UnavailableError when the database does not answer, and NotFoundError for a row that
        belongs to something deleted in the meantime.
        """
        async with self._connection() as connection:
            try:
                async with connection.pipeline():
                    # By hand: psycopg's transaction() waits for the answer to each of these.
                    await connection.execute("BEGIN")
                    await connection.execute(_BIND, (user_id,))
                    yield connection
                    await connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    await connection.rollback()
                raise

    async def read(self, user_id: str, query: LiteralString, values: Params) -> list[Row]:
        """Return the rows of a query that can see only this user's rows and change nothing.

        One round trip: what a pipeline holds is one transaction, without BEGIN and COMMIT. Raises
        UnavailableError when the database does not answer.
        """
        async with self._connection() as connection:
            async with connection.pipeline():
                await connection.execute(_BIND_READER, (user_id,))
                # Times and lists are read faster than as text.
                cursor = await connection.execute(query, values, binary=True)
            return await cursor.fetchall()

    async def read_bound(
        self, binding: tuple[LiteralString, Params], query: LiteralString, values: Params
    ) -> tuple[Row, list[Row]]:
        """As `read`, but another query binds the transaction; returns its row, too.

        Still one round trip.
        """
        async with self._connection() as connection:
            async with connection.pipeline():
                binder = await connection.execute(*binding)
                cursor = await connection.execute(query, values, binary=True)
            bound = await binder.fetchone()
            assert bound is not None, "a binding is one row"
            return bound, await cursor.fetchall()

    @asynccontextmanager
    async def anonymous(self) -> AsyncIterator[Connection]:
        """A connection bound to no user: it sees no user's rows, but may call sign-in functions.

        Raises UnavailableError when the database does not answer.
        """
        async with self._connection() as connection:
            yield connection

    async def check(self) -> None:
        """Raise UnavailableError when the database does not answer or was not migrated."""
        async with self._connection(timeout=2) as connection:
            await connection.execute("SELECT 1 FROM tasks LIMIT 0")

    @asynccontextmanager
    async def _connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:
        try:
            connection = await self._live(timeout)
            watch = asyncio.get_running_loop().call_later(self._patience, _hang_up, connection)
            try:
                yield connection
            finally:
                watch.cancel()
                await self._pool.putconn(connection)
        except _MISTAKES:
            raise
        except _OUTAGES as error:
            raise UnavailableError("The database does not answer") from error
        except psycopg.errors.ForeignKeyViolation as error:
            raise NotFoundError("It was deleted in the meantime") from error
        except psycopg.errors.UndefinedTable as error:
            raise UnavailableError("The database has no tables yet") from error

    async def _live(self, timeout: float | None) -> Connection:
        """Take a connection from the pool, past those whose server went away since they were used.

        The pool has a check of its own, but that is a round trip or a pause of a second.
        """
        if self._waiting >= _WAITING:
            raise UnavailableError("The database has too much to do")
        self._waiting += 1
        try:
            for _ in range(self._size):
                connection = await self._pool.getconn(timeout)
                if not _is_gone(connection):
                    return connection
                await connection.close()
                await self._pool.putconn(connection)
            return await self._pool.getconn(timeout)
        finally:
            self._waiting -= 1


def _is_gone(connection: Connection) -> bool:
    """Tell whether the server has ended an idle connection; else there is nothing to read."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _hang_up(connection: Connection) -> None:
    """End a connection under the statement that waits for it: its server will not."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
