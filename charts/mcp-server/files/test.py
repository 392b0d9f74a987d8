"""The MCP server does its job: refuses a call without a token, offers its five tools with one."""

import asyncio
import base64
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

URL = os.environ["MCP_URL"]
TOOLS = {"add_task", "list_tasks", "complete_task", "delete_task", "update_task"}


def token() -> str:
    """Return a token as the backend makes them, for a user that does not exist."""
    key = load_pem_private_key(Path(os.environ["SIGNING_KEY_FILE"]).read_bytes(), password=None)
    now = int(time.time())
    claims = {
        "iss": "todo-backend",
        "sub": "helm-test",
        "aud": os.environ["AUDIENCE"],
        "scope": "todos",
        "iat": now,
        "exp": now + 60,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "EdDSA", "typ": "JWT"}, claims)
    ]
    signature = base64.urlsafe_b64encode(key.sign(b".".join(parts))).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


def refuses_anonymous_calls() -> None:
    request = urllib.request.Request(  # noqa: S310 - the address is ours
        URL,
        data=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            raise SystemExit(f"a call without a token was answered with {response.status}")
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise SystemExit(f"a call without a token got {error.code}, not 401") from error


async def offers_its_tools() -> None:
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {token()}"})
    async with http, Client(streamable_http_client(URL, http_client=http)) as client:
        found = {tool.name for tool in (await client.list_tools()).tools}
    if found != TOOLS:
        raise SystemExit(f"tools are {sorted(found)}, expected {sorted(TOOLS)}")


refuses_anonymous_calls()
asyncio.run(offers_its_tools())
print("mcp-server: refuses strangers, offers", ", ".join(sorted(TOOLS)))
