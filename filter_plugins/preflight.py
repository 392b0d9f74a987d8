"""Filters of the role preflight: what is wrong with a machine or with the inventory.

Each failure is a dictionary of four sentences: `check`, `found`, `expected`, `remedy`.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

Failure = dict[str, str]

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
KEY = re.compile(r"^\s*(?:- )?([A-Za-z_][A-Za-z0-9_]*):(?=\s|$)")
# Values that are never shown, whatever is wrong with them.
SECRET = re.compile(r"(password|_key|token)$")
# As in charts/common/schema/definitions.json.
PUBLIC_NAME = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# How alike two names must be for one to be taken for a slip of the other.
SLIP = 0.84


def failure(check: str, found: str, expected: str, remedy: str) -> Failure:
    return {"check": check, "found": found, "expected": expected, "remedy": remedy}


def preflight_machine_failures(facts: dict[str, Any], wanted: dict[str, Any]) -> list[Failure]:
    """What the machine lacks.

    `facts` is the result of the module preflight_facts. `wanted` has the keys network_mode, cpus,
    memory_mib, memory_reserve_mib, python, disk_gib (GiB by the use of the folder), programs and
    settings (the name of the setting that moves each port, by port).
    """
    return [
        *check_system(facts["machine"], wanted),
        *check_sizes(facts["machine"], wanted),
        *check_disks(facts["disks"], wanted),
        *check_ports(facts, wanted),
        *check_programs(facts, wanted),
        *check_rights(facts, wanted),
    ]


def check_system(machine: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Failure]:
    architectures = ("x86_64", "amd64", "aarch64", "arm64")
    if machine["system"] not in ("Linux", "Darwin"):
        yield failure(
            "operating system",
            machine["release"],
            "Linux or macOS (Windows: inside WSL 2)",
            "run this on one of those",
        )
    if machine["architecture"] not in architectures:
        yield failure(
            "processor",
            machine["architecture"],
            "x86_64 or arm64",
            "run this on a machine with one of those",
        )
    if version(machine["python"]) < version(wanted["python"]):
        yield failure(
            "Python",
            machine["python"],
            f"{wanted['python']} or later",
            "install it and name it: make PYTHON=python3.12 up",
        )
    if wanted["network_mode"] == "mirrors" and machine["system"] != "Linux":
        yield failure(
            "network mode",
            f"mirrors on {machine['release']}",
            "Linux, because the parts are built for this machine",
            "set network_mode to open where a container registry answers",
        )


def check_sizes(machine: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Failure]:
    if machine["cpus"] < wanted["cpus"]:
        yield failure(
            "CPUs",
            f"{machine['cpus']:g}",
            f"{wanted['cpus']} for the node (minikube_cpus)",
            "give this machine or its control group more CPUs, or set minikube_cpus lower, "
            "but not below 2",
        )
    needed = wanted["memory_mib"] + wanted["memory_reserve_mib"]
    if machine["memory_mib"] < needed:
        yield failure(
            "memory",
            f"{machine['memory_mib']} MiB",
            f"{needed} MiB: {wanted['memory_mib']} for the node (minikube_memory_mib) and "
            f"{wanted['memory_reserve_mib']} beside it",
            "give this machine, its control group or Docker's virtual machine more memory, or set "
            "minikube_memory_mib lower (the platform needs 3072)",
        )


def check_disks(disks: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Failure]:
    for use, disk in sorted(disks.items()):
        needed = wanted["disk_gib"].get(use, 0)
        if disk["free_gib"] < needed:
            yield failure(
                f"disk ({use})",
                f"{disk['free_gib']} GiB free on {disk['path']}",
                f"{needed} GiB",
                "docker system prune"
                if use == "docker"
                else "free some space, or set platform_cache_dir to a larger disk",
            )


def check_ports(facts: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Failure]:
    for port in facts["ports"]:
        if port["free"] or port["ours"]:
            continue
        # Docker holds it, and cannot be asked for whom: that Docker does not answer is the news.
        if port["holder"].startswith("docker-proxy") and not facts["machine"]["docker"]["answers"]:
            continue
        setting = wanted["settings"][str(port["port"])]
        yield failure(
            f"port {port['port']}",
            f"held by {port['holder'] or 'a process that this user may not see'}",
            "free, or held by our own cluster",
            f"end that process, or set {setting} to another port",
        )


def check_programs(facts: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Failure]:
    machine = facts["machine"]
    # What is packaged is installed by the role that needs it.
    installs = machine["may_become_root"] and bool(facts["programs"].get("apt-get"))
    for program in wanted["programs"]:
        found = facts["programs"].get(program["name"], "")
        package = program.get("package", "")
        if wanted["network_mode"] not in program["modes"] or found or (installs and package):
            continue
        yield failure(
            program["name"],
            "not on PATH",
            program["why"],
            f"install it (Debian, Ubuntu: sudo apt-get install {package})"
            if package
            else "install it; on Linux with x86_64 `make` brings it along",
        )


def check_rights(facts: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Failure]:
    """The rights of root, where a role is about to need them."""
    machine = facts["machine"]
    if machine["may_become_root"] or not facts["programs"].get("apt-get"):
        return
    needs = []
    if not machine["docker"]["answers"]:
        needs.append("to install or start Docker, which does not answer this user")
    if wanted["network_mode"] == "mirrors" and not facts["built"]:
        needs.append("to make the base images of the bundle")
    if needs:
        remedy = "run `sudo -v` and the same command again"
        if not machine["docker"]["answers"]:
            remedy += (
                "; if Docker runs and only refuses this user, `sudo usermod -aG docker $USER` and "
                "log in again"
            )
        yield failure(
            "rights",
            "neither root nor sudo without a password",
            f"the rights of root, {' and '.join(needs)}",
            remedy,
        )


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def preflight_variable_failures(
    variables: Mapping[str, Any], project: str, inventory: list[str], shared: dict[str, Any]
) -> list[Failure]:
    """Inventory and command line variables that nothing reads or that have a wrong value.

    `variables` are the host's, without the defaults of roles; `project` is the folder of site.yml,
    `inventory` the inventory's files; `shared` specifies the variables that no role owns, in the
    form of an argument specification.
    """
    specifications = dict(shared) | role_specifications(Path(project))
    words = words_read(Path(project), [Path(path) for path in inventory])
    return [
        *unread_variables(variables, specifications, words),
        *wrong_values(variables, specifications),
        *unfit_values(variables),
        *contradictions(variables),
    ]


def role_specifications(project: Path) -> dict[str, Any]:
    """The options of every role's argument specification, by variable; of all entry points."""
    found: dict[str, Any] = {}
    for path in sorted(project.glob("roles/*/meta/argument_specs.y*ml")):
        # The loader in C is ten times as fast, and this runs at the start of every playbook.
        document = yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        entry_points = (document or {}).get("argument_specs") or {}
        for entry in filter(None, entry_points.values()):
            found |= entry.get("options") or {}
    return found


def words_read(project: Path, inventory: list[Path]) -> set[str]:
    """Every word of the project's Ansible files, which is a superset of the variables they read.

    In inventory files the names that are given a value do not count as read.
    """
    words: set[str] = set()
    code = [
        project / "site.yml",
        *project.glob("playbooks/**/*.y*ml"),
        *project.glob("roles/**/*.y*ml"),
        *project.glob("roles/**/*.j2"),
    ]
    for path in code:
        if path.is_file():
            words.update(WORD.findall(path.read_text(errors="replace")))
    for source in inventory:
        folder = source if source.is_dir() else source.parent
        for path in [*folder.glob("*.y*ml"), *folder.glob("*_vars/**/*.y*ml")]:
            for line in path.read_text(errors="replace").splitlines():
                if not line.lstrip().startswith("#"):
                    words.update(WORD.findall(KEY.sub("", line)))
    return words


def unread_variables(
    variables: Mapping[str, Any], specifications: dict[str, Any], words: set[str]
) -> Iterator[Failure]:
    """Variables that look like one of the platform's and that nothing reads."""
    prefixes = {name.split("_", 1)[0] + "_" for name in specifications}
    for name in sorted(variables):
        if name in specifications or name in words or name.startswith(("ansible_", "__")):
            continue
        alike = difflib.get_close_matches(name, specifications, 1, SLIP)
        if alike:
            remedy = f"did you mean {alike[0]}?"
        elif name.startswith(tuple(prefixes)):
            remedy = "see the table of variables in the role's README, or remove it"
        else:
            continue
        yield failure(f"variable {name}", "nothing reads it", "a variable of the platform", remedy)


def wrong_values(variables: Mapping[str, Any], specifications: dict[str, Any]) -> Iterator[Failure]:
    """Variables whose value is of the wrong type or not one of the choices."""
    for name in sorted(set(variables) & set(specifications)):
        try:
            value = variables[name]
            kinds = outline(value)
        except AnsibleError:
            # Refers to what a later role finds out; that role checks it.
            continue
        specification = {
            key: entry
            for key, entry in specifications[name].items()
            if key in ("type", "elements", "choices")
        }
        if value is None:
            messages = [f"value of {name} is empty"]
        else:
            validated = ArgumentSpecValidator({name: specification}).validate({name: kinds})
            messages = validated.error_messages
        if messages:
            yield failure(
                f"variable {name}",
                shown(name, value),
                expectation(specification),
                correction(name),
            )


def outline(value: Any) -> Any:
    """The value without what its mappings hold: nothing of it is checked here, and the validator
    copies what it is given, of a template everything that the template can see."""
    if isinstance(value, Mapping):
        return dict.fromkeys(value)
    if isinstance(value, list):
        return [outline(entry) for entry in value]
    return value


def unfit_values(variables: Mapping[str, Any]) -> Iterator[Failure]:
    """Values of the right type that Kubernetes or Docker refuses, after everything is built."""
    host = variables.get("platform_host", "localhost")
    if isinstance(host, str) and not (PUBLIC_NAME.fullmatch(host) and len(host) <= 253):
        yield failure(
            "variable platform_host",
            repr(host),
            "a DNS name in small letters; an Ingress takes no IP address",
            "set platform_host to a name that leads to this address, in your DNS or in /etc/hosts",
        )
    ports = {
        name: str(variables[name])
        for name in ("platform_http_port", "platform_https_port")
        if name in variables
    }
    for name, port in ports.items():
        if port.isdecimal() and not 0 < int(port) < 65536:
            yield failure(
                f"variable {name}",
                port,
                "a port, 1 to 65535",
                correction(name),
            )
    if len(ports) == 2 and len(set(ports.values())) == 1:
        yield failure(
            "variable platform_https_port",
            f"{ports['platform_https_port']}, as platform_http_port",
            "two ports",
            "set one of them to another port",
        )


def contradictions(variables: Mapping[str, Any]) -> Iterator[Failure]:
    """Variables that are right alone and wrong together."""
    if skipped := variables.get("ansible_skip_tags"):
        # A role has the tags of all its services, so it would be skipped with all of them.
        services = {release["name"] for release in variables.get("helm_release_releases") or []}
        if services & set(skipped):
            yield failure(
                f"--skip-tags {','.join(skipped)}",
                "would skip every service",
                "no tag of a single service",
                "name those to release, as with `make up TAGS=backend,frontend`",
            )
    if variables.get("existing_cluster_kubeconfig") and not variables.get("images_registry"):
        yield failure(
            "variable images_registry",
            "empty, while existing_cluster_kubeconfig names a cluster",
            "the registry and folder that the cluster pulls from",
            "do `docker login` at a registry that this machine and the cluster reach, and set "
            "images_registry (inventory/cluster.yml), such as registry.example.org/todo",
        )


def correction(name: str) -> str:
    return f"correct {name} in inventory/group_vars/all or on the command line"


def shown(name: str, value: Any) -> str:
    """The value as a message may show it: of a secret nothing but its kind."""
    return f"a {type(value).__name__}, not shown" if SECRET.search(name) else f"{value!r}"


def expectation(specification: dict[str, Any]) -> str:
    if specification.get("choices"):
        return "one of " + ", ".join(map(str, specification["choices"]))
    kind = {"int": "a whole number", "bool": "true or false", "str": "a text", "dict": "a mapping"}
    named = specification.get("type", "str")
    return kind.get(named, f"a {named}")


def preflight_is_fresh(memory: Any, questions: list[dict[str, Any]], hours: float) -> bool:
    """Whether a remembered network mode answers these questions and is not older than `hours`.

    `mirrors` is believed for an hour at most: a server that does not answer may do so in a moment.
    """
    try:
        age = time.time() - memory["time"]
        urls = [question["url"] for question in questions]
        believed = {"open": hours, "mirrors": min(hours, 1)}
        return 0 <= age < believed[memory["mode"]] * 3600 and bool(memory["urls"] == urls)
    except (KeyError, TypeError):
        return False


def preflight_report(failures: list[Failure]) -> str:
    """All failures as a text to read."""
    lines = [f"{len(failures)} preflight check(s) failed; nothing was changed."]
    for one in failures:
        lines += [
            "",
            f"{one['check']}",
            f"  found:    {one['found']}",
            f"  expected: {one['expected']}",
            f"  remedy:   {one['remedy']}",
        ]
    return "\n".join(lines)


class FilterModule:
    """The filters by their names in templates."""

    def filters(self) -> dict[str, Any]:
        return {
            "preflight_machine_failures": preflight_machine_failures,
            "preflight_variable_failures": preflight_variable_failures,
            "preflight_is_fresh": preflight_is_fresh,
            "preflight_report": preflight_report,
        }
