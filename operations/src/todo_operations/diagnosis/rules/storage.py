"""Volumes: not made, not there, full."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import SETTINGS, settings, value
from todo_operations.diagnosis.view import Object, View, event_line, ref

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_SETTING = "set `platform_storage_class` in inventory/group_vars/all/platform.yml to one of {}"
_ABSENT = re.compile(r"persistentvolumeclaim \"(?P<name>[^\"]+)\" not found")
# Seconds that a provisioner may take.
_PATIENCE = 20
# A volume with less than this share left counts as full.
_LEFT = 0.02
# Claims of the chart postgres, and the part of its values that says how much is kept there.
_KEPT = {"postgres-backup": "backup", "postgres-archive": "archive"}


def pending(view: View) -> Iterator[Finding]:
    classes = {item["metadata"]["name"]: item for item in view.items("storageclasses")}
    for claim in view.items("volumeclaims"):
        phase = (claim.get("status") or {}).get("phase")
        about = ref("PersistentVolumeClaim", claim)
        if phase == "Lost":
            yield Finding(
                "volume-lost",
                about,
                f"{about} has lost its volume, and the data in it.",
                "delete the claim, `make up`, then bring a backup back: `make restore FILE=...`.",
                [Line(str(about), "phase Lost")],
            )
        if phase != "Pending":
            continue
        name = claim["spec"].get("storageClassName")
        choice = _SETTING.format(", ".join(sorted(classes)) or "your cluster's classes")
        if not name and not any(_is_default(item) for item in classes.values()):
            sentence = f"{about} names no StorageClass, and the cluster has no default one."
            yield Finding(
                "storage-class-missing", about, sentence, f"{choice}.", _lines(view, claim)
            )
        elif name and name not in classes:
            sentence = f"{about} wants the StorageClass {name}, which does not exist."
            yield Finding(
                "storage-class-missing", about, sentence, f"{choice}.", _lines(view, claim)
            )
        elif _is_wanted(view, claim, classes.get(name or "")):
            events = view.all_events(about)
            failed = [event for event in events if event.get("reason") == "ProvisioningFailed"]
            if not failed and view.age(claim["metadata"]["creationTimestamp"]) < _PATIENCE:
                continue
            sentence = f"{about} gets no volume from the StorageClass {name}" + (
                f": {failed[-1].get('message')}"
                if failed
                else ": its provisioner does nothing (does it run?)."
            )
            remedy = f"see that the provisioner of {name} runs, or {choice}."
            yield Finding("volume-not-provisioned", about, sentence, remedy, _lines(view, claim))


def absent(view: View) -> Iterator[Finding]:
    for pod in view.broken_pods():
        owner = view.owner(pod)
        for condition in pod["status"].get("conditions") or []:
            if found := _ABSENT.search(str(condition.get("message", ""))):
                yield Finding(
                    "volume-claim-missing",
                    owner,
                    f"{owner} mounts the claim {found['name']}, which does not exist.",
                    f"make the claim, or {value(view, owner, 'volumes')}.",
                    [Line(f"condition PodScheduled of {ref('Pod', pod)}", condition["message"])],
                )


def full(view: View) -> Iterator[Finding]:
    for owner, volumes in _full_volumes(view).items():
        said = {name: f"the volume {name} is full, {text}" for _, name, text in volumes}
        yield Finding(
            "disk-full",
            owner,
            f"{owner}: {'; '.join(said.values())}.",
            f"{_ways(view, owner, [(pod, name) for pod, name, _ in volumes])}.",
            [Line(f"volume {name} of {ref('Pod', pod)}", text) for pod, name, text in volumes],
        )


def room(view: View, owner: Ref) -> str:
    """How a workload that has no space left gets some: on the volumes that are full, or, where
    nobody has measured them, on those that outlive its pods and that it may write to."""
    found = [(pod, name) for pod, name, _ in _full_volumes(view).get(owner, [])]
    pods = view.pods_of(owner)
    if not found:
        names = {ref("Pod", pod) for pod in pods}
        if any(ref("Pod", pod) in names for pod, _, _ in _measured(view)):
            return "no volume of its own is full now: make room on the disk of its node"
        found = [
            (pod, volume["name"])
            for pod in pods
            for volume in pod["spec"].get("volumes") or []
            if "persistentVolumeClaim" in volume
            and not volume["persistentVolumeClaim"].get("readOnly")
        ]
    ways = _ways(view, owner, found)
    return ways or "make room on the volume that it writes to, or on its node's disk"


def _ways(view: View, owner: Ref, volumes: list[tuple[Object, str]]) -> str:
    """How there is room again on these volumes of a workload's pods, each way once."""
    return "; ".join(dict.fromkeys(_room(view, owner, pod, name) for pod, name in volumes))


def _room(view: View, owner: Ref, pod: Object, name: str) -> str:
    """How there is room again on one volume of a pod, by whose claim it is."""
    namespace = owner.namespace
    (volume,) = [item for item in pod["spec"].get("volumes") or [] if item["name"] == name]
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if not claim:
        return (
            f"write less to the volume {name}; `kubectl -n {namespace} delete pod "
            f"{pod['metadata']['name']}` empties it"
        )
    about = Ref("PersistentVolumeClaim", namespace, claim)
    expandable = _is_expandable(view, about)
    if claim in _KEPT and view.release_of(about) == "postgres":
        part = _KEPT[claim]
        larger = f", or raise `{part}.size`," if expandable else ""
        now = "; `make backup` makes room at once" if part == "backup" else ""
        return f"lower `{part}.keep`{larger} in {settings(view, about)}{now}"
    if expandable:
        return (
            f"remove what nobody needs from the volume {name}, or expand its claim: `kubectl -n "
            f"{namespace} patch pvc {claim} --patch "
            "'{spec: {resources: {requests: {storage: SIZE}}}}'`"
        )
    if view.release_of(owner) == "postgres":
        return (
            "remove data that nobody needs, or take a larger volume: `make backup`, set "
            f"`storage.size` of the release postgres in {SETTINGS}, `kubectl -n {namespace} "
            f"delete statefulset/postgres pvc/{claim}`, `make up TAGS=postgres`, then `make "
            "restore FILE=...`"
        )
    return f"remove what nobody needs from the volume {name}, or move it to a larger one"


def _is_expandable(view: View, about: Ref) -> bool:
    """Whether the StorageClass of a claim lets it grow."""
    names = {
        claim["spec"].get("storageClassName")
        for claim in view.seen("volumeclaims")
        if ref("PersistentVolumeClaim", claim) == about
    }
    return any(
        item.get("allowVolumeExpansion") is True
        for item in view.seen("storageclasses")
        if item["metadata"]["name"] in names
    )


def _measured(view: View) -> Iterator[tuple[Object, Object, Object]]:
    """The volumes that kubelets have measured: the pod, the figures, and those of the node."""
    pods = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in view.items("pods")
    }
    for node in view.evidence.get("nodes") or []:
        for item in node["pods"]:
            if pod := pods.get((item["namespace"], item["pod"])):
                for volume in item["volumes"]:
                    yield pod, volume, node


def _full_volumes(view: View) -> dict[Ref, list[tuple[Object, str, str]]]:
    """By workload: the pod, the volume's name, and how full it is."""
    found: dict[Ref, list[tuple[Object, str, str]]] = {}
    for pod, volume, node in _measured(view):
        capacity, used = volume["capacity_bytes"], volume["used_bytes"]
        # A volume on the node's own disk shows the node's figures, which `nodes` judges.
        if not capacity or capacity == node["capacity_bytes"]:
            continue
        if (capacity - used) / capacity >= _LEFT or _is_given(pod, volume["name"]):
            continue
        text = f"{used / 1024**2:.1f} of {capacity / 1024**2:.1f} MiB are used"
        found.setdefault(view.owner(pod), []).append((pod, volume["name"], text))
    return found


def _is_given(pod: Object, volume: str) -> bool:
    """Whether a volume is filled by Kubernetes itself: Secrets, ConfigMaps, tokens."""
    return any(
        item["name"] == volume
        and not item.keys() & {"emptyDir", "persistentVolumeClaim", "ephemeral"}
        for item in pod["spec"].get("volumes") or []
    )


def _is_default(storage_class: Object) -> bool:
    return (storage_class["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"


def _is_wanted(view: View, claim: Object, storage_class: Object | None) -> bool:
    """Whether a volume is due: at once, or once a pod uses the claim."""
    if storage_class and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer":
        metadata = claim["metadata"]
        return any(
            (volume.get("persistentVolumeClaim") or {}).get("claimName") == metadata["name"]
            for pod in view.items("pods")
            if pod["metadata"]["namespace"] == metadata["namespace"]
            # The scheduler has chosen a node; now it is the provisioner's turn.
            and "volume.kubernetes.io/selected-node" in str(claim)
            for volume in pod["spec"].get("volumes") or []
        )
    return True


def _lines(view: View, claim: Object) -> list[Line]:
    about = ref("PersistentVolumeClaim", claim)
    spec = claim["spec"]
    asked = f"Pending, StorageClass {spec.get('storageClassName') or '(none)'}"
    return [Line(str(about), asked), *map(event_line, view.all_events(about)[-2:])]


RULES = [pending, absent, full]
