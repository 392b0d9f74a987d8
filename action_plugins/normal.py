"""Action plugin: run the project's modules, and small ones of Ansible's, in Ansible's worker.

Ansible runs every module without an action plugin through the one named `normal`, looked for among
a project's own first (ansible/executor/task_executor.py). A module that gets a new interpreter
compiles 50 files of Ansible before its own first line, 0.3 s of processor time each. On the
control node they are compiled already. Other collections do the same: see `import_modules` of
ansible.netcommon.

Without this file the modules do the same work, only slower.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible import constants
from ansible.module_utils import basic
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.plugins.action import ActionBase

PROFILE = "legacy"
# Those of Ansible's own that read and write files and nothing else.
BUILTIN = {f"ansible.builtin.{name}" for name in ("file", "find", "lineinfile", "slurp", "stat")}

# Where a module of ours finds what it shares with others, as in the package that Ansible makes.
ansible.module_utils.__path__ += [
    path
    for path in constants.DEFAULT_MODULE_UTILS_PATH
    if path not in ansible.module_utils.__path__
]


@contextlib.contextmanager
def environment(variables: dict[str, Any]) -> Iterator[None]:
    """More variables in the process's environment; the block may set the umask, too."""
    before = dict(os.environ)
    mask = os.umask(0)
    os.umask(mask)
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        os.umask(mask)
        os.environ.clear()
        os.environ.update(before)


def execute(path: str) -> None:
    """Run the file as this process's program, from its compiled form where Python keeps one."""
    spec = importlib.util.spec_from_file_location("__main__", path)
    assert spec is not None, "a path that ends with .py has a loader"
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    before = sys.modules["__main__"]
    sys.modules["__main__"] = program
    try:
        spec.loader.exec_module(program)
    finally:
        sys.modules["__main__"] = before


def run_here(path: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer of the module in this file, a failure with all it said where it gives none."""
    out, err = io.StringIO(), io.StringIO()
    encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
    code: Any = 0
    # A module removes a temporary folder of its own when its process exits, which a worker never
    # does in that way: it is given one.
    with tempfile.TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as folder:
        given = {"ANSIBLE_MODULE_ARGS": arguments | {"_ansible_tmpdir": folder}}
        # The same two variables that the package sets before it calls a module.
        basic._ANSIBLE_ARGS = json.dumps(given, cls=encoder).encode()
        basic._ANSIBLE_PROFILE = PROFILE
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                execute(path)
            except SystemExit as end:
                code = end.code
    decoder = get_module_decoder(PROFILE, Direction.MODULE_TO_CONTROLLER)
    try:
        answer: dict[str, Any] = json.loads(out.getvalue(), cls=decoder)
    except ValueError:
        said = f"{out.getvalue()}{err.getvalue()}".strip()
        answer = {"failed": True, "rc": code, "msg": f"No answer of {path}, which said: {said}"}
    return answer


class ActionModule(ActionBase):  # type: ignore[misc]
    """Ansible's own, but for modules that can run in its worker on this machine."""

    _supports_check_mode = True
    _supports_async = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The task's module with the task's arguments."""
        if path := self._module_to_run_here():
            result: dict[str, Any] = super().run(tmp, task_vars)
            return result | self._run_here(path, task_vars or {})
        normal = self._shared_loader_obj.action_loader.get(
            "ansible.builtin.normal",
            task=self._task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        answer: dict[str, Any] = normal.run(task_vars=task_vars)
        return answer

    def _module_to_run_here(self) -> str:
        """The file of the task's module if it can run in this process, else ""."""
        local = self._connection.transport == "local" and not self._connection.become
        if not local or self._task.async_val:
            return ""
        path = self._shared_loader_obj.module_loader.find_plugin(self._task.action, ".py")
        own = [Path(folder) for folder in constants.DEFAULT_MODULE_PATH]
        here = self._task.action in BUILTIN or (path and Path(path).parent in own)
        return path if path and here else ""

    def _run_here(self, path: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, task_vars)
        variables: dict[str, Any] = {}
        self._compute_environment_string(variables)
        with environment(variables):
            answer = run_here(path, arguments)
        for stream in ("stdout", "stderr"):
            if stream in answer:
                answer.setdefault(f"{stream}_lines", (answer[stream] or "").splitlines())
        return answer
