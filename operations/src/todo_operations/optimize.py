"""`todo-operations optimize`: requests and limits from measured use, as a patch for the inventory.

Reads only, and applies nothing: the patch is for a person to read and to apply. The rule:

- the CPU request is what nine of ten samples stay below, and a fifth more;
- the memory request is the most that was seen, and a fifth more;
- a limit is raised where the most that was seen comes within a fifth of it, or where the container
  was killed for memory; it is never lowered, because a window seldom holds a start or a busy hour.

A request is lowered only when enough was seen to judge by (8 samples), and what differs from the
present value by less than a quarter is left as it is.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes.utils.quantity import parse_quantity

from todo_operations import inventory
from todo_operations.cli import CHECKOUT, KUBECONFIG, CommandError
from todo_operations.diagnose import NAMESPACES
from todo_operations.diagnosis.api import Api, ReadError

INVENTORY = Path("inventory") / "group_vars" / "all" / "releases.yml"

_WINDOW = 300
# Seconds between two looks; the metrics server itself looks every 15 to 60.
_INTERVAL = 15
_HEADROOM = 1.2
# Share of the samples that a CPU request covers.
_COVERED = 0.9
# A limit this near is raised, to this many times what was seen.
_NEAR = 0.8
_RAISED = 1.5
# Samples that it takes to lower a value: fewer may all be of an idle minute.
_ENOUGH = 8
# Changes below this share are not worth a rollout.
_WORTH = 0.25
_CPU_STEP, _LEAST_CPU = 5, 10  # millicores
_MEMORY_STEP, _LEAST_MEMORY = 16, 32  # MiB

Resources = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Place:
    """A container of a workload, over all its pods."""

    namespace: str
    workload: str
    container: str
    release: str


@dataclass
class Use:
    """What was measured of a container: one value a sample and pod."""

    cpu: list[float]
    """Millicores."""
    memory: list[float]
    """MiB."""
    current: Resources
    """Requests and limits, as Kubernetes writes them."""
    killed_for_memory: bool = False


@dataclass(frozen=True)
class Proposal:
    """One value to change; ``path`` is requests.cpu, limits.memory or the like."""

    place: Place
    path: str
    current: str
    proposed: str
    reason: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--kubeconfig", type=Path, default=KUBECONFIG, help="default: the checkout's own cluster"
    )
    parser.add_argument(
        "--namespace",
        action="append",
        metavar="NAME",
        help=f"a namespace to look at, may be given again; default: {' and '.join(NAMESPACES)}",
    )
    parser.add_argument(
        "--window",
        type=_seconds,
        default=_WINDOW,
        metavar="SECONDS",
        help=f"how long to measure; default: {_WINDOW}, 0 looks once",
    )
    parser.add_argument("--json", action="store_true", help="print the proposals as JSON")
    parser.add_argument(
        "--patch", type=Path, metavar="FILE", help=f"write the patch of {INVENTORY} there"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, propose, print."""
    used = measure(
        Api(arguments.kubeconfig), arguments.namespace or NAMESPACES, window=arguments.window
    )
    proposals = propose(used)
    path = CHECKOUT / INVENTORY
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    # What wins over the file that the patch is of.
    winning = overridden(inventory.setting("helm_release_values", path.parent), proposals)
    fitting = [item for item in proposals if item not in winning]
    patch = patched(before, fitting)
    left = left_out(before, fitting)
    if arguments.patch:
        try:
            arguments.patch.parent.mkdir(parents=True, exist_ok=True)
            arguments.patch.write_text(patch, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{arguments.patch} cannot be written: {error.strerror}.") from error
    if arguments.json:
        print(json.dumps(as_json(used, proposals, patch, [*left, *winning]), indent=2))
    else:
        print(as_text(used, proposals, patch, left, winning))
    return 0


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400")
    return int(text)


def measure(api: Api, namespaces: list[str], *, window: int) -> dict[Place, Use]:
    """Ask the metrics API for a window of seconds; raises CommandError when it has no answer."""
    used: dict[Place, Use] = {}
    seen: set[tuple[str, str, str]] = set()
    end = time.monotonic() + window
    while True:
        for namespace in namespaces:
            for moment, place, current, usage in _sample(api, namespace):
                use = used.setdefault(place, Use([], [], current.resources))
                use.current = current.resources
                use.killed_for_memory |= current.killed_for_memory
                # The metrics server gives a sample again until it has a new one.
                if usage is None or moment in seen:
                    continue
                seen.add(moment)
                use.cpu.append(float(parse_quantity(usage["cpu"]) * 1000))
                use.memory.append(float(parse_quantity(usage["memory"]) / 1024**2))
        left = end - time.monotonic()
        if left <= 0:
            break
        print(f"measuring, {left:.0f} s left", file=sys.stderr)
        time.sleep(min(_INTERVAL, left))
    if not any(use.cpu for use in used.values()):
        raise CommandError(
            f"the metrics API has no figures of {', '.join(namespaces)} yet. Remedy: wait a minute "
            "after a start; `kubectl top pods -n todo` must show values."
        )
    return used


@dataclass(frozen=True)
class _Container:
    resources: Resources = field(default_factory=dict)
    killed_for_memory: bool = False


def _sample(
    api: Api, namespace: str
) -> Iterator[tuple[tuple[str, str, str], Place, _Container, dict[str, str] | None]]:
    """Each container of the long-running pods, with its newest figures where there are some."""
    try:
        pods = api.items(f"/api/v1/namespaces/{namespace}/pods")
        measured = api.items(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")
    except ReadError as error:
        raise CommandError(
            f"the metrics of {namespace} cannot be read: {error}. Remedy: "
            f"{api.bring_up}; it needs a metrics server; --namespace names other namespaces."
        ) from error
    figures = {
        (item["metadata"]["name"], container["name"]): (item["timestamp"], container["usage"])
        for item in measured
        for container in item.get("containers") or []
    }
    for pod in pods:
        metadata = pod["metadata"]
        labels = metadata.get("labels") or {}
        workload = _workload(metadata)
        if not workload or pod.get("status", {}).get("phase") != "Running":
            continue
        states = {item["name"]: item for item in pod["status"].get("containerStatuses") or []}
        release = ""
        if labels.get("app.kubernetes.io/managed-by", "Helm") == "Helm":
            release = labels.get("app.kubernetes.io/instance", "")
        for container in pod["spec"]["containers"]:
            name = container["name"]
            ended = states.get(name, {}).get("lastState", {}).get("terminated") or {}
            resources = container.get("resources") or {}
            current = _Container(
                {kind: dict(resources.get(kind) or {}) for kind in ("requests", "limits")},
                ended.get("reason") == "OOMKilled",
            )
            timestamp, usage = figures.get((metadata["name"], name), ("", None))
            place = Place(namespace, workload, name, release)
            yield (metadata["name"], name, timestamp), place, current, usage


def _workload(metadata: dict[str, Any]) -> str:
    """The workload's name by the pod's owner; empty for jobs, which end by themselves."""
    for owner in metadata.get("ownerReferences") or []:
        if owner["kind"] == "ReplicaSet":
            return str(owner["name"]).rpartition("-")[0]
        if owner["kind"] in ("StatefulSet", "DaemonSet"):
            return str(owner["name"])
    return ""


def propose(used: dict[Place, Use]) -> list[Proposal]:
    """What to change, by the rule above; nothing where the present values fit."""
    found = []
    for place, use in sorted(used.items(), key=lambda item: (item[0].namespace, item[0].workload)):
        if not use.cpu:
            continue
        covered = sorted(use.cpu)[math.ceil(len(use.cpu) * _COVERED) - 1]
        most_cpu, most_memory = max(use.cpu), max(use.memory)
        requests, limits = use.current.get("requests", {}), use.current.get("limits", {})
        samples = f"{len(use.cpu)} samples"
        cpu = max(_LEAST_CPU, _stepped(covered * _HEADROOM, _CPU_STEP))
        memory = max(_LEAST_MEMORY, _stepped(most_memory * _HEADROOM, _MEMORY_STEP))
        limit_cpu, limit_memory = _cpu(limits), _memory(limits)
        if limit_cpu and most_cpu >= limit_cpu * _NEAR:
            raised = _stepped(most_cpu * _RAISED, 50)
            reason = f"{most_cpu:.0f}m of {limit_cpu:.0f}m were used ({samples})"
            found.append(Proposal(place, "limits.cpu", limits["cpu"], _millicores(raised), reason))
        if limit_memory and (use.killed_for_memory or most_memory >= limit_memory * _NEAR):
            # The most that was seen of a killed container says little: it could not grow further.
            base = max(most_memory, limit_memory) if use.killed_for_memory else most_memory
            raised = _stepped(base * _RAISED, _MEMORY_STEP)
            reason = (
                "it was killed for memory"
                if use.killed_for_memory
                else f"{most_memory:.0f}Mi of {limit_memory:.0f}Mi were used ({samples})"
            )
            found.append(Proposal(place, "limits.memory", limits["memory"], f"{raised}Mi", reason))
        # A request above its limit is refused.
        cpu = min(cpu, int(limit_cpu)) if limit_cpu else cpu
        memory = min(memory, int(limit_memory)) if limit_memory else memory
        enough = len(use.cpu) >= _ENOUGH
        if _differs(_cpu(requests), cpu) and (enough or cpu > _cpu(requests)):
            reason = f"nine of ten samples are below {covered:.0f}m, and a fifth more ({samples})"
            current = requests.get("cpu", "none")
            found.append(Proposal(place, "requests.cpu", current, _millicores(cpu), reason))
        if _differs(_memory(requests), memory) and (enough or memory > _memory(requests)):
            reason = f"the most seen is {most_memory:.0f}Mi, and a fifth more ({samples})"
            current = requests.get("memory", "none")
            found.append(Proposal(place, "requests.memory", current, f"{memory}Mi", reason))
    return found


def _cpu(resources: dict[str, str]) -> float:
    return float(parse_quantity(resources["cpu"]) * 1000) if "cpu" in resources else 0.0


def _memory(resources: dict[str, str]) -> float:
    return float(parse_quantity(resources["memory"]) / 1024**2) if "memory" in resources else 0.0


def _stepped(value: float, step: int) -> int:
    return math.ceil(value / step) * step


def _millicores(value: int) -> str:
    return str(value // 1000) if value % 1000 == 0 else f"{value}m"


def _differs(current: float, proposed: int) -> bool:
    return not current or abs(proposed - current) / current >= _WORTH


def patched(inventory: str, proposals: list[Proposal]) -> str:
    """A unified diff of the inventory with the proposals in it; empty when nothing fits into it.

    Only values of releases that the inventory lists, under the chart's key `resources`.
    """
    text = inventory
    for release in dict.fromkeys(proposal.place.release for proposal in proposals):
        own = [proposal for proposal in proposals if proposal.place.release == release]
        # A release's value `resources` is that of the container named like its workload.
        main = [item for item in own if item.place.workload == item.place.container == release]
        if main:
            text = _with_resources(text, release, main)
    name = str(INVENTORY)
    changed = difflib.unified_diff(
        inventory.splitlines(keepends=True),
        text.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(changed)


def left_out(text: str, proposals: list[Proposal]) -> list[Proposal]:
    """The proposals that the patch does not hold: their container has no place in the inventory."""
    return [item for item in proposals if not patched(text, [item])]


def overridden(values: Any, proposals: list[Proposal]) -> list[Proposal]:
    """The proposals whose value helm_release_values sets: a patch of the releases' own values would
    change nothing."""

    def is_set(item: Proposal) -> bool:
        part = values
        for key in (item.place.release, "resources", *item.path.split(".")):
            part = part.get(key) if isinstance(part, dict) else None
        return part is not None

    return [item for item in proposals if is_set(item)]


def _with_resources(text: str, release: str, proposals: list[Proposal]) -> str:
    """The inventory with these values; unchanged where the release or its values are not found."""
    before = _values(text, release)
    if before is None:
        return text
    resources: Resources = json.loads(json.dumps(before.get("resources") or {}))
    for proposal in proposals:
        kind, _, what = proposal.path.partition(".")
        resources.setdefault(kind, {})[what] = proposal.proposed
    lines = text.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.rstrip() == f"  - name: {release}")
    end = next(
        (i for i in range(start + 1, len(lines)) if lines[i].strip() and lines[i][:3] != "   "),
        len(lines),
    )
    values = next((i for i in range(start, end) if lines[i].rstrip() == "    values:"), None)
    if values is None:
        return text
    block = yaml.safe_dump({"resources": resources}, default_flow_style=None, sort_keys=False)
    old = [i for i in range(values, end) if lines[i].startswith("      resources:")]
    if old:
        last = old[0] + 1
        while last < end and lines[last].startswith("       "):
            last += 1
        del lines[old[0] : last]
    lines[values + 1 : values + 1] = [f"      {line}\n" for line in block.splitlines()]
    changed = "".join(lines)
    # The text was edited, so what it means is compared with what was meant.
    if _values(changed, release) != {**before, "resources": resources}:
        return text
    return changed


def _values(text: str, release: str) -> dict[str, Any] | None:
    try:
        listed = (yaml.safe_load(text) or {}).get("helm_release_releases") or []
    except yaml.YAMLError:
        return None
    for item in listed:
        if item.get("name") == release and isinstance(item.get("values"), dict):
            return dict(item["values"])
    return None


def as_json(
    used: dict[Place, Use], proposals: list[Proposal], patch: str, left: list[Proposal]
) -> dict[str, Any]:
    """What was measured and what is proposed, as plain data."""
    return {
        "measured": [
            {
                **vars(place),
                "samples": len(use.cpu),
                "cpu_millicores": {"mean": sum(use.cpu) / len(use.cpu), "most": max(use.cpu)},
                "memory_mib": {"mean": sum(use.memory) / len(use.memory), "most": max(use.memory)},
                "current": use.current,
            }
            for place, use in used.items()
            if use.cpu
        ],
        "not_measured": [vars(place) for place, use in used.items() if not use.cpu],
        "proposals": [
            {**vars(item.place), "path": item.path}
            | {"current": item.current, "proposed": item.proposed, "reason": item.reason}
            | {"in_patch": item not in left}
            for item in proposals
        ],
        "patch": patch,
    }


def as_text(
    used: dict[Place, Use],
    proposals: list[Proposal],
    patch: str,
    left: list[Proposal],
    winning: list[Proposal],
) -> str:
    """A line for each container, the proposals with their reasons, and the patch."""
    lines = ["Measured (most seen, of the request):"]
    for place, use in used.items():
        if not use.cpu:
            lines.append(f"  {place.namespace}/{place.workload}/{place.container}: no figures yet")
            continue
        requests = use.current.get("requests", {})
        lines.append(
            f"  {place.namespace}/{place.workload}/{place.container}: "
            f"{max(use.cpu):.0f}m of {requests.get('cpu', 'none')}, "
            f"{max(use.memory):.0f}Mi of {requests.get('memory', 'none')} ({len(use.cpu)} samples)"
        )
    if not proposals:
        return "\n".join([*lines, "", "The present values fit; nothing to propose."])
    lines += ["", "Proposed:"]
    for item in proposals:
        lines.append(
            f"  {_where(item.place)} {item.path}: {item.current} -> {item.proposed}: {item.reason}"
        )
    for missed, why in (
        (left, "the inventory has no value of theirs; set it yourself"),
        (winning, "helm_release_values in the inventory sets it and wins; change it there"),
    ):
        if missed:
            lines += ["", f"Not in the patch, for {why}:"]
            lines += [f"  {_where(item.place)} {item.path}: {item.proposed}" for item in missed]
    if patch:
        lines += ["", f"A patch of {INVENTORY}, to be read and applied by you:", "", patch]
    return "\n".join(lines)


def _where(place: Place) -> str:
    return f"{place.namespace}/{place.workload}/{place.container}"
