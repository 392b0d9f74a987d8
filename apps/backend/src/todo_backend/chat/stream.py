"""A turn as server-sent events: the AI SDK's UI message stream, version 1."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from todo_backend.assistant.engine import Event, TextDelta, ToolFinished, ToolStarted
from todo_backend.chat import service
from todo_backend.chat.parts import Part, ToolErrorPart, ToolInputPart, ToolOutputPart
from todo_backend.chat.service import Begun
from todo_backend.services import Services

_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    # Proxies that buffer answers would hold the words back.
    "x-accel-buffering": "no",
    "x-vercel-ai-ui-message-stream": "v1",
}
log = logging.getLogger("todo.chat")
# Seconds without a word after which a comment shows that the connection lives.
_SILENCE = 15


class Parts:
    """Turns an engine's events into the stream's parts: texts get a beginning and an end."""

    def __init__(self) -> None:
        self._texts = 0
        self._open = False

    def of(self, event: Event) -> list[Part]:
        """Return the parts that tell an event."""
        match event:
            case TextDelta(text):
                parts: list[Part] = []
                if not self._open:
                    self._open = True
                    self._texts += 1
                    parts.append({"type": "text-start", "id": self._id})
                return [*parts, {"type": "text-delta", "id": self._id, "delta": text}]
            case ToolStarted(id_, name, arguments):
                call = ToolInputPart(
                    type="tool-input-available",
                    toolCallId=id_,
                    toolName=name,
                    input=arguments,
                    dynamic=True,
                )
                return [*self.end(), call]
            case ToolFinished(id_, result, None):
                return [
                    ToolOutputPart(
                        type="tool-output-available", toolCallId=id_, output=result, dynamic=True
                    )
                ]
            case ToolFinished(id_, _, str(error)):
                return [
                    ToolErrorPart(
                        type="tool-output-error", toolCallId=id_, errorText=error, dynamic=True
                    )
                ]
            case _:
                return []

    def end(self) -> list[Part]:
        """Return the end of the text that is open, if one is."""
        if not self._open:
            return []
        self._open = False
        return [{"type": "text-end", "id": self._id}]

    @property
    def _id(self) -> str:
        return f"text-{self._texts}"


class TurnStream(Response):
    """Runs a turn and streams it. A client that goes away cancels it; what was said is stored."""

    def __init__(self, services: Services, begun: Begun) -> None:
        super().__init__(headers=_HEADERS)
        # The length is not known beforehand.
        del self.headers["content-length"]
        self._services = services
        self._begun = begun
        self._queue: asyncio.Queue[Part | None] = asyncio.Queue()

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        turn = service.spawn(self._services, self._run())
        gone = asyncio.create_task(_disconnected(receive))
        gone.add_done_callback(lambda _: turn.cancel())
        try:
            await self._send(send)
        finally:
            # After a cancelled turn nothing may be left running: it stores what was said.
            turn.cancel()
            gone.cancel()
            await asyncio.wait({turn})

    async def _run(self) -> None:
        parts = Parts()
        conversation_id = self._begun.conversation_id

        def put(*new: Part) -> None:
            for part in new:
                self._queue.put_nowait(part)

        failure, message_id = "The assistant failed", None
        try:
            put(
                {
                    "type": "start",
                    "messageId": f"msg-{self._begun.question_id}",
                    "messageMetadata": {"conversation_id": conversation_id},
                }
            )
            reply = await service.run(
                self._services, self._begun, lambda event: put(*parts.of(event))
            )
            message_id = reply.message_id
            failure = reply.failure[1] if reply.failure is not None else ""
        except Exception:
            log.exception("A turn failed")
        finally:
            # Whatever happened, a client is told how it ended.
            put(*parts.end())
            if failure:
                put({"type": "error", "errorText": failure})
            put(
                {
                    "type": "finish",
                    "messageMetadata": {
                        "conversation_id": conversation_id,
                        "message_id": message_id,
                    },
                }
            )
            self._queue.put_nowait(None)

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        while True:
            try:
                async with asyncio.timeout(_SILENCE):
                    part = await self._queue.get()
            except TimeoutError:
                await _body(send, b": still here\n\n")
                continue
            if part is None:
                break
            await _body(send, _encode(part))
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})


def _encode(part: Part) -> bytes:
    text = json.dumps(part, ensure_ascii=False, separators=(",", ":"))
    # A model may emit half a surrogate pair.
    return b"data: " + text.encode("utf-8", "replace") + b"\n\n"


async def _body(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
