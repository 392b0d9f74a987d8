"""What the modules of the role minikube share: their options, minikube's environment, its lock."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

# Which cluster, and the programs that it is asked with.
CLUSTER_ARGUMENTS = {
    "profile": {"type": "str", "required": True},
    "home": {"type": "path", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "minikube": {"type": "str", "default": "minikube"},
    "kubectl": {"type": "str", "default": "kubectl"},
    "docker": {"type": "str", "default": "docker"},
}
# How often a held lock is tried again.
LOCK_POLL_SECONDS = 0.2


def environment(home: str, kubeconfig: str) -> dict[str, str]:
    """The caller's environment, bound to this project's Minikube home and kubeconfig.

    Any MINIKUBE_<FLAG> of the caller would act as that flag, so these are left out.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MINIKUBE_")}
    return kept | {"MINIKUBE_HOME": home, "KUBECONFIG": kubeconfig}


class LockedError(Exception):
    """Another command keeps the lock of a Minikube home; the text names the remedy."""


def lock(home: str, seconds: float) -> int:
    """The file descriptor that holds the lock of a Minikube home.

    Waits up to `seconds`, then raises LockedError. The lock ends with the last process that
    inherited the descriptor, so a `minikube start` whose playbook was killed keeps it until it is
    through.
    """
    Path(home).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(Path(home, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise LockedError(
                    f"Another minikube command has kept {home}/.lock for {seconds} s. "
                    f"Remedy: wait for it, or find it with `fuser {home}/.lock` and end it."
                ) from None
            time.sleep(LOCK_POLL_SECONDS)
        else:
            return descriptor
