"""Measure what one who runs the platform waits for, and print it as a table.

    cd tests && python -m bench.platform

An empty playbook is timed in the same run, so that the ratio holds on a slower machine, too.
Writes nothing but a comment in one source file, which it takes back, and users who leave again.
Takes about five minutes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.load import Plan, Request
from bench.programs import Load
from bench.report import Row, table
from e2e.support import User, setting

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "apps" / "backend" / "src" / "todo_backend" / "__main__.py"
ROUNDS = 3
SERVICES = ("backend", "mcp-server", "frontend", "postgres")
LOAD_USERS = 20
LOAD_RATE = 40
LOAD_SECONDS = 60
SAMPLE_SECONDS = 2
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


def ready_seconds(service: str) -> float:
    """Seconds from a new pod's start on the node until it is ready; Kubernetes notes whole ones."""
    chosen = ("--namespace", "todo", "--selector", f"app.kubernetes.io/name={service}")
    kubectl("delete", "pods", *chosen)
    kubectl("wait", "pods", *chosen, "--for=condition=Ready", "--timeout=50s")
    (pod,) = json.loads(kubectl("get", "pods", *chosen, "-o", "json"))["items"]
    conditions = {c["type"]: c["lastTransitionTime"] for c in pod["status"]["conditions"]}
    ready, started = (
        datetime.fromisoformat(moment)
        for moment in (conditions["Ready"], pod["status"]["startTime"])
    )
    return (ready - started).total_seconds()


@dataclass
class Use:
    """The most that a container was seen to use: thousandths of a core, MiB, MiB of files."""

    cpu: float = 0
    memory: float = 0
    files: float = 0

    def see(self, container: dict[str, Any]) -> None:
        """Take in what a kubelet says of a container (its API's `stats/summary`)."""
        files = sum(container.get(kind, {}).get("usedBytes", 0) for kind in ("rootfs", "logs"))
        self.cpu = max(self.cpu, container["cpu"].get("usageNanoCores", 0) / 10**6)
        self.memory = max(self.memory, container["memory"].get("workingSetBytes", 0) / 2**20)
        self.files = max(self.files, files / 2**20)


def used(sending: Load) -> dict[str, Use]:
    """The most that the services use while requests are sent."""
    found = {service: Use() for service in SERVICES}
    while sending.is_running():
        summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node()}/proxy/stats/summary"))
        for pod in summary["pods"]:
            for container in pod["containers"] if pod["podRef"]["namespace"] == "todo" else []:
                if container["name"] in found:
                    found[container["name"]].see(container)
        time.sleep(SAMPLE_SECONDS)
    return found


def load_rows() -> Iterator[Row]:
    """What the pods use of what they request, while users list, chat and open the page."""
    users = [User() for _ in range(LOAD_USERS)]
    try:
        requests = []
        for user in users:
            for number in range(20):
                user.add(f"Task {number}")
            cookie = "; ".join(f"{name}={value}" for name, value in user.http.cookies.items())
            listing = Request(path=f"{user.home}/tasks?limit=20", cookie=cookie)
            turn = json.dumps({"message": "What's pending?"})
            chat = Request(path=f"{user.home}/chat", cookie=cookie, body=turn)
            requests += [listing, Request(path="/", cookie=cookie), listing, chat]
        plan = Plan(
            port=setting("platform_http_port"),
            requests=requests,
            rate=LOAD_RATE,
            number=LOAD_RATE * LOAD_SECONDS,
        )
        sending = Load(plan)
        found = used(sending)
        result = sending.result()
    finally:
        for user in users:
            user.leave()
    yield Row(
        f"{LOAD_RATE} requests a second through the ingress",
        f"p50 {result.percentile(50):.0f} ms, p95 {result.percentile(95):.0f} ms",
    )
    for service, use in found.items():
        yield Row(
            f"{service} under this load: core, memory, files",
            f"{use.cpu:.0f} m, {use.memory:.0f} MiB, {use.files:.1f} MiB",
            f"{memory_request(service) / use.memory:.1f}",
            "memory request <= 2",
        )


def memory_request(service: str) -> float:
    """MiB of memory that the service's container requests."""
    kind = "statefulset" if service == "postgres" else "deployment"
    found = json.loads(kubectl("get", kind, service, "--namespace", "todo", "-o", "json"))
    (container,) = found["spec"]["template"]["spec"]["containers"]
    return float(container["resources"]["requests"]["memory"].removesuffix("Mi"))


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
    yield row("make molecule", seconds("python", "tests/run.py", "molecule"))
    yield row("one line in the backend until its pod is ready", redeploy())
    seconds("ansible-playbook", "site.yml", "--tags", "backend")
    for service in SERVICES:
        started = median(partial(ready_seconds, service))
        yield Row(f"{service}: a new pod's start until it is ready", f"{started:.0f} s")
    yield from load_rows()
    yield Row("memory of the node's processes", f"{node_memory_mib():.0f} MiB")


if __name__ == "__main__":
    print(table(measure()))
