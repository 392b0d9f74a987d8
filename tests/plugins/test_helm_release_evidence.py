"""What a failed release says of itself on the screen holds no secrets."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import helm_release_evidence as evidence
import pytest

POD = {
    "metadata": {"name": "web-1", "labels": {"app.kubernetes.io/instance": "web"}},
    "status": {
        "containerStatuses": [
            {"name": "main", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
        ]
    },
}
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----"
# Stands in for kubectl: one pod, and a log that gives a password away.
KUBECTL = f"""\
#!{sys.executable}
import sys
if "pods" in sys.argv:
    print({json.dumps({"items": [POD]})!r})
elif "logs" in sys.argv:
    print("connecting, db_pass=hunter2")
    print({KEY!r})
    print("giving up")
else:
    print("{{}}")
"""


def summary(tmp_path: Path) -> list[str]:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    options: dict[str, Any] = {"kubectl": str(kubectl), "helm": "true", "kubeconfig": "none"}
    source = evidence.Source(options, "todo")
    return evidence.collect(source, "web", tmp_path / "evidence", 200)


def test_secrets_of_a_log_are_not_shown(tmp_path: Path) -> None:
    shown = summary(tmp_path)
    assert any("db_pass=***" in line for line in shown), shown
    assert "  log: giving up" in shown
    assert "hunter2" not in str(shown)
    assert "MC4CAQ" not in str(shown)


def test_without_rules_no_log_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "mask", None)
    shown = summary(tmp_path)
    assert shown == ["pod web-1, container main: ended with 1 (Error)"]
    assert "hunter2" in (tmp_path / "evidence" / "web-1.main.log").read_text()
