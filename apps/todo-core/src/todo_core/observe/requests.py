"""The outermost layer of a server: request ids, the access log, metrics, headers, the size limit.

Plain ASGI: wrapping the response in another task would hide a client's disconnect from a stream.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.observe.logs import request_id

REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time until the answer was complete",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET = ("/livez", "/readyz", "/metrics")

log = logging.getLogger("todo.access")
Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]


class BodyTooLargeError(HTTPException):
    """The body is larger than the server takes; raised where the application reads it.

    An HTTPException, because frameworks pass only those on from where they read a body.
    """

    def __init__(self, most: int) -> None:
        super().__init__(413, f"The request body is larger than {most} bytes")


class Requests:
    """Wraps an application. ``refuse`` answers for the application when a body is too large."""

    def __init__(self, app: ASGIApp, *, max_body: int, refuse: Refuse) -> None:
        self._app = app
        self._max_body = max_body
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        current = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        # Stays set: the server logs an exception that comes out of here. It runs each request in a
        # context of its own.
        request_id.set(current)
        status = 0
        size = 0
        started = time.perf_counter()

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > self._max_body:
                    raise BodyTooLargeError(self._max_body)
            return message

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answered = MutableHeaders(scope=message)
                answered["x-request-id"] = current
                # Nearly all of it is one user's, and none of it is for a browser to guess at.
                answered.setdefault("cache-control", "no-store")
                answered.setdefault("x-content-type-options", "nosniff")
            await send(message)

        try:
            length = headers.get("content-length", "0")
            if length.isdecimal() and int(length) > self._max_body:
                raise BodyTooLargeError(self._max_body)
            await self._app(scope, limited, tagged)
        except BodyTooLargeError as error:
            if status:
                raise
            await self._refuse(scope, receive, tagged, error.status_code, error.detail)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    @staticmethod
    def _note(scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        REQUESTS.labels(method, route, status).inc()
        DURATION.labels(method, route).observe(seconds)
        level = logging.DEBUG if scope["path"].endswith(_QUIET) else logging.INFO
        log.log(
            level,
            "%s %s %s",
            *(scope["method"], scope["path"], status),
            extra={"status": status, "route": route, "milliseconds": round(seconds * 1000, 1)},
        )


def metrics() -> Response:
    """Return all metrics of the process in Prometheus' text format."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
