"""The platform around the application: what runs, how it is locked down, and that it is stable."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from e2e.support import ROOT, kubectl, kubectl_json, playbook, unfolded

SERVICES = ("postgres", "mcp-server", "backend", "frontend")


def test_every_pod_is_ready() -> None:
    pods = kubectl_json("get", "pods", "-n", "todo", "-l", "app.kubernetes.io/component=server")
    ready: dict[str, list[bool]] = {}
    for pod in pods["items"]:
        conditions = {item["type"]: item["status"] for item in pod["status"]["conditions"]}
        # One that is on its way out is not asked for anything any more.
        if "deletionTimestamp" not in pod["metadata"]:
            name = pod["metadata"]["labels"]["app.kubernetes.io/name"]
            ready.setdefault(name, []).append(conditions.get("Ready") == "True")
    assert ready.keys() == set(SERVICES)
    assert all(all(answers) for answers in ready.values()), ready


def test_the_namespace_enforces_restricted_pods() -> None:
    labels = kubectl_json("get", "namespace", "todo")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("service", SERVICES)
def test_the_container_runs_as_nobody_in_particular(service: str) -> None:
    (pod, *_) = kubectl_json(
        "get", "pods", "-n", "todo", "-l", f"app.kubernetes.io/name={service}"
    )["items"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    (container,) = pod["spec"]["containers"]
    context = pod["spec"]["securityContext"] | container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 10000
    assert set(container["resources"]["limits"]) >= {"memory", "ephemeral-storage"}
    assert not [entry for entry in container.get("env", []) if "secretKeyRef" in str(entry)]


@pytest.mark.parametrize("service", ["mcp-server", "backend", "frontend"])
def test_the_image_has_no_shell(service: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        kubectl("exec", "-n", "todo", f"deploy/{service}", "--", "/bin/sh", "-c", "true")
    # The container runtime's own words: a pod that cannot be reached fails with others.
    why = refused.value.stderr
    assert "/bin/sh" in why, why
    assert re.search("executable file not found|no such file or directory", why), why


def test_resource_use_is_measured() -> None:
    lines = kubectl("top", "pods", "-n", "todo", "--no-headers").splitlines()
    measured = {line.split()[0].rsplit("-", 1)[0] for line in lines}
    assert any(name.startswith("postgres") for name in measured)
    assert kubectl("top", "node", "--no-headers").strip()


def test_a_second_run_changes_nothing() -> None:
    recap = re.search(r"changed=(\d+)", playbook("site.yml"))
    assert recap is not None
    assert recap[1] == "0"


def test_a_dry_run_of_a_running_platform_would_change_nothing() -> None:
    recap = re.search(r"changed=(\d+)", playbook("site.yml", "--check", "--diff"))
    assert recap is not None
    assert recap[1] == "0"


# Programs that the roles would have to bring along; Helm and kubectl come with Ansible, by `make`.
BROUGHT = re.compile(
    r"(docker|containerd|runc|ctr|kube(adm|let)|minikube|crictl|go$|gofmt|node|np[mx]).*"
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may hide Docker's socket from a process")
def test_a_dry_run_on_a_bare_machine_tells_all_and_changes_nothing(tmp_path: Path) -> None:
    """With no Docker to be found or reached, no compiler of Go, no Node and no cache."""
    programs, home, state = (tmp_path / name for name in ("programs", "home", "state"))
    for folder in (programs, home, state):
        folder.mkdir()
    for folder in map(Path, os.environ["PATH"].split(os.pathsep)):
        for program in folder.iterdir() if folder.is_dir() else []:
            link = programs / program.name
            if not BROUGHT.fullmatch(program.name) and not link.is_symlink():
                link.symlink_to(program)
    socket = Path("/run/docker.sock")
    hidden = f"mount --bind /dev/null {socket} && " if socket.exists() else ""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{hidden}exec ansible-playbook "$@"', "sh"]
        # What is free on this disk is no matter here, for nothing is built.
        + ["site.yml", "--check", "--diff", "-e", "network_mode=mirrors"]
        + ["-e", "preflight_disk_mirrors_gib=1"]
        + ["-e", json.dumps({"platform_state_dir": str(state)})],
        cwd=ROOT,
        env={"PATH": str(programs), "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = unfolded(done.stdout + done.stderr)
    assert done.returncode == 0, said[-6000:]
    assert "Install and start Docker Engine" in said
    assert "Build missing program 15 of 15" in said
    assert "backend (4/7): absent, not installed" in said
    left = {str(path.relative_to(tmp_path)) for path in (*home.rglob("*"), *state.rglob("*"))}
    assert not {path for path in left if ".ansible" not in path} - {
        "state/network-mode.json",
        "state/run.lock",
    }


# What certificates and public keys say is for everybody.
PUBLIC_KEYS = {"ca.crt", "tls.crt", "public.pem"}


def needles() -> dict[str, list[bytes]]:
    """Secret/key -> the ways in which its value would show in a text."""
    found = {}
    for secret in kubectl_json("get", "secrets", "-n", "todo")["items"]:
        # Helm's own hold releases; that no value of those is a secret is tested elsewhere.
        if secret["type"].startswith("helm.sh/"):
            continue
        for key in (secret.get("data") or {}).keys() - PUBLIC_KEYS:
            value = base64.b64decode(secret["data"][key])
            # A key in PEM has lines, which a log may break up; the longest holds part of the key.
            line = max(value.splitlines(), key=len)
            forms = [line, base64.b64encode(value)]
            short = min(map(len, forms)) < 16
            assert not short, f"{secret['metadata']['name']}/{key} is short enough to be guessed"
            found[f"{secret['metadata']['name']}/{key}"] = forms
    return found


def test_no_secret_is_in_the_logs() -> None:
    """Neither in what runs of Ansible left here, nor in what the pods say. No value is shown."""
    secrets = needles()
    keys = {name.partition("/")[2] for name in secrets}
    assert {"superuser-password", "private.pem", "ca.key", "tls.key"} <= keys
    texts = {
        str(path): path.read_bytes()
        for path in (ROOT / ".state" / "logs").rglob("*")
        if path.is_file()
    }
    started = ("get", "pods", "-n", "todo", "--field-selector", "status.phase!=Pending")
    for pod in kubectl(*started, "-o", "name").split():
        texts[pod] = kubectl("logs", "-n", "todo", pod, "--all-containers", "--tail=-1").encode()
    leaked = sorted(
        f"{name} in {where}"
        for where, text in texts.items()
        for name, forms in secrets.items()
        if any(form in text for form in forms)
    )
    assert leaked == []
