#!/usr/bin/env python3
"""Stands in for minikube, kubectl and docker: one scripted cluster kept in a JSON file.

Called under the name of the program it plays. `FAKE_CLUSTER` names the folder of the state; the
scenario breaks the cluster by writing to `cluster.json` there. What was called is in `calls.log`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOME = Path(sys.argv[0]).parent
STATE = HOME / "cluster.json"
NEW: dict[str, Any] = {
    "container": "none",  # none, stopped, running
    "kubernetes": False,  # whether kubelet and API server run
    "metrics": False,  # whether the metrics API answers
    "stale": 0,  # connections that keep the metrics API from answering
    "volume": False,
    "fail_start": 0,  # how many of the next starts fail
    "resolution": "60s",
    "addons": [],
    "classes": {},
    "images": [],
}


def profile() -> Path:
    return Path(os.environ["MINIKUBE_HOME"], ".minikube", "profiles", "molecule", "config.json")


def flag(arguments: list[str], name: str, default: str = "") -> str:
    return next((a.split("=", 1)[1] for a in arguments if a.startswith(f"--{name}=")), default)


def write_profile(arguments: list[str], state: dict[str, Any]) -> None:
    profile().parent.mkdir(parents=True, exist_ok=True)
    old = json.loads(profile().read_text()) if profile().exists() else {}
    version = flag(arguments, "kubernetes-version")
    config = old or {
        "Driver": flag(arguments, "driver"),
        "KicBaseImage": "node",
        "CPUs": int(flag(arguments, "cpus")),
        "Memory": int(flag(arguments, "memory").removesuffix("mb")),
        "Nodes": [{}],
        "ExposedPorts": [a.split("=", 1)[1] for a in arguments if a.startswith("--ports=")],
        "KubernetesConfig": {"CNI": flag(arguments, "cni")},
    }
    config["KubernetesConfig"] |= {"KubernetesVersion": version, "ContainerRuntime": "containerd"}
    config["Addons"] = dict.fromkeys(state["addons"], True)
    profile().write_text(json.dumps(config))


def minikube(arguments: list[str], state: dict[str, Any]) -> int:
    command = next(a for a in arguments if not a.startswith("-") and a != "molecule")
    if command == "status":
        return status(state)
    if command == "start":
        if state["container"] == "none" and state["volume"]:
            print("X Exiting due to K8S_APISERVER_MISSING: the old volume does not boot")
            return 80
        state |= {"container": "running", "volume": True}
        write_profile(arguments, state)
        if state["fail_start"]:
            state["fail_start"] -= 1
            state["kubernetes"] = False
            print("X Exiting due to GUEST_START: wait 6m0s for node: not ready")
            return 80
        state |= {"kubernetes": True, "resolution": "60s", "stale": 2}
        state["metrics"] = "metrics-server" in state["addons"]
        Path(os.environ["KUBECONFIG"]).write_text("clusters: []\n")
    elif command == "addons":
        name = arguments[arguments.index("enable") + 1]
        state["addons"] = sorted({*state["addons"], name})
        if name == "metrics-server":
            state["metrics"] = True
        else:
            state["classes"] = {"local-path": False, "standard": True}
        config = json.loads(profile().read_text())
        profile().write_text(json.dumps(config | {"Addons": dict.fromkeys(state["addons"], True)}))
    elif command == "stop":
        state |= {"container": "stopped", "kubernetes": False}
    elif command == "delete":
        state |= json.loads(json.dumps(NEW)) | {"fail_start": state["fail_start"]}
        profile().unlink(missing_ok=True)
    elif command == "image":
        print(json.dumps([{"id": f"sha256:{i}", "repoTags": [i]} for i in state["images"]]))
    elif command == "version":
        print("v0.0.0")
    return 0


def status(state: dict[str, Any]) -> int:
    if not profile().exists():
        print('{"specversion":"1.0","type":"io.k8s.sigs.minikube.error","data":{"message":"no"}}')
        return 85
    if state["container"] == "none":
        print("null")
        return 7
    host = {"stopped": "Stopped", "running": "Running"}[state["container"]]
    inside = "Running" if state["kubernetes"] else "Stopped"
    node = {"Name": "molecule", "Host": host, "Kubelet": inside, "APIServer": inside}
    print(json.dumps(node | {"Kubeconfig": "Configured", "Worker": False}))
    return 0 if state["kubernetes"] else 7


def kubectl(arguments: list[str], state: dict[str, Any]) -> int:
    text = " ".join(a for a in arguments if not a.startswith("--"))
    if not state["kubernetes"]:
        print("The connection to the server was refused", file=sys.stderr)
        return 1
    if "top node" in text:
        if not state["metrics"] or state["stale"]:
            print("error: Metrics API not available", file=sys.stderr)
            return 1
        print("molecule 186m 9% 856Mi 13%")
    elif "get storageclass" in text:
        key = "storageclass.kubernetes.io/is-default-class"
        items = [
            {"metadata": {"name": n, "annotations": {key: str(d).lower()}}}
            for n, d in state["classes"].items()
        ]
        print(json.dumps({"items": items}))
    elif "annotate" in text:
        name, annotation = arguments[-2:]
        state["classes"][name] = annotation.endswith("=true")
    elif "get deployment" in text:
        container = {"args": [f"--metric-resolution={state['resolution']}", "--secure-port=4443"]}
        print(json.dumps({"spec": {"template": {"spec": {"containers": [container]}}}}))
    elif "patch deployment" in text:
        wanted = json.loads(flag(arguments, "patch"))[0]["value"]
        state["resolution"] = flag(wanted, "metric-resolution")
    elif "get service" in text:
        print("10.96.0.9", end="")
    elif "delete pod" in text:
        print("pod deleted")
    return 0


def docker(arguments: list[str], state: dict[str, Any]) -> int:
    if arguments[:2] == ["container", "inspect"]:
        print("true" if state["container"] == "running" else "false")
        return 0 if state["container"] != "none" else 1
    if arguments[:2] == ["container", "ls"]:
        print("molecule" if state["container"] != "none" else "")
        return 0
    if arguments[:2] == ["volume", "inspect"]:
        return 0 if state["volume"] else 1
    if arguments[:2] == ["image", "inspect"]:
        for image in arguments[arguments.index("-f") + 2 :]:
            print(f"sha256:{image}")
    elif arguments[0] == "save":
        print("\n".join(arguments[1:]))
    elif "ctr" in arguments:
        state["images"] = sorted({*state["images"], *sys.stdin.read().split()})
    elif "conntrack" in arguments:
        state["stale"] = max(0, state["stale"] - 1)
    elif "curl" in arguments:
        print("ok", end="")
    return 0


def main() -> int:
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    with (HOME / "calls.log").open("a") as calls:
        calls.write(f"{program} {' '.join(arguments)}\n")
    state = NEW | (json.loads(STATE.read_text()) if STATE.exists() else {})
    before = json.dumps(state)
    play: Callable[[list[str], dict[str, Any]], int] = globals()[program]
    code = play(arguments, state)
    if json.dumps(state) != before:
        STATE.write_text(json.dumps(state, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
