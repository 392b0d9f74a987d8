"""Errors as RFC 9457 problem details."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from todo_core.errors import ChangedError, LimitError, NotFoundError, UnavailableError

log = logging.getLogger("todo.errors")
MEDIA_TYPE = "application/problem+json"
# The same words for what is not there and for what is another's.
NOT_FOUND = "There is no such thing, or it is not yours"


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


class ApiError(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["retry-after"] = str(retry_after)


def not_found() -> ApiError:
    return ApiError(404, NOT_FOUND)


def invalid(field: str, message: str) -> ApiError:
    return ApiError(422, f"{field}: {message}", errors=[FieldProblem(field=field, message=message)])


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer that tells a problem."""
    body = Problem(
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors) or None,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


_MEANINGS = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Refused: from another site, or beyond what the token allows",
    404: "Not there, or another user's",
    409: "In conflict with what is there",
    412: "Changed in the meantime",
    413: "Too large, or as many as one user may have",
    422: "Invalid input",
    429: "Too much; Retry-After tells when to try again",
    502: "The language model failed",
    503: "Something needed does not answer; Retry-After tells when to try again",
}


RETRY_AFTER = {"Retry-After": "Seconds after which to try again"}
_HEADERS = {
    401: {"WWW-Authenticate": "How to show who asks: a session cookie will do as well"},
    429: RETRY_AFTER,
    503: RETRY_AFTER,
}


def headers(described: Mapping[str, str]) -> dict[str, Any]:
    """Return what the API's document says about an answer's headers."""
    return {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in described.items()
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of an endpoint that can answer with these problems, and 503."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": headers(_HEADERS[status])} if status in _HEADERS else {}),
        }
        for status in (*statuses, 503)
    }


def handle_errors(api: FastAPI) -> None:
    """Answer every error of the application with a problem."""

    @api.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return problem(error.status, error.detail, error.errors, error.headers)

    @api.exception_handler(NotFoundError)
    async def missing(_: Request, __: NotFoundError) -> JSONResponse:
        return problem(404, NOT_FOUND)

    @api.exception_handler(ChangedError)
    async def changed(_: Request, error: ChangedError) -> JSONResponse:
        return problem(412, str(error))

    @api.exception_handler(LimitError)
    async def limit(_: Request, error: LimitError) -> JSONResponse:
        return problem(413, str(error))

    @api.exception_handler(UnavailableError)
    async def unavailable(_: Request, error: UnavailableError) -> JSONResponse:
        log.warning("%s", error, extra={"cause": repr(error.__cause__)})
        return problem(503, str(error), headers={"retry-after": "3"})

    @api.exception_handler(RequestValidationError)
    async def validation(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            FieldProblem(field=_field(entry), message=entry["msg"].removeprefix("Value error, "))
            for entry in error.errors()[:20]
        ]
        return problem(422, f"{errors[0].field}: {errors[0].message}", errors)

    @api.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        detail = NOT_FOUND if error.status_code == 404 else str(error.detail)
        headers = error.headers
        if error.status_code == 405:
            # Starlette names only the methods of the first route of the path.
            headers = {"allow": ", ".join(_methods(request))}
        return problem(error.status_code, detail, headers=headers)

    @api.exception_handler(Exception)
    async def unexpected(_: Request, __: Exception) -> JSONResponse:
        # The server logs the exception with the request's id.
        return problem(500, "Something went wrong here; the request id names it in the log")


def _methods(request: Request) -> list[str]:
    route = request.scope.get("route")
    described = request.app.openapi()["paths"].get(getattr(route, "path", None), {"get": None})
    return sorted(method.upper() for method in described)


def _field(entry: Mapping[str, Any]) -> str:
    # Of JSON that cannot be read FastAPI tells the place, which is no field.
    parts = ["body"] if entry["type"] == "json_invalid" else [str(part) for part in entry["loc"]]
    if len(parts) > 1 and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    return ".".join(parts)
