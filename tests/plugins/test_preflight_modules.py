"""Modules of the role preflight: control groups, ports, servers that only seem to answer."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import preflight_facts
import preflight_network
import pytest
from background_server import BackgroundServer

MEMINFO = "MemTotal:        8388608 kB\n"  # 8 GiB


def machine(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    files = {"proc/meminfo": MEMINFO, "proc/self/cgroup": cgroup, **files}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_memory_without_a_limit_is_the_machines(tmp_path: Path) -> None:
    v1 = {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}
    assert preflight_facts.memory_mib(machine(tmp_path, "4:memory:/\n", v1)) == 8192


def test_memory_limit_of_version_1(tmp_path: Path) -> None:
    v1 = {"sys/fs/cgroup/memory/box/memory.limit_in_bytes": str(2**30)}
    assert preflight_facts.memory_mib(machine(tmp_path, "4:memory:/box\n", v1)) == 1024


def test_memory_limit_of_an_outer_group_of_version_2(tmp_path: Path) -> None:
    v2 = {
        "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
        "sys/fs/cgroup/user/memory.max": str(3 * 2**30),
        "sys/fs/cgroup/user/shell/memory.max": "max\n",
    }
    assert preflight_facts.memory_mib(machine(tmp_path, "0::/user/shell\n", v2)) == 3072


def test_cpu_quota_of_version_2(tmp_path: Path) -> None:
    v2 = {"sys/fs/cgroup/cgroup.controllers": "cpu", "sys/fs/cgroup/box/cpu.max": "50000 100000"}
    assert preflight_facts.cpus(machine(tmp_path, "0::/box\n", v2)) == 0.5


def test_cpu_quota_of_version_1(tmp_path: Path) -> None:
    v1 = {
        "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "25000\n",
        "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
    }
    assert preflight_facts.cpus(machine(tmp_path, "1:cpu:/box\n", v1)) == 0.25


def test_no_cpu_quota_is_no_limit(tmp_path: Path) -> None:
    v1 = {
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert preflight_facts.cpus(machine(tmp_path, "1:cpu:/\n", v1)) >= 1


def test_disk_of_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    path, free = preflight_facts.free_gib(str(tmp_path / "not" / "yet"))
    assert path == str(tmp_path)
    assert free > 0


def test_port_with_a_listener_is_taken_and_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not preflight_facts.port_is_free("127.0.0.1", port)
        found = preflight_facts.look_at_port("127.0.0.1", port, "minikube", "/nonexistent")
    assert found["holder"].startswith("py")
    assert not found["ours"]
    assert preflight_facts.port_is_free("127.0.0.1", port)


def test_port_of_our_container_is_ours(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho minikube\n")
    docker.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = preflight_facts.look_at_port("127.0.0.1", port, "minikube", str(docker))
        foreign = preflight_facts.look_at_port("127.0.0.1", port, "other", str(docker))
    assert found["ours"]
    assert (foreign["ours"], foreign["holder"]) == (False, "container minikube")


def test_version_of_a_missing_program_is_empty() -> None:
    assert preflight_facts.version("no-such-program", ["--version"]) == ""
    assert preflight_facts.version("python3", ["--version"]).startswith("3.")


@contextmanager
def server(status: int, body: str, headers: dict[str, str] | None = None) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with BackgroundServer(Handler) as served:
        yield f"{served.url}/"


def question(url: str, **changes: Any) -> dict[str, Any]:
    asked = {
        "name": "q",
        "url": url,
        "accept": "*/*",
        "status": 200,
        "pattern": r"\b[0-9a-f]{64}\b",
    }
    return asked | changes


def test_right_content_is_an_answer() -> None:
    with server(200, "a" * 64) as url:
        assert preflight_network.ask(question(url), 2) == preflight_network.GOOD


def test_expected_refusal_with_its_header_is_an_answer() -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://auth/token"'}
    with server(401, "", challenge) as url:
        asked = question(url, status=401, pattern='Bearer realm="https://auth/token"')
        assert preflight_network.ask(asked, 2) == preflight_network.GOOD


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [(404, "a" * 64, "HTTP status 404"), (200, "<html>Sign in</html>", "another content")],
)
def test_stranger_is_no_answer(status: int, body: str, found: str) -> None:
    with server(status, body) as url:
        assert found in preflight_network.ask(question(url), 2)


def test_certificate_that_nobody_signed_is_no_answer(tmp_path: Path) -> None:

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-subj", "/CN=localhost", "-days", "1"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        connection, _ = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except (OSError, ssl.SSLError):
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    url = f"https://localhost:{listener.getsockname()[1]}/"
    assert "CERTIFICATE_VERIFY_FAILED" in preflight_network.ask(question(url), 5)
    listener.close()


def test_silent_servers_cost_no_more_than_the_time_given() -> None:
    # They accept every connection and never say anything.
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        asked = [
            question(f"http://127.0.0.1:{s.getsockname()[1]}/", name=str(n))
            for n, s in enumerate((one, two))
        ]
        began = time.monotonic()
        answers = preflight_network.ask_all(asked, 0.5)
        took = time.monotonic() - began
    assert set(answers) == {"0", "1"}
    assert preflight_network.GOOD not in answers.values()
    assert took < 1.0


def test_memory_is_replaced_whole(tmp_path: Path) -> None:
    memory = tmp_path / "new" / "network-mode.json"
    preflight_network.remember(memory, {"mode": "open"})
    preflight_network.remember(memory, {"mode": "mirrors"})
    assert memory.read_text() == '{\n "mode": "mirrors"\n}\n'
    assert [path.name for path in memory.parent.iterdir()] == ["network-mode.json"]


def ask_as_ansible(memory: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """The module's answer, from a process of its own."""
    arguments = {"questions": [asked], "seconds": 5, "memory": str(memory)}
    done = subprocess.run(
        [sys.executable, preflight_network.__file__],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        timeout=30,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("before", "answers", "mode", "kept"),
    [
        (None, False, "mirrors", False),
        (None, True, "open", False),
        ("mirrors", True, "open", False),
        ("mirrors", False, "mirrors", False),
        # A laptop on a train goes on with what it has.
        ("open", False, "open", True),
        ("open", True, "open", False),
    ],
)
def test_an_open_machine_stays_so_while_its_network_is_away(
    tmp_path: Path, before: str | None, answers: bool, mode: str, kept: bool
) -> None:
    memory = tmp_path / "network-mode.json"
    if before:
        memory.write_text(
            json.dumps({"mode": before, "urls": ["https://older.example/"], "time": 1})
        )
    with server(200 if answers else 503, "0" * 64) as url:
        found = ask_as_ansible(memory, question(url))
    assert (found["mode"], found["kept"]) == (mode, kept)
    # What was kept is asked again by the next run.
    assert (json.loads(memory.read_text())["time"] == 1) is kept


def test_a_port_that_only_root_may_bind_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse)
    monkeypatch.setattr(preflight_facts, "listeners", lambda port: {"1"} if port == 80 else set())
    assert not preflight_facts.port_is_free("127.0.0.1", 80)
    assert preflight_facts.port_is_free("127.0.0.1", 81)


def test_a_number_that_is_no_port_ends_no_look_at_the_machine() -> None:
    assert preflight_facts.port_is_free("127.0.0.1", 80880)
