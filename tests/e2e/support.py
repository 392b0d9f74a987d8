"""The running platform, reached the way its users reach it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import yaml
from waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class Loader(yaml.SafeLoader):
    """Reads an inventory file; a value that Ansible Vault has encrypted stays as it is."""


Loader.add_constructor("!vault", lambda _, node: node.value)


def setting(name: str) -> Any:
    """A plain value of the inventory, where the last file has the last word."""
    found = None
    for path in sorted(ROOT.glob("inventory/group_vars/all/*.yml")):
        found = (yaml.load(path.read_text(), Loader) or {}).get(name, found)  # noqa: S506 (a safe one)
    return found


URL = os.environ.get("TODO_URL", f"http://localhost:{setting('platform_http_port')}")
HTTPS_URL = f"https://localhost:{setting('platform_https_port')}"
# How long a readiness probe of the charts may take to fail, and the ingress to hear of it.
PROBE_SECONDS = 4


class User:
    """A registered account with a session of its own."""

    def __init__(self) -> None:
        self.http = httpx2.Client(base_url=URL, timeout=30)
        self.email = f"e2e-{secrets.token_hex(6)}@example.com"
        self.password = secrets.token_urlsafe(24)
        answer = self.http.post(
            "/api/auth/register", json={"email": self.email, "password": self.password}
        )
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["user"]["id"]
        self.home = f"/api/{self.id}"

    def add(self, title: str, **fields: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.home}/tasks", json={"title": title, **fields})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def tasks(self, **query: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"{self.home}/tasks", params=query)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found: list[dict[str, Any]] = body if isinstance(body, list) else body["items"]
        return found

    def say(self, message: str, **fields: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.home}/chat", json={"message": message, **fields})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def leave(self) -> None:
        assert self.http.delete("/api/auth/me").status_code == 204
        self.http.close()


def wait_until_served(why: str) -> None:
    """Return once the backend serves and goes on to.

    A probe that began when it could not serve may take it out of the Service a moment after it can.
    """
    since: float | None = None

    def goes_on() -> bool:
        nonlocal since
        if not is_served():
            since = None
            return False
        since = since or time.monotonic()
        return time.monotonic() - since > PROBE_SECONDS

    wait_until(goes_on, why)


def is_served() -> bool:
    """Whether the backend is in its Service and answers through the ingress."""
    pods = kubectl_json("get", "pods", "-n", "todo", "-l", "app.kubernetes.io/name=backend")
    conditions = [c for pod in pods["items"] for c in pod["status"].get("conditions", [])]
    in_service = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return in_service and httpx2.get(f"{URL}/api/readyz").status_code == 200


def kubectl(*arguments: str, given: str = "", state: Path = ROOT / ".state") -> str:
    """What kubectl prints, asked of this project's cluster and no other.

    `given` is its standard input, `state` the state folder of the platform whose cluster it is.
    """
    try:
        return subprocess.run(
            ["kubectl", "--kubeconfig", str(state / "kubeconfig"), *arguments],
            input=given,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise


def application_state() -> str:
    """The application's pods, and the last that its servers said; a word about it when the cluster
    does not answer."""
    servers = "app.kubernetes.io/name in (backend,mcp-server),app.kubernetes.io/component=server"
    said = []
    for asked in (("get", "pods"), ("logs", "--selector", servers, "--prefix", "--tail=8")):
        try:
            said.append(kubectl(*asked, "-n", "todo", "--request-timeout=10s"))
        except subprocess.SubprocessError as error:
            said.append(f"kubectl {asked[0]} gave no answer: {error}")
    return "\n".join(said)


def kubectl_json(*arguments: str) -> Any:
    return json.loads(kubectl(*arguments, "-o", "json"))


def packaged(release: str) -> str:
    """The chart of a release as `make up` has packaged it."""
    (chart,) = (ROOT / ".state" / "charts" / release).glob("*.tgz")
    return str(chart)


def docker(*arguments: str) -> str:
    """What Docker prints, without white space around."""
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, timeout=120
    ).stdout.strip()


def playbook(*arguments: str, expect: int = 0, environment: Mapping[str, str] | None = None) -> str:
    """The output of ansible-playbook, run in the checkout; fails when the status is another."""
    done = subprocess.run(
        ["ansible-playbook", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"} | dict(environment or {}),
    )
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == (expect == 0), output[-6000:]
    return output


def unfolded(output: str) -> str:
    """The words of a playbook's output in one line: Ansible folds long messages."""
    return " ".join(output.split())


def documented(title: str) -> list[str]:
    """The command lines of a section of docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip() for line in section.splitlines()]
    found = [line for line in lines if line.startswith(("make ", "ansible-playbook "))]
    # A title that was changed would leave nothing to test.
    assert found, f"docs/operations.md has no commands under {title!r}"
    return found
