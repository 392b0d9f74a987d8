"""The task tools, through the MCP server, on behalf of one user."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    TextContent,
    Tool,
)
from prometheus_client import Counter
from todo_core.errors import UnavailableError
from todo_core.observe.logs import request_id

ISSUER = "todo-backend"
_LIFETIME = 60
_OUTAGES = (httpx2.HTTPError, MCPError, OSError, TimeoutError)
_PROTOCOL = "2026-07-28"
CALLS = Counter("assistant_tool_calls_total", "Tool calls of the assistant", ["tool", "outcome"])


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered: a structured value, or the words of its error."""

    value: Any = None
    error: str | None = None


class ToolServer:
    """The MCP server as the whole process sees it: one connection pool, one signing key."""

    def __init__(self, *, url: str, audience: str, key: Ed25519PrivateKey, timeout: float) -> None:
        self._url = url
        self._audience = audience
        self._key = key
        self._timeout = timeout
        # Building a transport loads the trust store, 45 ms: once a process.
        self._transport = httpx2.AsyncHTTPTransport(
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20)
        )
        self._live = str(httpx2.URL(url).copy_with(path="/livez"))
        self._definitions: list[Tool] | None = None

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def check(self) -> None:
        """Raise UnavailableError when the server does not answer."""
        try:
            async with httpx2.AsyncClient(
                transport=_Shared(self._transport), timeout=2, trust_env=False
            ) as http:
                response = await http.get(self._live)
        except httpx2.HTTPError as error:
            raise UnavailableError("The MCP server does not answer") from error
        if response.status_code != 200:
            raise UnavailableError(f"The MCP server answers with {response.status_code}")

    def on_behalf_of(self, user_id: str) -> Tools:
        """Return the tools bound to a user; nothing is sent before the first call."""
        return Tools(self, user_id)

    def _token(self, user_id: str) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": user_id,
            "aud": self._audience,
            "iat": now,
            "exp": now + _LIFETIME,
            "scope": "todos",
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")


class Tools:
    """The tools of one user during one turn. Use as an asynchronous context manager."""

    def __init__(self, server: ToolServer, user_id: str) -> None:
        self._server = server
        self._user_id = user_id
        self._stack = AsyncExitStack()
        self._client: Client | None = None

    async def __aenter__(self) -> Tools:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        # The client runs in a task group: a lost server cancels the call that waits for it, and
        # what happened comes out here. Errors of the body are not the group's to wrap.
        try:
            if isinstance(error, asyncio.CancelledError):
                return await self._stack.__aexit__(kind, error, trace)
            await self._stack.aclose()
            return None
        except BaseExceptionGroup as group:
            if group.split(_OUTAGES)[1] is None:
                raise UnavailableError("The MCP server does not answer") from group
            raise

    async def definitions(self) -> list[Tool]:
        """Return the tools as the server describes them. Raises UnavailableError."""
        if self._server._definitions is None:
            try:
                client = await self._connected()
                self._server._definitions = (await client.list_tools()).tools
            except _OUTAGES as error:
                raise UnavailableError("The MCP server does not answer") from error
        return self._server._definitions

    async def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Call a tool; an error of the tool is a result. Raises UnavailableError."""
        outcome = "unavailable"
        try:
            client = await self._connected()
            # Not Client.call_tool: it would ask for the list of tools and compile their schemas in
            # every turn, to check what the server has checked before it answered.
            request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments))
            answer = await client.session.send_request(request, CallToolResult)
            outcome = "error" if answer.is_error else "ok"
        except _OUTAGES as error:
            raise UnavailableError("The MCP server does not answer") from error
        finally:
            CALLS.labels(name, outcome).inc()
        text = "\n".join(part.text for part in answer.content if isinstance(part, TextContent))
        if answer.is_error:
            prefix = f"Error executing tool {name}: "
            return ToolResult(error=text.removeprefix(prefix) or "The tool failed")
        value = answer.structured_content
        # An array travels in an object, as structured content must be one.
        if isinstance(value, dict) and value.keys() == {"result"}:
            value = value["result"]
        return ToolResult(value=text if value is None else value)

    async def _connected(self) -> Client:
        if self._client is None:
            server = self._server
            http = await self._stack.enter_async_context(
                httpx2.AsyncClient(
                    transport=_Shared(server._transport),
                    auth=_UserBearer(server, self._user_id),
                    timeout=server._timeout,
                    trust_env=False,
                )
            )
            self._client = await self._stack.enter_async_context(
                Client(
                    streamable_http_client(server._url, http_client=http),
                    # Known beforehand: no round trip to agree on it.
                    mode=_PROTOCOL,
                    read_timeout_seconds=server._timeout,
                )
            )
        return self._client


class _Shared(httpx2.AsyncBaseTransport):
    """A transport that outlives the client it is lent to."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """The process closes the transport."""


class _UserBearer(httpx2.Auth):
    """Signs each request anew, so that no token is older than the request."""

    def __init__(self, server: ToolServer, user_id: str) -> None:
        self._server = server
        self._user_id = user_id

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["authorization"] = f"Bearer {self._server._token(self._user_id)}"
        if (current := request_id.get()) is not None:
            request.headers["x-request-id"] = current
        yield request
