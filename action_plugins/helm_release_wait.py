"""Action plugin: wait for Helm jobs in the background and say which pods they wait for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()

# Seconds between two looks at the jobs, and between two looks at the pods.
JOB_INTERVAL = 0.3
POD_INTERVAL = 4.0

# What no waiting mends, and for how many seconds it must last before Helm is told to stop: an
# image may be on its way into the node.
HOPELESS = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
HOPELESS_SECONDS = 30.0

# What keeps a StatefulSet from replacing a pod of an earlier revision.
BLOCKING = HOPELESS | {"CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError"}


def finished_result(path: Path) -> dict[str, Any] | None:
    """The result of a finished Ansible job from its results file, or None while it runs."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # The file is being written.
        return None
    return result if result.get("finished") or "started" not in result else None


def pod_line(pods: list[dict[str, Any]]) -> str:
    """How far the pods of a release are: "1 of 2 pods ready; backend-7d9: ContainerCreating"."""
    waiting = []
    running = [pod for pod in pods if pod["status"].get("phase") != "Succeeded"]
    for pod in running:
        status = pod["status"]
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions", [])
        )
        if not ready:
            reasons = waiting_reasons(pod)
            phase = str(status.get("phase", "unknown"))
            reason = reasons[0] if reasons else f"{phase.lower()}, not ready"
            waiting.append(f"{pod['metadata']['name']}: {reason}")
    count = f"{len(running) - len(waiting)} of {len(running)} pods ready"
    return "; ".join([count, *waiting])


def waiting_reasons(pod: dict[str, Any]) -> list[str]:
    """Why containers of a pod do not run, init containers included."""
    status = pod["status"]
    return [
        container["state"]["waiting"].get("reason", "waiting")
        for kind in ("initContainerStatuses", "containerStatuses")
        for container in status.get(kind, [])
        if "waiting" in container.get("state", {})
    ]


def stuck(pods: list[dict[str, Any]], reasons: set[str]) -> list[dict[str, Any]]:
    """The pods that wait for one of the reasons."""
    return [pod for pod in pods if reasons & set(waiting_reasons(pod))]


def owned_by_stateful_set(pod: dict[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["kind"] == "StatefulSet" for owner in owners)


def stop_helm(name: str, chart: str) -> None:
    """Ask the Helm that releases this very package to end; it then marks the release failed."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=False
    ).stdout
    for line in listed.splitlines():
        pid, _, command = line.strip().partition(" ")
        if f" {name} " in command and command.endswith(chart) and "upgrade" in command.split():
            os.kill(int(pid), signal.SIGTERM)


class Job:
    """One Helm in the background, and what is known about its pods."""

    def __init__(self, release: dict[str, Any], results_file: Path, chart: str) -> None:
        self.release = release
        self.results_file = results_file
        self.chart = chart
        self.said = ""
        self.hopeless_since = 0.0
        self.given_up = ""

    def show(self, text: str) -> None:
        if text != self.said:
            self.said = text
            display.display(f"{self.release['title']}: {text}")

    def result(self) -> dict[str, Any] | None:
        """What the Helm module answered, or None while it is at work."""
        done = finished_result(self.results_file)
        if done is None:
            return None
        self.results_file.unlink(missing_ok=True)
        status = (done.get("status") or {}).get("status", "unknown")
        if not done.get("failed") and status != "deployed":
            done |= {"failed": True, "msg": f"Helm left the release {status}"}
        self.show("failed" if done.get("failed") else status)
        return done

    def failure(self, done: dict[str, Any]) -> dict[str, str]:
        message = self.given_up or done.get("stderr") or done.get("msg") or "no message"
        place = {"name": self.release["name"], "namespace": self.release["namespace"]}
        return {**place, "msg": message.strip()}

    def consider(self, pods: list[dict[str, Any]]) -> None:
        """Show how far the pods are; stop Helm when it waits in vain."""
        if not pods:
            return
        self.show(pod_line(pods))
        hopeless = stuck(pods, HOPELESS)
        now = time.monotonic()
        self.hopeless_since = self.hopeless_since or now if hopeless else 0.0
        if hopeless and now - self.hopeless_since > HOPELESS_SECONDS and not self.given_up:
            name, reason = hopeless[0]["metadata"]["name"], waiting_reasons(hopeless[0])[0]
            self.given_up = f"pod {name}: {reason}; waiting longer is no use"
            stop_helm(self.release["name"], self.chart)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the control node, where Helm runs."""

    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Wait for `jobs`; fails with every failed release's message.

        `releases` are releases of the plan, `jobs` what the task that started them registered, in
        the same order, `charts` the paths of their packages by name. Further arguments: helm,
        kubectl, kubeconfig, timeout (seconds). Returns `failed_releases`, a list of {name,
        namespace, msg}.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        jobs = [
            Job(release, Path(job["results_file"]), arguments["charts"][release["name"]])
            for release, job in zip(arguments["releases"], arguments["jobs"], strict=True)
        ]
        deadline = time.monotonic() + float(arguments["timeout"])
        next_look = time.monotonic() + POD_INTERVAL
        failed: list[dict[str, str]] = []
        changed = False
        while jobs:
            for job in list(jobs):
                done = job.result()
                if done is None and time.monotonic() > deadline:
                    done = {"failed": True, "msg": "Helm did not end within its own timeout"}
                if done is None:
                    continue
                jobs.remove(job)
                changed = changed or bool(done.get("changed"))
                if done.get("failed"):
                    failed.append(job.failure(done))
            if jobs and time.monotonic() > next_look:
                for job in jobs:
                    self._look(job, arguments, task_vars)
                next_look = time.monotonic() + POD_INTERVAL
            if jobs:
                time.sleep(JOB_INTERVAL)
        result |= {"changed": changed, "failed_releases": failed}
        if failed:
            result["failed"] = True
            result["msg"] = "\n".join(f"{release['name']}: {release['msg']}" for release in failed)
        return result

    def _look(self, job: Job, arguments: dict[str, Any], task_vars: Any) -> None:
        pods = self._pods(job.release, arguments)
        job.consider(pods)
        if any(owned_by_stateful_set(pod) for pod in stuck(pods, BLOCKING)):
            # Such a pod of an earlier revision blocks its successor until somebody deletes it.
            place = {key: job.release[key] for key in ("name", "namespace")}
            tools = {key: arguments[key] for key in ("helm", "kubectl", "kubeconfig")}
            answer = self._execute_module(
                module_name="helm_release_restore",
                module_args={**place, **tools, "state": "blocked"},
                task_vars=task_vars,
            )
            if answer.get("changed"):
                job.show(answer["msg"])

    @staticmethod
    def _pods(release: dict[str, Any], arguments: dict[str, Any]) -> list[dict[str, Any]]:
        command = [arguments["kubectl"], "--kubeconfig", arguments["kubeconfig"]]
        command += ["--namespace", release["namespace"], "get", "pods", "--output", "json"]
        command += ["--selector", f"app.kubernetes.io/instance={release['name']}"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
            return list(json.loads(found.stdout)["items"])
        except (OSError, ValueError, subprocess.SubprocessError):
            # Progress is a courtesy: Helm itself says what is wrong.
            return []
