"""The client of models, against a scripted server: every fault has a message that helps."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted_model import Reply, ScriptedModel, by_name, message
from todo_operations.calls import BudgetSpent, CallLog, ModelError, monthly_tokens
from todo_operations.model import Model, NoModel, Settings

QUESTION = [{"role": "user", "content": "Why?"}]
KEY = "sk-very-secret"


@pytest.fixture
def server() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "ai-calls.jsonl"


def ask(server: ScriptedModel, log: Path, model: str = "talker", **settings: Any) -> str:
    wanted = {"timeout": 5.0, "max_tokens": 100, "monthly_tokens": 1000, **settings}
    return Model(Settings(model, server.url, KEY, log=log, **wanted)).complete(
        QUESTION, purpose="test"
    )


def entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OPENAI_API_KEY": "k"},
        {"OPENAI_MODEL": "m"},
        {"OPENAI_BASE_URL": "http://localhost/v1", "OPENAI_MODEL": ""},
    ],
)
def test_without_a_model_the_message_says_what_to_set(environment: dict[str, str]) -> None:
    with pytest.raises(NoModel, match="Set OPENAI_MODEL"):
        Settings.from_environment(environment)


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "1e6", "²"])
def test_a_budget_that_is_no_number_is_refused(text: str) -> None:
    environment = {"OPENAI_MODEL": "m", "OPENAI_API_KEY": "k", "TODO_AI_MONTHLY_TOKENS": text}
    with pytest.raises(ModelError, match="TODO_AI_MONTHLY_TOKENS"):
        Settings.from_environment(environment)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    found = Settings.from_environment(
        {
            "OPENAI_BASE_URL": "http://localhost:1/v1",
            "OPENAI_MODEL": "small",
            "TODO_AI_MONTHLY_TOKENS": "5",
            "TODO_AI_LOG": str(tmp_path),
        }
    )
    assert found == Settings(
        "small", "http://localhost:1/v1", "none", monthly_tokens=5, log=tmp_path
    )


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("busy", "429"),
        ("broken", "status 500"),
        ("nonsense", "OpenAI-compatible"),
        ("empty", "empty answer"),
    ],
)
def test_faults_of_the_server_are_explained(
    server: ScriptedModel, log: Path, model: str, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        ask(server, log, model)
    (entry,) = entries(log)
    assert entry["outcome"] == "failed"


@pytest.mark.parametrize(
    ("status", "words"), [(401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY"), (404, "OPENAI_MODEL")]
)
def test_refusals_name_the_setting_and_never_the_key(log: Path, status: int, words: str) -> None:
    refusal = Reply({"error": {"message": f"wrong key {KEY}"}}, status)
    with ScriptedModel(lambda _: refusal) as server, pytest.raises(ModelError) as caught:
        ask(server, log)
    assert words in str(caught.value)
    assert KEY not in str(caught.value) + log.read_text()


def test_a_slow_server_is_not_waited_for(log: Path) -> None:
    with (
        ScriptedModel(lambda asked: Reply(message(asked, "late"), seconds=30)) as server,
        pytest.raises(ModelError, match="did not answer within"),
    ):
        ask(server, log, timeout=0.2)


def test_nobody_there(log: Path) -> None:
    settings = Settings("m", "http://127.0.0.1:9/v1", KEY, timeout=1, log=log)
    with pytest.raises(ModelError, match="cannot be reached"):
        Model(settings).complete(QUESTION, purpose="test")


def test_a_cut_answer_is_no_answer(log: Path) -> None:
    def cut(asked: dict[str, Any]) -> Reply:
        answer = message(asked, "replicas: ")
        answer["choices"][0]["finish_reason"] = "length"
        return Reply(answer)

    with ScriptedModel(cut) as server, pytest.raises(ModelError, match="did not fit"):
        ask(server, log)
    assert entries(log)[0]["total_tokens"] == 15


def test_a_busy_server_is_asked_again(log: Path) -> None:
    replies = iter([Reply({"error": {}}, 429, {"retry-after": "0.1"})])
    with ScriptedModel(lambda asked: next(replies, by_name(asked))) as server:
        assert ask(server, log).startswith("All is well")
        assert len(server.requests) == 2
    assert len(entries(log)) == 1


def test_the_log_has_figures_and_no_words(server: ScriptedModel, log: Path) -> None:
    ask(server, log)
    (entry,) = entries(log)
    assert entry.pop("seconds") < 5
    assert datetime.fromisoformat(entry.pop("time")).tzinfo == UTC
    assert entry == {
        "purpose": "test",
        "model": "talker",
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "outcome": "answered",
    }
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_server_that_does_not_count_is_estimated(log: Path) -> None:
    def uncounted(asked: dict[str, Any]) -> Reply:
        answer = message(asked, "x" * 300)
        del answer["usage"]
        return Reply(answer)

    with ScriptedModel(uncounted) as server:
        ask(server, log)
    assert entries(log)[0]["estimated"] is True
    assert 75 <= entries(log)[0]["total_tokens"] <= 110


def test_a_spent_budget_stops_calls(server: ScriptedModel, log: Path) -> None:
    ask(server, log, monthly_tokens=20)
    ask(server, log, monthly_tokens=20)
    with pytest.raises(BudgetSpent, match="30 of 20 tokens") as caught:
        ask(server, log, monthly_tokens=20)
    assert "ai_monthly_tokens" in str(caught.value)
    assert caught.value.exit_status == 3
    assert len(server.requests) == 2


def test_the_budget_is_the_inventorys_unless_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert monthly_tokens({}) == 2_000_000
    folder = tmp_path / "inventory/group_vars/all"
    folder.mkdir(parents=True)
    (folder / "platform.yml").write_text("ai_monthly_tokens: 5\nother: x\n")
    assert monthly_tokens({}) == 5
    (folder / "zz-mine.yml").write_text("ai_monthly_tokens: 6\n")
    assert monthly_tokens({}) == 6
    assert monthly_tokens({"TODO_AI_MONTHLY_TOKENS": "7"}) == 7
    (folder / "zz-mine.yml").write_text("ai_monthly_tokens: lots\n")
    with pytest.raises(ModelError, match="ai_monthly_tokens is 'lots'"):
        monthly_tokens({})


def test_the_budget_is_the_months(log: Path) -> None:
    log.parent.mkdir()
    now = datetime.now(UTC).isoformat()
    lines = [
        '{"time": "2001-01-01T00:00:00+00:00", "total_tokens": 1000000}',
        '{"time": "cut',
        "[]",
        json.dumps({"time": now, "total_tokens": None}),
        json.dumps({"time": now, "total_tokens": 7}),
    ]
    log.write_text("\n".join(lines))
    assert CallLog(log).tokens_this_month() == 7


def test_settings_that_only_ansible_can_read_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "inventory/group_vars/all"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text("ai_monthly_tokens: 7\nsecret: !vault |\n  $ANSIBLE_VAULT\n")
    (folder / "b.yml").write_text("---\n# Nothing yet.\n")
    monkeypatch.chdir(tmp_path)
    assert monthly_tokens({}) == 7
