"""Unsafe requests that another site's page sent are refused (cross-site request forgery)."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_backend.problems import problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class OriginGuard:
    """Passes unsafe requests on only from the allowed origins or from no browser at all.

    `Sec-Fetch-Site` and `Origin` are set by browsers, and pages cannot change them.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            allowed = origin in self._origins
            if origin is None:
                allowed = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
            if not allowed:
                detail = "Requests from other sites are refused (TODO_PUBLIC_ORIGINS lists ours)"
                await problem(403, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)
