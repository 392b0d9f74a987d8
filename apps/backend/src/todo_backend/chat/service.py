"""One turn of a conversation: hold it, store what was said, run the engine, store the answer.

Nothing is kept in memory between turns. A turn holds its conversation in the database by a hold
that it renews, so a turn whose process died is out of the way after `HOLD` seconds.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Histogram
from todo_core.database import Connection
from todo_core.errors import NotFoundError, UnavailableError

from todo_backend.assistant.engine import (
    EngineError,
    Event,
    Said,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Turn,
    Waiting,
)
from todo_backend.assistant.results import clean, within
from todo_backend.chat import repository
from todo_backend.chat.schemas import ChatRequest
from todo_backend.problems import ApiError, not_found
from todo_backend.services import Services

_TITLE = 80
# Characters of JSON that the results of one turn take where they are kept and shown.
_RESULTS_MAX = 32_000
TURNS = Histogram("chat_turn_duration_seconds", "Chat turns", ["engine", "outcome"])
log = logging.getLogger("todo.chat")


@dataclass(slots=True)
class Reply:
    """What became of a turn, as far as it went."""

    conversation_id: int
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    pending: dict[str, Any] | None = None
    message_id: int | None = None
    # Status and words of what ended the turn before its time.
    failure: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A turn that holds its conversation and whose question is stored."""

    user_id: str
    conversation_id: int
    turn_id: str
    question_id: int
    turn: Turn


async def begin(services: Services, *, user_id: str, request: ChatRequest) -> Begun:
    """Hold the conversation and store the user's message.

    Raises ApiError 404 for an unknown conversation, 409 while another turn holds it, and 429 after
    too many turns; LimitError when the user has as many conversations as one may have.
    """
    turn_id = secrets.token_hex(8)
    history: list[dict[str, Any]] = []
    async with services.database.transaction(user_id) as connection:
        wait = await repository.book_turn(
            connection, user_id=user_id, per_minute=services.settings.chat_turns_per_minute
        )
        if wait is None:
            raise not_found()
        if wait > 0:
            raise ApiError(429, "Too many messages to the assistant", retry_after=math.ceil(wait))
        if request.conversation_id is None:
            conversation_id = await repository.insert_conversation(
                connection, user_id=user_id, title=_title(request.message), turn_id=turn_id
            )
        else:
            conversation_id = request.conversation_id
            held = await repository.hold_conversation(
                connection, user_id=user_id, conversation_id=conversation_id, turn_id=turn_id
            )
            if held is None:
                raise not_found()
            if not held:
                raise ApiError(
                    409, "Another turn of this conversation is still running", retry_after=1
                )
            history = await repository.select_messages(
                connection,
                user_id=user_id,
                conversation_id=conversation_id,
                # Always the last one: it holds what the assistant waits for.
                limit=services.engine.history or 1,
                with_calls=services.engine.history > 0,
            )
        question_id = await repository.insert_message(
            connection,
            user_id=user_id,
            conversation_id=conversation_id,
            role="user",
            content=request.message,
        )
    assert question_id is not None, "the transaction holds the conversation"
    last = history[-1] if history else None
    turn = Turn(
        message=request.message,
        history=[Said(m["role"], m["content"], m["tool_calls"]) for m in history],
        now=datetime.now(UTC),
        pending=last["pending"] if last else None,
    )
    return Begun(
        user_id=user_id,
        conversation_id=conversation_id,
        turn_id=turn_id,
        question_id=question_id,
        turn=turn,
    )


def _title(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _TITLE else line[: _TITLE - 1] + "…"


async def run(services: Services, begun: Begun, tell: Callable[[Event], None]) -> Reply:
    """Run the engine to its end and store what it said, also when it fails or is cancelled.

    ``tell`` gets each event as it happens.
    """
    reply = Reply(begun.conversation_id)
    started = asyncio.get_running_loop().time()
    outcome = "cancelled"
    try:
        async with _kept(services, begun):
            await _answer(services, begun, reply, tell)
        outcome = "failed" if reply.failure else "done"
    finally:
        TURNS.labels(services.engine.name, outcome).observe(
            asyncio.get_running_loop().time() - started
        )
        # Not cancelled with the turn: a client that leaves at the very end would lose the answer.
        await asyncio.shield(spawn(services, _store(services, begun, reply)))
    return reply


async def _answer(
    services: Services, begun: Begun, reply: Reply, tell: Callable[[Event], None]
) -> None:
    started: dict[str, dict[str, Any]] = {}
    room = _RESULTS_MAX
    try:
        async with (
            asyncio.timeout(services.settings.turn_timeout),
            services.tools.on_behalf_of(begun.user_id) as tools,
        ):
            async for event in services.engine.run(begun.turn, tools):
                match event:
                    case TextDelta(text):
                        reply.text += text
                    case ToolStarted(id_, name, arguments):
                        arguments = clean(arguments)
                        event = ToolStarted(id_, name, arguments)
                        started[id_] = {
                            "name": name,
                            "arguments": arguments,
                            # Stays when the turn ends before the call does.
                            "result": {"error": "Did not finish"},
                        }
                        reply.tool_calls.append(started[id_])
                    case ToolFinished(id_, result, error):
                        result, size = within(clean(result), room)
                        room -= size
                        error = clean(error)
                        event = ToolFinished(id_, result, error)
                        started[id_]["result"] = result if error is None else {"error": error}
                    case Waiting(pending):
                        reply.pending = pending
                tell(event)
    except UnavailableError as error:
        log.warning("%s", error, extra={"cause": repr(error.__cause__)})
        reply.failure = (503, f"{error}; try again in a moment")
    except EngineError as error:
        log.warning("%s", error, extra={"cause": repr(error.__cause__)})
        reply.failure = (502, str(error))
    except TimeoutError:
        reply.failure = (502, "The assistant took too long")
    except Exception:
        log.exception("The engine failed")
        reply.failure = (500, "The assistant failed")
    finally:
        # Whole: a surrogate pair may come in two pieces.
        reply.text = clean(reply.text)


@asynccontextmanager
async def _kept(services: Services, begun: Begun) -> AsyncIterator[None]:
    """Renew the hold on the conversation while the body runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(repository.HOLD / 3)
            with suppress(UnavailableError):
                async with services.database.transaction(begun.user_id) as connection:
                    await repository.hold_conversation(
                        connection,
                        user_id=begun.user_id,
                        conversation_id=begun.conversation_id,
                        turn_id=begun.turn_id,
                    )

    keeper = asyncio.create_task(renew())
    try:
        yield
    finally:
        keeper.cancel()


async def _store(services: Services, begun: Begun, reply: Reply) -> None:
    """Store the answer and let the conversation go; a lost database is tried again for a while."""
    for pause in (0.2, 1, 3, None):
        try:
            # Deleted in the meantime: there is nothing to keep it for.
            with suppress(NotFoundError):
                await _store_once(services, begun, reply)
            return
        except UnavailableError:
            if pause is None:
                log.error("An answer could not be stored: the database does not answer")
                return
            await asyncio.sleep(pause)
        except Exception:
            log.exception("An answer could not be stored")
            reply.failure = reply.failure or (500, "The answer could not be stored")
            # Not held any longer than the turn runs, whatever became of it.
            with suppress(Exception):
                async with services.database.transaction(begun.user_id) as connection:
                    await _release(connection, begun)
            return


async def _store_once(services: Services, begun: Begun, reply: Reply) -> None:
    async with services.database.transaction(begun.user_id) as connection:
        if reply.text or reply.tool_calls:
            reply.message_id = await repository.insert_message(
                connection,
                user_id=begun.user_id,
                conversation_id=begun.conversation_id,
                role="assistant",
                content=reply.text,
                tool_calls=reply.tool_calls,
                pending=reply.pending,
            )
        await _release(connection, begun)


async def _release(connection: Connection, begun: Begun) -> None:
    await repository.release_conversation(
        connection,
        user_id=begun.user_id,
        conversation_id=begun.conversation_id,
        turn_id=begun.turn_id,
    )


def spawn(services: Services, work: Awaitable[None]) -> asyncio.Task[None]:
    """Run work beside its request; the end of the process waits for it."""

    async def run_it() -> None:
        await work

    task = asyncio.create_task(run_it())
    services.turns.add(task)
    task.add_done_callback(services.turns.discard)
    return task
