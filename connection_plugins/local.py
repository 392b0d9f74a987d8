"""Connection plugin: Ansible's own `local`, which runs modules where Ansible is loaded already.

A module that gets a new interpreter compiles 50 files of Ansible out of an archive before its own
first line, 0.35 s of processor time each. Here it runs in a fork of the worker, which has them. The
module's own code is that of the same release: the control node's.

The name is Ansible's, whose plugins come after a project's own. Without this file modules do the
same work, only slower.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import sys
import tempfile
import traceback
from typing import Any, NoReturn

from ansible.module_utils import _internal
from ansible.plugins.loader import connection_loader

DOCUMENTATION = r"""
name: local
short_description: Run tasks on the control node, modules in a fork of Ansible's worker
description:
  - As P(ansible.builtin.local#connection), whose options these are.
options:
  become_success_timeout:
    description: Seconds to wait for another user's shell.
    type: int
    default: 10
    vars:
      - name: ansible_local_become_success_timeout
  become_strip_preamble:
    description: Whether what the change to another user printed is left out.
    type: bool
    default: true
    vars:
      - name: ansible_local_become_strip_preamble
extends_documentation_fragment:
  - connection_pipelining
"""

BuiltinConnection: Any = connection_loader.get("ansible.builtin.local", class_only=True)

# How a module's package names what is in it: a module of Ansible's or of a collection, which this
# process can import. One of ours would be `ansible.legacy.NAME`, found in the package alone.
IMPORTABLE = (b"module_fqn='ansible.modules.", b"module_fqn='ansible_collections.")


def module_environment(command: str) -> dict[str, str] | None:
    """The variables that a command gives to this very Python, None where it does anything else.

    Ansible's shell plugin writes `/bin/sh -c 'NAME=value ... python && sleep 0'` for a module whose
    package is piped into Python.
    """
    words = shlex.split(command)
    if len(words) != 3 or words[1] != "-c":
        return None
    *assignments, python = shlex.split(words[2].removesuffix("&& sleep 0"))
    pairs = [word.partition("=") for word in assignments]
    if python != sys.executable or not all(name.isidentifier() and sign for name, sign, _ in pairs):
        return None
    return {name: value for name, _, value in pairs}


def become_module(package: bytes, variables: dict[str, str], out: int, err: int) -> NoReturn:
    """Run a module's package as this process's program, as Python does what is piped into it."""
    code: Any = 1
    try:
        # What the worker is to do at its end or on a signal is not for this process.
        atexit._clear()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.update(variables)
        # Else what the module warns of is kept for the worker's display, which this fork has not.
        _internal.is_controller = False
        # Ansible's wrapper takes a single argument for a wish to debug the module.
        sys.argv = [""]
        try:
            exec(compile(package, "<stdin>", "exec"), {"__name__": "__main__"})  # noqa: S102
            code = 0
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code if isinstance(code, int) else int(code is not None))


class Connection(BuiltinConnection):  # type: ignore[misc]
    """Ansible's own, but for modules of this process's Python."""

    def is_pipelining_enabled(self, wrap_async: bool = False) -> bool:
        """Whether modules come as data: all but those that become another user or go on alone."""
        return not self.become and not wrap_async

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a command on this machine: its exit code, what it printed, and its errors."""
        here = in_data and not self.become and any(name in in_data for name in IMPORTABLE)
        variables = module_environment(cmd) if here else None
        if not in_data or variables is None:
            answer: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data, sudoable)
            return answer
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                become_module(in_data, variables, out.fileno(), err.fileno())
            _, status = os.waitpid(child, 0)
            out.seek(0)
            err.seek(0)
            return os.waitstatus_to_exitcode(status), out.read(), err.read()
