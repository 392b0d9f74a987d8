"""A client of agents that speak A2A 0.3 (JSON-RPC over HTTP) as kagent's runtime does.

The pieces that kagent adds (tool calls, approvals, tokens) are data parts and metadata whose names
start with `kagent_`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

Json = dict[str, Any]
# What the runtime wraps a call in that waits for a person.
CONFIRMATION = "adk_request_confirmation"
ASK_USER = "ask_user"
REJECTED = "Tool call was rejected"


class A2AError(Exception):
    """The agent did not answer as A2A says; the text is the cause."""


@dataclass
class ToolCall:
    """A tool that the agent asked for, and what came of it."""

    id: str
    name: str
    arguments: Json
    result: str | None = None
    """What the tool said; None as long as it has not run."""
    failed: bool = False


@dataclass(frozen=True)
class Pending:
    """A call that waits for a person: a tool to allow, or a question of the agent's."""

    call_id: str
    name: str
    arguments: Json

    @property
    def questions(self) -> list[str]:
        """What the agent wants to know; empty when it asks for a tool."""
        if self.name != ASK_USER:
            return []
        asked = self.arguments.get("questions") or []
        return [
            str(item.get("question", item)) if isinstance(item, dict) else str(item)
            for item in asked
        ]


@dataclass
class Turn:
    """What is known of a question so far."""

    task_id: str = ""
    context_id: str = ""
    state: str = "submitted"
    text: str = ""
    tools: dict[str, ToolCall] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    calls: list[tuple[int, int]] = field(default_factory=list)
    """Prompt and completion tokens of each call of the model."""
    streamed: str = ""
    """What has come of a message that is not yet whole."""

    def take(self, event: Json) -> Iterator[ToolCall | str]:
        """Take in one event of the stream; yields what is new: the words by which `text` grows,
        tools that start, and tools that have ended."""
        self.task_id = event.get("taskId") or self.task_id
        self.context_id = event.get("contextId") or self.context_id
        if event.get("kind") == "artifact-update":
            # The words of the messages once more, unless there were none.
            if not self.text:
                yield from self._message(_text(event.get("artifact", {}).get("parts", [])))
            return
        status = event.get("status") or {}
        self.state = status.get("state", self.state)
        message = status.get("message") or {}
        parts = message.get("parts") or []
        if message.get("role") != "agent":
            return
        if self.state == "input-required":
            self.pending = list(_pending(parts))
            return
        metadata = event.get("metadata") or {}
        if metadata.get("kagent_adk_partial"):
            yield from self._piece(_text(parts))
            return
        if self.state == "working":
            usage = metadata.get("kagent_usage_metadata")
            if usage:
                counted = usage.get("promptTokenCount"), usage.get("candidatesTokenCount")
                self.calls.append((counted[0] or 0, counted[1] or 0))
        yield from self._message(_text(parts))
        yield from self._tools(parts)

    def _piece(self, words: str) -> Iterator[str]:
        """A piece of a message that streams, each message on lines of its own."""
        if words:
            new = ("\n" if self.text and not self.streamed else "") + words
            self.streamed += words
            self.text += new
            yield new

    def _message(self, words: str) -> Iterator[str]:
        """A whole message, of which all may have been streamed."""
        yield from self._piece(words.removeprefix(self.streamed))
        if words:
            self.streamed = ""

    def _tools(self, parts: list[Json]) -> Iterator[ToolCall]:
        for part in parts:
            kind = (part.get("metadata") or {}).get("kagent_type")
            data = part.get("data") or {}
            name = str(data.get("name", ""))
            if kind == "function_call" and name not in {CONFIRMATION, ASK_USER}:
                call = ToolCall(str(data.get("id")), name, data.get("args") or {})
                if call.id not in self.tools:
                    self.tools[call.id] = call
                    yield call
            elif kind == "function_response" and str(data.get("id")) in self.tools:
                call = self.tools[str(data["id"])]
                call.result, call.failed = _result(data.get("response"))
                yield call


def _text(parts: list[Json]) -> str:
    found = (part.get("text") for part in parts if part.get("kind") == "text")
    return "\n".join(str(text) for text in found if text)


def _result(response: Any) -> tuple[str, bool]:
    """What a tool said, and whether it failed."""
    if not isinstance(response, dict):
        return str(response), False
    content = response.get("content")
    if isinstance(content, list):
        words = [str(item.get("text", "")) for item in content if isinstance(item, dict)]
        return "\n".join(words), bool(response.get("isError"))
    if "error" in response:
        return str(response["error"]), True
    if set(response) == {"result"}:
        # What the runtime itself says in place of the tool.
        said = str(response["result"])
        return said, said.startswith(REJECTED)
    return json.dumps(response), bool(response.get("isError"))


def _pending(parts: list[Json]) -> Iterator[Pending]:
    for part in parts:
        data = part.get("data") or {}
        if data.get("name") == CONFIRMATION:
            call = (data.get("args") or {}).get("originalFunctionCall") or {}
            yield Pending(str(call.get("id")), str(call.get("name")), call.get("args") or {})


def question(text: str) -> list[Json]:
    """The parts of a message with a question."""
    return [{"kind": "text", "text": text}]


def decision(
    pending: list[Pending], allowed: set[str], answers: list[list[str]] | None = None
) -> list[Json]:
    """The parts of a message that decides on everything that waits; `allowed` has the ids of the
    calls that may run, `answers` the replies to the agent's questions."""
    if len(pending) == 1:
        (one,) = pending
        if one.call_id not in allowed:
            data: Json = {"decision_type": "reject", "rejection_reason": "a person said no"}
        else:
            data = {"decision_type": "approve"}
    else:
        said = {one.call_id: "approve" if one.call_id in allowed else "reject" for one in pending}
        data = {"decision_type": "batch", "decisions": said}
    if answers:
        data["ask_user_answers"] = [{"answer": answer} for answer in answers]
    return [{"kind": "data", "data": data}]


def stream(client: httpx2.Client, url: str, parts: list[Json], turn: Turn) -> Iterator[Json]:
    """Send a message, in the task of `turn` when it has one, and yield the events as they come.

    Raises A2AError when the agent refuses, and httpx2.HTTPError when it cannot be reached.
    """
    message: Json = {
        "kind": "message",
        "role": "user",
        "messageId": str(uuid.uuid4()),
        "parts": parts,
    }
    if turn.task_id and turn.state == "input-required":
        message |= {"taskId": turn.task_id, "contextId": turn.context_id}
    asked = {
        "jsonrpc": "2.0",
        "id": "1",
        "method": "message/stream",
        "params": {"message": message},
    }
    with client.stream("POST", url, json=asked) as response:
        if response.status_code != 200:
            response.read()
            raise A2AError(f"status {response.status_code}: {response.text[:200]}")
        for line in response.iter_lines():
            text = line.removeprefix("data:").strip()
            if not text or line.startswith((":", "event:", "id:", "retry:")):
                continue
            try:
                event = json.loads(text)
            except ValueError as error:
                raise A2AError(f"no JSON: {text[:200]}") from error
            if problem := event.get("error"):
                raise A2AError(str(problem.get("message", problem)))
            if isinstance(event.get("result"), dict):
                yield event["result"]


def cancel(client: httpx2.Client, url: str, turn: Turn) -> None:
    """Ask the agent to stop; whether it does is its affair."""
    asked = {"jsonrpc": "2.0", "id": "1", "method": "tasks/cancel", "params": {"id": turn.task_id}}
    client.post(url, json=asked, timeout=2)
