"""What `ask` makes of an agent's events, without an agent."""

from __future__ import annotations

import argparse
import io
from typing import Any

import pytest
from todo_operations import a2a, ask

DOOR = ask.Door("agents", "svc/agents", 8080, "small")
ARGUMENTS = argparse.Namespace(timeout=5, namespace="agents", agent="todo-operator")


def event(state: str, *parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    message = {"role": "agent", "parts": list(parts)}
    return {
        "taskId": "t",
        "contextId": "c",
        "status": {"state": state, "message": message},
        **fields,
    }


def called(name: str, id_: str = "1", **arguments: Any) -> dict[str, Any]:
    data = {"id": id_, "name": name, "args": arguments}
    return {"kind": "data", "metadata": {"kagent_type": "function_call"}, "data": data}


def answered(text: str, id_: str = "1", *, failed: bool = False) -> dict[str, Any]:
    response = {"content": [{"type": "text", "text": text}], "isError": failed}
    data = {"id": id_, "name": "x", "response": response}
    return {"kind": "data", "metadata": {"kagent_type": "function_response"}, "data": data}


def turn_of(*events: dict[str, Any]) -> a2a.Turn:
    turn = a2a.Turn()
    for item in events:
        list(turn.take(item))
    return turn


SAID = {"kind": "text", "text": "All is well."}


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([event("working", called("pods_top")), event("failed")], "state failed"),
        ([event("working", called("pods_top"), answered("a")), event("completed")], "no answer"),
        ([event("working", SAID), event("completed")], "no tool ran"),
        ([event("working", called("pods_top"), SAID), event("completed")], "no tool ran"),
        (
            [event("working", called("x"), answered("no", failed=True), SAID), event("completed")],
            "every tool failed",
        ),
        ([event("working")], "no answer"),
        ([event("working", called("x"), answered("a"), SAID), event("completed")], ""),
    ],
)
def test_only_an_answer_with_evidence_is_good(events: list[dict[str, Any]], words: str) -> None:
    problem = ask.verdict(turn_of(*events), DOOR, ARGUMENTS)
    assert words in problem if words else problem == ""


def test_the_words_of_an_artifact_are_not_said_twice() -> None:
    artifact = {"kind": "artifact-update", "artifact": {"parts": [SAID]}}
    assert turn_of(event("working", SAID), artifact).text == "All is well."
    assert turn_of(artifact).text == "All is well."


def test_tokens_are_counted_once_a_call() -> None:
    usage = {"kagent_usage_metadata": {"promptTokenCount": 10, "candidatesTokenCount": None}}
    working = event("working", SAID, metadata=usage)
    assert turn_of(working, event("completed", metadata=usage)).calls == [(10, 0)]


def test_a_terminal_gets_nothing_to_obey() -> None:
    out = io.StringIO()
    screen = ask.Screen(quiet=False, out=out)
    call = a2a.ToolCall("1", "pods_log", {}, "\x1b]0;owned\x07\x1b[2J\u202eevil\r\nnext\x9b31m")
    screen.show(call)
    assert not set(out.getvalue()) & set("\x1b\x07\x9b\u202e\r")
    assert "next" in out.getvalue()


def test_long_evidence_is_cut() -> None:
    out = io.StringIO()
    call = a2a.ToolCall("1", "pods_log", {}, "\n".join(["x" * 500] * 20))
    ask.Screen(quiet=False, out=out).show(call)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) < 170
    assert "12 more lines" in lines[-1]


def pending(*names: str) -> list[a2a.Pending]:
    return [a2a.Pending(str(position), name, {}) for position, name in enumerate(names)]


@pytest.mark.parametrize(
    ("typed", "allowed"),
    [
        ("y\n", "approve"),
        ("YES\n", "approve"),
        ("\n", "reject"),
        ("", "reject"),
        ("sure\n", "reject"),
    ],
)
def test_only_a_clear_yes_allows(typed: str, allowed: str) -> None:
    screen = ask.Screen(quiet=True)
    (part,) = ask.decide(pending("pods_delete"), screen, io.StringIO(typed).readline)
    assert part["data"]["decision_type"] == allowed


def test_several_calls_are_decided_one_by_one() -> None:
    typed = io.StringIO("y\nno\n")
    (part,) = ask.decide(pending("a", "b"), ask.Screen(quiet=True), typed.readline)
    assert part["data"] == {
        "decision_type": "batch",
        "decisions": {"0": "approve", "1": "reject"},
    }


def test_a_question_of_the_agent_is_answered() -> None:
    asked = [a2a.Pending("1", a2a.ASK_USER, {"questions": [{"question": "Which one?"}]})]
    (part,) = ask.decide(asked, ask.Screen(quiet=True), io.StringIO("the first\n").readline)
    assert part["data"] == {
        "decision_type": "approve",
        "ask_user_answers": [{"answer": ["the first"]}],
    }
