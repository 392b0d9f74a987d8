"""What the modules of the role helm_release share: where an object is not what was released."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

_SUFFIXES = {
    suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti"), start=1)
} | {"m": Decimal("0.001"), "k": Decimal(10) ** 3, "M": Decimal(10) ** 6, "G": Decimal(10) ** 9}
_QUANTITY = re.compile(r"([0-9.]+)(Ki|Mi|Gi|Ti|m|k|M|G|)")


# The lists of a pod and of a container that hold nothing but what was released, and the field by
# which Kubernetes tells their items apart. Nothing is put into those of a template by the server:
# what admission adds, such as the account's token, it adds to the pods.
POD_LISTS = {"containers": "name", "initContainers": "name", "volumes": "name"}
CONTAINER_LISTS = {"env": "name", "volumeMounts": "mountPath"}
# The same for lists whose items are told apart by their place alone.
CONTAINER_SEQUENCES = ("args", "command", "envFrom")


def number(value: Any) -> Decimal | None:
    """A Kubernetes quantity or number as a number, or None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    try:
        return Decimal(match[1]) * _SUFFIXES.get(match[2], Decimal(1))
    except InvalidOperation:
        return None


def same_scalar(wanted: Any, live: Any) -> bool:
    """Whether two leaves mean the same to Kubernetes: 0.5 and 500m, 80 and "80"."""
    if wanted == live:
        return True
    quantity = number(wanted)
    return quantity is not None and quantity == number(live)


def item_key(items: list[Any]) -> str:
    """The field that tells the items of a list apart, or ""."""
    for key in ("name", "mountPath", "containerPort", "port", "type"):
        values = [item[key] for item in items if isinstance(item, dict) and key in item]
        if len(values) == len(items) and len(set(map(str, values))) == len(values):
            return key
    return ""


def differences(wanted: Any, live: Any, path: str = "") -> Iterator[str]:
    """Where a live object does not hold what was released; fields only it has do not count."""
    if not wanted and wanted is not False and wanted != 0:
        # The server drops what is empty, so its absence says nothing.
        if live and not isinstance(live, dict):
            yield path
    elif isinstance(wanted, dict):
        if not isinstance(live, dict):
            yield path
            return
        for key, value in wanted.items():
            yield from differences(value, live.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list):
        if not isinstance(live, list) or len(live) < len(wanted):
            yield path
            return
        key = item_key(wanted)
        found = {str(item.get(key)): item for item in live if isinstance(item, dict)}
        for index, value in enumerate(wanted):
            other = found.get(str(value[key])) if key else live[index]
            yield from differences(value, other, f"{path}[{value[key] if key else index}]")
    elif wanted in (False, 0) and live is None:
        # The server leaves out what is zero.
        return
    elif not same_scalar(wanted, live):
        yield path


# What of a StatefulSet the server lets be changed (its own message lists the same).
CHANGEABLE = {
    *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
    *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
}


def fixed_changes(wanted: dict[str, Any], live: dict[str, Any]) -> list[str]:
    """The fields of a StatefulSet that differ and that the server does not let be changed."""
    spec, running = wanted.get("spec") or {}, live.get("spec") or {}
    paths = [
        path
        for field in sorted(spec.keys() - CHANGEABLE)
        for path in differences(spec[field], running.get(field), f"spec.{field}")
    ]
    claims = "volumeClaimTemplates"
    if not paths and len(spec.get(claims) or []) != len(running.get(claims) or []):
        paths.append(f"spec.{claims}")
    return paths


# What Helm says of an object that is there and is not the release's.
FOREIGN = re.compile(
    r'(?P<kind>\w+) "(?P<name>[^"]+)" in namespace "(?P<namespace>[^"]*)" exists and cannot be '
    r"imported into the current release"
)


def foreign_remedy(message: str, name: str, namespace: str) -> str:
    """What to do about an object of somebody else's that Helm's message names, or ""."""
    found = FOREIGN.search(message)
    if not found:
        return ""
    place = f" --namespace {found['namespace']}" if found["namespace"] else ""
    thing = f"{found['kind'].lower()} {found['name']}{place}"
    return (
        f"{found['kind']} {found['name']} is not of release {name}, so it was left alone. Remedy: "
        f"delete it if nobody needs it, `kubectl delete {thing}`, or give it to the release, "
        f"`kubectl label --overwrite {thing} app.kubernetes.io/managed-by=Helm` and `kubectl "
        f"annotate --overwrite {thing} meta.helm.sh/release-name={name} "
        f"meta.helm.sh/release-namespace={namespace}`; then run the same command again."
    )


def pod_of(item: dict[str, Any]) -> dict[str, Any]:
    """The pod that a workload makes, {} for another kind."""
    spec = item.get("spec") or {}
    if item["kind"] == "CronJob":
        spec = spec.get("jobTemplate", {}).get("spec") or {}
    template = spec.get("template")
    pod = template.get("spec") if isinstance(template, dict) else None
    return pod if isinstance(pod, dict) else {}


def added_items(
    wanted: dict[str, Any], live: dict[str, Any], lists: dict[str, str]
) -> tuple[list[str], dict[str, Any]]:
    """The items that only the live lists have, and a strategic merge patch without them."""
    paths, patch = [], {}
    for field, key in lists.items():
        released = {item[key] for item in wanted.get(field) or []}
        names = [item[key] for item in live.get(field) or [] if item[key] not in released]
        paths += [f"{field}[{name}]" for name in names]
        if names:
            patch[field] = [{key: name, "$patch": "delete"} for name in names]
    return paths, patch


def additions(wanted: dict[str, Any], live: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """What somebody added to a workload's pod template, and the patch that takes it out again.

    Helm's own three-way merge and server-side apply keep what another program added to a list.
    """
    released, running = pod_of(wanted), pod_of(live)
    if not released:
        return [], {}
    paths, patch = added_items(released, running, POD_LISTS)
    for field in ("containers", "initContainers"):
        containers = {item["name"]: item for item in running.get(field) or []}
        for container in released.get(field) or []:
            other = containers.get(container["name"], {})
            more, change = added_items(container, other, CONTAINER_LISTS)
            for sequence in CONTAINER_SEQUENCES:
                if len(other.get(sequence) or []) > len(container.get(sequence) or []):
                    more.append(sequence)
                    change[sequence] = container.get(sequence) or None
            paths += [f"{field}[{container['name']}].{path}" for path in more]
            if change:
                patch.setdefault(field, []).append({"name": container["name"], **change})
    where = ["spec", "template", "spec"]
    if wanted["kind"] == "CronJob":
        where = ["spec", "jobTemplate", *where]
    for key in reversed(where):
        patch = {key: patch}
    return [".".join([*where, path]) for path in paths], patch


def changed_values(wanted: Any, deployed: Any, path: str = "") -> list[str]:
    """The paths at which two values differ."""
    if isinstance(wanted, dict) and isinstance(deployed, dict):
        return [
            line
            for key in sorted(wanted.keys() | deployed.keys())
            for line in changed_values(
                wanted.get(key), deployed.get(key), f"{path}.{key}" if path else key
            )
        ]
    return [] if wanted == deployed else [path]
