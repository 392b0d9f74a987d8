"""/api/{user_id}/chat and /conversations."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from todo_core.tasks.paging import CURSOR_MAX, read_cursor, write_cursor
from todo_core.tasks.schemas import ID_MAX, Sort

from todo_backend.auth.dependencies import OwnerDep
from todo_backend.chat import repository, service
from todo_backend.chat.schemas import (
    ChatRequest,
    ChatResponse,
    ConversationDetail,
    ConversationPage,
    ConversationPublic,
    MessagePublic,
    ToolCallPublic,
)
from todo_backend.chat.service import Begun, Reply
from todo_backend.chat.stream import TurnStream
from todo_backend.problems import RETRY_AFTER, ApiError, headers, invalid, not_found, problems
from todo_backend.services import Services, ServicesDep

router = APIRouter(prefix="/api/{user_id}", tags=["chat"])
ConversationId = Annotated[int, Path(ge=1, le=ID_MAX)]
_ORDER: Sort = "-updated_at"
_MESSAGES: Sort = "-created_at"


@router.post(
    "/chat",
    response_model=ChatResponse,
    responses={
        200: {
            "description": "The answer, or the turn as AI SDK UI message stream events",
            "headers": headers(
                {"x-vercel-ai-ui-message-stream": "Of a stream: the version of its protocol, v1"}
            ),
            "content": {
                "text/event-stream": {
                    # As FastAPI writes its own event streams.
                    "itemSchema": {
                        "type": "object",
                        "required": ["data"],
                        "properties": {
                            "data": {
                                "type": "string",
                                "contentMediaType": "application/json",
                                "contentSchema": {"$ref": "#/components/schemas/StreamPart"},
                            }
                        },
                    }
                }
            },
        },
        **problems(400, 401, 403, 404, 413, 422, 429, 502),
        # Unlike other conflicts this one passes.
        409: {**problems(409)[409], "headers": headers(RETRY_AFTER)},
    },
)
async def chat(
    body: ChatRequest,
    owner: OwnerDep,
    services: ServicesDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Take one turn. With `Accept: text/event-stream` it is told as it happens."""
    begun = await service.begin(services, user_id=owner.user_id, request=body)
    if "text/event-stream" in accept:
        return TurnStream(services, begun)
    reply = await _whole(services, begun)
    if reply.failure is not None:
        status, detail = reply.failure
        raise ApiError(status, detail, retry_after=3 if status == 503 else None)
    answer = ChatResponse(
        conversation_id=reply.conversation_id,
        response=reply.text,
        tool_calls=[ToolCallPublic(**call) for call in reply.tool_calls],
    )
    return Response(answer.model_dump_json(), media_type="application/json")


async def _whole(services: Services, begun: Begun) -> Reply:
    replies: list[Reply] = []

    async def run() -> None:
        replies.append(await service.run(services, begun, lambda _: None))

    await service.spawn(services, run())
    return replies[0]


@router.get("/conversations", responses=problems(401, 403, 404, 422))
async def list_conversations(
    owner: OwnerDep,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=CURSOR_MAX)] = None,
) -> ConversationPage:
    """List your conversations, the one last talked in first."""
    after = _after(cursor, _ORDER)
    async with services.database.transaction(owner.user_id) as connection:
        rows = await repository.select_conversations(
            connection, user_id=owner.user_id, limit=limit + 1, after=after
        )
    following = None
    if len(rows) > limit:
        rows.pop()
        following = write_cursor(_ORDER, rows[-1]["updated_at"], rows[-1]["id"])
    return ConversationPage(
        items=[ConversationPublic(**row) for row in rows], next_cursor=following
    )


@router.get("/conversations/{conversation_id}", responses=problems(401, 403, 404, 422))
async def get_conversation(
    conversation_id: ConversationId,
    owner: OwnerDep,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    cursor: Annotated[str | None, Query(max_length=CURSOR_MAX)] = None,
) -> ConversationDetail:
    """Read a conversation: its newest messages, and by the cursor those before them."""
    before = _after(cursor, _MESSAGES)
    async with services.database.transaction(owner.user_id) as connection:
        row = await repository.select_conversation(
            connection, user_id=owner.user_id, conversation_id=conversation_id
        )
        if row is None:
            raise not_found()
        messages = await repository.select_messages(
            connection,
            user_id=owner.user_id,
            conversation_id=conversation_id,
            limit=limit + 1,
            before=before[1] if before else None,
        )
    following = None
    if len(messages) > limit:
        messages.pop(0)
        following = write_cursor(_MESSAGES, None, messages[0]["id"])
    return ConversationDetail(
        **row,
        messages=[MessagePublic(**message) for message in messages],
        next_cursor=following,
    )


def _after(cursor: str | None, order: Sort) -> tuple[Any, int] | None:
    try:
        return None if cursor is None else read_cursor(cursor, order)
    except ValueError as error:
        raise invalid("cursor", str(error)) from error


@router.delete(
    "/conversations/{conversation_id}", status_code=204, responses=problems(401, 403, 404, 422)
)
async def delete_conversation(
    conversation_id: ConversationId, owner: OwnerDep, services: ServicesDep
) -> None:
    """Delete a conversation. Its tasks stay."""
    async with services.database.transaction(owner.user_id) as connection:
        found = await repository.delete_conversation(
            connection, user_id=owner.user_id, conversation_id=conversation_id
        )
    if not found:
        raise not_found()
