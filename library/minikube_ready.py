#!/usr/bin/python
"""Ansible module: give a started cluster its settings and wait until all of it answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.minikube_kubectl import (
    RESOLUTION,
    SETTINGS,
    Kubectl,
    metrics_arguments,
)
from ansible.module_utils.programs import run
from ansible.module_utils.storage_classes import DEFAULT_CLASS, is_default

DOCUMENTATION = r"""
module: minikube_ready
short_description: Wait until a started Minikube cluster answers
description:
  - Makes one StorageClass the default, sets how often metrics-server measures, and waits at the
    same time for nodes, workloads, the metrics and a Service address.
  - Before that it takes away what nodes keep from before they broke.
  - Says C(changed) where a setting was another.
options:
  profile: {description: Name of the profile., type: str, required: true}
  kubeconfig: {description: Kubeconfig of the cluster., type: path, required: true}
  kubectl: {description: The kubectl program., type: str, default: kubectl}
  docker: {description: The docker program., type: str, default: docker}
  workloads:
    description: Workloads whose rollout is waited for, as "namespace/kind/name".
    type: list
    elements: str
    required: true
  storage_class: {description: The default StorageClass., type: str, required: true}
  metrics_resolution:
    description: Interval of metrics-server such as 15s, empty where there is no metrics-server.
    type: str
    default: ""
  broken_nodes:
    description: Containers of nodes that were up without Kubernetes, as after a restart by Docker.
    type: list
    elements: str
    default: []
  timeout: {description: Seconds that all of it may take., type: int, default: 240}
"""

RETURN = r"""
settings:
  description: What was changed, a sentence each.
  type: list
  returned: when the cluster is ready
"""

# Seconds that one answer may take, and between two questions.
ANSWER_SECONDS = 20
INTERVAL = 1.0
# What keeps to what it found when it was started.
STALE = ("k8s-app=kube-proxy", "k8s-app=metrics-server")


class Wrong(Exception):
    """The cluster cannot be given a setting, or not be repaired; says which and why."""


def class_changes(items: list[dict[str, Any]], default: str) -> dict[str, bool]:
    """The StorageClasses to annotate, and whether each is the default from then on.

    `items` is what SETTINGS asks for. Raises Wrong when the class is not there.
    """
    classes = {i["metadata"]["name"]: is_default(i) for i in items if i["kind"] == "StorageClass"}
    if default not in classes:
        raise Wrong(f"there is no StorageClass {default}, only {', '.join(sorted(classes))}")
    return {
        name: name == default
        for name, marked in sorted(classes.items())
        if marked != (name == default)
    }


def metrics_patch(arguments: list[str], resolution: str) -> list[dict[str, Any]]:
    """A JSON patch (RFC 6902) that sets the interval of metrics-server, empty when it is set."""
    wanted = RESOLUTION + resolution
    if wanted in arguments:
        return []
    kept = [argument for argument in arguments if not argument.startswith(RESOLUTION)]
    path = "/spec/template/spec/containers/0/args"
    return [{"op": "add", "path": path, "value": [*kept, wanted]}]


class Cluster:
    """The cluster of the module's options. What it is asked answers "" when all is well, else what
    is wrong."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.kubectl = Kubectl(options["kubectl"], options["kubeconfig"], options["profile"])
        self.deadline = time.monotonic() + options["timeout"]

    def repair(self) -> list[str]:
        """Take away what broken nodes keep; what went, a sentence each. Raises Wrong.

        A node that was restarted by Docker, not by Minikube, gets a new /etc/hosts. kube-proxy
        keeps the copy made when its container was created, cannot find the API server by its name,
        and writes no rules for Services; what talked to Services meanwhile keeps its dead
        connections.
        """
        nodes = self.options["broken_nodes"]
        if not nodes:
            return []
        told = []
        for label in STALE:
            pods = ("-n", "kube-system", "delete", "pod", "--wait=false", "-l", label)
            if "deleted" in self._told(*pods):
                told.append(f"pods with the label {label} are replaced")
        for node in nodes:
            connections = ("conntrack", "-D", "-p", "tcp", "--orig-port-dst", "443")
            code, said = self._in_node(node, *connections)
            # It ends with 1 when there is no connection.
            if code not in (0, 1):
                raise Wrong(f"connections in the node {node} cannot be removed: {said}")
            if code == 0:
                told.append(f"connections of {node} to Services are forgotten")
        return told

    def settle(self) -> list[str]:
        """Give it its settings; what was changed, a sentence each. Raises Wrong."""
        items = json.loads(self._told("-n", "kube-system", "get", SETTINGS, "-o", "json"))["items"]
        told = []
        for name, default in class_changes(items, self.options["storage_class"]).items():
            value = "true" if default else "false"
            self._told("annotate", "--overwrite", "storageclass", name, f"{DEFAULT_CLASS}={value}")
            told.append(f"StorageClass {name} is {'the' if default else 'no longer the'} default")
        # Every `minikube start` sets the interval back to 60 s.
        arguments = metrics_arguments(items)
        resolution = self.options["metrics_resolution"]
        if resolution and arguments is None:
            raise Wrong("there is no Deployment metrics-server")
        if resolution and (patch := metrics_patch(arguments or [], resolution)):
            self._told(
                *("-n", "kube-system", "patch", "deployment", "metrics-server"),
                *("--type=json", f"--patch={json.dumps(patch)}"),
            )
            told.append(f"metrics-server measures every {resolution}")
        return told

    def _told(self, *arguments: str) -> str:
        """What kubectl answers; asked again until the time is over, as the API server starts."""
        while True:
            code, said = self.kubectl.run(*arguments, seconds=ANSWER_SECONDS)
            if code == 0:
                return str(said)
            if time.monotonic() > self.deadline:
                raise Wrong(f"kubectl {' '.join(arguments[:4])}: {said}")
            time.sleep(INTERVAL)

    def wait(self) -> list[str]:
        """Wait for everything at once; what was still wrong when the time was over."""
        asked: dict[str, Callable[[], str]] = {"nodes": self.nodes, "Services": self.service}
        if self.options["metrics_resolution"]:
            asked["metrics"] = self.metrics
        with ThreadPoolExecutor(len(asked) + len(self.options["workloads"])) as pool:
            answers = {what: pool.submit(self._until, ask) for what, ask in asked.items()}
            for workload in self.options["workloads"]:
                answers[workload] = pool.submit(self._until, self.rollout, workload)
        problems = {what: answer.result() for what, answer in answers.items()}
        return [f"{what}: {problem}" for what, problem in problems.items() if problem]

    def _until(self, ask: Callable[..., str], *arguments: str) -> str:
        while (problem := ask(*arguments)) and time.monotonic() < self.deadline:
            time.sleep(INTERVAL)
        return problem

    def _watch(self, *arguments: str) -> str:
        left = max(1, round(self.deadline - time.monotonic()))
        code, said = self.kubectl.run(
            *arguments, f"--timeout={left}s", seconds=left + ANSWER_SECONDS
        )
        return str(said or "no answer") if code else ""

    def nodes(self) -> str:
        return self._watch("wait", "--for=condition=Ready", "node", "--all")

    def rollout(self, workload: str) -> str:
        namespace, _, name = workload.partition("/")
        return self._watch("-n", namespace, "rollout", "status", name)

    def _address(self, namespace: str, service: str) -> str:
        """The address of a Service, "" without an answer."""
        code, said = self.kubectl.run(
            *("-n", namespace, "get", "service", service, "-o", "jsonpath={.spec.clusterIP}"),
            seconds=ANSWER_SECONDS,
        )
        return str(said) if code == 0 else ""

    def _in_node(self, node: str, *command: str) -> tuple[int, str]:
        """Exit status and answer of a command in a node, errors too, as run() gives them."""
        code, said = run(self.options["docker"], "exec", node, *command, seconds=ANSWER_SECONDS)
        return code, said.strip()

    def service(self) -> str:
        """Whether a Service is reached by its address, that of the API server.

        Its certificate is verified, because on some networks a stranger accepts every connection.
        """
        address = self._address("default", "kubernetes")
        if not address:
            return "the API server's Service has no address"
        _, said = self._in_node(
            self.options["profile"],
            *("curl", "--silent", "--show-error", "--max-time", "5"),
            *("--cacert", "/var/lib/minikube/certs/ca.crt", f"https://{address}/readyz"),
        )
        return "" if said == "ok" else said or "no answer"

    def metrics(self) -> str:
        """Whether `kubectl top node` answers.

        The API server may have reached something outside the cluster before kube-proxy had written
        its rules, and keeps that connection. Only connections whose answers come from the Service
        address itself, which is such a stranger, are forgotten; one pass is not always enough.
        """
        code, said = self.kubectl.run("top", "node", seconds=ANSWER_SECONDS)
        if code == 0:
            return ""
        if address := self._address("kube-system", "metrics-server"):
            strangers = ("conntrack", "-D", "-p", "tcp", "--reply-src", address)
            self._in_node(self.options["profile"], *strangers)
        return said or "no answer"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "profile": {"type": "str", "required": True},
            "kubeconfig": {"type": "path", "required": True},
            "kubectl": {"type": "str", "default": "kubectl"},
            "docker": {"type": "str", "default": "docker"},
            "workloads": {"type": "list", "elements": "str", "required": True},
            "storage_class": {"type": "str", "required": True},
            "metrics_resolution": {"type": "str", "default": ""},
            "broken_nodes": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 240},
        },
    )
    cluster = Cluster(module.params)
    try:
        changed = cluster.repair() + cluster.settle()
    except Wrong as error:
        module.fail_json(msg=str(error))
    problems = cluster.wait()
    if problems:
        lines = [f"Not ready after {module.params['timeout']} s:", *problems]
        module.fail_json(msg="\n".join(lines))
    module.exit_json(changed=bool(changed), settings=changed)


if __name__ == "__main__":
    main()
