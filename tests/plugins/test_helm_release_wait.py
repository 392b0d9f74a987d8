"""What the action plugin helm_release_wait tells from pods and results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import helm_release_wait as wait
import pytest


def pod(name: str, *, ready: bool, reason: str = "", phase: str = "Running") -> dict[str, Any]:
    state = {"waiting": {"reason": reason}} if reason else {"running": {}}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": phase, "conditions": conditions, "containerStatuses": [{"state": state}]}
    return {"metadata": {"name": name}, "status": status}


def test_progress_counts_ready_pods_and_names_the_others() -> None:
    pods = [
        pod("web-1", ready=True),
        pod("web-2", ready=False, reason="ContainerCreating"),
        pod("web-3", ready=False),
        pod("web-job", ready=False, phase="Succeeded"),
    ]
    line = "1 of 3 pods ready; web-2: ContainerCreating; web-3: running, not ready"
    assert wait.pod_line(pods) == line


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("", False),
        ('{"started": 1, "fini', False),
        (json.dumps({"started": 1, "finished": 0}), False),
        (json.dumps({"changed": True, "status": {"status": "deployed"}}), True),
        (json.dumps({"started": 1, "finished": 1, "failed": True}), True),
    ],
)
def test_job_is_finished_once_its_result_is_written(
    tmp_path: Path, text: str, finished: bool
) -> None:
    path = tmp_path / "job"
    path.write_text(text)
    assert (wait.finished_result(path) is not None) is finished


def test_helm_is_stopped_only_after_a_hopeless_reason_lasted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = []
    clock = [1000.0]
    monkeypatch.setattr(wait, "stop_helm", lambda name, chart: stopped.append((name, chart)))
    monkeypatch.setattr("helm_release_wait.time.monotonic", lambda: clock[0])
    job = wait.Job({"name": "web", "title": "web (1/1)"}, Path("results"), "web.tgz")
    broken = [pod("web-1", ready=False, reason="ImagePullBackOff")]

    def after(seconds: float, pods: list[dict[str, Any]]) -> list[tuple[str, str]]:
        clock[0] += seconds
        job.consider(pods)
        return stopped

    assert after(0, broken) == []
    assert after(wait.HOPELESS_SECONDS - 1, broken) == []
    # It came up after all, so the time starts anew.
    assert after(1, [pod("web-1", ready=True)]) == []
    assert after(0, broken) == []
    assert after(wait.HOPELESS_SECONDS + 1, broken) == [("web", "web.tgz")]
    assert "web-1: ImagePullBackOff" in job.given_up
    assert len(after(1, broken)) == 1
