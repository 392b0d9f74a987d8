"""Ansible module: wait until endpoints and Services are well, in one process."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.programs import run

DOCUMENTATION = r"""
module: smoke_health
short_description: Check health endpoints and the Services behind them
description:
  - Asks all endpoints at the same time, and whether pods are ready behind the Services, and again
    until all are well or the time is over. Changes nothing.
  - Of the Services it asks Kubernetes, whose kubelets ask the pods. Network policies rightly refuse
    the pods to everybody else, also to the API server's proxy.
options:
  endpoints:
    description: >
      Each has a name and a url; `contains` is text that the body must hold.
    type: list
    elements: dict
    required: true
  services:
    description: Names of the Services.
    type: list
    elements: str
    default: []
  namespace: {description: Namespace of the Services., type: str, default: todo}
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  ca_path: {description: Authority to trust for https., type: path}
  timeout: {description: Seconds until the last one must be well., type: int, default: 60}
author: The Todo platform
"""

RETURN = r"""
well: {description: Names of what is well., type: list, returned: always}
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


def endpoint_problem(endpoint: dict[str, Any], ca_path: str | None) -> str:
    """What is wrong with an endpoint, or ""."""
    well, body = ask_url(endpoint["url"], ca_path)
    if not well:
        return body or "no answer"
    wanted = endpoint.get("contains", "")
    # Something else may answer at the address: only the body tells.
    return "" if wanted in body else f"answered without {wanted!r}: {body[:200]}"


def service_problems(options: dict[str, Any]) -> dict[str, str]:
    """What is wrong with each Service, or "", from the EndpointSlices of the namespace."""
    names = options["services"]
    code, said = run(
        *(options["kubectl"], "--kubeconfig", options["kubeconfig"], "--output=json"),
        *("--namespace", options["namespace"], "get", "endpointslices"),
        seconds=PATIENCE,
    )
    if code != 0:
        return dict.fromkeys(names, said.strip() or "kubectl gives no answer")
    problems = dict.fromkeys(names, "there is no such Service")
    for piece in json.loads(said)["items"]:
        name = piece["metadata"].get("labels", {}).get("kubernetes.io/service-name")
        if problems.get(name):
            # Missing means ready (the API's documentation of EndpointConditions).
            ready = any(
                (endpoint.get("conditions") or {}).get("ready", True)
                for endpoint in piece.get("endpoints") or []
            )
            problems[name] = "" if ready else "no pod behind it is ready"
    return problems


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "endpoints": {"type": "list", "elements": "dict", "required": True},
            "services": {"type": "list", "elements": "str", "default": []},
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
    while True:
        with ThreadPoolExecutor(max_workers=4) as pool:
            asked = {
                endpoint["name"]: pool.submit(endpoint_problem, endpoint, options["ca_path"])
                for endpoint in options["endpoints"]
            }
            services = service_problems(options) if options["services"] else {}
        found = {name: answer.result() for name, answer in asked.items()}
        found |= {f"service {name}": text for name, text in services.items()}
        problems = {name: text for name, text in found.items() if text}
        if not problems or time.monotonic() > deadline:
            break
        time.sleep(INTERVAL)
    well = [name for name in found if name not in problems]
    if problems:
        lines = [f"{name}: {text}" for name, text in problems.items()]
        module.fail_json(
            msg="\n".join([f"Not well after {options['timeout']} s:", *lines]), well=well
        )
    module.exit_json(changed=False, well=well)


if __name__ == "__main__":
    main()
