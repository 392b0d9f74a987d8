"""The routes and the OpenAPI document; needs no settings."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from todo_core.observe.health import livez
from todo_core.observe.requests import metrics

from todo_backend.access_tokens.endpoints import router as access_tokens
from todo_backend.auth.endpoints import router as auth
from todo_backend.chat.endpoints import router as chat
from todo_backend.chat.parts import StreamPart
from todo_backend.problems import Problem, handle_errors
from todo_backend.services import ServicesDep
from todo_backend.tasks.endpoints import router as tasks


class Lifespan(Protocol):
    def __call__(self, api: FastAPI, /) -> AbstractAsyncContextManager[None]: ...


def make_api(lifespan: Lifespan | None = None) -> FastAPI:
    """Return the FastAPI application."""
    api = FastAPI(
        title="Todo",
        version=version("todo-backend"),
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        # Its pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (auth, access_tokens, tasks, chat):
        api.include_router(router)
    _add_health(api)
    handle_errors(api)

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api)
        return api.openapi_schema

    setattr(api, "openapi", openapi)  # noqa: B010 - FastAPI's documented way
    return api


def _add_health(api: FastAPI) -> None:
    async def live() -> Response:
        return livez()

    async def ready(services: ServicesDep) -> Response:
        return await services.readiness.answer()

    async def measured() -> Response:
        return metrics()

    for prefix in ("", "/api"):
        api.add_api_route(f"{prefix}/livez", live, include_in_schema=False)
        api.add_api_route(f"{prefix}/readyz", ready, include_in_schema=False)
    api.add_api_route("/metrics", measured, include_in_schema=False)


def _document(api: FastAPI) -> dict[str, Any]:
    """Return FastAPI's document with our problems in place of its own validation errors."""
    document = get_openapi(title=api.title, version=api.version, routes=api.routes)
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    part = TypeAdapter(StreamPart).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(part.pop("$defs"))
    schemas["StreamPart"] = part
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                _leave_out_null(parameter["schema"])
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"].pop("application/json", None)
    return document


def _leave_out_null(schema: dict[str, Any]) -> None:
    """A parameter is left out or a text: unlike a field of JSON it is never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])
