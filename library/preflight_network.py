#!/usr/bin/python
"""Ansible module: whether the servers that Minikube downloads from truly answer."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: preflight_network
short_description: Find out the network mode
description:
  - Asks several servers at once over TLS with verified certificates, and looks at what they
    answer. On some networks a stranger accepts every connection, so an open port proves nothing.
  - Writes the answer to a file, for the filter C(preflight_is_fresh).
  - A machine that was C(open) before stays so while servers do not answer, because a network is
    away for a while more often than for good; the file is left as it was.
  - Never says C(changed), because the file is a memory and not a part of the platform.
options:
  questions:
    description:
      - What to ask. The answer counts when its HTTP status is C(status) and C(pattern), a regular
        expression, is found in the response's headers and body.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: What the answer is called in messages., type: str, required: true}
      url: {description: Address to ask., type: str, required: true}
      accept: {description: Media types to ask for., type: str, default: "*/*"}
      status: {description: Expected HTTP status., type: int, default: 200}
      pattern: {description: Regular expression to be found., type: str, required: true}
  seconds:
    description: How long all questions together may take.
    type: float
    default: 3
  memory:
    description: File to write the answer to.
    type: path
    required: true
"""

RETURN = r"""
mode:
  description: C(open) when every server answered as expected, or did so once, else C(mirrors).
  type: str
  returned: always
kept:
  description: Whether the mode is that of the file, although not every server answered now.
  type: bool
  returned: always
answers:
  description: What each server answered, by name.
  type: dict
  returned: always
"""

GOOD = "answers"
READ_BYTES = 65536


def ask(question: dict[str, Any], seconds: float) -> str:
    """`answers`, or in a few words what came instead."""
    request = urllib.request.Request(  # noqa: S310 - the inventory names the address
        question["url"], headers={"Accept": question["accept"], "User-Agent": "preflight"}
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310
            status, headers = response.status, response.headers
            body = response.read(READ_BYTES)
    except urllib.error.HTTPError as error:
        status, headers, body = error.code, error.headers, error.read(READ_BYTES)
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    if status != question["status"]:
        return f"HTTP status {status}"
    if not re.search(question["pattern"], f"{headers}\n{body.decode(errors='replace')}"):
        return "another content than that of the real server"
    return GOOD


def ask_all(questions: list[dict[str, Any]], seconds: float) -> dict[str, str]:
    """The answers by name, at the latest after `seconds`; who is late has not answered."""
    answers = {q["name"]: f"no answer within {seconds:g} s" for q in questions}

    def note(question: dict[str, Any]) -> None:
        answers[question["name"]] = ask(question, seconds)

    # Daemon threads: a name server that hangs must not keep the process.
    threads = [threading.Thread(target=note, args=(q,), daemon=True) for q in questions]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(answers)


def was_open(memory: Path) -> bool:
    """Whether all servers answered when they were asked the last time, however long ago."""
    try:
        return bool(json.loads(memory.read_text())["mode"] == "open")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def remember(memory: Path, known: dict[str, Any]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    fresh = memory.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(known, indent=1) + "\n")
    fresh.replace(memory)


def main() -> None:
    question = {
        "name": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "accept": {"type": "str", "default": "*/*"},
        "status": {"type": "int", "default": 200},
        "pattern": {"type": "str", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "questions": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": question,
            },
            "seconds": {"type": "float", "default": 3.0},
            "memory": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    p = module.params
    answers = ask_all(p["questions"], p["seconds"])
    answered = all(answer == GOOD for answer in answers.values())
    kept = not answered and was_open(Path(p["memory"]))
    mode = "open" if answered or kept else "mirrors"
    if not kept and not module.check_mode:
        urls = [question["url"] for question in p["questions"]]
        known = {"mode": mode, "urls": urls, "time": time.time(), "answers": answers}
        remember(Path(p["memory"]), known)
    module.exit_json(changed=False, mode=mode, kept=kept, answers=answers)


if __name__ == "__main__":
    main()
