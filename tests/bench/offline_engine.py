"""How often the offline assistant chooses the right tool, and how long a sentence takes.

    cd tests && python -m bench.offline_engine SENTENCES.jsonl [--errors]

Each line of the file: {"text": sentence, "intent": label, "tools": [tools that count as right]}. No
tools: nothing may be changed, reading the list does no harm. Sentences come from a user without
tasks, as with the command todo-interpret.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.report import Row, table
from todo_backend.assistant.offline.cli import intended

ROUNDS = 3


def measure(sentences: Path, *, errors: bool = False) -> Iterator[Row]:
    """Yield the figures; with ``errors``, print each sentence judged wrong."""
    rows = [json.loads(line) for line in sentences.read_text("utf-8").splitlines() if line]
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    changing = listing = others = 0
    for row in rows:
        tool, arguments = intended(row["text"])
        if row["tools"]:
            total[row["intent"]] += 1
            good = tool in row["tools"]
            right[row["intent"]] += good
        else:
            others += 1
            changing += tool not in (None, "list_tasks")
            listing += tool == "list_tasks"
            good = tool is None
        if errors and not good:
            print(f"{row['intent']:18} {row['text']} -> {tool} {arguments}")

    # Without what the regular expression cache gains on a repeated sentence: there is none.
    start = time.process_time()
    for _ in range(ROUNDS):
        for row in rows:
            intended(row["text"])
    each = (time.process_time() - start) / ROUNDS / len(rows)

    for intent in sorted(total):
        yield _share(f"right tool: {intent}", right[intent], total[intent])
    if total:
        yield _share("right tool: all about tasks", right.total(), total.total())
    if others:
        yield _share("other things: a task would change", changing, others)
        yield _share("other things: the list is read", listing, others)
    yield Row("offline assistant: one sentence", f"{each * 1e6:.0f} microseconds")


def _share(what: str, number: int, of: int) -> Row:
    return Row(what, f"{number} of {of}", f"{number / of:.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--errors", action="store_true", help="print each sentence judged wrong")
    options = parser.parse_args()
    print(table(measure(options.sentences, errors=options.errors)))


if __name__ == "__main__":
    main()
