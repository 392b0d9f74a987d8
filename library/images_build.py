#!/usr/bin/python
"""Ansible module: build images that depend on each other, independent ones at the same time."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.images_docker import DockerError, host_images, output

DOCUMENTATION = r"""
module: images_build
short_description: Build container images with BuildKit
description:
  - Builds each image as soon as the images it needs are there, with the builder that is part of the
    Docker in use, whichever one C(docker buildx use) chose. What each build says goes to a log
    file of its own. After a failure the builds under way are finished, so that their work is not
    lost, and no other is started.
options:
  images:
    description: >-
      The images to build, each after those it needs, as the filter C(images_plan) gives them.
    type: list
    elements: dict
    required: true
  docker:
    description: The docker program.
    type: str
    default: docker
  ca_bundle:
    description: File of certificate authorities that builds get as the secret C(ca).
    type: str
    default: ""
  log_dir:
    description: Folder of the log files.
    type: path
    required: true
  cache:
    description: Whether builds may use what earlier ones left.
    type: bool
    default: true
  parallel:
    description: How many builds may run at once.
    type: int
    default: 2
  timeout:
    description: Seconds that one build may take.
    type: int
    default: 1800
"""

RETURN = r"""
built:
  description: Reference to seconds of each image that was built.
  type: dict
ids:
  description: Reference to id of each image that was built.
  type: dict
"""

# Lines of a failed build's log that the message shows.
SHOWN_LINES = 25
# BuildKit knows these without a declaration and keeps them out of the image and of its cache.
PROXY_ARGUMENTS = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class BuildError(Exception):
    """A build failed; the text says which, why, and where its log lies."""


def own_builder(docker: str) -> str:
    """The builder that is part of the Docker in use. Raises DockerError.

    A builder in a container knows no image of Docker's, so it would look for our bases in a
    registry. The one without is named after Docker's context.
    """
    context: str = output([docker, "context", "inspect", "--format", "{{.Name}}"])
    return context.strip()


def command(
    image: dict[str, Any], docker: str, ca_bundle: str, builder: str, *, cache: bool = True
) -> list[str]:
    """The command that builds one image of the plan."""
    reference = image["reference"]
    line = [docker, "buildx", "build", f"--builder={builder}", "--load", "--progress=plain"]
    line.append(f"--tag={reference}")
    if not cache:
        line.append("--no-cache")
    line += [f"--file={image['dockerfile']}"]
    line += [f"--label=org.opencontainers.image.version={reference.rpartition(':')[2]}"]
    line += [f"--build-arg={name}={value}" for name, value in image["args"].items()]
    # Without a value BuildKit takes the variable from its environment.
    line += [f"--build-arg={name}" for name in PROXY_ARGUMENTS if name in os.environ]
    line += [f"--build-context={name}={path}" for name, path in image["contexts"].items()]
    if image["target"]:
        line.append(f"--target={image['target']}")
    if ca_bundle:
        line.append(f"--secret=id=ca,src={ca_bundle}")
    return [*line, image["context"]]


def build(image: dict[str, Any], log: Path, timeout: int, line: list[str]) -> float:
    """Builds one image and returns the seconds it took. Raises BuildError."""
    started = time.monotonic()
    # Attestations would differ between two builds of the same content.
    environment = os.environ | {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    with log.open("w", encoding="utf-8") as output:
        try:
            done = subprocess.run(
                line,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                timeout=timeout,
                check=False,
            )
            problem = "" if done.returncode == 0 else f"ended with {done.returncode}"
        except FileNotFoundError:
            problem = f"could not start: {line[0]} is not installed"
        except subprocess.TimeoutExpired:
            problem = f"took more than {timeout} seconds"
    if problem:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
        shown = "\n".join(lines)
        raise BuildError(
            f"The build of image {image['name']} {problem}. The last lines of {log}:\n{shown}"
        )
    return time.monotonic() - started


def build_all(
    images: list[dict[str, Any]],
    *,
    docker: str,
    ca_bundle: str,
    builder: str,
    logs: Path,
    parallel: int,
    timeout: int,
    cache: bool = True,
) -> tuple[dict[str, float], list[str]]:
    """Reference to seconds of the images built, and what went wrong with others."""
    waiting = list(images)
    missing = {image["reference"] for image in images}
    running: dict[Future[float], dict[str, Any]] = {}
    built: dict[str, float] = {}
    problems: list[str] = []
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        while running or (waiting and not problems):
            for image in [i for i in waiting if not missing & set(i["needs"])]:
                if problems or len(running) >= parallel:
                    break
                waiting.remove(image)
                line = command(image, docker, ca_bundle, builder, cache=cache)
                log = logs / f"{image['name']}.log"
                running[pool.submit(build, image, log, timeout, line)] = image
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                reference = running.pop(future)["reference"]
                try:
                    built[reference] = round(future.result(), 1)
                    missing.discard(reference)
                except BuildError as error:
                    problems.append(str(error))
    return built, problems


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "list", "elements": "dict", "required": True},
            "docker": {"type": "str", "default": "docker"},
            "ca_bundle": {"type": "str", "default": ""},
            "log_dir": {"type": "path", "required": True},
            "cache": {"type": "bool", "default": True},
            "parallel": {"type": "int", "default": 2},
            "timeout": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    images = module.params["images"]
    if module.check_mode:
        module.exit_json(changed=bool(images), built={}, ids={})
    logs = Path(module.params["log_dir"])
    logs.mkdir(parents=True, exist_ok=True)
    try:
        builder = own_builder(module.params["docker"])
    except DockerError as error:
        module.fail_json(msg=f"Docker does not tell which context it uses: {error}", built={})
    built, problems = build_all(
        images,
        docker=module.params["docker"],
        ca_bundle=module.params["ca_bundle"],
        builder=builder,
        logs=logs,
        cache=module.params["cache"],
        parallel=module.params["parallel"],
        timeout=module.params["timeout"],
    )
    if problems:
        module.fail_json(msg="\n\n".join(problems), changed=bool(built), built=built)
    try:
        host = host_images(module.params["docker"])
    except DockerError as error:
        module.fail_json(msg=f"Docker does not tell what was built: {error}", built=built)
    ids = {reference: host[reference] for reference in built if reference in host}
    module.exit_json(changed=bool(built), built=built, ids=ids)


if __name__ == "__main__":
    main()
