"""A stock MCP client comes in through the ingress once `mcp_public` is on, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from e2e.support import URL, User, playbook
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from waiting import wait_until

TOOLS = {"add_task", "complete_task", "delete_task", "list_tasks", "update_task"}


def status() -> int:
    """What a client without a token is answered."""
    return httpx2.post(f"{URL}/mcp", json={}).status_code


@pytest.fixture(scope="module")
def public() -> Iterator[None]:
    assert status() == 404
    services = ("--tags", "mcp-server,ingress", "--skip-tags", "images")
    playbook("site.yml", *services, "-e", "mcp_public=true")
    wait_until(lambda: status() == 401, "the ingress routes /mcp")
    yield
    playbook("site.yml", *services)
    wait_until(lambda: status() == 404, "the ingress no longer routes /mcp")


@pytest.mark.usefixtures("public")
def test_a_client_with_a_token_works_on_its_owners_tasks(user: User) -> None:
    made = user.http.post("/api/auth/tokens", json={"name": "my client"})
    assert made.status_code == 201, made.text

    async def converse() -> tuple[set[str], Any]:
        headers = {"authorization": f"Bearer {made.json()['token']}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"{URL}/mcp", http_client=http)) as client,
        ):
            listed = await client.list_tools()
            added = await client.call_tool("add_task", {"title": "From outside"})
            return {tool.name for tool in listed.tools}, added.structured_content

    tools, added = asyncio.run(converse())
    assert tools == TOOLS
    assert added["status"] == "created"
    assert [task["title"] for task in user.tasks()] == ["From outside"]


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("token", ["", "garbage", "todo_pat_0000000000000000000000"])
def test_a_client_without_a_good_token_is_refused(token: str) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    assert httpx2.post(f"{URL}/mcp", json={}, headers=headers).status_code == 401
