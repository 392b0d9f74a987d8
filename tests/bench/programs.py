"""Starts what is measured and what it is compared with, each a process of its own on its core.

Linux only: elsewhere a process cannot be held to a core.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.load import Plan, Result

ROOT = Path(__file__).resolve().parents[2]
BENCH = Path(__file__).resolve().parent
VENV = ROOT / ".tools" / "bench-venv"
LOGS = ROOT / ".state" / "logs" / "bench"
START_SECONDS = 60

_cores = sorted(os.sched_getaffinity(0))
# The measured server has a core to itself; what it asks and who asks it share the others.
SERVER = {_cores[0]}
OTHERS = set(_cores[1:]) or SERVER


@dataclass(frozen=True)
class Program:
    """A running server; it became ready this many seconds after its process was started."""

    process: subprocess.Popen[bytes]
    port: int
    seconds_to_ready: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def processor_seconds(self) -> float:
        """What the process and its children have used of a processor."""
        return sum(map(_processor_seconds, _family(self.process.pid)))


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in _family(int(child)))]


def _processor_seconds(pid: int) -> float:
    # The name in brackets may hold spaces (man 5 proc).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    name: str, command: Sequence[str], environment: Mapping[str, str], cores: set[int]
) -> Iterator[Program]:
    """Start a server and wait until its /readyz answers 200; `{port}` stands for its port.

    Raises RuntimeError, with the end of its log, when it does not become ready.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    log = LOGS / f"{name}.log"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            cwd=BENCH / "baselines",
            env={**os.environ, "TODO_PORT": str(port), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    try:
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() > started + START_SECONDS:
                raise RuntimeError(f"{name} did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.01)
        yield Program(process, port, time.monotonic() - started)
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"host": "localhost"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Load:
    """The load generator at work, on its own core."""

    def __init__(self, plan: Plan) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open until the result is read
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            cwd=BENCH.parent,
            stdin=subprocess.PIPE,
            stdout=self._output,
            preexec_fn=lambda: os.sched_setaffinity(0, OTHERS),
        )
        assert self._process.stdin is not None
        with self._process.stdin as plans:
            plans.write(json.dumps(asdict(plan)).encode())

    def is_running(self) -> bool:
        return self._process.poll() is None

    def result(self) -> Result:
        """Wait for the end. Raises RuntimeError when a request did not succeed."""
        if self._process.wait() != 0:
            raise RuntimeError("the load generator failed; see above")
        with self._output as output:
            output.seek(0)
            result = Result(**json.load(output))
        if any(not status.startswith("2") for status in result.statuses):
            raise RuntimeError(f"answers {result.statuses}, the last: {result.last_body[:500]}")
        return result


def load(plan: Plan) -> Result:
    """Send the plan's requests. Raises RuntimeError when one does not succeed."""
    return Load(plan).result()


def baseline_program(name: str) -> str:
    """Return a program's path in the baselines' environment, which is made when it is not there."""
    requirements = BENCH / "requirements.txt"
    stamp = VENV / ".requirements"
    wanted = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print("installing what the baselines stand on (about a minute)", flush=True)
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
        subprocess.run(
            [f"{VENV}/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
            + ["--require-hashes", "-r", str(requirements)],
            check=True,
        )
        stamp.write_text(wanted)
    return str(VENV / "bin" / name)
