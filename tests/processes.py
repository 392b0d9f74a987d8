"""The servers of the apps as processes, as their containers run them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from scratch import AUDIENCE, Keys, ScratchDatabase
from waiting import wait_until


def until_somebody_waits(database: ScratchDatabase) -> None:
    """Return once a statement waits for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.superuser() as connection:
        wait_until(
            lambda: connection.execute(query).fetchone() == (1,), "a statement waits for a lock"
        )


@dataclass
class Server:
    """A running server and what it has logged."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait(self, path: str, seconds: float = 60) -> None:
        """Return once the path answers 200; fails the test when it does not in time."""

        def answers() -> bool:
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()[-3000:]}"
            try:
                return httpx2.get(self.url + path, timeout=5, trust_env=False).is_success
            except httpx2.HTTPError:
                return False

        wait_until(answers, f"{self.url}{path} answers", seconds)

    def kill(self) -> None:
        """End the process as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait(30)

    def entries(self) -> list[dict[str, Any]]:
        """Return the log; fails unless each line is a JSON object."""
        return [dict(json.loads(line)) for line in self.log.read_text().splitlines()]


def start(module: str, folder: Path, port: int, **settings: Any) -> Server:
    """Start `python -m module` with these settings; returns once it serves."""
    given = {f"TODO_{name.upper()}": str(value) for name, value in settings.items()}
    log = folder / f"{module}-{port}-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "TODO_PORT": str(port), **given},
        )
    server = Server(f"http://127.0.0.1:{port}", log, process)
    try:
        server.wait("/livez")
    except AssertionError:
        server.kill()
        raise
    return server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass
class Platform:
    """An MCP server and backends as processes, over one database."""

    database: ScratchDatabase
    keys: Keys
    folder: Path
    mcp_port: int = field(default_factory=free_port)
    mcp: Server = field(init=False)
    started: list[Server] = field(default_factory=list)

    def start_mcp(self, **changed: Any) -> Server:
        """Start the MCP server; a later one comes to the same address."""
        settings = {
            **self.database.settings("todo_mcp"),
            "mcp_public_key_file": self.keys.public,
            "mcp_audience": AUDIENCE,
            **changed,
        }
        self.mcp = start("todo_mcp", self.folder, self.mcp_port, **settings)
        self.started.append(self.mcp)
        return self.mcp

    def start_backend(self, **changed: Any) -> Server:
        settings = {
            **self.database.settings("todo_backend"),
            "mcp_url": f"http://127.0.0.1:{self.mcp_port}/mcp",
            "mcp_audience": AUDIENCE,
            "mcp_signing_key_file": self.keys.private,
            **changed,
        }
        server = start("todo_backend", self.folder, free_port(), **settings)
        self.started.append(server)
        return server


@contextmanager
def platform(database: ScratchDatabase, keys: Keys, folder: Path) -> Iterator[Platform]:
    """Starts servers on demand; those that still run at the end are killed."""
    made = Platform(database, keys, folder)
    try:
        yield made
    finally:
        for server in made.started:
            server.kill()
