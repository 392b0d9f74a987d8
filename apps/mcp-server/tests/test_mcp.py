"""The MCP server over HTTP: tools by the official client, identity by hand-made tokens."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ToolAnnotations
from todo_core.tasks.service import ALL

AUDIENCE = "http://mcp-server:8000/mcp"
OTHER_KEY = Ed25519PrivateKey.generate()


def _token(key: Any, **changed: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "todo-backend",
        "sub": "somebody",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "scope": "todos",
        **changed,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm="EdDSA")


async def _call(url: str, token: str, calls: list[tuple[str, dict[str, Any]]], **mode: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), **mode) as client,
    ):
        return [await client.call_tool(name, arguments) for name, arguments in calls]


def _initialize(url: str, token: str | None, host: str | None = None) -> httpx2.Response:
    headers = {"accept": "application/json, text/event-stream"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    if host is not None:
        headers["host"] = host
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    return httpx2.post(url, json=body, headers=headers, timeout=60, trust_env=False)


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_tools_do_what_they_say(mcp_url: str, keys: Any, user: Any, mode: str) -> None:
    token = _token(keys.key, sub=user.id)
    (added,) = await _call(mcp_url, token, [("add_task", {"title": " Milk "})], mode=mode)
    number = added.structured_content["task_id"]
    assert added.structured_content == {"task_id": number, "status": "created", "title": "Milk"}
    updated, completed, listed, deleted, missing = await _call(
        mcp_url,
        token,
        [
            ("update_task", {"task_id": number, "title": "Oat milk"}),
            ("complete_task", {"task_id": number}),
            ("list_tasks", {"status": "completed"}),
            ("delete_task", {"task_id": number}),
            ("delete_task", {"task_id": number}),
        ],
        mode=mode,
    )
    assert updated.structured_content["status"] == "updated"
    assert completed.structured_content["status"] == "completed"
    (task,) = listed.structured_content["result"]
    assert (task["id"], task["title"], task["completed"]) == (number, "Oat milk", True)
    assert deleted.structured_content == {
        "task_id": number,
        "status": "deleted",
        "title": "Oat milk",
    }
    assert missing.is_error
    assert f"Task {number} was not found" in missing.content[0].text


async def test_the_five_tools_and_their_annotations(mcp_url: str, keys: Any) -> None:
    headers = {"authorization": f"Bearer {_token(keys.key)}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(mcp_url, http_client=http)) as client,
    ):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    arguments = {name: set(tool.input_schema["properties"]) for name, tool in tools.items()}
    assert arguments == {
        "add_task": {"title", "description"},
        "list_tasks": {"status"},
        "complete_task": {"task_id"},
        "delete_task": {"task_id"},
        "update_task": {"task_id", "title", "description"},
    }
    for schema in (tool.input_schema for tool in tools.values()):
        assert schema["additionalProperties"] is False
        assert all("default" not in p or p["default"] for p in schema["properties"].values())
    assert tools["add_task"].input_schema["properties"]["description"]["type"] == "string"
    assert tools["update_task"].input_schema["required"] == ["task_id"]
    assert str(ALL) in (tools["list_tasks"].description or "")
    hints = {name: tool.annotations or ToolAnnotations() for name, tool in tools.items()}
    assert [n for n, h in hints.items() if h.read_only_hint] == ["list_tasks"]
    assert {n for n, h in hints.items() if h.destructive_hint} == {"delete_task", "update_task"}
    assert hints["complete_task"].idempotent_hint


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "http://elsewhere/mcp"},
        {"aud": None},
        {"iss": "somebody-else"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"sub": None},
    ],
)
def test_wrong_token_is_401(mcp_url: str, keys: Any, changed: dict[str, Any]) -> None:
    assert _initialize(mcp_url, _token(keys.key, **changed)).status_code == 401


@pytest.mark.parametrize(
    "token", [None, "garbage", "todo_pat_garbage", "todo_pat_" + "\u00e9".encode().hex()]
)
def test_no_or_garbage_token_is_401(mcp_url: str, token: str | None) -> None:
    assert _initialize(mcp_url, token).status_code == 401


def _part(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_forged_tokens_are_401(mcp_url: str, keys: Any) -> None:
    """Another key; no signature; the public key as a shared secret; claims changed afterwards."""
    right = _token(keys.key)
    assert _initialize(mcp_url, right).status_code == 200
    header, claims, signature = right.split(".")
    confused = _part({"alg": "HS256", "typ": "JWT"}) + "." + claims
    shared = hmac.digest(keys.public.read_bytes(), confused.encode(), "sha256")
    other = jwt.decode(right, options={"verify_signature": False}) | {"sub": "somebody-else"}
    for token in (
        _token(OTHER_KEY),
        _part({"alg": "none", "typ": "JWT"}) + f".{claims}.",
        f"{confused}.{_part(shared)}",
        f"{header}.{_part(other)}.{signature}",
        f"{header}.{claims}.",
    ):
        assert _initialize(mcp_url, token).status_code == 401


def test_missing_scope_is_403(mcp_url: str, keys: Any, user: Any) -> None:
    assert _initialize(mcp_url, _token(keys.key, scope="other")).status_code == 403
    assert _initialize(mcp_url, user.token(scopes=["todos:read"])).status_code == 403


def test_unknown_host_is_refused(mcp_url: str, keys: Any) -> None:
    token = _token(keys.key)
    assert _initialize(mcp_url, token, "evil.example").status_code == 421
    assert _initialize(mcp_url, token, "mcp-server:8000").status_code == 200
    assert _initialize(mcp_url, token, "localhost").status_code == 200


async def test_personal_access_token_acts_for_its_user(mcp_url: str, user: Any) -> None:
    await _call(mcp_url, user.token(), [("add_task", {"title": "By token"})])
    assert user.list()[0]["title"] == "By token"


async def test_arguments_that_a_tool_does_not_have_are_refused(
    mcp_url: str, keys: Any, user: Any, stranger: Any
) -> None:
    number = user.add("Mine")["id"]
    answers = await _call(
        mcp_url,
        _token(keys.key, sub=user.id),
        [
            ("add_task", {"title": "Mine", "user_id": stranger.id}),
            ("list_tasks", {"user_id": stranger.id}),
            ("delete_task", {"task_id": number, "user_id": stranger.id}),
        ],
    )
    assert all(answer.is_error for answer in answers)
    assert "user_id" in answers[0].content[0].text
    assert stranger.list() == []
    assert [task["title"] for task in user.list()] == ["Mine"]


@pytest.mark.parametrize("text", ["null", "[1, 2]", "{}", "true", "12", '"quoted"', "\U0001f389"])
async def test_texts_that_look_like_json_stay_texts(
    mcp_url: str, keys: Any, user: Any, text: str
) -> None:
    token = _token(keys.key, sub=user.id)
    (added,) = await _call(mcp_url, token, [("add_task", {"title": text, "description": text})])
    assert not added.is_error, added.content
    (task,) = user.list()
    assert (task["title"], task["description"]) == (text, text)
    number = user.add("Other", description="Kept")["id"]
    changes: list[dict[str, Any]] = [
        {"title": text},
        {"title": text, "description": None},
        {"description": text, "title": None},
    ]
    for change in changes:
        (updated,) = await _call(mcp_url, token, [("update_task", {"task_id": number, **change})])
        assert not updated.is_error, updated.content
        expected = text if change.get("description") else "Kept"
        assert user.list()[0]["description"] == expected
    assert user.list()[0]["title"] == text


async def test_a_description_can_be_emptied_and_an_empty_title_is_refused(
    mcp_url: str, keys: Any, user: Any
) -> None:
    number = user.add("Milk", description="Two litres")["id"]
    token = _token(keys.key, sub=user.id)
    emptied, refused = await _call(
        mcp_url,
        token,
        [
            ("update_task", {"task_id": number, "description": ""}),
            ("update_task", {"task_id": number, "title": ""}),
        ],
    )
    assert not emptied.is_error
    assert refused.is_error
    assert (user.list()[0]["title"], user.list()[0]["description"]) == ("Milk", "")


async def test_foreign_tasks_do_not_exist(
    mcp_url: str, keys: Any, user: Any, stranger: Any
) -> None:
    number = stranger.add("Secret")["id"]
    token = _token(keys.key, sub=user.id)
    answers = await _call(
        mcp_url,
        token,
        [
            ("complete_task", {"task_id": number}),
            ("delete_task", {"task_id": number}),
            ("update_task", {"task_id": number, "title": "Hacked"}),
        ],
    )
    assert all(answer.is_error for answer in answers)
    assert stranger.list()[0]["title"] == "Secret"


class Pool(httpx2.AsyncBaseTransport):
    """Connections that outlive the clients they are lent to."""

    def __init__(self) -> None:
        self.connections = httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=5))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self.connections.handle_async_request(request)


async def test_thirty_users_over_the_same_connections_see_only_their_own(
    mcp_url: str, keys: Any, backend_url: str, sign_up: Any
) -> None:
    """Their calls interleave, on five connections, by signed and by personal tokens."""
    users = [sign_up(backend_url) for _ in range(30)]
    pool = Pool()

    async def work(number: int, user: Any) -> None:
        token = user.token() if number % 3 == 0 else _token(keys.key, sub=user.id)
        http = httpx2.AsyncClient(
            transport=pool, headers={"authorization": f"Bearer {token}"}, timeout=60
        )
        async with Client(streamable_http_client(mcp_url, http_client=http)) as client:
            made = []
            for turn in range(3):
                title = f"{user.id} {turn}"
                added = await client.call_tool("add_task", {"title": title})
                made.append((added.structured_content["task_id"], title))
                listed = await client.call_tool("list_tasks", {})
                tasks = listed.structured_content["result"]
                assert [(task["id"], task["title"]) for task in tasks] == made[::-1]
                assert {task["user_id"] for task in tasks} == {user.id}

    await asyncio.gather(*(work(number, user) for number, user in enumerate(users)))
    await pool.connections.aclose()


async def test_bad_arguments_are_told(mcp_url: str, keys: Any, user: Any) -> None:
    token = _token(keys.key, sub=user.id)
    answers = await _call(
        mcp_url,
        token,
        [
            ("add_task", {"title": "   "}),
            ("add_task", {"title": "x" * 201}),
            ("update_task", {"task_id": 1}),
            ("list_tasks", {"status": "done"}),
        ],
    )
    assert all(answer.is_error for answer in answers)
    assert user.list() == []


def test_health_and_metrics(mcp_url: str) -> None:
    base = mcp_url.removesuffix("/mcp")
    assert httpx2.get(f"{base}/livez", trust_env=False).json() == {"status": "ok"}
    ready = httpx2.get(f"{base}/readyz", trust_env=False)
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok"})
    assert "mcp_tool_calls_total" in httpx2.get(f"{base}/metrics", trust_env=False).text


def test_personal_token_without_the_database_is_503(
    serve: Any, scratch: Any, keys: Any, user: Any
) -> None:
    from pydantic import AnyHttpUrl
    from todo_mcp.server import create_app
    from todo_mcp.settings import McpSettings

    settings = McpSettings(
        **{**scratch.settings("todo_mcp"), "database_port": 9},
        mcp_public_key_file=keys.public,
        mcp_audience=AnyHttpUrl(AUDIENCE),
    )
    with serve(create_app(settings)) as url:
        response = _initialize(f"{url}/mcp", user.token())
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["content-type"] == "application/problem+json"
        # Signed tokens need no database to be told apart.
        assert _initialize(f"{url}/mcp", _token(keys.key)).status_code == 200
