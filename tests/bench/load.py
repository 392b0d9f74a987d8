"""Send HTTP requests over kept connections and tell how long each answer took.

    python -m bench.load < PLAN > RESULT

A process of its own, so that it runs on another core than what it measures. It does the least that
HTTP asks for: general clients take longer to send a request than some servers to answer it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import cast

import httptools
import uvloop


@dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    cookie: str
    body: str | None = None

    def bytes(self, port: int) -> bytes:
        method = "GET" if self.body is None else "POST"
        head = f"{method} {self.path} HTTP/1.1\r\nhost: localhost:{port}\r\ncookie: {self.cookie}"
        if self.body is None:
            return f"{head}\r\n\r\n".encode()
        length = len(self.body.encode())
        kind = f"content-type: application/json\r\ncontent-length: {length}"
        return f"{head}\r\n{kind}\r\n\r\n{self.body}".encode()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to send: the requests in turn, `number` of them or as many as fit into `seconds`."""

    port: int
    requests: list[Request]
    connections: int = 1
    number: int | None = None
    seconds: float | None = None
    # Requests a second, sent whether or not the answers keep up; None: as soon as one is answered.
    rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """Latencies in ms, in the order of the answers; statuses; the share of a core this took."""

    latencies: list[float]
    statuses: dict[str, int]
    seconds: float
    own_share: float
    last_body: str = field(repr=False)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No isinstance: uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        assert self._answer is not None
        self._answer.set_result((self._parser.get_status_code(), b"".join(self._body)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body. Raises OSError when the connection is lost."""
        assert self._transport is not None
        self._body = []
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


class Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = [request.bytes(plan.port) for request in plan.requests]
        self._sent = 0
        self._latencies: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._body = b""

    async def run(self) -> Result:
        started, used = time.perf_counter(), time.process_time()
        if self._plan.rate is None:
            until = started + (self._plan.seconds or float("inf"))
            workers = [self._as_answered(until) for _ in range(self._plan.connections)]
            await asyncio.gather(*workers)
        else:
            await self._at_rate(self._plan.rate)
        seconds = time.perf_counter() - started
        return Result(
            latencies=self._latencies,
            statuses=dict(self._statuses),
            seconds=seconds,
            own_share=(time.process_time() - used) / seconds,
            last_body=self._body.decode("utf-8", "replace"),
        )

    def _next(self) -> bytes | None:
        if self._plan.number is not None and self._sent >= self._plan.number:
            return None
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        return request

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._plan.port)
        return connection

    async def _ask(self, connection: Connection, request: bytes, since: float) -> None:
        status, self._body = await connection.ask(request)
        self._latencies.append((time.perf_counter() - since) * 1000)
        self._statuses[str(status)] += 1

    async def _as_answered(self, until: float) -> None:
        connection = await self._connect()
        while (now := time.perf_counter()) < until and (request := self._next()) is not None:
            await self._ask(connection, request, now)

    async def _at_rate(self, rate: float) -> None:
        free: list[Connection] = []

        async def one(request: bytes, due: float) -> None:
            connection = free.pop() if free else await self._connect()
            # From when it was due: what a slow answer holds up counts as slow, too.
            await self._ask(connection, request, due)
            free.append(connection)

        first = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while (request := self._next()) is not None:
                due = first + (self._sent - 1) / rate
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(one(request, due))


def main() -> None:
    given = json.load(sys.stdin)
    given["requests"] = [Request(**request) for request in given["requests"]]
    result = uvloop.run(Load(Plan(**given)).run())
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    main()
