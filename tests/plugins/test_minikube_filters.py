"""Filters of the role minikube."""

from __future__ import annotations

import minikube
import pytest
import yaml

WANTED = {
    "driver": "docker",
    "cpus": 2,
    "memory_mib": 6144,
    "nodes": 1,
    "ports": ["127.0.0.1:8080:80", "127.0.0.1:8443:443"],
    "container_runtime": "containerd",
    "cni": "bridge",
}


def test_same_settings_are_no_drift() -> None:
    profile = WANTED | {"ports": WANTED["ports"][::-1], "addons": []}  # type: ignore[index]
    assert minikube.minikube_drift(profile, WANTED) == []


def test_absent_profile_has_no_drift() -> None:
    assert minikube.minikube_drift({}, WANTED) == []


def test_drift_names_setting_wanted_and_found() -> None:
    (sentence,) = minikube.minikube_drift(WANTED | {"cpus": 4}, WANTED)
    assert sentence == "minikube_cpus is 2, the cluster was made with 4"


@pytest.mark.parametrize(
    ("found", "wanted", "step"),
    [
        ("", "v1.35.4", "none"),
        ("v1.35.4", "v1.35.4", "none"),
        ("v1.35.1", "v1.35.4", "upgrade"),
        ("v1.34.9", "v1.35.0", "upgrade"),
    ],
)
def test_version_steps_that_can_be_done(found: str, wanted: str, step: str) -> None:
    assert minikube.minikube_version_step(found, wanted) == step


@pytest.mark.parametrize(
    ("found", "wanted", "reason"),
    [
        ("v1.35.4", "v1.35.3", "cannot be taken back to v1.35.3"),
        ("v1.35.10", "v1.35.9", "cannot be taken back"),
        ("v1.33.0", "v1.35.4", "skips a minor version"),
        ("v1.35.4", "v2.0.0", "skips a minor version"),
    ],
)
def test_version_steps_that_cannot_be_done(found: str, wanted: str, reason: str) -> None:
    assert reason in minikube.minikube_version_step(found, wanted)


ADDON = {"name": "x", "images": {"A": "a:1"}, "registries": {"A": "docker.io"}}


@pytest.mark.parametrize(
    ("images", "registries", "missing"),
    [
        ({"A": "a:1"}, {"A": "docker.io/"}, False),
        ({"A": "a:0"}, {"A": "docker.io"}, True),
        ({"A": "a:1"}, {"A": "ghcr.io"}, True),
        ({}, {}, True),
    ],
)
def test_addon_with_another_image_is_switched_on_again(
    images: dict[str, str], registries: dict[str, str], missing: bool
) -> None:
    profile = {"addons": ["x", "y"], "addon_images": images, "addon_registries": registries}
    assert minikube.minikube_missing_addons([ADDON], profile) == ([ADDON] if missing else [])
    assert minikube.minikube_missing_addons([{"name": "y"}], profile) == []


def test_every_addon_of_no_profile_is_missing() -> None:
    assert minikube.minikube_missing_addons([ADDON], {}) == [ADDON]


def test_what_a_running_cluster_lacks_is_named() -> None:
    wanted = {"default StorageClass": "local-path", "metrics resolution": "15s"}
    found = {"default StorageClass": "", "metrics resolution": "15s"}
    assert minikube.minikube_unsettled(found, wanted) == [
        "default StorageClass is none, local-path is wanted"
    ]
    assert minikube.minikube_unsettled(wanted, wanted) == []
    assert minikube.minikube_unsettled({}, wanted) == []


def test_addon_flags_join_custom_images() -> None:
    addon = {"name": "x", "images": {"B": "b:1", "A": "a:1"}, "registries": {"A": "docker.io"}}
    assert minikube.minikube_addon_flags(addon) == [
        "--images=A=a:1,B=b:1",
        "--registries=A=docker.io",
    ]
    assert minikube.minikube_addon_flags({"name": "x"}) == []


def kubeconfig(name: str, server: str, current: str) -> str:
    return yaml.safe_dump(
        {
            "clusters": [{"name": name, "cluster": {"server": server}}],
            "contexts": [{"name": name, "context": {"cluster": name}}],
            "users": [{"name": name, "user": {}}],
            "current-context": current,
        }
    )


def test_merge_replaces_the_entry_and_keeps_the_users_context() -> None:
    user = yaml.safe_load(kubeconfig("work", "https://work", "work"))
    user["clusters"].append({"name": "todo", "cluster": {"server": "https://old"}})
    user["preferences"] = {"colors": True}
    merged = yaml.safe_load(
        minikube.minikube_merged_kubeconfig(
            yaml.safe_dump(user), kubeconfig("todo", "https://new", "todo")
        )
    )
    servers = {entry["name"]: entry["cluster"]["server"] for entry in merged["clusters"]}
    assert servers == {"work": "https://work", "todo": "https://new"}
    assert merged["current-context"] == "work"
    assert merged["preferences"] == {"colors": True}


def test_merge_into_nothing_takes_the_clusters_context() -> None:
    merged = yaml.safe_load(
        minikube.minikube_merged_kubeconfig("", kubeconfig("todo", "https://new", "todo"))
    )
    assert (merged["kind"], merged["current-context"]) == ("Config", "todo")


def test_merge_refuses_what_is_no_kubeconfig() -> None:
    with pytest.raises(TypeError, match="nothing was written"):
        minikube.minikube_merged_kubeconfig(
            "just a line", kubeconfig("todo", "https://new", "todo")
        )
