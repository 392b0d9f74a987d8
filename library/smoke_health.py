"""Ansible module: wait until every health endpoint answers as it should, in one process."""

from __future__ import annotations

import ssl
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: smoke_health
short_description: Check health endpoints through the ingress and inside the cluster
description:
  - Asks all endpoints at the same time and again until each is well or the time is over.
    Changes nothing.
options:
  endpoints:
    description: >
      Each has a name and either a url, asked directly, or a service ("http:backend:8000") and a
      path, asked through the Kubernetes API; `contains` is text that the body must hold.
    type: list
    elements: dict
    required: true
  namespace: {description: Namespace of the services., type: str, default: todo}
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  ca_path: {description: Authority to trust for https., type: path}
  timeout: {description: Seconds until the last one must be well., type: int, default: 60}
author: The Todo platform
"""

RETURN = r"""
well: {description: Names of the endpoints that answered well., type: list, returned: always}
"""

# Seconds that one answer may take, and between two rounds.
PATIENCE = 10
INTERVAL = 1.0


def ask_url(url: str, ca_path: str | None = None) -> tuple[bool, str]:
    """Whether a GET answered 200, and its body or what went wrong."""
    # The platform is reached directly, whatever proxy the environment names for the internet.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_path)),
    )
    try:
        with opener.open(url, timeout=PATIENCE) as reply:
            return reply.status == 200, reply.read(2000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return False, f"{error.code}: {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return False, str(error)


def ask_service(options: dict[str, Any], endpoint: dict[str, Any]) -> tuple[bool, str]:
    """The same through the Kubernetes API's proxy of a Service."""
    place = f"/api/v1/namespaces/{options['namespace']}/services/{endpoint['service']}"
    command = [options["kubectl"], "--kubeconfig", options["kubeconfig"], "get"]
    command += ["--raw", f"{place}/proxy{endpoint['path']}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return done.returncode == 0, (done.stdout if done.returncode == 0 else done.stderr).strip()


def problem(options: dict[str, Any], endpoint: dict[str, Any]) -> str:
    """What is wrong with an endpoint, or ""."""
    url = endpoint.get("url")
    well, body = ask_url(url, options["ca_path"]) if url else ask_service(options, endpoint)
    if not well:
        return body or "no answer"
    wanted = endpoint.get("contains", "")
    # Something else may answer at the address: only the body tells.
    return "" if wanted in body else f"answered without {wanted!r}: {body[:200]}"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "endpoints": {"type": "list", "elements": "dict", "required": True},
            "namespace": {"type": "str", "default": "todo"},
            "kubeconfig": {"type": "path", "required": True},
            "kubectl": {"type": "str", "default": "kubectl"},
            "timeout": {"type": "int", "default": 60},
            "ca_path": {"type": "path"},
        },
        supports_check_mode=True,
    )
    options = module.params
    deadline = time.monotonic() + options["timeout"]
    waiting = {endpoint["name"]: endpoint for endpoint in options["endpoints"]}
    while True:
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = pool.map(lambda endpoint: problem(options, endpoint), waiting.values())
            problems = {name: text for name, text in zip(waiting, found, strict=True) if text}
        waiting = {name: waiting[name] for name in problems}
        if not waiting or time.monotonic() > deadline:
            break
        time.sleep(INTERVAL)
    well = [
        endpoint["name"] for endpoint in options["endpoints"] if endpoint["name"] not in waiting
    ]
    if waiting:
        lines = [f"{name}: {text}" for name, text in problems.items()]
        module.fail_json(
            msg="\n".join([f"Not well after {options['timeout']} s:", *lines]), well=well
        )
    module.exit_json(changed=False, well=well)


if __name__ == "__main__":
    main()
