"""`kubectl-ai`: run Google's kubectl-ai so that it can only read, and knows no secret but its own.

It gets a kubeconfig of the account `kubectl-ai`, bound to Kubernetes' own role `view` in the one
namespace, with a token of ten minutes; an environment of a few names; `--quiet`, in which it ends
where it would have to ask; and a time limit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from todo_operations.ask import printable
from todo_operations.calls import CallLog
from todo_operations.cli import KUBECONFIG, CommandError, bring_up
from todo_operations.model import Settings

ACCOUNT = "kubectl-ai"
TOKEN_SECONDS = 600
# What it needs to find programs and its model.
KEPT = {
    *("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", nargs="+", help="what you want to know")
    parser.add_argument("--kubeconfig", default=str(KUBECONFIG), help="the cluster")
    parser.add_argument("--namespace", default="todo", help="what it may read (%(default)s)")
    parser.add_argument("--timeout", type=int, default=180, help="seconds (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    question = " ".join(arguments.question).strip()
    if not question:
        raise CommandError('the question is empty: make kubectl-ai Q="which pods restart?"')
    program = shutil.which("kubectl-ai")
    if program is None:
        raise CommandError(
            "kubectl-ai is not on the PATH. Get it by `kubectl krew install ai` (and link "
            "kubectl-ai to it) or from the releases of GoogleCloudPlatform/kubectl-ai. Without it, "
            f'`make ask Q="{question}"` asks the agents, `make diagnose` needs no model.'
        )
    settings = Settings.from_environment()
    log = CallLog(settings.log)
    log.check_budget(settings.monthly_tokens)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kubectl-ai-") as folder:
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(json.dumps(view_only(arguments)), encoding="utf-8")
        command = [program, "--quiet", "--kubeconfig", str(kubeconfig)]
        command += ["--llm-provider", "openai", "--model", settings.model]
        command += ["--max-iterations", "20", "--trace-path", f"{folder}/trace.txt"]
        outcome = "failed"
        try:
            # A question is none of its options, whatever it begins with.
            status, said = limited(
                [*command, "--", question],
                folder,
                environment(settings, folder, str(kubeconfig)),
                arguments.timeout,
            )
            outcome = {0: "answered", None: "timeout"}.get(status, "failed")
        finally:
            seconds = round(time.monotonic() - started, 3)
            # It does not say how many tokens it used.
            entry = {"purpose": "kubectl-ai", "model": settings.model, "total_tokens": None}
            log.append({**entry, "outcome": outcome, "seconds": seconds})
    print(printable(said), end="")
    if status is None:
        raise CommandError(
            f"kubectl-ai did not come to an end within {arguments.timeout} s; ask for less"
        )
    if status != 0:
        raise CommandError(
            f"kubectl-ai ended with status {status}. It may only read: where it wanted to "
            "change something it stops; the change is yours to make."
        )
    return 0


def limited(
    command: list[str], folder: str, environment: dict[str, str], seconds: int
) -> tuple[int | None, str]:
    """Status and output of a command that gets no input; the status is None when it did not end in
    time. All that it started ends with it."""
    with (
        Path(folder, "output").open("w+b") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        status: int | None = None
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            # Its shells and kubectls, too, and also after Ctrl-C, which does not reach them.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        output.seek(0)
        return status, output.read().decode(errors="replace")


def environment(settings: Settings, folder: str, kubeconfig: str) -> dict[str, str]:
    """All that the program sees of the environment: no other program's keys."""
    kept = {name: text for name, text in os.environ.items() if name in KEPT}
    asked = {"OPENAI_API_KEY": settings.api_key}
    if settings.base_url:
        asked["OPENAI_ENDPOINT"] = settings.base_url
    return {**kept, **asked, "HOME": folder, "TMPDIR": folder, "KUBECONFIG": kubeconfig}


def view_only(arguments: argparse.Namespace) -> dict[str, Any]:
    """A kubeconfig whose account may look at one namespace, never at Secrets."""
    metadata = {"name": ACCOUNT, "namespace": arguments.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": role,
        "subjects": [{"kind": "ServiceAccount", **metadata}],
    }
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata,
        "automountServiceAccountToken": False,
    }
    objects = {"apiVersion": "v1", "kind": "List", "items": [account, binding]}
    kubectl(arguments, "apply", "-f", "-", text=json.dumps(objects))
    token = kubectl(arguments, "create", "token", ACCOUNT, f"--duration={TOKEN_SECONDS}s").strip()
    view = json.loads(
        kubectl(arguments, "config", "view", "--raw", "--minify", "--flatten", "-o", "json")
    )
    name = view["clusters"][0]["name"]
    context = {"cluster": name, "user": ACCOUNT, "namespace": arguments.namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": view["clusters"],
        "contexts": [{"name": ACCOUNT, "context": context}],
        "current-context": ACCOUNT,
        "users": [{"name": ACCOUNT, "user": {"token": token}}],
    }


def kubectl(arguments: argparse.Namespace, *words: str, text: str | None = None) -> str:
    """What kubectl prints. Raises CommandError when it fails."""
    command = ["kubectl", "--kubeconfig", arguments.kubeconfig, "-n", arguments.namespace]
    try:
        done = subprocess.run(
            [*command, *words],
            input=text or "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"kubectl cannot be run: {error}") from error
    if done.returncode != 0:
        raise CommandError(
            f"the cluster of {arguments.kubeconfig} does not give a view-only account: "
            f"{done.stderr.strip()[-300:]} ({bring_up(arguments.kubeconfig)})"
        )
    return done.stdout
