"""Agents on kagent's own runtime, without kagent's control plane.

Serves each folder NAME of AGENTS_CONFIG (`config.json` and `agent-card.json`, as kagent's
controller writes them) at /api/a2a/NAMESPACE/NAME, the path that the controller serves an agent
at. Sessions and tasks are kept in memory: one process, and a restart forgets what waits for
approval.

The runtime asks for no credentials. Nothing but a forwarded port may reach it, so that whoever asks
has been let in by the cluster's API server.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from a2a.types import AgentCard
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from kagent.adk import AgentConfig, KAgentApp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

log = logging.getLogger("todo.agents")
STOP_SECONDS = 25
HEALTH_SECONDS = 2.0
SERVED = {"/", "/.well-known/agent-card.json"}


class ModelCalls(BasePlugin):
    """Logs the tokens of each call of a model and ends a question that needs too many calls."""

    def __init__(self, limit: int) -> None:
        super().__init__(name="model_calls")
        self._limit = limit
        self._calls: defaultdict[str, int] = defaultdict(int)
        self._started: dict[str, float] = {}

    async def before_model_callback(
        self,
        *,
        callback_context: CallbackContext,
        llm_request: LlmRequest,  # noqa: ARG002 (the plugin's signature)
    ) -> LlmResponse | None:
        invocation = callback_context.invocation_id
        self._calls[invocation] += 1
        self._started[invocation] = time.monotonic()
        if self._calls[invocation] > self._limit:
            raise RuntimeError(
                f"The model asked for tools {self._limit} times without coming to an answer; ask "
                "for less at once, or raise model.callsPerQuestion of the chart agents."
            )
        return None

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> LlmResponse | None:
        # The words of an answer as they come; the whole of it follows.
        if llm_response.partial:
            return None
        usage = llm_response.usage_metadata
        seconds = time.monotonic() - self._started.get(callback_context.invocation_id, 0)
        entry = {
            "event": "model call",
            "agent": callback_context.agent_name,
            "model": llm_response.model_version or "",
            "prompt_tokens": (usage and usage.prompt_token_count) or 0,
            "completion_tokens": (usage and usage.candidates_token_count) or 0,
            "seconds": round(seconds, 3),
        }
        log.info(json.dumps(entry))
        return None

    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        self._calls.pop(invocation_context.invocation_id, None)
        self._started.pop(invocation_context.invocation_id, None)


def with_header(config: dict[str, Any], url: str, authorization: str) -> dict[str, Any]:
    """The settings with the header for the tool server at this address: they come from a
    ConfigMap, it from a Secret."""
    for server in config.get("http_tools", []):
        if url and server["params"]["url"] == url:
            server["params"]["headers"] = {"Authorization": authorization}
    return config


def agent_route(
    folder: Path, namespace: str, limit: int, todo_url: str = "", authorization: str = ""
) -> Mount:
    """Where one agent is served. Raises pydantic.ValidationError for a setting that the runtime
    does not know: by itself it would ignore it."""
    settings = with_header(
        json.loads((folder / "config.json").read_text()), todo_url, authorization
    )
    config = AgentConfig.model_validate(settings, extra="forbid")
    card = AgentCard.model_validate_json((folder / "agent-card.json").read_text())
    name = folder.name.replace("-", "_")
    app = KAgentApp(
        lambda: config.to_agent(name),
        card,
        "",
        f"{namespace.replace('-', '_')}__NS__{name}",
        plugins=[ModelCalls(limit)],
        stream=bool(config.stream),
        agent_config=config,
    ).build(local=True)
    # Only the agent itself: the runtime's pages of documentation load scripts from outside.
    app.router.routes = [route for route in app.routes if getattr(route, "path", "") in SERVED]
    return Mount(f"/api/a2a/{namespace}/{folder.name}", app)


def build(
    configuration: Path,
    namespace: str,
    tools_health: str,
    limit: int,
    todo_url: str = "",
    authorization: str = "",
) -> Starlette:
    """All agents of a folder, and what the kubelet asks. The header `authorization` goes to the
    tool server at `todo_url` and to no other."""
    folders = sorted(path.parent for path in configuration.glob("*/config.json"))
    if not folders:
        raise SystemExit(f"{configuration} has no agents: mount a folder NAME with config.json")

    def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        """Without its tools a model would answer from nothing."""
        try:
            async with httpx.AsyncClient(timeout=HEALTH_SECONDS, trust_env=False) as client:
                answer = await client.get(tools_health)
            state = "ok" if answer.status_code == 200 else f"status {answer.status_code}"
        except httpx.HTTPError as error:
            state = type(error).__name__
        return JSONResponse({"tools": state}, 200 if state == "ok" else 503)

    routes: list[BaseRoute] = [Route("/livez", livez), Route("/readyz", readyz)]
    routes += [agent_route(folder, namespace, limit, todo_url, authorization) for folder in folders]
    return Starlette(routes=routes)


def read_file(environment: dict[str, str], name: str) -> str:
    """What is in the file that the variable names; empty without the variable."""
    path = environment.get(name, "")
    return Path(path).read_text().strip() if path else ""


def main() -> None:
    environment: dict[str, Any] = dict(os.environ)
    # Servers that need no key still get a word, which the client insists on.
    os.environ["OPENAI_API_KEY"] = read_file(environment, "OPENAI_API_KEY_FILE") or "none"
    level = environment.get("LOG_LEVEL", "INFO")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # They log each request line, which the servers do as well.
    for name in ("httpx", "httpx2", "mcp", "google_adk", "a2a"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    app = build(
        Path(environment["AGENTS_CONFIG"]),
        environment["AGENTS_NAMESPACE"],
        environment["AGENTS_TOOLS_HEALTH"],
        int(environment.get("AGENTS_MODEL_CALLS", "20")),
        environment.get("AGENTS_TODO_URL", ""),
        read_file(environment, "AGENTS_TODO_AUTHORIZATION_FILE"),
    )
    uvicorn.run(
        app,
        host=environment.get("AGENTS_HOST", "0.0.0.0"),  # noqa: S104 (a pod's own address)
        port=int(environment.get("AGENTS_PORT", "8080")),
        log_level=level.lower(),
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
