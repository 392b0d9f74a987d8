#!/usr/bin/python
"""Ansible module: build one program from a Go module pinned by go.mod and go.sum."""

from __future__ import annotations

import os
import re
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: go_program
short_description: Build one program from a pinned Go module
description:
  - Compiles I(package) inside the module folder I(module_dir), whose C(go.sum) decides every byte
    that may be used, and moves the finished program to I(dest). A program that is there is kept,
    so an interrupted run continues with what is missing.
options:
  module_dir:
    description: Folder with C(go.mod) and C(go.sum).
    type: path
    required: true
  package:
    description: Import path of the main package.
    type: str
    required: true
  dest:
    description: Path of the program. Its folder is made.
    type: path
    required: true
  variables:
    description: Values of package variables set by the linker, by their full name.
    type: dict
    default: {}
  build_tags:
    description: Build constraints to set.
    type: list
    elements: str
    default: []
  cgo:
    description: Whether C code may be compiled in.
    type: bool
    default: false
  go:
    description: The go command.
    type: path
    default: go
  work_dir:
    description: Folder of the module and build caches and of unfinished programs.
    type: path
    required: true
author: [todo-platform]
"""

RETURN = r"""
seconds:
  description: How long the build took.
  returned: changed
  type: float
bytes:
  description: The program's size.
  returned: always
  type: int
"""

# What `go build` prints when a module cannot be fetched or is not the pinned one: MODULE@VERSION
# and the reason, often after the place that imports it. That place may lie in another module's
# folder, whose name holds an @ as well, but no reason follows it.
UNFETCHABLE = re.compile(
    r"(?:^|\s)(?P<module>[^\s:@]+@v[^\s:/]+)(?:/go\.mod)?: (?P<reason>.+)", re.M
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "module_dir": {"type": "path", "required": True},
            "package": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "variables": {"type": "dict", "default": {}},
            "build_tags": {"type": "list", "elements": "str", "default": []},
            "cgo": {"type": "bool", "default": False},
            "go": {"type": "path", "default": "go"},
            "work_dir": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    options = module.params
    dest = options["dest"]
    if os.path.isfile(dest):
        module.exit_json(changed=False, bytes=os.path.getsize(dest))
    if module.check_mode:
        module.exit_json(changed=True, bytes=0)

    unfinished = os.path.join(options["work_dir"], "unfinished", f"{os.getpid()}")
    for folder in (os.path.dirname(dest), os.path.dirname(unfinished)):
        os.makedirs(folder, exist_ok=True)
    flags = ["-s", "-w", *(f"-X={name}={value}" for name, value in options["variables"].items())]
    command = [options["go"], "build", "-trimpath", f"-ldflags={' '.join(flags)}"]
    if options["build_tags"]:
        command.append(f"-tags={','.join(options['build_tags'])}")
    command += ["-o", unfinished, options["package"]]

    started = time.monotonic()
    status, _, errors = module.run_command(
        command,
        cwd=options["module_dir"],
        environ_update={
            # -modcacherw: a read-only module cache could not be removed afterwards.
            "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
            "GOMODCACHE": os.path.join(options["work_dir"], "modules"),
            "GOCACHE": os.path.join(options["work_dir"], "objects"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "1" if options["cgo"] else "0",
        },
    )
    if status != 0:
        missing = UNFETCHABLE.search(errors)
        module.fail_json(
            msg=explain(options["package"], missing, errors), rc=status, stderr=errors[-4000:]
        )
    os.replace(unfinished, dest)
    module.exit_json(
        changed=True, seconds=round(time.monotonic() - started, 1), bytes=os.path.getsize(dest)
    )


def explain(package: str, missing: re.Match[str] | None, errors: str) -> str:
    """One sentence on what failed and one on what mends it."""
    if missing:
        return (
            f"{package} needs the Go module {missing['module']}, which could not be had: "
            f"{missing['reason']}. Remedy: see that GOPROXY and GOSUMDB name a mirror that serves "
            f"it (`go env GOPROXY`), then run the same command again; finished parts are kept."
        )
    last = errors.strip().splitlines()[-3:]
    return f"{package} could not be built: {' | '.join(last)}"


if __name__ == "__main__":
    main()
