"""What the platform refuses, seen from outside: proxies in between must not change it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from e2e.support import URL, User


@pytest.mark.parametrize("size", [100_000, 10_000_000])
def test_a_body_too_large_is_a_problem_not_a_hang(user: User, size: int) -> None:
    body = b'{"title": "' + b"x" * size + b'"}'
    headers = {"content-type": "application/json"}
    answer = user.http.post(f"{user.home}/tasks", content=body, headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert user.tasks() == []


def test_a_changed_task_is_not_deleted(user: User) -> None:
    """The version survives what a proxy may do to an ETag."""
    path = f"{user.home}/tasks/{user.add('Water the plants')['id']}"
    seen = {"if-match": user.http.get(path).headers["etag"]}
    assert user.http.patch(f"{path}/complete", headers=seen).status_code == 200
    assert user.http.delete(path, headers=seen).status_code == 412
    fresh = {"if-match": user.http.get(path).headers["etag"]}
    assert user.http.delete(path, headers=fresh).status_code == 204


def test_too_many_chat_turns_wait_their_time(user: User) -> None:
    """The count is one for all pods of the backend."""
    body = {"message": "What's pending?"}

    def turn(_: int) -> httpx2.Response:
        return user.http.post(f"{user.home}/chat", json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(turn, range(90)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {429}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)


@pytest.mark.parametrize(
    "body", [b"[" * 50_000, b'{"title": "\\ud800"}', b'{"title": "a\\u0000b"}', b"\xff"]
)
def test_a_hostile_body_is_a_problem(user: User, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = user.http.post(f"{user.home}/tasks", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert httpx2.get(f"{URL}/api/readyz").status_code == 200
