"""What the servers log: JSON lines that name their request, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from processes import Platform, Server
from starlette.applications import Starlette
from starlette.routing import Route
from todo_core.observe.logs import JsonFormatter
from todo_core.observe.requests import Requests
from waiting import wait_until

NEW_PASSWORD = "a password nobody logs"
WRONG_PASSWORD = "a wrong password nobody logs"


@pytest.fixture(scope="module")
def backend(platform: Platform) -> Server:
    """Servers that log all they can."""
    platform.start_mcp(log_level="DEBUG")
    backend = platform.start_backend(log_level="DEBUG")
    backend.wait("/readyz")
    return backend


def test_request_id_is_in_every_servers_log(
    platform: Platform, backend: Server, sign_up: Any
) -> None:
    user = sign_up(backend.url)
    answer = user.client.post(
        f"/api/{user.id}/chat",
        json={"message": "What's pending?"},
        headers={"x-request-id": "from-the-page-17"},
    )
    assert answer.headers["x-request-id"] == "from-the-page-17"
    for server, path in ((backend, f"/api/{user.id}/chat"), (platform.mcp, "/mcp")):
        # Logged when the answer is on its way already.
        wait_until(lambda of=server: bool(accesses(of)), "the request is logged")  # type: ignore[misc]
        (entry,) = accesses(server)
        assert entry["message"] == f"POST {path} 200"
        assert entry["milliseconds"] > 0


def test_an_exception_is_logged_with_the_requests_id(serve: Any) -> None:
    async def fail(_: Any) -> Any:
        raise ZeroDivisionError

    async def refuse(*_: Any) -> None: ...

    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter("test"))
    server_log = logging.getLogger("uvicorn.error")
    server_log.addHandler(handler)
    app = Requests(Starlette(routes=[Route("/", fail)]), max_body=10, refuse=refuse)
    try:
        with serve(app) as url:
            answer = httpx2.get(url, headers={"x-request-id": "failing-1"}, trust_env=False)
    finally:
        server_log.removeHandler(handler)
    assert answer.status_code == 500
    entries = [json.loads(line) for line in written.getvalue().splitlines()]
    (entry,) = [entry for entry in entries if "ZeroDivisionError" in entry.get("exception", "")]
    assert entry["request_id"] == "failing-1"


def accesses(server: Server) -> list[dict[str, Any]]:
    return [
        entry
        for entry in server.entries()
        if entry["logger"] == "todo.access" and entry.get("request_id") == "from-the-page-17"
    ]


async def test_no_secret_is_logged(platform: Platform, backend: Server, sign_up: Any) -> None:
    """Also not at the most talkative level, and not when something fails."""
    user = sign_up(backend.url)
    http = user.client
    token = user.token()
    secrets = [user.password, NEW_PASSWORD, WRONG_PASSWORD, token, *http.cookies.values()]
    login = {"email": user.email, "password": WRONG_PASSWORD}
    assert http.post("/api/auth/login", json=login).status_code == 401
    login["password"] = user.password
    assert http.post("/api/auth/login", json=login).status_code == 200
    secrets += http.cookies.values()
    bad = {"email": "no address", "password": NEW_PASSWORD}
    assert http.post("/api/auth/register", json=bad).status_code == 422
    assert http.post("/api/auth/register", content=f'{{"password": "{NEW_PASSWORD}').is_error
    taken = {"email": user.email, "password": NEW_PASSWORD}
    assert http.post("/api/auth/register", json=taken).status_code == 409
    user.say("Add a task to buy groceries")
    bearer = {"authorization": f"Bearer {token}"}
    httpx2.get(f"{backend.url}{user.tasks}", headers=bearer, trust_env=False)
    async with (
        httpx2.AsyncClient(headers=bearer, trust_env=False) as client,
        Client(streamable_http_client(f"{platform.mcp.url}/mcp", http_client=client)) as mcp,
    ):
        await mcp.call_tool("list_tasks", {})
        await mcp.call_tool("complete_task", {"task_id": 999_999})
    expired = {"authorization": f"Bearer {token}x"}
    assert httpx2.post(f"{platform.mcp.url}/mcp", headers=expired, json={}).status_code == 401
    platform.mcp.kill()
    failed = http.post(f"/api/{user.id}/chat", json={"message": "What's pending?"})
    assert failed.status_code == 503
    secrets += platform.database.passwords.values()
    key = platform.keys.private.read_text().splitlines()
    secrets += [line for line in key if not line.startswith("---")]
    for server in (backend, platform.mcp):
        text = server.log.read_text()
        assert text
        assert [secret for secret in secrets if secret in text] == []
        # A signed token, and a header that carries a credential.
        assert re.findall(r"eyJ[\w-]+\.eyJ[\w-]+|bearer \S+", text, re.IGNORECASE) == []
