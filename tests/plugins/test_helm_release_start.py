"""The action plugin helm_release_start: where it refuses to start Helm, and what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--connection", "ssh"), "goes elsewhere (connection ssh)"),
        (("--connection", "local", "--become"), "becomes root (connection local)"),
    ],
)
def test_helm_is_not_started_where_its_end_could_not_be_seen(
    options: tuple[str, ...], found: str
) -> None:
    """It would be waited for in vain."""
    done = subprocess.run(
        ["ansible", "far.invalid", "--inventory", "far.invalid,", *options]
        + ["--module-name", "helm_release_start", "--args", "name=web", "--background", "60"]
        + ["--poll", "0"],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert found in said
    assert "`connection: local` and `become: false`" in said


HELM = """\
#!/bin/sh
cd "$(dirname "$0")" || exit
case " $* " in
  *" version "*) echo 'version.BuildInfo{Version:"v3.17.3", GoVersion:""}'; exit ;;
  *" list "*) if test -e started; then exec cat released.json; else exec echo "[]"; fi ;;
  *" values "*) exec echo '{"password": "hunter2"}' ;;
  *" show "*) exec cat chart/Chart.yaml ;;
  *" upgrade "* | *" install "*) ;;
  *) exit ;;
esac
echo "$@" >>started
until test -e let-go; do sleep 0.1; done
if test -e fail; then echo "context deadline exceeded" >&2; exit 1; fi
"""
PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - helm_release_start:
        binary_path: "{{ playbook_dir }}/helm"
        kubeconfig: /dev/null
        name: web
        namespace: apps
        chart_ref: "{{ playbook_dir }}/chart"
        values: {password: hunter2}
      async: "{{ limit }}"
      poll: 0
      register: job
      vars: {limit: 30}
    - ansible.builtin.copy: {content: "{{ job | to_json }}", dest: job.json, mode: "0600"}
"""


def start(folder: Path, *options: str) -> Path:
    """Start a scripted Helm by a whole playbook; returns where its end will be told."""
    (folder / "helm").write_text(HELM)
    (folder / "helm").chmod(0o755)
    release = {"name": "web", "namespace": "apps", "status": "deployed", "chart": "web-1.0.0"}
    (folder / "released.json").write_text(json.dumps([release]))
    (folder / "play.yml").write_text(PLAY)
    (folder / "chart").mkdir()
    (folder / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml", *options]
        + [f"--extra-vars=ansible_python_interpreter={sys.executable}"],
        cwd=folder,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_ASYNC_DIR": str(folder / "jobs")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    job = json.loads((folder / "job.json").read_text())
    assert job["started"]
    assert not job["finished"]
    return Path(job["results_file"])


@pytest.mark.parametrize("fails", [False, True])
def test_helm_goes_on_when_ansible_has_ended_and_its_end_is_told(
    tmp_path: Path, fails: bool
) -> None:
    results = start(tmp_path)
    assert not json.loads(results.read_text())["finished"]
    if fails:
        (tmp_path / "fail").touch()
    (tmp_path / "let-go").touch()
    wait_until(lambda: bool(json.loads(results.read_text())["finished"]), "Helm's end is told", 60)
    ended = json.loads(results.read_text())
    assert results.stat().st_mode & 0o077 == 0
    assert ended.get("failed", False) == fails
    assert ended["status"]["status"] == ("unknown" if fails else "deployed")
    assert ("context deadline exceeded" in json.dumps(ended)) == fails
    assert "upgrade" in (tmp_path / "started").read_text()
    assert "hunter2" not in results.read_text()


def test_helm_is_ended_after_the_limit(tmp_path: Path) -> None:
    """Else one that hangs would hold its release for ever."""
    results = start(tmp_path, "--extra-vars=limit=5")
    running = ["pgrep", "--full", f"{tmp_path}/helm upgrade"]
    wait_until((tmp_path / "started").exists, "Helm is at work", 60)

    def is_over() -> bool:
        return subprocess.run(running, check=False, capture_output=True).returncode == 1

    wait_until(is_over, "Helm was ended", 60)
    assert not json.loads(results.read_text())["finished"]
