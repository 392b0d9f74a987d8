"""What the tests of the apps stand on: a real PostgreSQL, and the real servers over HTTP."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import processes
import pytest
import uvicorn
from processes import Platform
from pydantic import AnyHttpUrl
from scratch import AUDIENCE, Keys, ScratchDatabase, scratch_database, write_keys
from todo_backend.app import create_app
from todo_backend.settings import BackendSettings
from todo_mcp.server import create_app as create_mcp_app
from todo_mcp.settings import McpSettings

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that tests make


@pytest.fixture(scope="session")
def scratch() -> Iterator[ScratchDatabase]:
    """The migrated database that all tests share; each makes users of its own."""
    with scratch_database() as database:
        yield database


@pytest.fixture(scope="session")
def new_scratch() -> Callable[..., Any]:
    """Makes further databases, for the tests of migrations."""
    return scratch_database


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """Serve an application on a port of its own; yields its address."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the server ended while it started"
        assert time.monotonic() < until, "the server did not start within 60 s"
        time.sleep(0.01)
    found = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{found}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    """Serves any application, for the tests' own doubles."""
    return serving


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return write_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def mcp_url(scratch: ScratchDatabase, keys: Keys) -> Iterator[str]:
    """The address of a running MCP server, with its path."""
    settings = McpSettings(
        **scratch.settings("todo_mcp"),
        mcp_public_key_file=keys.public,
        mcp_audience=AnyHttpUrl(AUDIENCE),
    )
    with serving(create_mcp_app(settings)) as url:
        yield f"{url}/mcp"


@pytest.fixture(scope="session")
def start_backend(
    scratch: ScratchDatabase, keys: Keys, mcp_url: str
) -> Iterator[Callable[..., str]]:
    """Starts further backends, with other settings; all end with the test run."""
    with ExitStack() as stack:

        def start(**changed: Any) -> str:
            settings = BackendSettings(
                **{
                    **scratch.settings("todo_backend"),
                    "mcp_url": mcp_url,
                    "mcp_audience": AUDIENCE,
                    "mcp_signing_key_file": keys.private,
                    **changed,
                }
            )
            return stack.enter_context(serving(create_app(settings)))

        yield start


@pytest.fixture(scope="session")
def backend_url(start_backend: Callable[..., str]) -> str:
    """The address of a backend with the offline engine."""
    return start_backend()


@pytest.fixture(scope="module")
def platform(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The servers as processes, over a database that no other module uses."""
    with (
        scratch_database() as database,
        processes.platform(database, keys, tmp_path_factory.mktemp("processes")) as platform,
    ):
        yield platform


@dataclass
class Account:
    """A user of one test, signed in."""

    client: httpx2.Client
    id: str
    email: str
    password: str = PASSWORD
    _tokens: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> str:
        return f"/api/{self.id}/tasks"

    def add(self, title: str = "Buy milk", **fields: Any) -> dict[str, Any]:
        response = self.client.post(self.tasks, json={"title": title, **fields})
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.json()
        return task

    def list(self, **query: Any) -> list[dict[str, Any]]:
        response = self.client.get(self.tasks, params=query)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    def say(self, message: str, conversation_id: int | None = None) -> dict[str, Any]:
        body = {"message": message, "conversation_id": conversation_id}
        response = self.client.post(f"/api/{self.id}/chat", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def token(self, **fields: Any) -> str:
        response = self.client.post("/api/auth/tokens", json={"name": "test", **fields})
        assert response.status_code == 201, response.text
        return str(response.json()["token"])


@pytest.fixture
def sign_up() -> Iterator[Callable[..., Account]]:
    """Makes accounts on a backend."""
    with ExitStack() as stack:

        def make(url: str) -> Account:
            client = stack.enter_context(httpx2.Client(base_url=url, timeout=60, trust_env=False))
            email = f"{secrets.token_hex(8)}@example.com"
            response = client.post(
                "/api/auth/register", json={"email": email, "password": PASSWORD}
            )
            assert response.status_code == 201, response.text
            return Account(client, response.json()["user"]["id"], email)

        yield make


@pytest.fixture
def user(backend_url: str, sign_up: Callable[..., Account]) -> Account:
    return sign_up(backend_url)


@pytest.fixture
def stranger(backend_url: str, sign_up: Callable[..., Account]) -> Account:
    """Another user of the same backend."""
    return sign_up(backend_url)


@pytest.fixture
def anonymous(backend_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=backend_url, timeout=60, trust_env=False) as client:
        yield client
