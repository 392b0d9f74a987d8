"""The application's contract, through the ingress, on the real cluster and database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import httpx2
import pytest
from e2e.support import URL, User


@pytest.mark.parametrize("path", ["/healthz", "/api/livez", "/api/readyz"])
def test_health_is_public(path: str) -> None:
    assert httpx2.get(URL + path).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/api/metrics", "/livez"])
def test_metrics_and_internal_health_are_not_routed(path: str) -> None:
    answer = httpx2.get(URL + path)
    assert "process_cpu_seconds_total" not in answer.text
    assert answer.headers["content-type"].split(";")[0] != "text/plain" or answer.status_code == 404


def test_without_a_session_nothing_is_shown(user: User) -> None:
    answer = httpx2.get(f"{URL}{user.home}/tasks")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_task_from_creation_to_deletion(user: User) -> None:
    created = user.http.post(f"{user.home}/tasks", json={"title": "  Water the plants "})
    assert created.status_code == 201
    task = created.json()
    assert task["title"] == "Water the plants"
    assert created.headers["location"].endswith(f"/tasks/{task['id']}")
    path = f"{user.home}/tasks/{task['id']}"
    assert user.http.patch(f"{path}/complete").json()["completed"] is True
    assert user.http.put(path, json={"title": "Water the garden"}).json()["title"] == (
        "Water the garden"
    )
    assert user.http.delete(path).status_code == 204
    assert user.http.get(path).status_code == 404


def test_foreign_tasks_look_like_no_tasks(new_user: Callable[[], User]) -> None:
    owner, stranger = new_user(), new_user()
    task = owner.add("Secret plan")
    foreign = stranger.http.get(f"{stranger.home}/tasks/{task['id']}")
    unknown = stranger.http.get(f"{stranger.home}/tasks/999999999")
    assert foreign.status_code == unknown.status_code == 404
    scrub = re.compile(r"\d+|\"instance\":\"[^\"]*\"|\"request_id\":\"[^\"]*\"")
    assert scrub.sub("", foreign.text) == scrub.sub("", unknown.text)
    assert stranger.http.get(f"{owner.home}/tasks").status_code == 404
    assert stranger.http.delete(f"{owner.home}/tasks/{task['id']}").status_code == 404
    assert [found["title"] for found in owner.tasks()] == ["Secret plan"]


@pytest.mark.parametrize("title", ["", " ", "x" * 201, None, 7])
def test_a_bad_title_is_refused_by_name(user: User, title: object) -> None:
    answer = user.http.post(f"{user.home}/tasks", json={"title": title})
    assert answer.status_code == 422
    assert "title" in answer.text
    assert user.tasks() == []


@pytest.mark.parametrize(
    "title", ["买牛奶 🥛", "'; DROP TABLE tasks; --", "<script>alert(1)</script>", "مرحبا"]
)
def test_any_text_is_only_text(user: User, title: str) -> None:
    user.add(title)
    assert [task["title"] for task in user.tasks()] == [title]


def test_a_cross_site_request_is_refused(user: User) -> None:
    answer = user.http.post(
        f"{user.home}/tasks", json={"title": "Forged"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert user.tasks() == []


def test_after_logout_the_session_is_worth_nothing(user: User) -> None:
    cookies = dict(user.http.cookies)
    assert user.http.post("/api/auth/logout").status_code == 204
    replay = httpx2.get(f"{URL}/api/auth/me", cookies=cookies)
    assert replay.status_code == 401
    login = {"email": user.email, "password": user.password}
    assert user.http.post("/api/auth/login", json=login).status_code == 200


def test_the_eight_sentences(user: User) -> None:
    """Each sentence calls exactly the tools of the contract, and the list follows."""
    for title in ("Meeting with Ada", "Call mom"):
        user.add(title)
    meeting, call = sorted(task["id"] for task in user.tasks())

    def calls(sentence: str) -> list[tuple[str, dict[str, object]]]:
        said = user.say(sentence)
        assert said["response"]
        return [(call["name"], call["arguments"]) for call in said["tool_calls"]]

    assert calls("Add a task to buy groceries") == [("add_task", {"title": "Buy groceries"})]
    assert calls("Show me all my tasks") == [("list_tasks", {"status": "all"})]
    assert calls("What's pending?") == [("list_tasks", {"status": "pending"})]
    assert calls(f"Mark task {meeting} as complete") == [("complete_task", {"task_id": meeting})]
    assert calls("What have I completed?") == [("list_tasks", {"status": "completed"})]
    assert calls(f"Change task {call} to 'Call mom tonight'") == [
        ("update_task", {"task_id": call, "title": "Call mom tonight"})
    ]
    assert calls("I need to remember to pay bills") == [("add_task", {"title": "Pay bills"})]
    listed, deleted = calls("Delete the meeting task")
    assert listed[0] == "list_tasks"
    assert deleted == ("delete_task", {"task_id": meeting})
    assert sorted(task["title"] for task in user.tasks()) == [
        "Buy groceries",
        "Call mom tonight",
        "Pay bills",
    ]


def test_deleting_everything_asks_first(user: User) -> None:
    user.add("Keep me")
    said = user.say("Delete everything")
    assert [call["name"] for call in said["tool_calls"] if call["name"] != "list_tasks"] == []
    assert len(user.tasks()) == 1


def test_an_unknown_task_changes_nothing(user: User) -> None:
    user.add("Keep me")
    said = user.say("Mark task 999999 as complete")
    assert "999999" in said["response"]
    assert [task["completed"] for task in user.tasks()] == [False]


def test_the_reply_streams_as_ui_message_events(user: User) -> None:
    headers = {"Accept": "text/event-stream"}
    body = {"message": "Add a task to buy groceries"}
    with user.http.stream("POST", f"{user.home}/chat", json=body, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
        lines = [line[6:] for line in answer.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "finish"
    for earlier, later in (
        ("tool-input-available", "tool-output-available"),
        ("tool-output-available", "text-delta"),
        ("text-start", "text-end"),
    ):
        assert kinds.index(earlier) < kinds.index(later)
    text = "".join(event["delta"] for event in events if event["type"] == "text-delta")
    assert "Buy groceries" in text


def test_a_conversation_goes_on_and_can_be_deleted(user: User) -> None:
    first = user.say("Add a task to buy groceries")
    second = user.say("Show me all my tasks", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    path = f"{user.home}/conversations/{first['conversation_id']}"
    assert "Show me all my tasks" in user.http.get(path).text
    assert user.http.delete(path).status_code == 204
    assert user.http.get(path).status_code == 404


def test_the_api_describes_itself() -> None:
    document = httpx2.get(f"{URL}/api/openapi.json").json()
    assert "/api/{user_id}/tasks" in document["paths"]
