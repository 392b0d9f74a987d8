"""Action plugin: kubernetes.core.helm in the background, which its own action plugin refuses."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


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
        result |= self._execute_module(
            module_name="kubernetes.core.helm",
            module_args=self._task.args,
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        return result
