"""What the modules of the role helm_release share: where an object is not what was released."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

# The C parser where PyYAML has it: manifests are long.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SUFFIXES = (
    {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)}
    | {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)}
    | {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}
)
_QUANTITY = re.compile(
    r"(?P<digits>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]+)|(?P<suffix>[KMGTPE]i|[numkMGTPE]|))"
)

# The lists of a pod and of a container that hold nothing but what was released, and the field by
# which Kubernetes tells their items apart. Nothing is put into those of a template by the server:
# what admission adds, such as the account's token, it adds to the pods.
POD_LISTS = {"containers": "name", "initContainers": "name", "volumes": "name"}
CONTAINER_LISTS = {"env": "name", "volumeMounts": "mountPath"}
# The same for lists whose items are told apart by their place alone.
CONTAINER_SEQUENCES = ("args", "command", "envFrom")
# What neither the server nor an admission gives to a template.
POD_PRIVILEGES = ("hostIPC", "hostNetwork", "hostPID")
CONTAINER_PRIVILEGES = ("allowPrivilegeEscalation", "privileged")

# The fields of a kind that hold nothing but what was released.
EXACT = {
    "ConfigMap": ("data", "binaryData"),
    "Secret": ("data",),
    "NetworkPolicy": ("spec",),
    "Ingress": ("spec",),
    "Role": ("rules",),
    "ClusterRole": ("rules",),
    "RoleBinding": ("subjects",),
    "ClusterRoleBinding": ("subjects",),
}
# But for what the server fills in there.
FILLED_IN = {"apiGroup", "ingressClassName", "policyTypes", "protocol"}

# Below these fields are quantities, which the server writes in its own way.
QUANTITIES = {
    *("averageValue", "capacity", "divisor", "hard", "limits", "metrics", "overhead", "requests"),
    *("resources", "sizeLimit", "storage"),
}
# Below these is text, of which empty is a value like another.
TEXTS = {"annotations", "args", "command", "data", "labels", "matchLabels", "nodeSelector", "value"}


def released_objects(manifest: str) -> list[dict[str, Any]]:
    """The objects of a release's manifest; of a list its items, as Helm makes them."""
    objects = []
    for item in filter(None, yaml.load_all(manifest, Loader=LOADER)):
        items = item.get("items")
        objects += items if isinstance(items, list) else [item]
    return objects


def number(value: Any) -> Decimal | None:
    """A Kubernetes quantity or number as a number, or None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    # Of more digits no quantity makes sense, and the power would take for ever.
    exponent = max(-99, min(99, int(match["exponent"] or 0)))
    return Decimal(match["digits"]).scaleb(exponent) * _SUFFIXES[match["suffix"] or ""]


def same_scalar(wanted: Any, live: Any, *, quantity: bool = False) -> bool:
    """Whether two leaves mean the same to Kubernetes: 80 and "80"; as quantities 0.5 and 500m."""
    if wanted == live or str(wanted) == str(live):
        return True
    if isinstance(live, str) and not quantity:
        return False
    value = number(wanted)
    return value is not None and value == number(live)


def item_key(items: list[Any]) -> str:
    """The field that tells the items of a list apart, or ""."""
    for key in ("name", "mountPath", "containerPort", "port", "type"):
        values = [item[key] for item in items if isinstance(item, dict) and key in item]
        if len(values) == len(items) and len(set(map(str, values))) == len(values):
            return key
    return ""


def differences(
    wanted: Any, live: Any, path: str = "", *, below: str = "", exact: bool = False
) -> Iterator[str]:
    """Where a live object does not hold what was released.

    What only it has counts where it is `exact`. `below` is the field above these that says how
    leaves are compared, see QUANTITIES and TEXTS.
    """
    if not wanted and wanted is not False and wanted != 0:
        # The server drops what is empty, so its absence says nothing; and it chooses where it is
        # left a choice, as of a Service's address.
        choice = wanted is None or isinstance(live, dict) or (wanted == "" and below not in TEXTS)
        if live and (exact or not choice):
            yield path
    elif isinstance(wanted, dict):
        if not isinstance(live, dict):
            yield path
            return
        for key in [*wanted, *(key for key in live if exact and key not in wanted)]:
            value = wanted.get(key)
            if exact and not value and key in FILLED_IN:
                continue
            where = below or (key if key in QUANTITIES | TEXTS else "")
            name = f"{path}.{key}" if path else key
            yield from differences(value, live.get(key), name, below=where, exact=exact)
    elif isinstance(wanted, list):
        if not isinstance(live, list) or len(live) < len(wanted):
            yield path
            return
        if exact and len(live) > len(wanted):
            yield path
            return
        key = item_key(wanted)
        found = {str(item.get(key)): item for item in live if isinstance(item, dict)}
        for index, value in enumerate(wanted):
            other = found.get(str(value[key])) if key else live[index]
            name = f"{path}[{value[key] if key else index}]"
            yield from differences(value, other, name, below=below, exact=exact)
    elif wanted in (False, 0) and live is None:
        # The server leaves out what is zero.
        return
    elif not same_scalar(wanted, live, quantity=below in QUANTITIES):
        yield path


def exact_fields(item: dict[str, Any]) -> list[str]:
    """The fields of a released object that must hold nothing but what was released."""
    fields = EXACT.get(item["kind"], ())
    # Left empty for somebody else to fill: data, and the rules of a role that others add up to.
    if item["kind"] in ("ConfigMap", "Secret") and not any(item.get(field) for field in fields):
        return []
    if "aggregationRule" in item or item.get("type") == "kubernetes.io/service-account-token":
        return []
    return list(fields)


def object_differences(wanted: dict[str, Any], live: dict[str, Any]) -> list[str]:
    """Where a live object is not what was released."""
    exact = exact_fields(wanted)
    rest = {key: value for key, value in wanted.items() if key not in exact}
    if "aggregationRule" in rest:
        rest.pop("rules", None)
    found = list(differences(rest, live))
    for field in exact:
        where = field if field in TEXTS else ""
        found += differences(wanted.get(field), live.get(field), field, below=where, exact=True)
    return found


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


def added_privileges(
    wanted: dict[str, Any], live: dict[str, Any]
) -> tuple[list[str], dict[str, Any]]:
    """The same for what only the live container may do."""
    released, running = (item.get("securityContext") or {} for item in (wanted, live))
    names = [
        field
        for field in CONTAINER_PRIVILEGES
        if running.get(field) and released.get(field) is None
    ]
    patch: dict[str, Any] = dict.fromkeys(names)
    capabilities, other = (
        (item.get("capabilities") or {}).get("add") or [] for item in (released, running)
    )
    if len(other) > len(capabilities):
        names.append("capabilities.add")
        patch["capabilities"] = {"add": capabilities or None}
    return [f"securityContext.{name}" for name in names], (
        {"securityContext": patch} if patch else {}
    )


def unreleased(wanted: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    """A merge patch that takes out of a mapping the fields that were not released."""
    patch: dict[str, Any] = {}
    for key, value in live.items():
        released = wanted.get(key)
        if not released and value and key not in FILLED_IN:
            patch[key] = None
        elif isinstance(value, dict) and isinstance(released, dict):
            inner = unreleased(released, value)
            patch |= {key: inner} if inner else {}
    return patch


def additions(wanted: dict[str, Any], live: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """What somebody added to a workload's pod template, and the patch that takes it out again; of
    another kind the patch alone, for what was added there is one of the object's differences.

    Helm's own three-way merge and server-side apply keep what another program added to a mapping,
    or to a list whose items have names.
    """
    released, running = pod_of(wanted), pod_of(live)
    if not released:
        fields = exact_fields(wanted)
        return [], unreleased(wanted, {field: live.get(field) for field in fields})
    paths, patch = added_items(released, running, POD_LISTS)
    privileges = [
        field for field in POD_PRIVILEGES if running.get(field) and released.get(field) is None
    ]
    paths += privileges
    patch |= dict.fromkeys(privileges)
    for field in ("containers", "initContainers"):
        containers = {item["name"]: item for item in running.get(field) or []}
        for container in released.get(field) or []:
            other = containers.get(container["name"], {})
            more, change = added_items(container, other, CONTAINER_LISTS)
            for sequence in CONTAINER_SEQUENCES:
                if len(other.get(sequence) or []) > len(container.get(sequence) or []):
                    more.append(sequence)
                    change[sequence] = container.get(sequence) or None
            given, security = added_privileges(container, other)
            more += given
            change |= security
            if "hostNetwork" in privileges and other.get("ports"):
                # The server gave the ports of the host along with its network.
                change["ports"] = [
                    {"containerPort": port["containerPort"], "hostPort": None}
                    for port in other["ports"]
                ]
            paths += [f"{field}[{container['name']}].{path}" for path in more]
            if change:
                patch.setdefault(field, []).append({"name": container["name"], **change})
    if not patch:
        return [], {}
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
