"""What breaks while a request runs: the database, the MCP server, the server itself."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx2
import psycopg
import pytest
from processes import Platform, Server, until_somebody_waits
from psycopg import sql
from waiting import wait_until


@pytest.fixture(scope="module")
def backend(platform: Platform) -> Server:
    """A backend that outlives the module's tests, with an MCP server."""
    platform.start_mcp()
    return platform.start_backend()


@pytest.fixture
def user(backend: Server, sign_up: Any) -> Any:
    backend.wait("/readyz")
    return sign_up(backend.url)


@contextmanager
def locked(platform: Platform, row: dict[str, Any], table: str = "tasks") -> Iterator[None]:
    """Hold a row, so that whoever changes it waits."""
    query = sql.SQL("SELECT FROM {} WHERE id = %s FOR UPDATE").format(sql.Identifier(table))
    with platform.database.superuser() as connection, connection.transaction():
        connection.execute(query, (row["id"],))
        yield


@contextmanager
def streamed(user: Any, message: str, url: str = "") -> Iterator[Iterator[dict[str, Any]]]:
    """Take a turn; yields its events as they come."""
    with user.client.stream(
        "POST",
        f"{url}/api/{user.id}/chat",
        json={"message": message},
        headers={"accept": "text/event-stream"},
    ) as response:
        assert response.status_code == 200
        lines = (line[6:] for line in response.iter_lines() if line.startswith("data: "))
        yield ({"type": line} if line == "[DONE]" else json.loads(line) for line in lines)


def begun(events: Iterator[dict[str, Any]]) -> int:
    """Read until a tool is called; returns the conversation's id."""
    start = next(events)
    assert next(events)["type"] == "tool-input-available"
    conversation_id: int = start["messageMetadata"]["conversation_id"]
    return conversation_id


def said(user: Any, conversation_id: int, url: str = "") -> list[tuple[str, str]]:
    answer = user.client.get(f"{url}/api/{user.id}/conversations/{conversation_id}")
    assert answer.status_code == 200, answer.text
    return [(message["role"], message["content"]) for message in answer.json()["messages"]]


def checks(server: Server) -> tuple[int, dict[str, str]]:
    answer = httpx2.get(f"{server.url}/readyz", timeout=10, trust_env=False)
    return answer.status_code, answer.json()["checks"]


def test_a_lost_database_is_503_and_comes_back_by_itself(
    platform: Platform, backend: Server, user: Any
) -> None:
    task = user.add()
    path = f"{user.tasks}/{task['id']}/complete"
    name = platform.database.name
    access = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with (
        psycopg.connect(platform.database.superuser_url, autocommit=True) as admin,
        ThreadPoolExecutor(1) as pool,
        ExitStack() as lock,
    ):
        # The connection that holds the lock is lost, too.
        lock.enter_context(suppress(psycopg.OperationalError))
        lock.enter_context(locked(platform, task))
        caught = pool.submit(user.client.patch, path)
        until_somebody_waits(platform.database)
        admin.execute(access.format(sql.Identifier(name), False))
        try:
            admin.execute(end, (name,))
            for answer in (caught.result(30), user.client.get(user.tasks)):
                assert answer.status_code == 503
                assert answer.headers["content-type"] == "application/problem+json"
                assert int(answer.headers["retry-after"]) > 0
            assert checks(backend) == (
                503,
                {"database": "The database does not answer", "mcp-server": "ok"},
            )
            assert httpx2.get(f"{backend.url}/livez", trust_env=False).status_code == 200
        finally:
            admin.execute(access.format(sql.Identifier(name), True))
    backend.wait("/readyz")
    assert user.list() == [task]
    assert user.client.patch(path).json()["completed"] is True


def test_mcp_server_killed_in_a_turn(platform: Platform, backend: Server, user: Any) -> None:
    """The turn fails in words, the question stays, and the next turn finds the new server."""
    task = user.add()
    sentence = f"Mark task {task['id']} as complete"
    with locked(platform, task), streamed(user, sentence) as events:
        conversation = begun(events)
        until_somebody_waits(platform.database)
        platform.mcp.kill()
        rest = list(events)
    assert [event["type"] for event in rest] == ["error", "finish", "[DONE]"]
    assert rest[0]["errorText"] == "The MCP server does not answer; try again in a moment"
    assert checks(backend) == (
        503,
        {"database": "ok", "mcp-server": "The MCP server does not answer"},
    )
    assert said(user, conversation) == [("user", sentence), ("assistant", "")]
    whole = user.client.post(f"/api/{user.id}/chat", json={"message": sentence})
    assert whole.status_code == 503
    assert int(whole.headers["retry-after"]) > 0
    platform.start_mcp()
    backend.wait("/readyz")
    readiness = [entry["message"] for entry in backend.entries() if entry["logger"] == "todo.ready"]
    assert readiness[-2:] == [
        "readiness: mcp-server: The MCP server does not answer",
        "readiness: mcp-server: ok",
    ]
    assert user.say(sentence, conversation)["tool_calls"][0]["name"] == "complete_task"
    assert user.list()[0]["completed"] is True


def test_two_turns_at_once_and_none_is_lost(platform: Platform, user: Any) -> None:
    conversation = user.say("Show me all my tasks")["conversation_id"]
    task = user.add()
    body = {"message": f"Mark task {task['id']} as complete", "conversation_id": conversation}
    path = f"/api/{user.id}/chat"
    with ThreadPoolExecutor(1) as pool:
        with locked(platform, task):
            first = pool.submit(user.client.post, path, json=body)
            until_somebody_waits(platform.database)
            second = user.client.post(path, json={**body, "message": "What's pending?"})
        assert first.result(30).status_code == 200
    assert second.status_code == 409
    assert int(second.headers["retry-after"]) > 0
    assert user.say("What's pending?", conversation)["tool_calls"]
    questions = [text for role, text in said(user, conversation) if role == "user"]
    assert questions == ["Show me all my tasks", body["message"], "What's pending?"]


def test_conversation_goes_on_after_its_server_was_killed_in_a_stream(
    platform: Platform, backend: Server, user: Any
) -> None:
    task = user.add()
    doomed = platform.start_backend()
    sentence = f"Mark task {task['id']} as complete"
    with locked(platform, task):
        with streamed(user, sentence, doomed.url) as events:
            conversation = begun(events)
            until_somebody_waits(platform.database)
            doomed.kill()
            with pytest.raises(httpx2.HTTPError):
                list(events)
        held = {"message": "hello", "conversation_id": conversation}
        answer = user.client.post(f"/api/{user.id}/chat", json=held)
        assert answer.status_code == 409
    with platform.database.superuser() as connection:
        # As if the time had passed after which a dead turn's hold runs out.
        connection.execute(
            "UPDATE conversations SET turn_until = now() - interval '1 s' WHERE id = %s",
            (conversation,),
        )
    assert user.say("Show me all my tasks", conversation)["tool_calls"]
    assert [role for role, _ in said(user, conversation)] == ["user", "user", "assistant"]
    assert said(user, conversation)[0] == ("user", sentence)


def test_leaving_while_the_answer_is_stored_loses_nothing(platform: Platform, user: Any) -> None:
    task = user.add()
    with ExitStack() as task_lock, ExitStack() as conversation_lock:
        task_lock.enter_context(locked(platform, task))
        with streamed(user, f"Mark task {task['id']} as complete") as events:
            conversation = begun(events)
            until_somebody_waits(platform.database)
            conversation_lock.enter_context(locked(platform, {"id": conversation}, "conversations"))
            task_lock.close()
            words = next(event["delta"] for event in events if event["type"] == "text-delta")
            until_somebody_waits(platform.database)
        # The client has left, and only now the answer can be stored.
        conversation_lock.close()
    wait_until(lambda: len(said(user, conversation)) == 2, "the answer is stored")
    assert said(user, conversation)[1] == ("assistant", words)


def test_sigterm_lets_a_stream_finish(platform: Platform, backend: Server, user: Any) -> None:
    task = user.add()
    leaving = platform.start_backend()
    with ExitStack() as lock:
        lock.enter_context(locked(platform, task))
        with streamed(user, f"Mark task {task['id']} as complete", leaving.url) as events:
            conversation = begun(events)
            until_somebody_waits(platform.database)
            leaving.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not accepts(leaving), "the server takes no new connections")
            lock.close()
            rest = list(events)
    assert [event["type"] for event in rest][-2:] == ["finish", "[DONE]"]
    assert leaving.process.wait(30) in (0, -signal.SIGTERM)
    assert user.list()[0]["completed"] is True
    question, answer = said(user, conversation)
    assert question[0] == "user"
    assert answer[1] == "".join(e["delta"] for e in rest if e["type"] == "text-delta")


def accepts(server: Server) -> bool:
    try:
        httpx2.get(f"{server.url}/livez", timeout=5, trust_env=False)
    except httpx2.ConnectError:
        return False
    return True
