"""Volumes: not made, not there, full."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line
from todo_operations.diagnosis.rules.remedies import value
from todo_operations.diagnosis.view import Object, View, event_line, ref

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_SETTING = "set `platform_storage_class` in inventory/group_vars/all/platform.yml to one of {}"
_ABSENT = re.compile(r"persistentvolumeclaim \"(?P<name>[^\"]+)\" not found")
# Seconds that a provisioner may take.
_PATIENCE = 20
# A volume with less than this share left counts as full.
_LEFT = 0.02


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
    pods = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in view.items("pods")
    }
    for node in view.evidence.get("nodes") or []:
        for item in node["pods"]:
            pod = pods.get((item["namespace"], item["pod"]))
            for volume in item["volumes"] if pod else []:
                capacity = volume["capacity_bytes"]
                used = volume["used_bytes"]
                # A volume on the node's own disk shows the node's figures, which `nodes` judges.
                if not capacity or capacity == node["capacity_bytes"] or pod is None:
                    continue
                if (capacity - used) / capacity >= _LEFT or _is_given(pod, volume["name"]):
                    continue
                owner = view.owner(pod)
                text = f"{used / 1024**2:.1f} of {capacity / 1024**2:.1f} MiB are used"
                yield Finding(
                    "disk-full",
                    owner,
                    f"{owner}: the volume {volume['name']} is full, {text}.",
                    f"make room on it, or {value(view, owner, 'storage.size')}.",
                    [Line(f"volume {volume['name']} of {ref('Pod', pod)}", text)],
                )


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
