"""The API is what its OpenAPI document says: Schemathesis tries to prove otherwise."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

# Requests that end the session they come with get one of their own, or the others would only
# meet 401.
ENDING = ("POST /api/auth/logout", "DELETE /api/auth/me")
CONFIGURATION = """
base-url = {url}
hooks = "hooks.py"
headers = {{ Cookie = {cookie} }}

[parameters]
"path.user_id" = {user_id}

# A version or an amount that the schema allows may still be refused.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "413", "429"]
"""
# Nor is every text a cursor.
PAGED = """
[[operations]]
include-name = {name}
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "404", "422"]
"""
# What the document calls a time zone's name.
HOOKS = """
import schemathesis
from hypothesis import strategies as st

names = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Calcutta"])
schemathesis.openapi.format("iana-time-zone", names)
"""
OPERATION = """
[[operations]]
include-name = {name}
headers = {{ Cookie = {cookie} }}
"""


def test_schemathesis_finds_nothing(start_backend: Any, sign_up: Any, tmp_path: Path) -> None:
    """All its checks, signed in: no 500, no answer and no shape that is not in the document."""
    url = start_backend(chat_turns_per_minute=100_000)

    def signed_in() -> tuple[str, str]:
        user = sign_up(url)
        return user.id, f"todo_session={user.client.cookies['todo_session']}"

    def quoted(**values: str) -> dict[str, str]:
        # A TOML string is a JSON string.
        return {name: json.dumps(value) for name, value in values.items()}

    user_id, cookie = signed_in()
    text = CONFIGURATION.format(**quoted(url=url, cookie=cookie, user_id=user_id))
    for name in (
        "GET /api/{user_id}/tasks",
        "GET /api/{user_id}/conversations",
        "GET /api/{user_id}/conversations/{conversation_id}",
    ):
        text += PAGED.format(**quoted(name=name))
    for name in ENDING:
        text += OPERATION.format(**quoted(name=name, cookie=signed_in()[1]))
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(text)
    (tmp_path / "hooks.py").write_text(HOOKS)
    done = subprocess.run(
        ["schemathesis", "--config-file", str(configuration), "run", f"{url}/api/openapi.json"]
        # The same cases in every run.
        + ["--seed", "1", "--max-examples", "15", "--generation-deterministic", "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Selected: 18/18" in done.stdout
    assert "Tested: 18" in done.stdout
