"""The Todo Chatbot's public API in memory, for the tests of the role smoke.

It understands the eight sentences and nothing else. `PUT /fake/fault {"name": ...}` makes it wrong
in one way: `unready` (health endpoints answer 503), `wrong-tool` (lists instead of completing),
`lost-task` (says that it added a task and does not), `crash` (every chat turn answers 500), `down`
(so does the deletion of a user).
`GET /fake/users` lists the users that are left.

    python fake_todo_api.py --url-file FILE [--pid-file FILE]

writes its address to the file and serves until it is ended.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import secrets
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from background_server import BackgroundServer

Call = dict[str, Any]


class User:
    """One account with its tasks."""

    def __init__(self, number: int, email: str) -> None:
        self.id = f"user-{number}"
        self.email = email
        self.tasks: dict[int, dict[str, Any]] = {}


class Handler(BaseHTTPRequestHandler):
    """One request; users and faults hang on the server object."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self) -> Any:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(text) if text else {}

    def handle_request(self) -> None:
        body = self.body()
        path = self.path.partition("?")[0]
        if path in ("/livez", "/readyz", "/healthz", "/api/livez", "/api/readyz"):
            well = self.server.fault != "unready"
            self.answer(200 if well else 503, {"status": "ok" if well else "database is gone"})
        elif path == "/fake/fault":
            self.server.fault = body["name"]
            self.answer(204)
        elif path == "/fake/users":
            self.answer(200, [user.email for user in self.server.sessions.values()])
        elif path == "/api/auth/register":
            self.register(body)
        elif (user := self.user()) is None:
            self.answer(401, {"title": "Not signed in"})
        elif path == "/api/auth/me" and self.command == "DELETE" and self.server.fault == "down":
            self.answer(500, {"title": "The database is gone"})
        elif path == "/api/auth/me":
            if self.command == "DELETE":
                del self.server.sessions[self.session()]
            self.answer(204 if self.command == "DELETE" else 200)
        elif path == f"/api/{user.id}/tasks":
            if self.command == "POST":
                self.answer(201, self.add(user, body["title"]))
            else:
                self.answer(200, {"items": list(user.tasks.values())})
        elif path == f"/api/{user.id}/chat":
            self.chat(user, body)
        else:
            self.answer(404, {"title": "Not found"})

    do_GET = do_POST = do_PUT = do_DELETE = handle_request

    def session(self) -> str:
        return self.headers.get("Cookie", "").removeprefix("session=")

    def user(self) -> User | None:
        return self.server.sessions.get(self.session())

    def register(self, body: dict[str, str]) -> None:
        if self.headers.get("Origin") not in (None, self.server.url):
            self.answer(403, {"title": "Another origin"})
            return
        user = User(next(self.server.numbers), body["email"])
        token = secrets.token_urlsafe(16)
        self.server.sessions[token] = user
        account = {"id": user.id, "email": user.email, "name": body.get("name")}
        self.answer(201, {"user": account}, Set_Cookie=f"session={token}; HttpOnly; Path=/")

    def add(self, user: User, title: str) -> dict[str, Any]:
        task: dict[str, Any] = {"id": next(self.server.numbers), "title": title, "completed": False}
        user.tasks[task["id"]] = task
        return task

    def chat(self, user: User, body: dict[str, Any]) -> None:
        if self.server.fault in ("crash", "down"):
            self.answer(500, {"title": "Something broke"})
            return
        calls = self.act(user, body["message"])
        answer = {"conversation_id": body.get("conversation_id", 1), "response": "Done."}
        self.answer(200, {**answer, "tool_calls": calls})

    def act(self, user: User, sentence: str) -> list[Call]:
        def call(name: str, result: Any, **arguments: Any) -> Call:
            return {"name": name, "arguments": arguments, "result": result}

        def listed(status: str) -> Call:
            return call("list_tasks", list(user.tasks.values()), status=status)

        if match := re.fullmatch(r"(?:Add a task to|I need to remember to) (.+)", sentence):
            title = match[1].capitalize()
            task = self.add(user, title)
            if self.server.fault == "lost-task":
                del user.tasks[task["id"]]
            result = {"task_id": task["id"], "status": "created", "title": title}
            return [call("add_task", result, title=title)]
        if match := re.fullmatch(r"Mark task (\d+) as complete", sentence):
            if self.server.fault == "wrong-tool":
                return [listed("all")]
            user.tasks.get(int(match[1]), {})["completed"] = True
            return [call("complete_task", {}, task_id=int(match[1]))]
        if match := re.fullmatch(r"Change task (\d+) to '(.+)'", sentence):
            if int(match[1]) in user.tasks:
                user.tasks[int(match[1])]["title"] = match[2]
            return [call("update_task", {}, task_id=int(match[1]), title=match[2])]
        if sentence == "Delete the meeting task":
            (task,) = [task for task in user.tasks.values() if "Meeting" in task["title"]]
            del user.tasks[task["id"]]
            return [listed("all"), call("delete_task", {}, task_id=task["id"])]
        words = {"pending": "pending", "completed": "completed", "all": "all"}
        return [listed(status) for word, status in words.items() if word in sentence]


class Server(BackgroundServer):
    """The API on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        super().__init__(Handler)
        self.sessions: dict[str, User] = {}
        self.numbers = itertools.count(41)
        self.fault = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url-file", type=Path, required=True)
    parser.add_argument("--pid-file", type=Path)
    arguments = parser.parse_args()
    server = Server()
    if arguments.pid_file:
        arguments.pid_file.write_text(str(os.getpid()), encoding="utf-8")
    partial = arguments.url_file.with_suffix(".partial")
    partial.write_text(server.url, encoding="utf-8")
    partial.rename(arguments.url_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
