"""What `ask` makes of an agent's events, without an agent."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from background_server import BackgroundServer
from todo_operations import a2a, ask, cli
from todo_operations.cli import CommandError

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


def piece(text: str) -> dict[str, Any]:
    said = {"kind": "text", "text": text}
    return event("working", said, metadata={"kagent_adk_partial": True})


def test_a_streamed_answer_is_said_once_piece_by_piece() -> None:
    turn, news = a2a.Turn(), []
    artifact = {"kind": "artifact-update", "artifact": {"parts": [SAID]}}
    for item in (piece("All is"), piece(" well."), event("working", SAID), artifact):
        news.append(list(turn.take(item)))
    assert news == [["All is"], [" well."], [], []]
    assert turn.text == "All is well."


def test_what_was_not_streamed_of_an_answer_is_said_with_the_whole() -> None:
    assert turn_of(piece("All is"), event("working", SAID)).text == "All is well."
    whole = event("working", {"kind": "text", "text": "It is not."})
    assert turn_of(piece("All is"), event("working", SAID), whole).text == (
        "All is well.\nIt is not."
    )


def test_pieces_share_a_line_and_tools_have_their_own() -> None:
    out = io.StringIO()
    screen = ask.Screen(quiet=False, out=out)
    for news in ("I am", " looking", a2a.ToolCall("1", "pods_top", {}), "\nAll is", " well."):
        screen.show(news)
    screen.say("the end")
    assert out.getvalue() == "I am looking\n> pods_top {}\n\nAll is well.\nthe end\n"


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


@pytest.mark.parametrize("quiet", [True, False])
def test_what_a_person_has_to_decide_is_always_shown(quiet: bool) -> None:
    out, asking = io.StringIO(), io.StringIO()
    screen = ask.Screen(quiet=quiet, out=out, asking=asking)
    ask.decide(pending("pods_delete"), screen, io.StringIO("n\n").readline)
    assert "wants to run pods_delete" in asking.getvalue()
    assert out.getvalue() == ""


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


USAGE = {"kagent_usage_metadata": {"promptTokenCount": 10, "candidatesTokenCount": 5}}


def test_calls_that_nobody_counted_are_estimated() -> None:
    turn = turn_of(event("working", called("x"), answered("a" * 300), SAID), event("completed"))
    (entry,) = ask.entries(turn, "why?")
    assert entry == {"total_tokens": (4 + 300 + len(SAID["text"])) // 3 + 1, "estimated": True}
    counted = turn_of(event("working", SAID, metadata=USAGE))
    assert [entry["total_tokens"] for entry in ask.entries(counted, "why?")] == [15]


class Agent(BackgroundServer):
    """A server that speaks A2A: each answer is what an event of the stream says, or an action."""

    def __init__(self, *answers: Sequence[Any]) -> None:
        self.answers = list(answers)
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for part in agent.answers.pop(0):
                    if callable(part):
                        part()
                        continue
                    self.wfile.write(f"data: {json.dumps(part)}\n\n".encode())
                    self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        super().__init__(Handler)


def person(typed: str, seconds: float) -> Any:
    """Somebody at a terminal who takes a while."""

    def readline() -> str:
        time.sleep(seconds)
        return typed

    return SimpleNamespace(isatty=lambda: True, readline=readline)


def asks_for_approval() -> dict[str, Any]:
    call = {"id": "1", "name": "pods_delete", "args": {}}
    data = {"name": a2a.CONFIRMATION, "id": "2", "args": {"originalFunctionCall": call}}
    return {"result": event("input-required", {"kind": "data", "data": data})}


DONE = [
    {"result": event("working", called("x"), answered("a"), SAID, metadata=USAGE)},
    {"result": event("completed")},
]


def test_the_time_in_which_a_person_thinks_is_not_counted() -> None:
    quiet = ask.Screen(quiet=True, asking=io.StringIO())
    with Agent([asks_for_approval()], DONE) as agent:
        turn = ask.converse(agent.url, "why?", quiet, 1.5, person("y\n", 2))
    assert turn.state == "completed"


def interrupt() -> None:
    # What was said before has arrived by then.
    time.sleep(1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)


@pytest.mark.parametrize(
    ("answer", "outcome", "tokens"),
    [
        (DONE, "completed", 15),
        ([DONE[0], {"error": {"message": "no"}}], "failed", 15),
        ([{"error": {"message": "no"}}], "failed", 2),
        ([DONE[0], interrupt], "interrupted", 15),
    ],
)
def test_every_question_is_on_record_however_it_ends(
    answer: list[Any],
    outcome: str,
    tokens: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TODO_AI_LOG", str(tmp_path / "calls.jsonl"))
    monkeypatch.setattr(ask, "find", lambda _: DOOR)
    # A shell starts what is to run in the background without it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with Agent(answer) as agent:
        monkeypatch.setattr(ask, "forwarded", lambda *_: nullcontext(agent.url))
        status = cli.main(["ask", "why?"])
    signal.signal(signal.SIGINT, handler)
    expected = {"completed": 0, "failed": 2, "interrupted": 130}[outcome]
    assert status == expected, capsys.readouterr()
    (entry,) = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert (entry["purpose"], entry["outcome"]) == ("ask todo-operator", outcome)
    assert entry["total_tokens"] == tokens


def test_a_tool_is_shown_while_the_agent_goes_on() -> None:
    out = io.StringIO()
    shown: list[str] = []
    tool = {"result": event("working", called("pods_top"))}
    said = {"result": event("working", answered("1m"), SAID)}
    steps = [tool, lambda: time.sleep(0.5), lambda: shown.append(out.getvalue()), said, DONE[1]]
    with Agent(steps) as agent:
        ask.converse(agent.url, "why?", ask.Screen(quiet=False, out=out), 10, io.StringIO())
    assert shown == ["> pods_top {}\n"]
    assert "All is well." in out.getvalue()


def test_a_port_that_is_never_forwarded_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "kubectl"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(ask, "FORWARD_SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(CommandError, match="no port"), ask.forwarded("none", DOOR):
        pass
    assert time.monotonic() - started < 10
