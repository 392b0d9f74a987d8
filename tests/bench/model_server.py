"""A language model that thinks for 0 ms: asks for one tool, then says that it is done."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

WORDS = ["I have ", "added ", "the task."]
CALL = {"name": "add_task", "arguments": '{"title": "Buy groceries"}'}


async def answer(request: Request) -> Response:
    asked = await request.json()
    done = asked["messages"][-1]["role"] == "tool"
    if asked.get("stream"):
        return StreamingResponse(_stream(done), media_type="text/event-stream")
    message: dict[str, Any] = {"role": "assistant", "content": "".join(WORDS)}
    if not done:
        call = {"id": "call_1", "type": "function", "function": CALL}
        message = {"role": "assistant", "content": "", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": _reason(done)}
    return JSONResponse(_envelope("chat.completion", choice))


async def _stream(done: bool) -> AsyncIterator[bytes]:
    for delta in _deltas(done):
        yield _event({"index": 0, "delta": delta, "finish_reason": None})
    yield _event({"index": 0, "delta": {}, "finish_reason": _reason(done)})
    yield b"data: [DONE]\n\n"


def _deltas(done: bool) -> list[dict[str, Any]]:
    if done:
        return [{"role": "assistant", "content": words} for words in WORDS]
    half = len(CALL["arguments"]) // 2
    first = {"index": 0, "id": "call_1", "type": "function"}
    return [
        {"tool_calls": [{**first, "function": {"name": CALL["name"], "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": CALL["arguments"][:half]}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": CALL["arguments"][half:]}}]},
    ]


def _reason(done: bool) -> str:
    return "stop" if done else "tool_calls"


def _event(choice: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(_envelope("chat.completion.chunk", choice)).encode() + b"\n\n"


def _envelope(kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    return {"id": "c", "object": kind, "created": 0, "model": "scripted", "choices": [choice]}


app = Starlette(
    routes=[
        Route("/v1/chat/completions", answer, methods=["POST"]),
        Route("/readyz", lambda _: Response()),
    ]
)
