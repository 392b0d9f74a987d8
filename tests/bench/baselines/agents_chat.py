"""A chat turn by the openai-agents package: hold a conversation, run the agent, store what it did.

PG* variables name the database; MCP_URL, MCP_AUDIENCE and SIGNING_KEY_FILE the MCP server and how
to be believed by it; MODEL_URL the model.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import jwt
from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.items import ToolCallItem, ToolCallOutputItem
from agents.mcp import MCPServerStreamableHttp
from fastapi import Cookie, FastAPI, HTTPException
from openai import AsyncOpenAI
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

INSTRUCTIONS = "You look after the to-do list of one user, only by the tools you are given."
KEY = Path(os.environ["SIGNING_KEY_FILE"]).read_text()
# It would send what users say to OpenAI.
set_tracing_disabled(True)
model = OpenAIChatCompletionsModel(
    "scripted", AsyncOpenAI(base_url=os.environ["MODEL_URL"], api_key="none")
)
pool = AsyncConnectionPool("", min_size=2, max_size=10, open=False, kwargs={"autocommit": True})


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with pool:
        yield


app = FastAPI(lifespan=lifespan)


class ChatRequest(BaseModel):
    message: str


class ChatResponse(BaseModel):
    conversation_id: int
    response: str
    tool_calls: list[dict[str, Any]]


@app.post("/api/{user_id}/chat")
async def chat(
    user_id: str, body: ChatRequest, todo_session: Annotated[str, Cookie()]
) -> ChatResponse:
    if await identify(todo_session) != user_id:
        raise HTTPException(404)
    conversation_id = await begin(user_id, body.message)
    headers = {"authorization": f"Bearer {token(user_id)}"}
    async with MCPServerStreamableHttp({"url": os.environ["MCP_URL"], "headers": headers}) as tools:
        agent = Agent("Todo", instructions=INSTRUCTIONS, model=model, mcp_servers=[tools])
        run = Runner.run_streamed(agent, body.message)
        async for _ in run.stream_events():
            pass
    reply = ChatResponse(
        conversation_id=conversation_id,
        response=str(run.final_output),
        tool_calls=calls_of(run.new_items),
    )
    await store(user_id, reply)
    return reply


def token(user_id: str) -> str:
    now = int(time.time())
    claims = {
        "iss": "todo-backend",
        "sub": user_id,
        "aud": os.environ["MCP_AUDIENCE"],
        "iat": now,
        "exp": now + 60,
        "scope": "todos",
    }
    return jwt.encode(claims, KEY, algorithm="EdDSA")


def calls_of(items: list[Any]) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, ToolCallItem):
            asked = item.raw_item
            calls.append({"name": asked.name, "arguments": json.loads(asked.arguments)})
        elif isinstance(item, ToolCallOutputItem):
            calls[-1]["result"] = json.loads(item.output["text"])
    return calls


async def identify(secret: str) -> str | None:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT u.id, u.email, u.name FROM sessions s JOIN users u ON u.id = s.user_id"
            " WHERE s.token_hash = %s AND s.expires_at > now()",
            (hashlib.sha256(secret.encode()).digest(),),
        )
        row = await cursor.fetchone()
    return None if row is None else row[0]


async def begin(user_id: str, message: str) -> int:
    async with pool.connection() as connection, connection.transaction():
        cursor = await connection.execute(
            "INSERT INTO conversations (user_id, title) VALUES (%s, %s) RETURNING id",
            (user_id, message[:80]),
        )
        row = await cursor.fetchone()
        assert row is not None
        await connection.execute(
            "INSERT INTO messages (user_id, conversation_id, role, content)"
            " VALUES (%s, %s, 'user', %s)",
            (user_id, row[0], message),
        )
    return int(row[0])


async def store(user_id: str, reply: ChatResponse) -> None:
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO messages (user_id, conversation_id, role, content, tool_calls)"
            " VALUES (%s, %s, 'assistant', %s, %s)",
            (user_id, reply.conversation_id, reply.response, Jsonb(reply.tool_calls)),
        )
        await connection.execute(
            "UPDATE conversations SET updated_at = now() WHERE id = %s", (reply.conversation_id,)
        )


@app.get("/readyz")
async def ready() -> None:
    """Tell the benchmark that the program has started."""
