"""A language model that does what the test says: an OpenAI-compatible server of one file.

It needs nothing but Python, so that it also runs in a pod:

    python scripted_model.py PORT

It streams where it is asked to. The model's name chooses how it behaves, and
`CALL tool {"argument": 1}` in the question which tool it asks for:

    good      calls the tool, then answers with the start of the tool's result
    obedient  as good, but does what the tool's result tells it: it calls the tool named there
    slow      as good, ten seconds later
    halting   as good, but where it streams it stops for ten seconds after the first words
    busy      429 with Retry-After
    broken    500
    nonsense  an answer that is none
    empty     an answer without words
    talker    answers at once, without any tool
    wrong     asks for a tool that nobody has
    endless   asks for a tool again and again
    scripted  the one that the question names, as in `MODEL slow`; else good
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
SHOWN_CHARACTERS = 1500
SLOW_SECONDS = 10


@dataclass(frozen=True)
class Reply:
    """One answer of the server: a status, a body (JSON or plain text), headers, a delay before it
    and one after its first words."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    pause: float = 0


_numbers = itertools.count(1)


def message(asked: Body, text: str = "", calls: list[tuple[str, str]] | None = None) -> Body:
    """A chat completion that says `text` or asks for tools, as (name, arguments in JSON)."""
    said: Body = {"role": "assistant", "content": text or None}
    if calls:
        said["tool_calls"] = [
            {
                "id": f"call_{next(_numbers)}",
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for name, arguments in calls
        ]
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": 0,
        "model": asked.get("model", ""),
        "choices": [
            {"index": 0, "message": said, "finish_reason": "tool_calls" if calls else "stop"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def by_name(asked: Body) -> Reply:
    """What the model of this name answers."""
    name = str(asked.get("model"))
    if name == "scripted":
        name = _named(asked)
    if name == "busy":
        return Reply({"error": {"message": "slow down"}}, 429, {"retry-after": "1"})
    if name == "broken":
        return Reply({"error": {"message": "no"}}, 500)
    if name == "nonsense":
        return Reply("<html>what?</html>")
    if name == "empty":
        return Reply(message(asked))
    if name == "talker":
        return Reply(message(asked, "All is well, I am sure of it."))
    if name == "wrong":
        return Reply(message(asked, calls=[("delete_everything", "{}")]))
    if name == "endless":
        return Reply(message(asked, calls=[("namespaces_list", "{}")]))
    last = asked["messages"][-1]
    said = _text(last)
    seconds = SLOW_SECONDS if name == "slow" else 0
    if last["role"] == "tool" and not (name == "obedient" and "CALL " in said):
        text = f"The tool says:\n{said[:SHOWN_CHARACTERS]}"
        pause = SLOW_SECONDS if name == "halting" else 0
        return Reply(message(asked, text), seconds=seconds, pause=pause)
    tool, arguments = _call(said)
    return Reply(message(asked, calls=[(tool, arguments)]), seconds=seconds)


def _named(asked: Body) -> str:
    """The model that the last question names."""
    questions = [_text(said) for said in asked["messages"] if said["role"] == "user"]
    found = re.findall(r"MODEL (\w+)", " ".join(questions))
    return found[-1] if found else "good"


def _text(said: Body) -> str:
    content = said.get("content") or ""
    return content if isinstance(content, str) else json.dumps(content)


def _call(text: str) -> tuple[str, str]:
    """The tool that a text asks for, and its arguments."""
    if "CALL " not in text:
        return "namespaces_list", "{}"
    # A tool's result may come as JSON, with its quotes escaped.
    name, _, rest = text.split("CALL ", 1)[1].replace('\\"', '"').partition(" ")
    try:
        arguments, _ = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        arguments = {}
    return name, json.dumps(arguments)


def chunks(whole: Body, usage: bool) -> list[Body]:
    """The same chat completion as a stream: who speaks, its words or calls, the end and, for who
    wants it, the usage."""
    said = whole["choices"][0]["message"]
    deltas: list[Body] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in re.findall(r"\s*\S+\s*", said["content"] or "")]
    for index, call in enumerate(said.get("tool_calls", [])):
        deltas.append({"tool_calls": [{"index": index, **call}]})
    finish = whole["choices"][0]["finish_reason"]
    choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": finish}])
    base = whole | {"object": "chat.completion.chunk", "usage": None}
    found = [base | {"choices": each} for each in choices]
    return [*found, base | {"choices": [], "usage": whole["usage"]}] if usage else found


class ScriptedModel(ThreadingHTTPServer):
    """The server. `answer` decides on each request; the requests are kept in `requests`."""

    daemon_threads = True

    def __init__(
        self, answer: Callable[[Body], Reply] = by_name, address: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        super().__init__(address, _Handler)
        self.answer = answer
        self.requests: list[Body] = []
        self.left = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/v1"

    def __enter__(self) -> ScriptedModel:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.left.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedModel

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._send(Reply({"data": []}))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.server.requests.append(asked)
        reply = self.server.answer(asked)
        self.server.left.wait(reply.seconds)
        if asked.get("stream") and isinstance(reply.body, dict) and "choices" in reply.body:
            usage = (asked.get("stream_options") or {}).get("include_usage")
            self._stream(reply, chunks(reply.body, bool(usage)))
        else:
            self._send(reply)

    def _stream(self, reply: Reply, parts: list[Body]) -> None:
        try:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for position, chunk in enumerate(parts):
                # Behind who speaks and two words.
                if position == 3:
                    self.server.left.wait(reply.pause)
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
        except ConnectionError:
            pass

    def _send(self, reply: Reply) -> None:
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        content = text.encode()
        kind = "text/html" if isinstance(reply.body, str) else "application/json"
        try:
            self.send_response(reply.status)
            headers = {"content-type": kind, "content-length": str(len(content))}
            for name, value in {**headers, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except ConnectionError:
            pass


if __name__ == "__main__":
    ScriptedModel(address=("0.0.0.0", int(sys.argv[1]))).serve_forever()
