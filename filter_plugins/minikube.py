"""Filters of the role minikube: what differs from the inventory, what an image store lacks."""

from __future__ import annotations

from typing import Any

import yaml

# What cannot be changed once the node exists, by the name `minikube_info` gives it.
FIXED = {
    "driver": "minikube_driver",
    "cpus": "minikube_cpus",
    "memory_mib": "minikube_memory_mib",
    "nodes": "minikube_nodes",
    "ports": "minikube_ports",
    "container_runtime": "minikube_container_runtime",
    "cni": "minikube_cni",
}


def minikube_drift(profile: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The settings in which a profile differs from `wanted`, a sentence each.

    Both map the names of `FIXED` to values; the order of ports does not matter.
    """
    drift = []
    for key, setting in FIXED.items():
        found, expected = profile.get(key), wanted.get(key)
        if key == "ports":
            found, expected = sorted(found or []), sorted(expected or [])
        if profile and found != expected:
            drift.append(f"{setting} is {expected}, the cluster was made with {found}")
    return drift


def minikube_version_step(found: str, wanted: str) -> str:
    """How Kubernetes gets from `found` to `wanted`, both like v1.35.4.

    Returns `none`, `upgrade`, or why it cannot be done. kubeadm neither downgrades nor skips a
    minor version (https://kubernetes.io/releases/version-skew-policy/).
    """

    def parts(version: str) -> tuple[int, ...]:
        return tuple(int(part) for part in version.removeprefix("v").split("-")[0].split("."))

    if not found or found == wanted:
        return "none"
    old, new = parts(found), parts(wanted)
    if new < old:
        return f"the cluster runs Kubernetes {found}, which cannot be taken back to {wanted}"
    if new[0] != old[0] or new[1] > old[1] + 1:
        return f"the cluster runs Kubernetes {found}, and {wanted} skips a minor version"
    return "upgrade"


def minikube_missing_addons(
    addons: list[dict[str, Any]], profile: dict[str, Any]
) -> list[dict[str, Any]]:
    """The addons that are off, or that were switched on with other images or registries."""

    def same(addon: dict[str, Any]) -> bool:
        return all(
            # Minikube writes a slash behind registries.
            profile.get(f"addon_{key}", {}).get(name, "").rstrip("/") == value.rstrip("/")
            for key in ("images", "registries")
            for name, value in addon.get(key, {}).items()
        )

    enabled = profile.get("addons", [])
    return [addon for addon in addons if addon["name"] not in enabled or not same(addon)]


def minikube_unsettled(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """The settings of a running cluster that are not as wanted, a sentence each; `found` is empty
    for a cluster that does not run."""
    return [
        f"{name} is {found[name] or 'none'}, {value} is wanted"
        for name, value in wanted.items()
        if name in found and found[name] != value
    ]


def minikube_addon_flags(addon: dict[str, Any]) -> list[str]:
    """Flags of `minikube addons enable` for an entry of minikube_addons."""
    return [
        f"--{key}=" + ",".join(f"{name}={value}" for name, value in sorted(addon[key].items()))
        for key in ("images", "registries")
        if addon.get(key)
    ]


def minikube_merged_kubeconfig(user: str, cluster: str) -> str:
    """The kubeconfig `user` with the entries of `cluster` added or replaced, as YAML.

    The user's current context stays, unless there was none. Raises TypeError when `user` is not
    a kubeconfig, rather than replacing it.
    """
    # In check mode there may be no cluster yet.
    added = yaml.safe_load(cluster) or {}
    present = yaml.safe_load(user) if user.strip() else {}
    if not isinstance(present, dict):
        raise TypeError("the user's kubeconfig is not a YAML mapping: nothing was written")
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", **present}
    for section in ("clusters", "contexts", "users"):
        new = added.get(section) or []
        names = {entry["name"] for entry in new}
        kept = [entry for entry in merged.get(section) or [] if entry["name"] not in names]
        merged[section] = kept + new
    if not merged.get("current-context"):
        merged["current-context"] = added.get("current-context", "")
    return str(yaml.safe_dump(merged, sort_keys=False))


class FilterModule:
    """The filters by their names in templates."""

    def filters(self) -> dict[str, Any]:
        return {
            "minikube_drift": minikube_drift,
            "minikube_version_step": minikube_version_step,
            "minikube_missing_addons": minikube_missing_addons,
            "minikube_unsettled": minikube_unsettled,
            "minikube_addon_flags": minikube_addon_flags,
            "minikube_merged_kubeconfig": minikube_merged_kubeconfig,
        }
