#!/usr/bin/env -S python3 -IS
"""Stands in for minikube, kubectl and docker: one scripted cluster kept in a JSON file.

Called under the name of the program it plays, by a link in the folder of the state, which is one
line in `cluster.json` there. What was called is in `calls.log`. A case calls it some twenty times,
so it starts without what is installed and imports as little as it can.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CALLED = sys.argv[0]
# The role's own link, by which it deletes a cluster, leads to one of this folder's.
if os.path.basename(CALLED) == "program":
    CALLED = os.readlink(CALLED)
HOME, PROGRAM = os.path.split(CALLED)
STATE = f"{HOME}/cluster.json"
NEW: dict[str, Any] = {
    "container": "none",  # none, stopped, running
    "kubernetes": False,  # whether kubelet and API server run
    "metrics": False,  # whether the metrics API answers
    "stale": 0,  # connections that keep the metrics API from answering
    "unjoined": [],  # other nodes whose container is gone, or lacks what a join leaves in it
    "volume": False,
    "fail_start": 0,  # how many of the next starts fail
    "resolution": "60s",
    "addons": [],
    "classes": {},
    "images": {},  # node to names
}
# What Docker has: the scenario's offline_bundle_images.
HOST_IMAGES = (
    "registry.k8s.io/pause:3.10.1",
    "docker.io/local/metrics-server:v0.9.0",
    "docker.io/local/local-path-provisioner:v0.0.30",
    "docker.io/local/helper:1",
)
PUBLISHED = {"HostIp": "127.0.0.1", "HostPort": "8080"}


def profile() -> str:
    return f"{os.environ['MINIKUBE_HOME']}/.minikube/profiles/molecule/config.json"


def machine(node: str) -> str:
    return f"{os.environ['MINIKUBE_HOME']}/.minikube/machines/{node}"


def read(path: str) -> dict[str, Any]:
    """What is in a JSON file, nothing where there is no file."""
    try:
        with open(path) as file:
            found: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        found = {}
    return found


def write(path: str, content: dict[str, Any]) -> None:
    """Others read it meanwhile: they see the old or the new one, whole."""
    new = f"{path}.{os.getpid()}"
    with open(new, "w") as file:
        json.dump(content, file)
    os.replace(new, path)


def flag(arguments: list[str], name: str, default: str = "") -> str:
    return next((a.split("=", 1)[1] for a in arguments if a.startswith(f"--{name}=")), default)


def write_profile(arguments: list[str], state: dict[str, Any]) -> None:
    os.makedirs(os.path.dirname(profile()), exist_ok=True)
    old = read(profile())
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
    write(profile(), config)


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
        if any(os.path.exists(machine(node)) for node in state["unjoined"]):
            print("X Exiting due to GUEST_START: a node that is known does not join again")
            return 80
        state |= {"unjoined": [], "kubernetes": True, "resolution": "60s", "stale": 1}
        state["metrics"] = "metrics-server" in state["addons"]
        with open(os.environ["KUBECONFIG"], "w") as file:
            file.write("clusters: []\n")
    elif command == "node":
        config = read(profile())
        if config["ExposedPorts"]:
            print("X Exiting due to GUEST_NODE_ADD: port is already allocated")
            return 80
        name = f"m0{len(config['Nodes']) + 1}"
        config["Nodes"].append({"Name": name})
        os.makedirs(machine(f"molecule-{name}"))
        write(profile(), config)
    elif command == "addons":
        name = arguments[arguments.index("enable") + 1]
        if "refused" in flag(arguments, "images"):
            print("X Exiting due to MK_ADDON_ENABLE: the image is refused")
            return 11
        state["addons"] = sorted({*state["addons"], name})
        config = read(profile())
        for key, given in (("Images", "images"), ("Registries", "registries")):
            pairs = filter(None, flag(arguments, given).split(","))
            custom = config.setdefault(f"CustomAddon{key}", {})
            custom |= dict(pair.split("=") for pair in pairs)
        if name == "metrics-server":
            state["metrics"] = True
        else:
            state["classes"] = {"local-path": False, "standard": True}
        write(profile(), config | {"Addons": dict.fromkeys(state["addons"], True)})
    elif command == "stop":
        state |= {"container": "stopped", "kubernetes": False}
    elif command == "delete":
        state |= json.loads(json.dumps(NEW)) | {"fail_start": state["fail_start"]}
        machines = machine("")
        for node in os.listdir(machines) if os.path.exists(machines) else ():
            os.rmdir(machine(node))
        if os.path.exists(profile()):
            os.remove(profile())
            os.rmdir(os.path.dirname(profile()))
    elif command == "version":
        print("v0.0.0")
    return 0


def status(state: dict[str, Any]) -> int:
    if not os.path.exists(profile()):
        print('{"specversion":"1.0","type":"io.k8s.sigs.minikube.error","data":{"message":"no"}}')
        return 85
    if state["container"] == "none" or state["unjoined"]:
        print("null")
        return 7
    host = {"stopped": "Stopped", "running": "Running"}[state["container"]]
    inside = "Running" if state["kubernetes"] else "Stopped"
    node = {"Name": "molecule", "Host": host, "Kubelet": inside, "APIServer": inside}
    print(json.dumps(node | {"Kubeconfig": "Configured", "Worker": False}))
    return 0 if state["kubernetes"] else 7


def storage_classes(state: dict[str, Any]) -> list[dict[str, Any]]:
    key = "storageclass.kubernetes.io/is-default-class"
    return [
        {
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": {key: str(default).lower()}},
        }
        for name, default in state["classes"].items()
    ]


def metrics_server(state: dict[str, Any]) -> dict[str, Any]:
    container = {"args": [f"--metric-resolution={state['resolution']}", "--secure-port=4443"]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


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
    elif "get deployments.apps,storageclasses" in text:
        name = {"kind": "Deployment", "metadata": {"name": "metrics-server"}}
        print(json.dumps({"items": [*storage_classes(state), name | metrics_server(state)]}))
    elif "annotate" in text:
        name, annotation = arguments[-2:]
        state["classes"][name] = annotation.endswith("=true")
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
        if "PortBindings" in " ".join(arguments):
            print(json.dumps({"80/tcp": [PUBLISHED], "8443/tcp": [PUBLISHED | {"HostPort": "0"}]}))
        else:
            print("true" if state["container"] == "running" else "false")
        return 0 if state["container"] != "none" else 1
    if arguments[:2] == ["container", "ls"]:
        print("molecule" if state["container"] != "none" else "")
        return 0
    if arguments[0] == "cp":
        return int(arguments[1].split(":")[0] in state["unjoined"])
    if arguments[:2] == ["container", "rm"] and "molecule" in arguments:
        state |= {"container": "none", "kubernetes": False}
    if arguments[:2] == ["volume", "rm"]:
        state["volume"] = False
    if arguments[:2] == ["volume", "inspect"]:
        return 0 if state["volume"] else 1
    if arguments[:2] == ["image", "ls"]:
        for image in HOST_IMAGES:
            print(image.removeprefix("docker.io/"), f"sha256:{image}")
    elif arguments[0] == "save":
        print("\n".join(arguments[1:]))
    elif "sh" in arguments and arguments[0] == "exec":
        held = state["images"].get(arguments[1], [])
        print(json.dumps({"images": [{"id": f"sha256:{i}", "repoTags": [i]} for i in held]}))
        print("---\nREF TYPE DIGEST SIZE")
    elif "ctr" in arguments:
        node = arguments[2]
        held = state["images"].get(node, [])
        state["images"][node] = sorted({*held, *sys.stdin.read().split()})
    elif "conntrack" in arguments:
        state["stale"] = max(0, state["stale"] - 1)
    elif "curl" in arguments:
        print("ok", end="")
    return 0


def main() -> int:
    arguments = sys.argv[1:]
    state = NEW | read(STATE)
    with open(f"{HOME}/calls.log", "a") as calls:
        calls.write(f"{PROGRAM} {' '.join(arguments)}\n")
    before = json.dumps(state)
    play: Callable[[list[str], dict[str, Any]], int] = globals()[PROGRAM]
    code = play(arguments, state)
    if json.dumps(state) != before:
        write(STATE, state)
    return code


if __name__ == "__main__":
    sys.exit(main())
