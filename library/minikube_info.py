#!/usr/bin/python
"""Ansible module: what state a Minikube profile is in, in one process."""

from __future__ import annotations

import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.minikube_kubectl import SETTINGS, Kubectl, read_settings
from ansible.module_utils.minikube_process import CLUSTER_ARGUMENTS, LockedError, environment, lock
from ansible.module_utils.programs import run

DOCUMENTATION = r"""
module: minikube_info
short_description: Read the state of a Minikube profile
description:
  - Asks C(minikube status -o json) once, reads the profile's own config file, and, where
    everything claims to run, asks the cluster for its nodes, or their use.
  - Waits for a C(minikube_command) of the same home that is under way, so that a start whose
    playbook was killed is not judged half-way.
  - Changes nothing, and works where neither Minikube nor Docker is installed.
options:
  profile:
    description: Name of the profile.
    type: str
    required: true
  home:
    description: Folder that holds C(.minikube), as in the environment variable MINIKUBE_HOME.
    type: path
    required: true
  kubeconfig:
    description: Kubeconfig of the cluster.
    type: path
    required: true
  minikube:
    description: The minikube program, a path or a name on PATH.
    type: str
    default: minikube
  kubectl:
    description: The kubectl program.
    type: str
    default: kubectl
  docker:
    description: The docker program.
    type: str
    default: docker
  wait:
    description: Seconds to wait for a command that is under way.
    type: int
    default: 600
  metrics:
    description: Whether a cluster must tell the use of its nodes to count as running.
    type: bool
    default: true
  marker:
    description: >-
      File that is there once the cluster has answered, with the version of Kubernetes that it
      answered with.
    type: path
"""

RETURN = r"""
state:
  description: >-
    C(absent) nothing there; C(foreign) a container of this name that is not this profile's;
    C(orphaned) such a container that is stopped, or its volume, and no home knows the profile;
    C(lost) the profile is there, its container is not; C(stopped); C(broken) the container runs
    and Kubernetes does not; C(unhealthy) Kubernetes runs and does not answer as it should;
    C(running); C(unknown) no answer that can be read.
  type: str
  returned: always
reason:
  description: What was found, in a sentence.
  type: str
  returned: always
profile:
  description: The profile's settings, empty where there is none.
  type: dict
  returned: always
image:
  description: What the node's container was made from, empty where there is none.
  type: str
  returned: always
volumes:
  description: Those of the nodes' Docker volumes that are there; asked only when it does not run.
  type: list
  returned: always
proven:
  description: What O(marker) holds, "" where there is no such file.
  type: str
  returned: always
unfinished:
  description: >-
    Whether the profile is of a cluster that never answered, such as that of an interrupted first
    start, and does not run. Told of a O(marker) alone.
  type: bool
  returned: always
create:
  description: >-
    Whether a start makes the cluster anew: there is none, or none whose data anybody can miss.
  type: bool
  returned: always
unjoined:
  description: >-
    Of a cluster with several nodes that is stopped or broken, those that no start brings back:
    their container is gone, or was made and never joined.
  type: list
  returned: always
settings:
  description: >-
    Of a running cluster its C(default StorageClass) and, with metrics-server, its C(metrics
    resolution).
  type: dict
  returned: always
cap_sys_resource:
  description: Whether processes of this machine may hold CAP_SYS_RESOURCE.
  type: bool
  returned: always
"""

# Exit codes of `minikube status`: a bit for each of host, cluster and Kubernetes that is not
# running (1, 2, 4), or 85 for a profile that does not exist.
UNKNOWN_PROFILE = 85
CAP_SYS_RESOURCE = 24
# The whole reading must stay short on a healthy cluster; a hung one is found out by this.
STATUS_SECONDS = 30
PROBE_SECONDS = 10
# In a Minikube home, and in a user's home where that is Minikube's.
PROFILES = Path(".minikube", "profiles")


class Probe:
    """Runs the programs in the project's own environment."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.env = environment(params["home"], params["kubeconfig"])

    def run(self, *command: str, seconds: float) -> tuple[int, str]:
        """The same as run() of the shared functions, in that environment."""
        answer: tuple[int, str] = run(*command, env=self.env, seconds=seconds)
        return answer

    def kubectl(self, *arguments: str) -> tuple[int, str]:
        """The same of kubectl on the profile's cluster."""
        p = self.params
        kubectl = Kubectl(p["kubectl"], p["kubeconfig"], p["profile"])
        answer: tuple[int, str] = kubectl.run(
            "--request-timeout=5s", *arguments, seconds=PROBE_SECONDS
        )
        return answer


def read_profile(home: str, name: str) -> dict[str, Any]:
    """The settings that a profile was made with, or {}; from the file Minikube keeps them in."""
    path = Path(home, PROFILES, name, "config.json")
    try:
        config = json.loads(path.read_text())
        kubernetes = config["KubernetesConfig"]
        nodes = config.get("Nodes") or []
        return {
            "driver": config["Driver"],
            "image": config.get("KicBaseImage", ""),
            "cpus": config["CPUs"],
            "memory_mib": config["Memory"],
            "nodes": len(nodes),
            # The first node has the profile's name, the others their own behind it.
            "node_names": [name, *(f"{name}-{node['Name']}" for node in nodes[1:])],
            "ports": config.get("ExposedPorts") or [],
            "kubernetes_version": kubernetes["KubernetesVersion"],
            "container_runtime": kubernetes["ContainerRuntime"],
            # That of a manifest is known by the file's name; its folder may have moved.
            "cni": Path(kubernetes.get("CNI", "")).stem,
            "addons": sorted(k for k, on in (config.get("Addons") or {}).items() if on),
            "addon_images": config.get("CustomAddonImages") or {},
            "addon_registries": config.get("CustomAddonRegistries") or {},
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_marker(path: str | None) -> str | None:
    """What the file holds, "" where none is named, None where it is not there."""
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except FileNotFoundError:
        return None


def parse_status(text: str) -> list[dict[str, Any]]:
    """The nodes that `minikube status -o json` tells of: an object for one, a list for several.

    A profile that does not exist is answered with events of another shape, which are left out.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        return []
    nodes = answer if isinstance(answer, list) else [answer]
    return [node for node in nodes if isinstance(node, dict) and "Host" in node]


def judge(nodes: list[dict[str, Any]]) -> tuple[str, str]:
    """State and reason from the nodes' status alone; `running` is still to be proved."""
    shown = "; ".join(
        f"{n.get('Name')}: host {n.get('Host')}, kubelet {n.get('Kubelet')}, "
        f"API server {n.get('APIServer')}"
        for n in nodes
    )
    # Without the first node there is no cluster; without another one its data may be whole.
    if nodes[0]["Host"] in ("Nonexistent", ""):
        return "lost", shown
    if {n["Host"] for n in nodes} == {"Stopped"}:
        return "stopped", shown
    healthy = all(
        n["Host"] == "Running"
        and n.get("Kubelet") == "Running"
        and n.get("APIServer") in ("Running", "Irrelevant")
        for n in nodes
    )
    return ("running", shown) if healthy else ("broken", shown)


def may_have_sys_resource(status: str) -> bool:
    """Whether the capability is in the bounding set that /proc/PID/status shows."""
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1)
    return True


def container_is_gone(probe: Probe) -> bool:
    """Whether Docker answers and has no container of the profile's name."""
    code, out = probe.run(
        *(probe.params["docker"], "container", "ls", "--all", "--format", "{{.Names}}"),
        *("--filter", f"name=^{probe.params['profile']}$"),
        seconds=PROBE_SECONDS,
    )
    return code == 0 and not out.strip()


def leftover(probe: Probe) -> tuple[str, str]:
    """State and reason where the home has no such profile."""
    p = probe.params
    name = p["profile"]
    if running := inspected(probe, "{{.State.Running}}"):
        if running != "false" or Path.home().joinpath(PROFILES, name).exists():
            return "foreign", f"a container named {name} that is not of {p['home']}"
        return "orphaned", f"a stopped container named {name} of a Minikube home that is gone"
    if volumes(probe, {}):
        return "orphaned", f"a Docker volume named {name} of a Minikube home that is gone"
    return "absent", f"no profile {name} in {p['home']}"


def volumes(probe: Probe, profile: dict[str, Any]) -> list[str]:
    """The nodes' Docker volumes that are there."""
    p = probe.params
    # Without a profile nobody says how many nodes there were; the role makes three at most.
    names = profile.get("node_names", [p["profile"], f"{p['profile']}-m02", f"{p['profile']}-m03"])
    return [
        name
        for name in names
        if probe.run(p["docker"], "volume", "inspect", name, seconds=PROBE_SECONDS)[0] == 0
    ]


def unjoined(probe: Probe, profile: dict[str, Any]) -> list[str]:
    """The nodes but the first whose container is gone or lacks what a join leaves in it."""
    p = probe.params
    joined = "/etc/kubernetes/kubelet.conf"
    return [
        name
        for name in profile["node_names"][1:]
        # Unlike exec, this works on a stopped container, too.
        if probe.run(p["docker"], "cp", f"{name}:{joined}", "-", seconds=PROBE_SECONDS)[0] == 1
    ]


def inspected(probe: Probe, template: str) -> str:
    """What Docker tells of the container of the profile's name, "" where there is none."""
    p = probe.params
    code, told = probe.run(
        *(p["docker"], "container", "inspect", "-f", template, p["profile"]), seconds=PROBE_SECONDS
    )
    return told.strip() if code == 0 else ""


def published(probe: Probe) -> list[str]:
    """The ports of the host that lead to the first node, as `minikube start --ports` takes them;
    [] where Docker has no such container. The profile forgets them when a node is added."""
    told = inspected(probe, "{{json .HostConfig.PortBindings}}")
    bindings = json.loads(told or "{}") or {}
    return [
        ":".join(filter(None, (place["HostIp"], place["HostPort"], port.removesuffix("/tcp"))))
        for port, places in bindings.items()
        for place in places
        # Minikube leaves its own ports to chance.
        if place["HostPort"] not in ("", "0")
    ]


def look(
    probe: Probe, profile: dict[str, Any], measured: Future[tuple[int, str]]
) -> tuple[str, str]:
    """State and reason of the profile; `measured` is what the cluster answers of its nodes."""
    p = probe.params
    if not profile:
        return leftover(probe)
    code, out = probe.run(
        p["minikube"], "status", "-p", p["profile"], "-o", "json", seconds=STATUS_SECONDS
    )
    nodes = parse_status(out)
    if not nodes:
        if code == UNKNOWN_PROFILE:
            return "absent", f"Minikube knows no profile {p['profile']}"
        # Minikube's answer is the same where a container is gone, or never started, and where
        # Docker is.
        if profile["driver"] == "docker":
            if container_is_gone(probe):
                return "lost", f"there is no container {p['profile']}"
            if kept := inspected(probe, "{{.State.Status}}"):
                untold = f"Minikube cannot tell of the nodes {', '.join(profile['node_names'])}"
                return "broken", f"{untold}; the container {p['profile']} is {kept}"
        return "unknown", f"minikube status ended with {code}: {out.strip()[-500:]}"
    state, reason = judge(nodes)
    if state != "running":
        return state, reason
    code, out = measured.result()
    if code != 0 or not out.strip():
        return "unhealthy", f"{reason}; kubectl of the nodes: {out.strip()[-500:]}"
    return "running", reason


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CLUSTER_ARGUMENTS,
            "wait": {"type": "int", "default": 600},
            "metrics": {"type": "bool", "default": True},
            "marker": {"type": "path"},
        },
        supports_check_mode=True,
    )
    p = module.params
    # Where nothing was ever started there is nothing to wait for, and no folder to make.
    if Path(p["home"]).is_dir():
        try:
            os.close(lock(p["home"], p["wait"]))
        except LockedError as error:
            module.fail_json(msg=str(error))
    probe = Probe(p)
    profile = read_profile(p["home"], p["profile"])
    with ThreadPoolExecutor() as pool:
        # Asked beside Minikube; of a cluster that does not run, the answers are of no use.
        question = ("top", "node") if p["metrics"] else ("get", "nodes")
        measured = pool.submit(probe.kubectl, *question, "--no-headers")
        shown = pool.submit(probe.kubectl, "-n", "kube-system", "get", SETTINGS, "-o", "json")
        ports = pool.submit(published, probe)
        state, reason = look(probe, profile, measured)
    if profile and ports.result():
        profile["ports"] = ports.result()
    settings = read_settings(shown.result()[1]) if state == "running" else {}
    proven = read_marker(p["marker"])
    # A minute's work, which loses nothing, and cannot get stuck half-way.
    unfinished = bool(profile) and proven is None and state in {"stopped", "broken", "lost"}
    asked = state in {"orphaned", "lost", "stopped", "broken", "unhealthy"}
    status = Path("/proc/self/status")
    module.exit_json(
        changed=False,
        state=state,
        reason=reason,
        profile=profile,
        proven=proven or "",
        unfinished=unfinished,
        create=unfinished or state in {"absent", "lost", "orphaned"},
        image=profile["image"] if profile else inspected(probe, "{{.Config.Image}}"),
        volumes=volumes(probe, profile) if asked else [],
        unjoined=unjoined(probe, profile) if state in {"stopped", "broken"} else [],
        settings=settings,
        cap_sys_resource=may_have_sys_resource(status.read_text() if status.exists() else ""),
    )


if __name__ == "__main__":
    main()
