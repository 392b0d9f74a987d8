"""The program's door: commands are found, mistakes are told, statuses are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from todo_operations import cli


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["dance"], ["diagnose", "--no-such-option"]])
def test_a_wrong_command_line_is_status_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2


QUESTIONS = [
    ["ask", "why?"],
    ["generate", "values of backend replicas=2"],
    ["generate", "hpa for backend max=4"],
]


@pytest.mark.parametrize("words", QUESTIONS)
@pytest.mark.parametrize("own", [True, False])
def test_nobody_is_told_to_make_a_minikube_beside_the_own_cluster(
    words: list[str],
    own: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("TODO_AI_LOG", str(tmp_path / "calls.jsonl"))
    if not own:
        monkeypatch.setattr(cli, "KUBECONFIG", path)
    assert cli.main([words[0], "--kubeconfig", str(path), *words[1:]]) == 2
    said = capsys.readouterr().err
    assert ("make up" in said) is not own
    assert (f"`kubectl --kubeconfig {path} get nodes`" in said) is own
    assert (f"--kubeconfig {cli.OWN_KUBECONFIG}" in said) is not own
