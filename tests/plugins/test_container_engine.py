"""The role container_engine, on what real `docker info` and kernels print."""

from __future__ import annotations

import json
from typing import Any

import container_engine
import container_engine_info
import pytest

BUILDX = {"Name": "buildx"}


def test_engine_with_buildx_is_ready() -> None:
    info = {"ServerVersion": "26.1.5", "ClientInfo": {"Plugins": [BUILDX]}}
    assert container_engine_info.problem(json.dumps(info), "a warning") == ""


@pytest.mark.parametrize(
    ("info", "said", "named"),
    [
        (None, "[Errno 2] No such file or directory: 'docker'", "No such file"),
        (None, "permission denied on the socket", "permission denied"),
        ({"ServerErrors": ["Cannot connect to the Docker daemon"]}, "", "Cannot connect"),
        ({"ServerVersion": "", "ClientInfo": {"Plugins": [BUILDX]}}, "", "daemon does not answer"),
        ({"ServerVersion": ""}, "no daemon at docker.sock", "docker.sock"),
        ({"ServerVersion": "20.10", "ClientInfo": {"Plugins": None}}, "", "buildx"),
        (
            {"ServerVersion": "20.10", "ClientInfo": {"Plugins": [BUILDX | {"Err": "failed"}]}},
            "",
            "buildx",
        ),
        ("not an object", "", "not installed"),
    ],
)
def test_problem_is_named(info: Any, said: str, named: str) -> None:
    assert named in container_engine_info.problem(json.dumps(info) if info else "", said)


@pytest.mark.parametrize(
    ("bounding_set", "granted"), [("1fffeffffff", False), ("1ffffffffff", True)]
)
def test_capability_is_read_from_the_bounding_set(bounding_set: str, granted: bool) -> None:
    status = f"Name:\tcat\nCapInh:\t0000000000000000\nCapBnd:\t00000{bounding_set}\n"
    assert container_engine.container_engine_has_capability(status, 24) is granted
    assert container_engine.container_engine_has_capability(status, 21)


def test_status_without_bounding_set_is_refused() -> None:
    with pytest.raises(ValueError, match="CapBnd"):
        container_engine.container_engine_has_capability("Name:\tcat\n", 24)
