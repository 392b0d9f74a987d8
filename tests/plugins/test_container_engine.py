"""Filters of the role container_engine, on what real `docker info` and kernels print."""

from __future__ import annotations

import json
from typing import Any

import container_engine
import pytest

BUILDX = {"Name": "buildx"}


def info(**document: Any) -> dict[str, Any]:
    return {"stdout": json.dumps(document), "stderr": "", "rc": 0}


def test_engine_with_buildx_is_ready() -> None:
    result = info(ServerVersion="26.1.5", ClientInfo={"Plugins": [BUILDX]})
    assert container_engine.container_engine_ready(result)


@pytest.mark.parametrize(
    ("result", "named"),
    [
        ({"rc": 2, "msg": "[Errno 2] No such file or directory: b'docker'"}, "No such file"),
        ({"stdout": "", "stderr": "permission denied on the socket", "rc": 1}, "permission denied"),
        (info(ServerErrors=["Cannot connect to the Docker daemon"]), "Cannot connect"),
        (info(ServerVersion="", ClientInfo={"Plugins": [BUILDX]}), "daemon does not answer"),
        (info(ServerVersion="") | {"stderr": "no daemon at docker.sock"}, "docker.sock"),
        (info(ServerVersion="20.10", ClientInfo={"Plugins": None}), "buildx"),
        (
            info(ServerVersion="20.10", ClientInfo={"Plugins": [BUILDX | {"Err": "exec failed"}]}),
            "buildx",
        ),
        ({"stdout": "not JSON", "stderr": "", "rc": 0}, "not installed"),
    ],
)
def test_problem_is_named(result: dict[str, Any], named: str) -> None:
    assert named in container_engine.container_engine_problem(result)
    assert not container_engine.container_engine_ready(result)


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
