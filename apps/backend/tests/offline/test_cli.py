"""The command todo-interpret."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from todo_backend.assistant.offline.cli import main


def run(
    sentences: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str
) -> list[object]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(sentences))
    assert main(args) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_tells_the_intended_tool(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = (
        "take doing the dishes off my list\nMark task 3 as complete\nDelete everything\n"
        "what is the weather\n\nremind me\n"
    )
    assert run(sentences, monkeypatch, capsys) == [
        {"tool": "delete_task", "arguments": {"task": "doing the dishes"}},
        {"tool": "complete_task", "arguments": {"task_id": 3}},
        {"tool": "delete_task", "arguments": {"task": "everything"}},
        {"tool": None, "arguments": {}},
        {"tool": None, "arguments": {}},
        {"tool": "add_task", "arguments": {}},
    ]


def test_with_tasks_tells_the_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "tasks.json"
    path.write_text('[{"id": 4, "title": "Meeting"}, {"id": 6, "title": "Pay rent"}]')
    sentences = "delete the meeting task\ndelete the holiday task\nDelete everything\n"
    assert run(sentences, monkeypatch, capsys, "--tasks", str(path), "--now", "2026-11-23") == [
        {"tool": "delete_task", "arguments": {"task_id": 4}},
        {"tool": None, "arguments": {}},
        {"tool": None, "arguments": {}},
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [(("--now", "yesterday"), "yesterday"), (("--tasks", "/nowhere.json"), "/nowhere.json")],
)
def test_bad_options_are_named(
    args: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(args)
    assert message in capsys.readouterr().err


def test_needs_nothing_but_the_standard_library() -> None:
    code = (
        "import sys, todo_backend.assistant.offline.cli;"
        "print(*sorted({m.partition('.')[0] for m in sys.modules} - {*sys.stdlib_module_names}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"fastapi", "pydantic", "httpx2", "mcp", "openai"} & set(ran.stdout.split())
    assert "todo_backend" in ran.stdout.split()
