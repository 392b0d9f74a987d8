#!/usr/bin/python
"""Ansible module: everything the preflight checks judge, gathered in one process."""

from __future__ import annotations

import glob
import os
import platform
import re
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: preflight_facts
short_description: Gather what the preflight checks judge
description:
  - Reads the machine's system, CPUs, memory, free disk, ports and programs. Changes nothing.
  - CPUs and memory are what control groups leave of them.
options:
  folders:
    description: Folders whose free disk space matters, by what they are for.
    type: dict
    default: {}
  ports:
    description: TCP ports that must be free on the address.
    type: list
    elements: int
    default: []
  address:
    description: Address the ports are published on.
    type: str
    default: 127.0.0.1
  container:
    description: Name of our own container, which may hold the ports.
    type: str
    required: true
  programs:
    description: Names of programs to look for on PATH, and the arguments that print the version.
    type: dict
    default: {}
  built:
    description: Pattern of paths; whether one is there.
    type: str
    default: ""
  docker:
    description: The docker program.
    type: str
    default: docker
"""

RETURN = r"""
machine:
  description: >-
    system, release, architecture, python, may_become_root (without a password being asked for),
    cpus, memory_mib, and of Docker whether it
    answers, its root folder and whether our container is there.
  type: dict
  returned: always
built:
  description: Whether a path of the pattern C(built) is there.
  type: bool
  returned: always
disks:
  description: For each folder its path and free_gib.
  type: dict
  returned: always
ports:
  description: For each port whether it is free or ours, and who holds it.
  type: list
  elements: dict
  returned: always
programs:
  description: For each program its version, empty when it is not there.
  type: dict
  returned: always
"""

MIB, GIB = 2**20, 2**30
# A limit above this is the kernel's way of saying that there is none.
NO_LIMIT = 2**60


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def own_groups(controller: str, root: Path) -> list[Path]:
    """The folders of this process's control group and of all above it, inmost first.

    `controller` is that of a version 1 hierarchy; with version 2 there is one for all.
    """
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        base = None
        if controller in controllers.split(","):
            base = root / "sys/fs/cgroup" / controllers
        elif not controllers and (root / "sys/fs/cgroup/cgroup.controllers").exists():
            base = root / "sys/fs/cgroup"
        if base is not None:
            group = base / path.strip("/")
            return [group, *[g for g in group.parents if g == base or base in g.parents]]
    return []


def memory_mib(root: Path = Path("/")) -> int:
    """Memory this machine or its control group has, in MiB; 0 when it cannot be read."""
    sizes = []
    match = re.search(r"MemTotal:\s+(\d+) kB", read(root / "proc/meminfo"))
    if match:
        sizes.append(int(match[1]) * 1024)
    elif "SC_PHYS_PAGES" in os.sysconf_names:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for group in own_groups("memory", root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = read(group / name).strip()
            if limit.isdigit() and int(limit) < NO_LIMIT:
                sizes.append(int(limit))
    return min(sizes, default=0) // MIB


def cpus(root: Path = Path("/")) -> float:
    """CPUs this process may use: those it may run on, or less where a quota is set."""
    affinity = getattr(os, "sched_getaffinity", None)
    counts = [float(len(affinity(0)) if affinity else os.cpu_count() or 1)]
    for group in own_groups("cpu", root):
        quota = read(group / "cpu.max").split()
        if not quota:
            quota = [
                read(group / "cpu.cfs_quota_us").strip(),
                read(group / "cpu.cfs_period_us").strip(),
            ]
        if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit() and int(quota[1]):
            counts.append(int(quota[0]) / int(quota[1]))
    return round(min(counts), 2)


def free_gib(folder: str) -> tuple[str, float]:
    """The nearest folder that exists, and the GiB that a user may still write there."""
    path = Path(folder).expanduser().absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return str(path), round(shutil.disk_usage(path).free / GIB, 1)


def run(*command: str) -> str:
    """Output of a command, empty when it fails, is not there or hangs."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else ""


def version(program: str, arguments: list[str]) -> str:
    """The first version number the program prints, `unknown` when none, empty when absent."""
    if shutil.which(program) is None:
        return ""
    match = re.search(r"\d+\.\d+(\.\d+)?", run(program, *arguments))
    return match[0] if match else "unknown"


def port_is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As dockerd does: an old connection that still lingers is no holder.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            # A port below 1024 needs root, which the container engine has.
            return not listeners(port)
        except OSError:
            return False
        except OverflowError:
            # No port at all, which the checks of variables say.
            return True
    return True


def listeners(port: int, proc: Path = Path("/proc")) -> set[str]:
    """Socket numbers that listen on the port, from the kernel's tables."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in read(proc / "net" / table).splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def holder(port: int, proc: Path = Path("/proc")) -> str:
    """`name (process 123)` of who listens on the port; empty when that cannot be seen."""
    wanted = {f"socket:[{inode}]" for inode in listeners(port, proc)}
    for folder in proc.glob("[0-9]*"):
        try:
            if any(os.readlink(link) in wanted for link in (folder / "fd").iterdir()):
                return f"{read(folder / 'comm').strip()} (process {folder.name})"
        except OSError:
            continue
    return ""


def look_at_port(address: str, port: int, container: str, docker: str) -> dict[str, Any]:
    if port_is_free(address, port):
        return {"port": port, "free": True, "ours": False, "holder": ""}
    filters = ["--filter", f"publish={port}", "--format", "{{.Names}}"]
    names = run(docker, "ps", *filters).split()
    by = f"container {names[0]}" if names else holder(port)
    return {"port": port, "free": False, "ours": container in names, "holder": by}


def may_sudo() -> bool:
    """Whether sudo asks this user for no password."""
    try:
        return (
            subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=5).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def docker_facts(docker: str, container: str) -> dict[str, Any]:
    words = run(docker, "info", "--format", "{{.DockerRootDir}}\t{{.NCPU}}\t{{.MemTotal}}")
    fields = words.split("\t")
    if len(fields) != 3 or not fields[0].startswith("/"):
        return {"answers": False, "root": "", "cpus": 0, "memory_mib": 0, "cluster": False}
    return {
        "answers": True,
        "root": fields[0],
        "cpus": int(fields[1]),
        "memory_mib": int(fields[2]) // MIB,
        "cluster": run(docker, "container", "inspect", "-f", "{{.Id}}", container) != "",
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "dict", "default": {}},
            "ports": {"type": "list", "elements": "int", "default": []},
            "address": {"type": "str", "default": "127.0.0.1"},
            "container": {"type": "str", "required": True},
            "programs": {"type": "dict", "default": {}},
            "built": {"type": "str", "default": ""},
            "docker": {"type": "str", "default": "docker"},
        },
        supports_check_mode=True,
    )
    p = module.params
    with ThreadPoolExecutor() as pool:
        docker = pool.submit(docker_facts, p["docker"], p["container"])
        sudo = pool.submit(may_sudo)
        programs = {
            name: pool.submit(version, name, arguments) for name, arguments in p["programs"].items()
        }
        ports = [
            pool.submit(look_at_port, p["address"], port, p["container"], p["docker"])
            for port in p["ports"]
        ]
    engine = docker.result()
    # Docker Desktop runs in a virtual machine, whose root folder is not one of this system.
    folders = dict(p["folders"])
    if engine["root"] and Path(engine["root"]).exists():
        folders["docker"] = engine["root"]
    elif not engine["answers"] and platform.system() == "Linux":
        folders["docker"] = "/var/lib/docker"
    disks = {}
    for use, folder in folders.items():
        path, free = free_gib(folder)
        disks[use] = {"path": path, "free_gib": free}
    release = dict(
        line.split("=", 1) for line in read(Path("/etc/os-release")).splitlines() if "=" in line
    )
    module.exit_json(
        changed=False,
        machine={
            "system": platform.system(),
            "release": release.get("PRETTY_NAME", platform.platform()).strip('"'),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "may_become_root": os.geteuid() == 0 or sudo.result(),
            "cpus": min(cpus(), engine["cpus"]) if engine["answers"] else cpus(),
            "memory_mib": min(memory_mib() or engine["memory_mib"], engine["memory_mib"])
            if engine["answers"] and engine["memory_mib"]
            else memory_mib(),
            "docker": engine,
        },
        disks=disks,
        built=bool(glob.glob(p["built"])),
        ports=[port.result() for port in ports],
        programs={name: found.result() for name, found in programs.items()},
    )


if __name__ == "__main__":
    main()
