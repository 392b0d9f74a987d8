"""Action plugin: kubernetes.core.helm in the background, which its own action plugin refuses."""

from __future__ import annotations

import json
import os
import secrets
import signal
from pathlib import Path
from typing import Any, NoReturn

from ansible.plugins.action import ActionBase


def write_whole(path: Path, job: dict[str, Any]) -> None:
    """Write what is known about a job, so that who reads it never sees half of it."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(job), encoding="utf-8")
    new.replace(path)


def told(done: dict[str, Any]) -> dict[str, Any]:
    """What helm_release_wait reads of the module's answer.

    The rest holds secrets among the release's values, and objects that JSON has not: the module
    warns of a return value and of a way to see changes that the role does not use.
    """
    kept = {key: done[key] for key in ("changed", "failed", "msg", "stderr") if key in done}
    release = done.get("status") or {}
    return kept | {"status": {"status": release.get("status", "unknown")}}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the control node, so nothing of what kubernetes.core's plugin adds is needed."""

    _supports_async = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Start the module with the task's arguments, which are those of kubernetes.core.helm.

        Fails where helm_release_wait could not read how the job ends.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        become = self._connection.become
        if self._connection.transport != "local" or become:
            found = f"becomes {become.get_option('become_user')}" if become else "goes elsewhere"
            result["failed"] = True
            result["msg"] = (
                "Helm runs on the control node as the user who runs Ansible, but this play "
                f"{found} (connection {self._connection.transport}). Remedy: set `connection: "
                "local` and `become: false` for the play that has the role helm_release."
            )
            return result
        name = f"j{secrets.randbelow(10**12)}"
        folder = self.get_shell_option("async_dir", default="~/.ansible_async")
        path = Path(folder).expanduser() / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        job = {"ansible_job_id": name, "results_file": str(path), "started": True}
        write_whole(path, job | {"finished": False})
        # A fork instead of Ansible's async_wrapper, for that and the module would compile Ansible
        # once more each.
        if not os.fork():
            self._go_on(path, job, task_vars)
        return result | job | {"finished": False, "changed": True}

    def _go_on(self, path: Path, job: dict[str, Any], task_vars: Any) -> NoReturn:
        """Run the module and write down how it ended, whatever becomes of Ansible meanwhile."""
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            # Ansible's limit ends Helm, too.
            signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
            signal.alarm(self._task.async_val)
            try:
                done = self._execute_module(
                    module_name="kubernetes.core.helm",
                    module_args=self._task.args,
                    task_vars=task_vars,
                )
                write_whole(path, told(done) | job | {"finished": True})
            except Exception as error:
                failure = {"failed": True, "msg": f"Helm's module gave no answer: {error}"}
                write_whole(path, failure | job | {"finished": True})
            self.cleanup(force=True)
        finally:
            os._exit(0)
