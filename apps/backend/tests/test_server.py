"""What every request meets: health, metrics, request ids, the OpenAPI document, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from todo_backend.api import make_api
from todo_backend.settings import BackendSettings
from todo_core.settings import load

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_health(anonymous: Any, prefix: str) -> None:
    assert anonymous.get(f"{prefix}/livez").json() == {"status": "ok"}
    ready = anonymous.get(f"{prefix}/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ok", "checks": {"database": "ok", "mcp-server": "ok"}}


def test_without_the_database_readiness_and_requests_are_503(start_backend: Any) -> None:
    import httpx2

    url = start_backend(database_port=9)
    assert httpx2.get(f"{url}/livez", trust_env=False).status_code == 200
    ready = httpx2.get(f"{url}/readyz", trust_env=False, timeout=30)
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] != "ok"
    assert ready.json()["checks"]["mcp-server"] == "ok"
    cookies = {"todo_session": "x"}
    answer = httpx2.get(f"{url}/api/auth/me", cookies=cookies, trust_env=False, timeout=30)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"


def test_metrics_count_by_route_not_by_user(user: Any) -> None:
    user.list()
    text = user.client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/api/{user_id}/tasks",status="200"}' in text
    assert user.id not in text


def test_request_id_is_kept_or_made(anonymous: Any) -> None:
    given = anonymous.get("/livez", headers={"x-request-id": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    bad = anonymous.get("/livez", headers={"x-request-id": 'x" injected'})
    assert bad.headers["x-request-id"] != 'x" injected'


def test_no_answer_is_kept_or_taken_for_something_else(anonymous: Any, user: Any) -> None:
    chat = f"/api/{user.id}/chat"
    stream = {"accept": "text/event-stream"}
    for response in (
        user.client.get(user.tasks),
        user.client.get("/api/auth/me"),
        user.client.post(chat, json={"message": "hello"}),
        user.client.post(chat, json={"message": "hello"}, headers=stream),
        user.client.delete(f"{user.tasks}/1"),
        anonymous.get(user.tasks),
        anonymous.post("/api/auth/login", content=b"x" * 100_000),
        anonymous.get("/livez"),
    ):
        assert response.headers.get_list("cache-control") == ["no-store"]
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]


def test_unknown_path_and_method_are_problems(anonymous: Any) -> None:
    for response, status in (
        (anonymous.get("/api/nothing/here/at/all"), 404),
        (anonymous.delete("/api/auth/login"), 405),
    ):
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


def test_refused_method_is_told_which_are_allowed(anonymous: Any) -> None:
    response = anonymous.post("/api/auth/me")
    assert response.headers["allow"] == "DELETE, GET"


def test_checked_in_document_is_the_servers() -> None:
    assert json.loads(DOCUMENT.read_text()) == make_api().openapi(), (
        "run: python -m todo_backend.openapi > apps/backend/openapi.json"
    )


def test_every_operation_tells_its_problems() -> None:
    for path, operations in make_api().openapi()["paths"].items():
        for method, operation in operations.items():
            errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert "503" in errors, (method, path)
            for response in errors.values():
                assert list(response["content"]) == ["application/problem+json"]


def test_the_document_names_the_headers_of_answers() -> None:
    paths = make_api().openapi()["paths"]

    def named(path: str, method: str, status: str) -> set[str]:
        return set(paths[path][method]["responses"][status].get("headers", {}))

    task = "/api/{user_id}/tasks/{task_id}"
    assert named("/api/{user_id}/tasks", "post", "201") == {"ETag", "Location"}
    for path, method in ((task, "get"), (task, "put"), (f"{task}/complete", "patch")):
        assert named(path, method, "200") == {"ETag"}
        assert named(path, method, "401") == {"WWW-Authenticate"}
        assert named(path, method, "503") == {"Retry-After"}
    assert named("/api/{user_id}/chat", "post", "429") == {"Retry-After"}
    assert named("/api/{user_id}/chat", "post", "200") == {"x-vercel-ai-ui-message-stream"}


def test_a_turn_takes_no_longer_than_a_stopping_server(keys: Any) -> None:
    def settings(**given: Any) -> BackendSettings:
        return BackendSettings(mcp_signing_key_file=keys.private, **given)

    assert settings(shutdown_timeout=50).turn_timeout == 50
    assert settings(shutdown_timeout=50, turn_timeout=20).turn_timeout == 20
    with pytest.raises(ValidationError, match="TODO_TURN_TIMEOUT"):
        settings(shutdown_timeout=50, turn_timeout=51)
    assert settings(public_origins="https://Todo.example/").public_origins == [
        "https://todo.example"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TODO_PORT", "0"),
        ("TODO_ASSISTANT_ENGINE", "magic"),
        ("TODO_MCP_URL", "not a url"),
        ("TODO_MCP_SIGNING_KEY_FILE", "/nowhere/key.pem"),
        ("TODO_ASSISTANT_ENGINE", "openai"),
        ("TODO_OPENAI_API_KEY_FILE", "/nowhere/key"),
        ("TODO_DATABASE_PASSWORD_FILE", "/nowhere/password"),
        ("TODO_PUBLIC_ORIGINS", "todo.example"),
        ("TODO_PUBLIC_ORIGINS", "https://todo.example/page"),
        ("TODO_PUBLIC_ORIGINS", "https://todo.example,*"),
    ],
)
def test_bad_settings_end_the_start_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keys: Any,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv("TODO_MCP_SIGNING_KEY_FILE", str(keys.private))
    assert load(BackendSettings).port == 8000
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load(BackendSettings)
    assert name in capsys.readouterr().err
