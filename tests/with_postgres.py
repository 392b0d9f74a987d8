#!/usr/bin/env python3
"""Run a command beside a PostgreSQL of its own, from the image that the platform deployed.

    python tests/with_postgres.py pytest apps

The command finds a superuser's URL in TODO_TEST_DATABASE_URL. The server is gone afterwards.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KUBECONFIG = Path(__file__).resolve().parent.parent / ".state" / "kubeconfig"
PASSWORDS = ("superuser", "owner", "backend", "mcp-server")
# The deployed server lets the superuser in by its socket alone; tests come from outside.
ACCESS = "local all all trust\nhost all all all scram-sha-256\n"
SECONDS = 120


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def deployed_image() -> str:
    """The image of the platform's database.

    What runs beside this may just have stopped the cluster: it is asked for a while.
    """
    get = ["get", "statefulset", "postgres", "--namespace", "todo", "--output", "json"]
    until = time.monotonic() + SECONDS
    while True:
        try:
            found = json.loads(output("kubectl", "--kubeconfig", str(KUBECONFIG), *get))
        except subprocess.CalledProcessError as error:
            if not KUBECONFIG.exists() or time.monotonic() > until:
                raise RuntimeError(f"no platform answers (`make up`): {error.stderr}") from error
            time.sleep(1)
        else:
            image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
            return image


def start(image: str, folder: Path, password: str) -> str:
    """Start a server with throw-away data; returns the container's id."""
    given = folder / "secrets"
    given.mkdir()
    for name in PASSWORDS:
        (given / f"{name}-password").write_text(password)
    (folder / "access.conf").write_text(ACCESS)
    folder.chmod(0o755)
    return output(
        *("docker", "run", "--detach", "--publish", "127.0.0.1::5432", "--shm-size", "128m"),
        *("--volume", f"{given}:/run/secrets/postgres:ro"),
        *("--volume", f"{folder}/access.conf:/access.conf:ro"),
        # Nothing here outlives the run, so nothing needs to reach the disk.
        *(image, "-c", "hba_file=/access.conf", "-c", "fsync=off", "-c", "max_connections=200"),
    )


def wait(container: str) -> None:
    """Return once the server accepts connections; raises RuntimeError with its log otherwise."""
    until = time.monotonic() + SECONDS
    ready = ["docker", "exec", container, "pg_isready", "-q", "-h", "127.0.0.1"]
    while subprocess.run(ready, capture_output=True).returncode != 0:
        if time.monotonic() > until or not output(
            "docker", "ps", "-q", "--filter", f"id={container}"
        ):
            log = subprocess.run(["docker", "logs", container], capture_output=True, text=True)
            raise RuntimeError(f"PostgreSQL did not start:\n{log.stdout}{log.stderr}")
        time.sleep(0.2)


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server; yields its superuser's URL. Raises RuntimeError when it does not start."""
    password = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as name:
        container = start(deployed_image(), Path(name), password)
        try:
            wait(container)
            port = output("docker", "port", container, "5432/tcp").rsplit(":", 1)[1]
            yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        finally:
            output("docker", "rm", "--force", "--volumes", container)


def main(command: list[str]) -> int:
    with postgres() as url:
        environment = os.environ | {"TODO_TEST_DATABASE_URL": url}
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
