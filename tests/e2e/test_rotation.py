"""Secrets are generated anew while the platform serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from e2e.support import User, kubectl_json, playbook


@contextmanager
def watched(user: User, seconds: float = 0.1) -> Iterator[list[str]]:
    """Reads the user's tasks all the while; collects what was not answered well."""
    problems: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(seconds):
            try:
                answer = user.http.get(f"{user.home}/tasks")
                if answer.status_code != 200:
                    problems.append(f"{answer.status_code} {answer.text[:200]}")
            except httpx2.HTTPError as error:
                problems.append(repr(error))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield problems
    finally:
        over.set()
        thread.join()


def secret(name: str) -> dict[str, str]:
    data: dict[str, str] = kubectl_json("get", "secret", "-n", "todo", name)["data"]
    return data


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("passwords", "todo-database"),
        ("signing_key", "todo-mcp-identity"),
        ("certificates", "todo-postgres-tls"),
    ],
)
def test_new_secrets_end_no_session_and_fail_no_request(user: User, what: str, name: str) -> None:
    user.add("Still here")
    token = user.http.post("/api/auth/tokens", json={"name": "client"}).json()["token"]
    before = secret(name)
    with watched(user) as problems:
        # It ends with the role smoke, which holds a conversation through both servers.
        playbook("playbooks/rotate_secrets.yml", "-e", f"rotate={what}")
        user.say("What's pending?")
    assert problems == []
    after = secret(name)
    assert after.keys() == before.keys()
    # The authority stays, so that nobody has to trust another.
    assert all(after[key] != before[key] for key in before.keys() - {"ca.crt"})
    assert after.get("ca.crt") == before.get("ca.crt")
    bearer = {"authorization": f"Bearer {token}"}
    assert httpx2.get(f"{user.http.base_url}{user.home}/tasks", headers=bearer).status_code == 200
    assert "changed=0" in playbook("site.yml", "--tags", "secrets")


def test_an_unknown_secret_is_refused() -> None:
    output = playbook("playbooks/rotate_secrets.yml", "-e", "rotate=everything", expect=1)
    assert "Remedy" in output
    assert "changed=0" in output
