"""`ask`: put a question to an agent in the cluster and show the answer with its evidence.

The agent runs under kagent's controller or on kagent's runtime alone; both speak A2A at
/api/a2a/NAMESPACE/NAME. Nobody reaches them but through a port that the API server forwards.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import httpx2

from todo_operations import a2a
from todo_operations.calls import CALLS_LOG, CallLog, estimate, monthly_tokens
from todo_operations.cli import KUBECONFIG, OWN_INVENTORY, CommandError, bring_up, is_of_minikube

EVIDENCE_LINES = 8
EVIDENCE_CHARACTERS = 160
ROUNDS = 10
KUBECTL_SECONDS = 20
FORWARD_SECONDS = 20
NO_ANSWER = (
    "the agent gave no answer: ask again, or in other words; look also whether its model is the "
    "right one (kagent_model_base_url, kagent_model)."
)
# A terminal obeys what is in logs and annotations; only what can be printed comes through.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", nargs="+", help="what you want to know, in plain words")
    parser.add_argument("--agent", default="todo-operator", help="who is asked (%(default)s)")
    parser.add_argument("--kubeconfig", default=str(KUBECONFIG), help="the cluster")
    parser.add_argument("--namespace", default="agents", help="where the agents are (%(default)s)")
    parser.add_argument(
        "--controller-namespace",
        default="kagent",
        help="where kagent's controller is (%(default)s)",
    )
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds for it all (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run(arguments: argparse.Namespace) -> int:
    question = " ".join(arguments.question).strip()
    if not question:
        raise CommandError('the question is empty: make ask Q="why is the backend not ready?"')
    log = CallLog(Path(os.environ.get("TODO_AI_LOG") or CALLS_LOG))
    log.check_budget(monthly_tokens())
    door = find(arguments)
    started = time.monotonic()
    screen = Screen(quiet=arguments.json)
    turn = a2a.Turn()
    with forwarded(arguments.kubeconfig, door) as address:
        url = f"{address}/api/a2a/{arguments.namespace}/{arguments.agent}/"
        outcome = "interrupted"
        try:
            converse(url, question, screen, arguments.timeout, person=sys.stdin, turn=turn)
            outcome = turn.state
        except a2a.A2AError as error:
            outcome = "failed"
            raise CommandError(f"the agent did not answer: {error}") from error
        except httpx2.HTTPError as error:
            outcome = "failed"
            raise CommandError(
                f"the agent cannot be asked ({type(error).__name__}); see "
                f"`kubectl -n {door.namespace} logs {door.service}`, then ask again"
            ) from error
        finally:
            # Also what ended early has cost something.
            for entry in entries(turn, question):
                whose = {"purpose": f"ask {arguments.agent}", "model": door.model}
                log.append({**whose, **entry, "outcome": outcome})
    problem = verdict(turn, door, arguments)
    seconds = time.monotonic() - started
    if arguments.json:
        print(json.dumps(report(turn, problem, seconds), indent=2))
    else:
        screen.summary(turn, door, seconds)
    if problem:
        print(f"todo-operations ask: {problem}", file=sys.stderr)
    return 1 if problem else 0


def entries(turn: a2a.Turn, question: str) -> Iterator[dict[str, Any]]:
    """The tokens of each call of the model; in one estimate where nobody counted."""
    if not any(prompt + completion for prompt, completion in turn.calls):
        results = (call.result or "" for call in turn.tools.values())
        yield estimate(question, turn.text, *results)
        return
    for prompt, completion in turn.calls:
        counted = {"prompt_tokens": prompt, "completion_tokens": completion}
        yield {**counted, "total_tokens": prompt + completion}


def verdict(turn: a2a.Turn, door: Door, arguments: argparse.Namespace) -> str:
    """Why the answer is not to be relied on, with the remedy; empty when all is well."""
    ran = [call for call in turn.tools.values() if call.result is not None]
    if turn.state == "input-required":
        return (
            "the agent waits for an approval, which only a person at a terminal gives: ask there."
        )
    if turn.state == "timeout":
        return (
            f"no answer within {arguments.timeout:g} s: ask for less at once, or look whether the "
            "model answers (assistant_openai_base_url)."
        )
    # An empty answer of the model ends the stream without an end of the task.
    if turn.state in {"submitted", "working"} and not turn.text:
        return NO_ANSWER
    if turn.state != "completed":
        return (
            f"the agent gave up (state {turn.state}): look whether the model answers and is the "
            f"right one (kagent_model_base_url, kagent_model); see also"
            f" `kubectl -n {door.namespace} logs {door.service}`."
        )
    if not turn.text.strip():
        return NO_ANSWER
    if not ran:
        return (
            "no tool ran, so the answer is the model's guess: see that the tool server is ready "
            f"(`kubectl -n {arguments.namespace} get pods`), then name what to look at."
        )
    if all(call.failed for call in ran):
        return "every tool failed, so the answer has no evidence: see what they say above."
    return ""


def report(turn: a2a.Turn, problem: str, seconds: float) -> dict[str, Any]:
    return {
        "answer": turn.text,
        "state": turn.state,
        "problem": problem,
        "tools": [
            {
                "name": call.name,
                "arguments": call.arguments,
                "result": call.result,
                "failed": call.failed,
            }
            for call in turn.tools.values()
        ],
        "tokens": sum(prompt + completion for prompt, completion in turn.calls),
        "seconds": round(seconds, 3),
    }


class Screen:
    """Shows the answer as it comes, and the tools with the start of what they said."""

    def __init__(
        self, *, quiet: bool, out: TextIO | None = None, asking: TextIO | None = None
    ) -> None:
        self.quiet = quiet
        self.out = out or sys.stdout
        self.asking = asking
        self._within_line = False

    def show(self, news: a2a.ToolCall | str) -> None:
        if isinstance(news, str):
            self._write(news)
        elif news.result is None:
            self.say(f"> {news.name} {json.dumps(news.arguments)}")
        else:
            lines = news.result.splitlines()
            shown = [line[:EVIDENCE_CHARACTERS] for line in lines[:EVIDENCE_LINES]]
            if len(lines) > EVIDENCE_LINES:
                shown.append(f"... {len(lines) - EVIDENCE_LINES} more lines")
            mark = "!" if news.failed else "|"
            for line in shown or ["(nothing)"]:
                self.say(f"  {mark} {line}")

    def say(self, text: str) -> None:
        """Show text on lines of its own."""
        self._write(("\n" if self._within_line else "") + text + "\n")

    def _write(self, text: str) -> None:
        if not self.quiet:
            print(printable(text), end="", file=self.out, flush=True)
        self._within_line = not text.endswith("\n")

    def ask(self, text: str) -> None:
        """Show what a person has to decide, also where the answer is for a program."""
        print(printable(text), file=self.asking or sys.stderr, flush=True)

    def summary(self, turn: a2a.Turn, door: Door, seconds: float) -> None:
        tokens = sum(prompt + completion for prompt, completion in turn.calls)
        self.say(
            f"\n({door.model}: {len(turn.calls)} calls, {tokens} tokens, {len(turn.tools)} tools, "
            f"{seconds:.1f} s)"
        )


def printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def converse(
    url: str,
    question: str,
    screen: Screen,
    timeout: float,
    person: TextIO,
    turn: a2a.Turn | None = None,
) -> a2a.Turn:
    """Ask, let a person decide on what waits for approval, and return how it ended: the state is
    A2A's, or `timeout`. The time in which a person thinks is not counted. `turn` is filled as it
    goes, also when this raises A2AError or httpx2.HTTPError."""
    until = time.monotonic() + timeout
    turn = turn or a2a.Turn()
    parts = a2a.question(question)
    # Only our own forwarded port is meant, never a proxy.
    with httpx2.Client(trust_env=False, follow_redirects=True) as client:
        client.headers["x-user-id"] = "todo-operations"
        for _ in range(ROUNDS):
            client.timeout = httpx2.Timeout(max(until - time.monotonic(), 0.1))
            try:
                for event in a2a.stream(client, url, parts, turn):
                    for news in turn.take(event):
                        screen.show(news)
                    if time.monotonic() > until:
                        raise httpx2.ReadTimeout("too long")
            except httpx2.ReadTimeout:
                with suppress(httpx2.HTTPError):
                    a2a.cancel(client, url, turn)
                turn.state = "timeout"
                return turn
            if turn.state != "input-required":
                return turn
            if not person.isatty():
                # The agent shall not wait for ever; the caller learns that a person is needed.
                for _ in a2a.stream(client, url, a2a.decision(turn.pending, set()), turn):
                    pass
                turn.state = "input-required"
                return turn
            thinking = time.monotonic()
            parts = decide(turn.pending, screen, person.readline)
            until += time.monotonic() - thinking
    return turn


def decide(
    pending: list[a2a.Pending], screen: Screen, readline: Callable[[], str]
) -> list[dict[str, Any]]:
    """Ask the person about each call that waits; anything but a clear yes is a no."""
    allowed: set[str] = set()
    answers: list[list[str]] = []
    for call in pending:
        if call.questions:
            for text in call.questions:
                screen.ask(f"? {text}")
                answers.append([readline().strip()])
            allowed.add(call.call_id)
            continue
        screen.ask(
            f"? The agent wants to run {call.name} {json.dumps(call.arguments)}. Allow it? [y/N]"
        )
        if readline().strip().lower() in {"y", "yes"}:
            allowed.add(call.call_id)
    return a2a.decision(pending, allowed, answers)


@dataclass(frozen=True)
class Door:
    """Where the agents are reached, and which model they ask."""

    namespace: str
    service: str
    port: int
    model: str


def find(arguments: argparse.Namespace) -> Door:
    """Look who runs the agents. Raises CommandError when nobody does, or not this one."""
    alone = kubectl_json(arguments, "configmap", "agents")
    if alone is not None:
        data = alone.get("data", {})
        names = sorted(key.removesuffix(".config.json") for key in data if ".config." in key)
        known(arguments.agent, names)
        model = json.loads(data[f"{arguments.agent}.config.json"])["model"]["model"]
        return Door(arguments.namespace, "svc/agents", 8080, model)
    agents = kubectl_json(arguments, "agents.kagent.dev")
    if agents is not None and agents.get("items"):
        known(arguments.agent, sorted(item["metadata"]["name"] for item in agents["items"]))
        model = kubectl_json(arguments, "modelconfigs.kagent.dev", "agents") or {}
        name = str(model.get("spec", {}).get("model", "unknown"))
        return Door(arguments.controller_namespace, "svc/kagent-controller", 8083, name)
    inventory = "" if is_of_minikube(arguments.kubeconfig) else f"{OWN_INVENTORY} "
    raise CommandError(
        f"there are no agents in the namespace {arguments.namespace}. Switch them on: `make up "
        f"ARGS='{inventory}-e kagent_enabled=true "
        "-e kagent_model_base_url=http://HOST:PORT/v1'`; `make diagnose` needs no model."
    )


def known(agent: str, names: list[str]) -> None:
    if agent not in names:
        raise CommandError(f"there is no agent {agent}; there are {', '.join(names)}")


def kubectl_json(arguments: argparse.Namespace, *what: str) -> dict[str, Any] | None:
    """The object or list; None when it, or its kind, is not there. Raises CommandError when the
    cluster does not answer."""
    command = ["kubectl", "--kubeconfig", arguments.kubeconfig, "-n", arguments.namespace, "get"]
    try:
        done = subprocess.run(
            [*command, *what, "-o", "json", "--request-timeout=10s"],
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"kubectl cannot be run ({error}); `make tools` installs it") from error
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)
        return found
    if "NotFound" in done.stderr or "doesn't have a resource type" in done.stderr:
        return None
    raise CommandError(
        f"the cluster of {arguments.kubeconfig} does not answer: {done.stderr.strip()[-300:]} "
        f"({bring_up(arguments.kubeconfig)})"
    )


@contextmanager
def forwarded(kubeconfig: str, door: Door) -> Iterator[str]:
    """The address of a port of this machine that leads to the service."""
    command = ["kubectl", "--kubeconfig", kubeconfig, "-n", door.namespace, "port-forward"]
    with subprocess.Popen(
        [*command, "--address", "127.0.0.1", door.service, f":{door.port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            ready, _, _ = select.select([process.stdout], [], [], FORWARD_SECONDS)
            line = process.stdout.readline() if ready else ""
            match = re.search(r"127\.0\.0\.1:(\d+)", line)
            if not match:
                process.terminate()
                problem = process.stderr.read().strip()[-300:] or (
                    f"no port was forwarded within {FORWARD_SECONDS} s"
                )
                raise CommandError(
                    f"{door.service} cannot be reached: {problem} "
                    f"(see `kubectl -n {door.namespace} get pods`)"
                )
            yield f"http://127.0.0.1:{match[1]}"
        finally:
            process.terminate()
