"""A scripted model server: the test double of every OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class ModelServer:
    """Answers with the script's next step: a text, a list of tool calls, or a fault.

    Faults: an int is a status; "cut" breaks the stream off in the middle; "hang" says one word and
    then nothing more.
    """

    url: str = ""
    script: list[Any] = field(default_factory=list)
    dialect: str = "openai"
    retry_after: str = "0.01"
    knows_usage: bool = True
    times: list[float] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    def plan(
        self,
        *script: Any,
        dialect: str = "openai",
        retry_after: str = "0.01",
        knows_usage: bool = True,
    ) -> None:
        self.script = list(script)
        self.dialect = dialect
        self.retry_after = retry_after
        self.knows_usage = knows_usage
        self.requests = []
        self.times = []
        self.left.clear()

    async def answer(self, request: Request) -> Response:
        asked = await request.json()
        if not self.knows_usage and "stream_options" in asked:
            return JSONResponse({"error": {"message": "unknown field stream_options"}}, 400)
        self.requests.append(asked)
        self.times.append(time.monotonic())
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, int):
            error = {"error": {"message": "scripted"}}
            return JSONResponse(error, step, headers={"retry-after": self.retry_after})
        if asked.get("stream"):
            stream = self._stream(step, usage=bool(asked.get("stream_options")))
            return StreamingResponse(stream, media_type="text/event-stream")
        words = step.replace("|", "") if isinstance(step, str) else None
        message: dict[str, Any] = {"role": "assistant", "content": words}
        if isinstance(step, list):
            message = {"role": "assistant", "content": None, "tool_calls": _whole(step)}
        whole = _envelope({"message": message, "finish_reason": "stop"})
        # Escaped, as JSON may hold what UTF-8 cannot.
        return Response(json.dumps(whole), media_type="application/json")

    async def _stream(self, step: Any, *, usage: bool) -> AsyncIterator[bytes]:
        deltas: list[dict[str, Any]]
        if isinstance(step, list):
            deltas = list(_DIALECTS[self.dialect](step))
        else:
            words = "Thinking" if step in ("cut", "hang") else step
            deltas = [{"content": piece} for piece in words.split("|")]
        if self.dialect == "openai":
            yield _event({**_envelope({}), "choices": []})
        for delta in deltas:
            yield _event(_envelope({"delta": delta, "finish_reason": None}))
        if step == "hang":
            try:
                await asyncio.sleep(60)
            finally:
                self.left.set()
        if step == "cut":
            raise ConnectionResetError("scripted")
        reason = "tool_calls" if isinstance(step, list) else "stop"
        yield _event(_envelope({"delta": {}, "finish_reason": reason}))
        if usage:
            yield _event({**_envelope({}), "choices": [], "usage": USAGE})
        yield b"data: [DONE]\n\n"


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _envelope(choice: dict[str, Any]) -> dict[str, Any]:
    kind = "chat.completion.chunk" if "delta" in choice or not choice else "chat.completion"
    base = {"id": "c", "object": kind, "created": 0, "model": "scripted"}
    return {**base, "choices": [{"index": 0, **choice}]}


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _whole(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in calls
    ]


def _delta(index: int, arguments: str, **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return {"tool_calls": [{"index": index, "function": function, **fields}]}


def _openai(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(calls):
        yield _delta(index, "", id=call["id"], type="function", name=call["name"])
        half = len(call["arguments"]) // 2
        yield _delta(index, call["arguments"][:half])
        yield _delta(index, call["arguments"][half:])


def _vllm(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for call in calls:
        yield _delta(0, "", id=call["id"], type="function", name=call["name"])
        half = len(call["arguments"]) // 2
        yield _delta(0, call["arguments"][:half], id="", name="")
        yield _delta(0, call["arguments"][half:], id="", name="")


def _llama_cpp(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(calls):
        half = len(call["arguments"]) // 2
        for piece in (call["arguments"][:half], call["arguments"][half:]):
            yield _delta(index, piece, id=call["id"], type="function", name=call["name"])


def _ollama(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for call in calls:
        yield _delta(0, call["arguments"], id=call["id"], type="function", name=call["name"])


def _without_ids(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for call in calls:
        yield _delta(0, call["arguments"], name=call["name"])


_DIALECTS: dict[str, Callable[[list[dict[str, Any]]], Iterator[dict[str, Any]]]] = {
    "openai": _openai,
    "vllm": _vllm,
    "llama.cpp": _llama_cpp,
    "ollama": _ollama,
    "without ids": _without_ids,
}


@pytest.fixture(params=list(_DIALECTS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def model(serve: Callable[..., Any]) -> Iterator[ModelServer]:
    double = ModelServer()

    async def answer(request: Request) -> Response:
        return await double.answer(request)

    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    with serve(app) as url:
        double.url = f"{url}/v1"
        yield double
