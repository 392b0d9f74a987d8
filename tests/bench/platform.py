"""Measure what one who runs the platform waits for, and print it as a table.

    cd tests && python -m bench.platform

An empty playbook is timed in the same run, so that the ratio holds on a slower machine, too.
Writes nothing but a comment in one source file, which it takes back. Takes about three minutes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from bench.report import Row, table

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "apps" / "backend" / "src" / "todo_backend" / "__main__.py"
ROUNDS = 3
EMPTY = "- hosts: localhost\n  gather_facts: false\n  tasks: []\n"


def seconds(*command: str) -> float:
    """Wall-clock seconds of a command; raises CalledProcessError when it fails."""
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=1800)
    return time.monotonic() - started


def median(measure: Callable[[], float], rounds: int = ROUNDS) -> float:
    return statistics.median(measure() for _ in range(rounds))


def redeploy() -> float:
    """Seconds from a changed line in the backend to its new pod being ready."""
    original = SOURCE.read_text()
    try:
        SOURCE.write_text(f"{original}# {time.time()}\n")
        return seconds("ansible-playbook", "site.yml", "--tags", "backend")
    finally:
        SOURCE.write_text(original)


def output(*command: str) -> str:
    """What a command printed; raises CalledProcessError when it fails."""
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def kubectl(*arguments: str) -> str:
    """What kubectl printed, asked of the checkout's cluster; raises CalledProcessError."""
    return output("kubectl", "--kubeconfig", str(ROOT / ".state" / "kubeconfig"), *arguments)


def node() -> str:
    """Name of the node's container, which is also that of the kubeconfig's context."""
    return kubectl("config", "current-context").strip()


def ready_seconds(workload: str) -> float:
    """Seconds from a new pod's start on the node until it is ready; Kubernetes notes whole ones."""
    namespace = ("--namespace", "todo")
    kubectl(*namespace, "rollout", "restart", workload)
    kubectl(*namespace, "rollout", "status", workload, "--timeout=50s")
    name = f"app.kubernetes.io/name={workload.partition('/')[2]}"
    pods = json.loads(kubectl(*namespace, "get", "pods", "--selector", name, "-o", "json"))
    newest = max((pod["status"] for pod in pods["items"]), key=lambda status: status["startTime"])
    conditions = {c["type"]: c["lastTransitionTime"] for c in newest["conditions"]}
    ready, started = (
        datetime.fromisoformat(moment) for moment in (conditions["Ready"], newest["startTime"])
    )
    return (ready - started).total_seconds()


def node_memory_mib() -> float:
    """Memory of the node's processes in MiB, page cache left out."""
    read = "cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null"
    text = output("docker", "exec", node(), "sh", "-c", f"{read}; true")
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    name = "total_rss" if "total_rss" in values else "anon"
    return int(values[name]) / 2**20


def measure() -> Iterator[Row]:
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as empty:
        empty.write(EMPTY)
        empty.flush()
        base = median(lambda: seconds("ansible-playbook", empty.name))

    def row(what: str, measured: float) -> Row:
        return Row(what, f"{measured:.1f} s", f"{measured / base:.1f}")

    yield row("an empty playbook", base)
    noop = median(lambda: seconds("ansible-playbook", "site.yml"))
    yield row("make up, everything running", noop)
    frontend = median(lambda: seconds("ansible-playbook", "site.yml", "--tags", "frontend"))
    yield row("--tags frontend, nothing changed", frontend)
    yield row("one line in the backend until its pod is ready", redeploy())
    seconds("ansible-playbook", "site.yml", "--tags", "backend")
    for workload in ("deploy/backend", "deploy/mcp-server", "deploy/frontend", "sts/postgres"):
        started = median(partial(ready_seconds, workload))
        yield Row(
            f"{workload.partition('/')[2]}: a new pod's start until it is ready", f"{started:.0f} s"
        )
    yield Row("memory of the node's processes", f"{node_memory_mib():.0f} MiB")


if __name__ == "__main__":
    print(table(measure()))
