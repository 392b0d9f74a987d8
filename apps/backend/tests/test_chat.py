"""Chat with the offline engine, through the real MCP server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from todo_backend.chat.repository import CONVERSATIONS_MAX


def _names(answer: dict[str, Any]) -> list[str]:
    return [call["name"] for call in answer["tool_calls"]]


def _events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def _stream(user: Any, message: str, conversation_id: int | None = None) -> list[Any]:
    response = user.client.post(
        f"/api/{user.id}/chat",
        json={"message": message, "conversation_id": conversation_id},
        headers={"accept": "text/event-stream"},
    )
    assert response.status_code == 200, response.text
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["content-type"].startswith("text/event-stream")
    return _events(response.text)


def test_the_sentences_of_the_contract(user: Any) -> None:
    meeting = user.add("Team meeting")
    call = user.add("Ring somebody")
    added = user.say("Add a task to buy groceries")
    assert [(c["name"], c["arguments"]) for c in added["tool_calls"]] == [
        ("add_task", {"title": "Buy groceries"})
    ]
    assert "Buy groceries" in added["response"]
    assert user.list()[0]["title"] == "Buy groceries"
    number = user.list()[0]["id"]

    everything = user.say("Show me all my tasks")
    assert [(c["name"], c["arguments"]) for c in everything["tool_calls"]] == [
        ("list_tasks", {"status": "all"})
    ]
    assert everything["tool_calls"][0]["result"] == user.list()
    pending = user.say("What's pending?")
    assert pending["tool_calls"][0]["arguments"] == {"status": "pending"}

    completed = user.say(f"Mark task {number} as complete")
    assert completed["tool_calls"][0]["arguments"] == {"task_id": number}
    assert "Buy groceries" in completed["response"]
    assert user.list(status="completed")[0]["id"] == number

    deleted = user.say("Delete the meeting task")
    assert _names(deleted) == ["list_tasks", "delete_task"]
    assert deleted["tool_calls"][1]["arguments"] == {"task_id": meeting["id"]}
    assert "Team meeting" in deleted["response"]

    changed = user.say(f"Change task {call['id']} to 'Call mom tonight'")
    assert changed["tool_calls"][0]["arguments"] == {
        "task_id": call["id"],
        "title": "Call mom tonight",
    }
    assert user.say("I need to remember to pay bills")["tool_calls"][0]["arguments"] == {
        "title": "Pay bills"
    }
    assert user.say("What have I completed?")["tool_calls"][0]["arguments"] == {
        "status": "completed"
    }
    assert [task["title"] for task in user.list()] == [
        "Pay bills",
        "Buy groceries",
        "Call mom tonight",
    ]


def test_unknown_task_changes_nothing(user: Any, stranger: Any) -> None:
    foreign = stranger.add("Secret plan")
    answer = user.say(f"Mark task {foreign['id']} as complete")
    assert "no task" in answer["response"].lower()
    assert "Secret" not in answer["response"]
    assert answer["tool_calls"][0]["result"] == {"error": f"Task {foreign['id']} was not found"}
    assert stranger.list() == [foreign]


def test_delete_everything_asks_first(user: Any) -> None:
    user.add("One")
    user.add("Two")
    asked = user.say("Delete everything")
    assert _names(asked) == ["list_tasks"]
    assert len(user.list()) == 2
    kept = user.say("no", asked["conversation_id"])
    assert kept["tool_calls"] == []
    assert len(user.list()) == 2
    again = user.say("Delete everything", asked["conversation_id"])
    done = user.say("yes", again["conversation_id"])
    assert _names(done) == ["delete_task", "delete_task"]
    assert user.list() == []


def test_yes_of_another_conversation_deletes_nothing(user: Any) -> None:
    user.add("One")
    user.say("Delete everything")
    user.say("yes")
    assert len(user.list()) == 1


def test_ambiguous_reference_is_asked_and_answered(user: Any) -> None:
    user.add("Meeting with Ann")
    bob = user.add("Meeting with Bob")
    asked = user.say("Delete the meeting task")
    assert _names(asked) == ["list_tasks"]
    assert len(user.list()) == 2
    user.say(f"{bob['id']}", asked["conversation_id"])
    assert [task["title"] for task in user.list()] == ["Meeting with Ann"]


def test_stream_tells_the_turn(user: Any) -> None:
    events = _stream(user, "Add a task to buy groceries")
    assert events[-1] == "[DONE]"
    types = [event["type"] for event in events[:-1]]
    assert types == [
        "start",
        "tool-input-available",
        "tool-output-available",
        "text-start",
        "text-delta",
        "text-end",
        "finish",
    ]
    task = user.list()[0]
    conversation = events[0]["messageMetadata"]["conversation_id"]
    assert events[1]["toolName"] == "add_task"
    assert events[1]["input"] == {"title": "Buy groceries"}
    assert events[2]["toolCallId"] == events[1]["toolCallId"]
    assert events[2]["output"]["task_id"] == task["id"]
    stored = user.client.get(f"/api/{user.id}/conversations/{conversation}").json()["messages"]
    assert [message["role"] for message in stored] == ["user", "assistant"]
    assert stored[1]["content"] == events[4]["delta"]
    assert stored[1]["id"] == events[-2]["messageMetadata"]["message_id"]


def test_tool_error_in_the_stream(user: Any) -> None:
    events = _stream(user, "Mark task 999999 as complete")
    (error,) = [e for e in events if isinstance(e, dict) and e["type"] == "tool-output-error"]
    assert error["errorText"] == "Task 999999 was not found"


def test_conversation_goes_on_in_another_process(
    user: Any, start_backend: Any, backend_url: str
) -> None:
    """Nothing is kept in memory: another backend knows what "the second one" is."""
    first = user.add("First")
    user.add("Second")
    listed = user.say("Show me all my tasks")
    other = start_backend()
    answer = user.client.post(
        f"{other}/api/{user.id}/chat",
        json={
            "message": "delete the second one",
            "conversation_id": listed["conversation_id"],
        },
        headers={"cookie": "; ".join(f"{k}={v}" for k, v in user.client.cookies.items())},
    ).json()
    assert answer["tool_calls"][-1]["arguments"] == {"task_id": first["id"]}


def test_two_turns_at_once_one_gets_409(user: Any, scratch: Any) -> None:
    conversation = user.say("Show me all my tasks")["conversation_id"]
    hold = "UPDATE conversations SET turn_id = 'other', turn_until = now() + %s::interval"
    with scratch.superuser() as connection:
        connection.execute(hold + " WHERE id = %s", ("10 s", conversation))
        refused = user.client.post(
            f"/api/{user.id}/chat",
            json={"message": "What's pending?", "conversation_id": conversation},
        )
        assert refused.status_code == 409
        assert int(refused.headers["retry-after"]) > 0
        # The other turn's process died: its hold runs out.
        connection.execute(hold + " WHERE id = %s", ("-1 s", conversation))
    assert user.say("What's pending?", conversation)["conversation_id"] == conversation


def test_conversations_are_listed_newest_first_and_deleted(user: Any) -> None:
    one = user.say("Show me all my tasks")["conversation_id"]
    two = user.say("What's pending?")["conversation_id"]
    user.say("thanks", one)
    path = f"/api/{user.id}/conversations"
    page = user.client.get(path, params={"limit": 1}).json()
    rest = user.client.get(path, params={"cursor": page["next_cursor"]}).json()
    assert [c["id"] for c in page["items"] + rest["items"]] == [one, two]
    assert page["items"][0]["title"] == "Show me all my tasks"
    assert user.client.delete(f"{path}/{one}").status_code == 204
    assert user.client.get(f"{path}/{one}").status_code == 404


def test_foreign_conversation_is_404(user: Any, stranger: Any) -> None:
    foreign = stranger.say("Show me all my tasks")["conversation_id"]
    path = f"/api/{user.id}/conversations/{foreign}"
    talk = {"message": "hello", "conversation_id": foreign}
    assert user.client.get(path).status_code == 404
    assert user.client.delete(path).status_code == 404
    assert user.client.post(f"/api/{user.id}/chat", json=talk).status_code == 404
    messages = stranger.client.get(f"/api/{stranger.id}/conversations/{foreign}").json()
    assert len(messages["messages"]) == 2


@pytest.mark.parametrize("message", ["", "   ", "x" * 4001, "a\u0000b"])
def test_invalid_message_is_422(user: Any, message: str) -> None:
    response = user.client.post(f"/api/{user.id}/chat", json={"message": message})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "message"


def test_without_the_mcp_server_the_turn_fails_in_words_and_the_question_is_kept(
    user: Any, start_backend: Any
) -> None:
    lonely = start_backend(mcp_url="http://127.0.0.1:9/mcp")
    cookies = "; ".join(f"{k}={v}" for k, v in user.client.cookies.items())
    response = user.client.post(
        f"{lonely}/api/{user.id}/chat",
        json={"message": "Show me all my tasks"},
        headers={"cookie": cookies},
    )
    assert response.status_code == 503
    assert "retry-after" in response.headers
    (conversation,) = user.client.get(f"/api/{user.id}/conversations").json()["items"]
    path = f"/api/{user.id}/conversations/{conversation['id']}"
    messages = user.client.get(path).json()["messages"]
    assert [message["content"] for message in messages] == ["Show me all my tasks", ""]
    assert messages[1]["tool_calls"][0]["result"] == {"error": "Did not finish"}
    ready = user.client.get(f"{lonely}/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"] == {
        "database": "ok",
        "mcp-server": "The MCP server does not answer",
    }
    # And the conversation is free for the next turn.
    assert user.say("What's pending?", conversation["id"])["tool_calls"]


def test_too_many_turns_are_429_for_that_user_only(
    start_backend: Any, sign_up: Any, scratch: Any
) -> None:
    url = start_backend(chat_turns_per_minute=3)
    talker, other = sign_up(url), sign_up(url)
    conversation = talker.say("What's pending?")["conversation_id"]
    talker.say("What's pending?", conversation)
    talker.say("What's pending?", conversation)
    body = {"message": "What's pending?", "conversation_id": conversation}
    refused = talker.client.post(f"/api/{talker.id}/chat", json=body)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    # One more every 20 seconds.
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert other.say("What's pending?")
    messages = talker.client.get(f"/api/{talker.id}/conversations/{conversation}").json()
    assert len(messages["messages"]) == 6
    with scratch.superuser() as connection:
        # As if so much time had passed.
        connection.execute(
            "UPDATE users SET chat_booked_until = chat_booked_until - %s * interval '1 s'"
            " WHERE id = %s",
            (int(refused.headers["retry-after"]), talker.id),
        )
    assert talker.say("What's pending?", conversation)


def test_refused_turns_cost_nothing(start_backend: Any, sign_up: Any) -> None:
    talker = sign_up(start_backend(chat_turns_per_minute=1))
    unknown = {"message": "hello", "conversation_id": 2**40}
    for _ in range(3):
        assert talker.client.post(f"/api/{talker.id}/chat", json=unknown).status_code == 404
    assert talker.say("What's pending?")


def test_every_event_of_a_stream_is_as_the_document_says(user: Any) -> None:
    schemas = user.client.get("/api/openapi.json").json()["components"]["schemas"]
    part = {"$ref": "#/components/schemas/StreamPart", "components": {"schemas": schemas}}
    validator = Draft202012Validator(part)
    user.add("Milk")
    seen = set()
    for sentence in ("Add a task to buy bread", "Mark task 999999 as complete", "hello"):
        for event in _stream(user, sentence)[:-1]:
            validator.validate(event)
            seen.add(event["type"])
    assert {"start", "text-delta", "tool-output-available", "tool-output-error", "finish"} <= seen
    with pytest.raises(ValidationError):
        validator.validate({"type": "text-delta", "delta": "without its id"})


def _fill(scratch: Any, user: Any, number: int) -> None:
    with scratch.superuser() as connection:
        connection.execute(
            "INSERT INTO tasks (user_id, title, description)"
            " SELECT %s, 'Task ' || n, repeat('x', 900) FROM generate_series(1, %s) n",
            (user.id, number),
        )


def test_of_a_long_list_only_the_first_rows_are_kept(user: Any, scratch: Any) -> None:
    _fill(scratch, user, 1000)
    answer = user.say("Show me all my tasks")
    result = answer["tool_calls"][0]["result"]
    assert result["count"] == 1000
    assert result["result"] == user.list()[: len(result["result"])]
    assert len(json.dumps(result)) < 40_000
    listing = _stream(user, "Show me all my tasks", answer["conversation_id"])
    (output,) = [e["output"] for e in listing[:-1] if e["type"] == "tool-output-available"]
    assert output == result
    with scratch.superuser() as connection:
        largest = connection.execute(
            "SELECT max(length(tool_calls::text)) FROM messages WHERE user_id = %s", (user.id,)
        ).fetchone()
    assert largest is not None
    assert largest[0] < 40_000
    assert "newest 1000" in answer["response"]
    assert "older ones stay" in user.say("Delete everything")["response"]
    # What the list showed is still known: places are kept beside the cut result.
    deleted = user.say("delete the third one", answer["conversation_id"])
    assert "Task 998" in deleted["response"]


def test_messages_are_paged_from_the_newest(user: Any) -> None:
    first = user.say("hello")["conversation_id"]
    for _ in range(2):
        user.say("thanks", first)
    path = f"/api/{user.id}/conversations/{first}"
    whole = user.client.get(path).json()
    assert whole["next_cursor"] is None
    page = user.client.get(path, params={"limit": 4}).json()
    rest = user.client.get(path, params={"limit": 4, "cursor": page["next_cursor"]}).json()
    assert rest["next_cursor"] is None
    assert rest["messages"] + page["messages"] == whole["messages"]
    assert len(page["messages"]) == 4
    refused = user.client.get(path, params={"cursor": "garbage"})
    assert refused.json()["errors"][0]["field"] == "cursor"


def test_answer_that_cannot_be_stored_is_told_and_holds_nothing(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from todo_backend.chat import repository

    insert = repository.insert_message

    async def failing(*args: Any, **fields: Any) -> Any:
        if fields["role"] == "assistant":
            raise ValueError("unforeseen")
        return await insert(*args, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(repository, "insert_message", failing)
        events = _stream(user, "What's pending?")
    assert [e["type"] for e in events[-3:-1]] == ["error", "finish"]
    conversation = events[0]["messageMetadata"]["conversation_id"]
    assert user.say("What's pending?", conversation)


def test_stream_of_a_turn_that_breaks_down_still_ends_as_it_should(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from todo_backend.chat import service

    async def failing(*_: Any) -> Any:
        raise ValueError("unforeseen")

    monkeypatch.setattr(service, "run", failing)
    events = _stream(user, "What's pending?")
    assert [e if e == "[DONE]" else e["type"] for e in events] == [
        "start",
        "error",
        "finish",
        "[DONE]",
    ]


def test_a_user_may_have_so_many_conversations(user: Any, stranger: Any, scratch: Any) -> None:
    first = user.say("Hello")["conversation_id"]
    with scratch.superuser() as connection:
        connection.execute(
            "INSERT INTO conversations (user_id, title) SELECT %s, 'x' FROM generate_series(1, %s)",
            (user.id, CONVERSATIONS_MAX - 1),
        )
    chat = f"/api/{user.id}/chat"
    full = user.client.post(chat, json={"message": "Add a task to buy groceries"})
    assert full.status_code == 413
    assert str(CONVERSATIONS_MAX) in full.json()["detail"]
    assert "delete one" in full.json()["detail"]
    assert user.list() == []
    user.say("What's pending?", first)
    stranger.say("Hello")
    assert user.client.delete(f"/api/{user.id}/conversations/{first}").status_code == 204
    user.say("Hello")
