"""What tests do instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    reached: Callable[[], bool], what: str, seconds: float = 90, pause: float = 0.1
) -> None:
    """Return once the condition holds; fails the test when it does not in time.

    `pause` seconds lie between two looks: more where a look itself is work for the cluster.
    """
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(pause)
