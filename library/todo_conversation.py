"""Ansible module: one real conversation with the Todo Chatbot, by a user made for it."""

from __future__ import annotations

import http.cookiejar
import json
import secrets
import ssl
import urllib.error
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: todo_conversation
short_description: Say eight sentences to the Todo Chatbot and check what it does
description:
  - Registers a throw-away user with a random password, talks, compares the tools that were called
    and the tasks that result, and deletes the user in any case.
options:
  url: {description: Public address of the platform., type: str, required: true}
  ca_path: {description: Authority to trust for https., type: path}
  timeout: {description: Seconds that one answer may take., type: int, default: 60}
author: The Todo platform
"""

RETURN = r"""
said:
  description: Each sentence with the tools it called and the answer.
  type: list
  returned: always
"""


class Wrong(Exception):
    """The platform did something else than it should; says what was expected and what came."""


class Client:
    """The REST API as a browser at the platform's address uses it."""

    def __init__(self, url: str, *, ca_path: str | None, timeout: int) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.opener = urllib.request.build_opener(
            # The platform is reached directly, whatever proxy the environment names.
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_path)),
        )

    def call(self, method: str, path: str, body: Any = None, *, expect: int) -> Any:
        """The JSON answer (None without a body); raises Wrong for another status."""
        request = urllib.request.Request(  # noqa: S310 - main() lets http and https pass only
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Origin": self.url,
            },
        )
        try:
            with self.opener.open(request, timeout=self.timeout) as reply:
                status, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode(errors="replace")
        except OSError as error:
            raise Wrong(f"{method} {path}: no answer: {error}") from None
        if status != expect:
            raise Wrong(f"{method} {path}: expected {expect}, got {status}: {text[:500]}")
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise Wrong(f"{method} {path}: the answer is no JSON: {text[:200]}") from None


def difference(expected: list[tuple[str, dict[str, Any]]], calls: list[dict[str, Any]]) -> str:
    """What a turn's tool calls lack of those expected, or "".

    Arguments that a tool has a default for may be left out by whoever calls it.
    """
    defaults = {"status": "all"}
    names = [call["name"] for call in calls]
    if names != [name for name, _ in expected]:
        return f"tools {names}"
    for (name, wanted), call in zip(expected, calls, strict=True):
        got = {**{key: defaults[key] for key in wanted if key in defaults}, **call["arguments"]}
        if any(got.get(key) != value for key, value in wanted.items()):
            return f"{name} with {call['arguments']}"
    return ""


class Conversation:
    """A user's turns, and the ids of the tasks that they made."""

    def __init__(self, client: Client, user: str) -> None:
        self.client = client
        self.base = f"/api/{user}"
        self.id: int | None = None
        self.said: list[dict[str, Any]] = []

    def say(self, sentence: str, *expected: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """One turn; returns its tool calls; raises Wrong when they are not those expected."""
        body: dict[str, Any] = {"message": sentence}
        if self.id is not None:
            body["conversation_id"] = self.id
        answer = self.client.call("POST", f"{self.base}/chat", body, expect=200)
        self.id = answer["conversation_id"]
        calls: list[dict[str, Any]] = answer["tool_calls"]
        tools = [f"{call['name']}({call['arguments']})" for call in calls]
        turn = {"sentence": sentence, "tools": tools, "response": answer["response"]}
        self.said.append(turn)
        if got := difference(list(expected), calls):
            wanted = ", ".join(f"{name} with {arguments}" for name, arguments in expected)
            raise Wrong(
                f"said: {sentence}\nexpected: {wanted}\ngot: {got}\nanswer: {answer['response']}"
            )
        return calls

    def tasks(self) -> list[dict[str, Any]]:
        """The user's tasks by REST, whatever envelope the list comes in."""
        found = self.client.call("GET", f"{self.base}/tasks?status=all", expect=200)
        items: list[dict[str, Any]] = found if isinstance(found, list) else found["items"]
        return items


def made(calls: list[dict[str, Any]]) -> int:
    """The id of the task that a turn's only call made."""
    result = calls[0]["result"]
    if isinstance(result, str):
        result = json.loads(result)
    return int(result["task_id"])


def say_eight_sentences(talk: Conversation) -> None:
    """Talk in an order in which each sentence has something to act on; raises Wrong."""
    meeting = talk.client.call(
        "POST", f"{talk.base}/tasks", {"title": "Meeting with the team"}, expect=201
    )["id"]
    groceries = made(
        talk.say("Add a task to buy groceries", ("add_task", {"title": "Buy groceries"}))
    )
    bills = made(talk.say("I need to remember to pay bills", ("add_task", {"title": "Pay bills"})))
    talk.say("Show me all my tasks", ("list_tasks", {"status": "all"}))
    talk.say(f"Mark task {bills} as complete", ("complete_task", {"task_id": bills}))
    talk.say("What's pending?", ("list_tasks", {"status": "pending"}))
    talk.say("What have I completed?", ("list_tasks", {"status": "completed"}))
    talk.say(
        f"Change task {groceries} to 'Call mom tonight'",
        ("update_task", {"task_id": groceries, "title": "Call mom tonight"}),
    )
    talk.say("Delete the meeting task", ("list_tasks", {}), ("delete_task", {"task_id": meeting}))
    expect_tasks(talk, {groceries: ("Call mom tonight", False), bills: ("Pay bills", True)})


def expect_tasks(talk: Conversation, expected: dict[int, tuple[str, bool]]) -> None:
    """Raise Wrong unless the user has exactly these tasks, as id: (title, completed)."""
    got = {task["id"]: (task["title"], task["completed"]) for task in talk.tasks()}
    if got != expected:
        raise Wrong(f"expected the tasks {expected}, got {got}")


def converse(client: Client) -> list[dict[str, Any]]:
    """Do it all; returns what was said; raises Wrong, with the user deleted all the same."""
    email = f"smoke-{secrets.token_hex(8)}@example.com"
    body = {"email": email, "password": secrets.token_urlsafe(24), "name": "Smoke check"}
    user = client.call("POST", "/api/auth/register", body, expect=201)["user"]["id"]
    talk = Conversation(client, user)
    problems = []
    try:
        say_eight_sentences(talk)
    except Wrong as error:
        problems.append(str(error))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        problems.append(f"an answer lacks what the API promises: {error!r}")
    finally:
        try:
            client.call("DELETE", "/api/auth/me", expect=204)
        except Wrong as error:
            problems.append(f"the user {email} could not be deleted: {error}")
    if problems:
        raise Wrong("\n".join(problems))
    client.call("GET", "/api/auth/me", expect=401)
    return talk.said


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "ca_path": {"type": "path"},
            "timeout": {"type": "int", "default": 60},
        },
    )
    options = module.params
    if not options["url"].startswith(("http://", "https://")):
        module.fail_json(msg=f"url must start with http:// or https://, not {options['url']!r}")
    client = Client(options["url"], ca_path=options["ca_path"], timeout=options["timeout"])
    try:
        said = converse(client)
    except Wrong as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, said=said)


if __name__ == "__main__":
    main()
