"""Backups bring the data back, bad ones change nothing, and nobody listens in on the way."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from cryptography import x509
from e2e.support import (
    HTTPS_URL,
    ROOT,
    User,
    is_served,
    kubectl,
    kubectl_json,
    playbook,
    wait_until_served,
)
from waiting import wait_until

AUTHORITY = ROOT / ".state" / "ca.crt"


def in_database(sql: str, database: str = "todo") -> str:
    return kubectl(
        *("exec", "-n", "todo", "postgres-0", "--", "psql", "-U", "postgres", "-qAt"),
        *(database, "-c", sql),
    ).strip()


def restore(backup: str | Path, *settings: str, expect: int = 0) -> str:
    wanted = ("-e", f"restore_file='{backup}'", "-e", "restore_force=true", *settings)
    return playbook("playbooks/restore.yml", *wanted, expect=expect)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of now."""
    folder = tmp_path_factory.mktemp("backups")
    playbook("playbooks/backup.yml", "-e", f"backup_dir={folder}")
    (dump,) = folder.glob("*.dump")
    return dump


def test_a_restore_brings_back_what_was_and_keeps_what_is(user: User, tmp_path: Path) -> None:
    user.add("Before the backup")
    playbook("playbooks/backup.yml", "-e", f"backup_dir={tmp_path}")
    (dump,) = tmp_path.glob("*.dump")
    assert {item.name for item in tmp_path.iterdir()} == {
        dump.name,
        f"{dump.name}.sha256",
        f"{dump.name}.tables",
    }
    assert all(item.stat().st_mode & 0o077 == 0 for item in tmp_path.iterdir())
    user.add("After the backup")
    output = restore(dump)
    assert "compared, table by table" in output
    wait_until_served("the services are back")
    assert [task["title"] for task in user.tasks()] == ["Before the backup"]
    titles = in_database("SELECT title FROM tasks WHERE title LIKE '%the backup'", "todo_previous")
    assert "After the backup" in titles.splitlines()
    # The session still lives: what the backup held is whole.
    user.add("Life goes on")


def test_a_backup_in_the_cluster_is_restored_by_its_name(backup: Path) -> None:
    assert "compared, table by table" in restore(backup.name)
    wait_until_served("the services are back")


def damaged(backup: Path) -> None:
    data = bytearray(backup.read_bytes())
    data[len(data) // 2] ^= 1
    backup.write_bytes(data)


def without_checksum(backup: Path) -> None:
    backup.with_name(f"{backup.name}.sha256").unlink()


def sealed(backup: Path, data: bytes) -> None:
    """Other content, with a checksum that fits."""
    backup.write_bytes(data)
    line = subprocess.run(["sha256sum", backup], check=True, capture_output=True, text=True).stdout
    backup.with_name(f"{backup.name}.sha256").write_text(line)


def text(backup: Path) -> None:
    sealed(backup, b"not a dump at all\n")


def of_something_else(backup: Path) -> None:
    command = ["kubectl", "--kubeconfig", str(ROOT / ".state" / "kubeconfig"), "exec", "-n", "todo"]
    command += ["postgres-0", "--", "pg_dump", "-U", "postgres", "-Fc", "postgres"]
    sealed(backup, subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (damaged, "is not what its checksum says"),
        (without_checksum, ".sha256 beside it"),
        (text, "is no backup of this platform"),
        (of_something_else, "lacks the tables alembic_version, tasks, users"),
        (Path.unlink, "neither a file"),
    ],
)
def test_a_bad_backup_is_refused_before_anything_changes(
    backup: Path, tmp_path: Path, change: Callable[[Path], None], cause: str
) -> None:
    copy = tmp_path / "copy.dump"
    for suffix in ("", ".sha256", ".tables"):
        copy.with_name(copy.name + suffix).write_bytes(
            backup.with_name(backup.name + suffix).read_bytes()
        )
    change(copy)
    output = " ".join(restore(copy, expect=1).split())
    assert cause in output
    assert "nothing was changed" in output
    assert "Remedy" in output
    assert "changed=0" in output


def test_without_anybody_to_ask_nothing_is_restored(backup: Path) -> None:
    output = playbook("playbooks/restore.yml", "-e", f"restore_file={backup}", expect=1)
    assert "Nothing was changed" in output
    assert "changed=0" in output


def test_a_dump_that_is_not_as_recorded_leaves_the_old_data_serving(
    backup: Path, user: User
) -> None:
    user.add("Still here")
    record = backup.with_name(f"{backup.name}.tables")
    good = record.read_text()
    record.write_text(re.sub(r"(?m)^public.users\|\d+", "public.users|123456", good))
    backend = ("get", "pods", "-n", "todo", "-l", "app.kubernetes.io/name=backend", "-o", "name")
    pods = kubectl(*backend)
    try:
        output = " ".join(restore(backup, expect=1).split())
    finally:
        record.write_text(good)
    assert "the tables differ" in output
    assert "the old data serves on" in output
    assert [task["title"] for task in user.tasks()] == ["Still here"]
    names = in_database("SELECT datname FROM pg_database").split()
    assert "todo_restore" not in names
    # Not even the services were stopped for it.
    assert pods == kubectl(*backend)


def test_a_restore_that_the_platform_fails_with_is_taken_back(backup: Path, user: User) -> None:
    user.add("Still here")
    # The check after the swap asks where nobody answers.
    unwell = ("-e", "smoke_url=http://localhost:1", "-e", "smoke_timeout=2")
    output = " ".join(restore(backup, *unwell, expect=1).split())
    assert "the old data serves again" in output
    assert "[pod/backend-" in output, "what the services said"
    wait_until_served("the services are back")
    assert [task["title"] for task in user.tasks()] == ["Still here"]


@pytest.mark.parametrize("command", ["site.yml", "playbooks/restore.yml"])
def test_a_restore_that_was_killed_is_mended_by_the_next_run(backup: Path, command: str) -> None:
    """Killed at its worst moment: the services are stopped, and nobody is left to start them."""
    asked = ("-e", f"restore_file='{backup}'", "-e", "restore_force=true")
    run = subprocess.Popen(
        ["ansible-playbook", "playbooks/restore.yml", *asked],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: sizes() == {"backend": 0, "mcp-server": 0}, "the services are stopped")
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    playbook(command, *asked)
    wait_until_served("the services are back")
    assert sizes() == {"backend": 1, "mcp-server": 1}
    assert "changed=0" in playbook("site.yml", "--tags", "backend,mcp-server")


def sizes() -> dict[str, int]:
    """How many pods each client of the database is to have."""
    found = kubectl_json("get", "deployments", "-n", "todo", "backend", "mcp-server")["items"]
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found}


@contextmanager
def drill(*environment: str) -> Iterator[str]:
    """A job like the weekly one, with further environment; yields its name, removes it."""
    name = f"drill-{secrets.token_hex(4)}"
    job = kubectl_json(
        *("create", "job", "-n", "todo", name, "--from=cronjob/postgres-drill", "--dry-run=client")
    )
    job["spec"]["backoffLimit"] = 0
    for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]:
        for change in environment:
            if entry["name"] == change.partition("=")[0]:
                entry["value"] = change.partition("=")[2]
    kubectl("create", "-f", "-", given=json.dumps(job))
    try:
        wait_until(
            lambda: any(
                condition["type"] in {"Complete", "Failed"}
                for condition in kubectl_json("get", "job", "-n", "todo", name)["status"].get(
                    "conditions", []
                )
            ),
            "the drill has ended",
        )
        yield name
    finally:
        kubectl("delete", "job", "-n", "todo", name)


@pytest.mark.usefixtures("backup")
def test_the_drill_restores_the_newest_backup_elsewhere() -> None:
    before = in_database("SELECT datname FROM pg_database ORDER BY 1")
    with drill() as name:
        status = kubectl_json("get", "job", "-n", "todo", name)["status"]
        log = kubectl("logs", "-n", "todo", f"job/{name}")
    assert status.get("succeeded") == 1, log
    assert "every table as recorded" in log
    assert "public.tasks|" in log
    assert before == in_database("SELECT datname FROM pg_database ORDER BY 1")


def test_a_drill_without_a_backup_fails_and_says_what_to_do() -> None:
    with drill("TODO_DATABASE_NAME=nothing") as name:
        status = kubectl_json("get", "job", "-n", "todo", name)["status"]
        log = kubectl("logs", "-n", "todo", f"job/{name}")
    assert status.get("failed") == 1
    assert "there is no backup" in log
    assert "make backup" in log


def test_without_an_archive_no_moment_is_recovered() -> None:
    output = playbook("playbooks/recover.yml", "-e", "recover_time=2026-01-31T18:30:00Z", expect=1)
    assert "set postgres_archive to true" in " ".join(output.split())
    assert "changed=0" in output


@pytest.fixture
def archiving() -> Iterator[int]:
    """The platform with its archive on; yields the second in which the first base backup ended."""
    listing = "ls -d /archive/*/base/[0-9]*[0-9]"
    found: list[str] = []

    def has_base() -> bool:
        command = ("exec", "-n", "todo", "postgres-0", "--container", "archive", "--")
        try:
            found.extend(kubectl(*command, "/bin/sh", "-c", listing).split())
        except subprocess.CalledProcessError:
            return False
        return bool(found)

    try:
        playbook("site.yml", "--tags", "postgres", "-e", "postgres_archive=true")
        wait_until(has_base, "the first base backup is made", seconds=180, pause=2)
        wait_until_served("the services have found the database again")
        yield int(found[-1].rpartition("/")[2])
    finally:
        playbook("site.yml", "--tags", "postgres")
        # A release leaves it, as it leaves all data.
        kubectl("delete", "pvc", "-n", "todo", "postgres-archive", "--ignore-not-found")
        wait_until_served("the services have found the database again")


@pytest.mark.timeout(1200)
def test_a_moment_comes_back_without_what_was_after_it(archiving: int, user: User) -> None:
    clock = "SELECT clock_timestamp()"
    # A moment within the second in which the base backup ended would need an older one.
    wait_until(
        lambda: in_database(f"{clock} > to_timestamp({archiving + 1})") == "t",
        "the base backup is a second old",
    )
    user.add("Before the moment")
    written = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
    moment = in_database(f"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', {written})")
    user.add("After the moment")

    early = "recover_time=2020-01-01T00:00:00Z"
    output = " ".join(playbook("playbooks/recover.yml", "-e", early, expect=1).split())
    assert "could not be recovered; nothing was changed" in output
    assert "the archive begins at" in output
    assert "name a later time" in output

    output = playbook("playbooks/recover.yml", "-e", f"recover_time={moment}")
    dump = re.search(r"make restore FILE=(recovered-\w+\.dump)", " ".join(output.split()))
    assert dump, output[-3000:]
    # Nothing that serves was touched by that.
    assert len(user.tasks()) == 2

    assert "compared, table by table" in restore(dump[1])
    wait_until_served("the services are back")
    assert [task["title"] for task in user.tasks()] == ["Before the moment"]
    titles = in_database("SELECT title FROM tasks WHERE title LIKE '%the moment'", "todo_previous")
    assert set(titles.splitlines()) == {"Before the moment", "After the moment"}


def test_every_client_of_the_database_speaks_tls() -> None:
    query = (
        "SELECT DISTINCT a.usename, s.ssl, s.version FROM pg_stat_activity a JOIN pg_stat_ssl s"
        " USING (pid) WHERE a.usename LIKE 'todo_%'"
    )
    found: set[str] = set()

    def all_are_connected() -> bool:
        found.update(in_database(query).splitlines())
        return {line.split("|")[0] for line in found} >= {"todo_backend", "todo_mcp"}

    # Each service keeps connections open, and opens new ones in its own time after the server was
    # away, as the test before this one leaves it.
    wait_until(all_are_connected, "both services are connected to the database")
    assert {line.partition("|")[2] for line in found} == {"t|TLSv1.3"}


@contextmanager
def database_port() -> Iterator[int]:
    """A way to the database's port from this machine."""
    forward = subprocess.Popen(
        ["kubectl", "--kubeconfig", str(ROOT / ".state" / "kubeconfig"), "port-forward"]
        + ["-n", "todo", "postgres-0", ":5432"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert forward.stdout
        found = re.search(r":(\d+) ->", forward.stdout.readline())
        assert found
        yield int(found[1])
    finally:
        forward.terminate()
        forward.wait()


def served_certificate() -> x509.Certificate:
    """The certificate that the database shows, verified as its clients verify it."""
    context = ssl.create_default_context(cafile=str(AUTHORITY))
    with database_port() as port, socket.create_connection(("127.0.0.1", port), 10) as line:
        # PostgreSQL's SSLRequest.
        line.sendall(struct.pack("!II", 8, 80877103))
        assert line.recv(1) == b"S"
        with context.wrap_socket(line, server_hostname="postgres") as secure:
            shown = secure.getpeercert(binary_form=True)
    assert shown
    return x509.load_der_x509_certificate(shown)


def test_a_renewed_certificate_is_taken_up_without_losing_a_connection() -> None:
    before = served_certificate()
    password = kubectl(
        *("get", "secret", "-n", "todo", "todo-database"),
        *("-o", 'go-template={{index .data "backend-password" | base64decode}}'),
    )
    with database_port() as port:
        # A client like the services, that stays connected all the while.
        client = psycopg.connect(
            host="postgres",
            hostaddr="127.0.0.1",
            port=port,
            dbname="todo",
            user="todo_backend",
            password=password,
            sslmode="verify-full",
            sslrootcert=str(AUTHORITY),
            autocommit=True,
        )
        with client:
            pid = client.info.backend_pid
            kubectl(
                *("patch", "secret", "-n", "todo", "todo-postgres-tls", "--type", "merge"),
                *("-p", '{"data": {"tls.crt": ""}}'),
            )
            playbook("site.yml", "--tags", "secrets")
            assert client.execute("SELECT pg_backend_pid()").fetchone() == (pid,)
    after = served_certificate()
    assert after.serial_number != before.serial_number
    assert is_served()


def test_the_public_address_over_tls() -> None:
    """With `ingress_tls` the authority of the platform vouches for the https address."""
    services = ("--tags", "secrets,backend,ingress,smoke", "--skip-tags", "images")
    try:
        playbook("site.yml", *services, "-e", "ingress_tls=true")
        trusted = httpx2.Client(
            base_url=HTTPS_URL,
            verify=ssl.create_default_context(cafile=str(AUTHORITY)),
        )
        wait_until(
            lambda: trusted.get("/api/readyz").status_code == 200, "the ingress serves over TLS"
        )
        registered = trusted.post(
            "/api/auth/register",
            json={
                "email": f"tls-{secrets.token_hex(6)}@example.com",
                "password": secrets.token_hex(12),
            },
            headers={"origin": HTTPS_URL},
        )
        assert registered.status_code == 201, registered.text
        cookie = registered.headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert "secure" in cookie.lower()
        assert trusted.get("/api/auth/me").status_code == 200
        assert trusted.delete("/api/auth/me", headers={"origin": HTTPS_URL}).status_code == 204
    finally:
        playbook("site.yml", *services)
