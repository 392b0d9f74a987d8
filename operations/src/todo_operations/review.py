"""`review`: what is to be said of each Dockerfile, by Docker's assistant Gordon or by scanners.

`docker ai version` decides. Gordon is asked to rate each file; without it hadolint and checkov look
at it. Either way the image that was built from it is shown with its layers and what changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from todo_operations.ask import printable
from todo_operations.calls import CALLS_LOG, CallLog, estimate, monthly_tokens
from todo_operations.cli import CommandError

Json = dict[str, Any]
CHECKOV = Path(".tools/checkov/bin/python")
# As in tests/charts/scan.py: bases are build arguments with a digest of their content as the tag.
CHECKOV_WAIVERS = "CKV_DOCKER_7"
GORDON = "gordon"
WITHOUT_CHECKOV = "hadolint alone; `python tests/charts/scan.py` puts checkov into .tools"
PROBE_SECONDS = 10
SCAN_SECONDS = 120
GORDON_SECONDS = 300
LAYERS = 4
UNITS = {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dockerfiles", nargs="*", type=Path, help="files; all of them without any")
    parser.add_argument("--docker", default="docker", help="the docker program")
    parser.add_argument("--prefix", default="localhost/todo", help="before the images' names")
    parser.add_argument(
        "--memory", type=Path, default=Path(".state/review.json"), help="sizes of the last time"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    files = arguments.dockerfiles or sorted(
        [*Path("apps").glob("*/Dockerfile"), *Path("images").glob("*/Dockerfile")]
    )
    if absent := [str(path) for path in files if not path.is_file()]:
        raise CommandError(f"there is no {', '.join(absent)}; name Dockerfiles")
    if not files:
        raise CommandError("there is no Dockerfile in apps/ or images/: run it in the checkout")
    gordon = available(arguments.docker)
    log = CallLog(Path(os.environ.get("TODO_AI_LOG") or CALLS_LOG))
    last = recall(arguments.memory)
    reviews = [review(path, gordon, arguments, last, log) for path in files]
    arguments.memory.parent.mkdir(parents=True, exist_ok=True)
    sizes = {item["file"]: item["image"] for item in reviews if item["image"]}
    arguments.memory.write_text(json.dumps({**last, **sizes}, indent=2), encoding="utf-8")
    if arguments.json:
        print(json.dumps(reviews, indent=2))
    else:
        for item in reviews:
            print(printable(shown(item)))
    # Gordon's words are advice; what a scanner finds is to be mended.
    return 1 if any(item["findings"] and item["by"] != GORDON for item in reviews) else 0


def recall(path: Path) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def available(docker: str) -> bool:
    """Whether Gordon answers; it comes with Docker Desktop and has to be switched on there."""
    return execute(PROBE_SECONDS, docker, "ai", "version")[0] == 0


def review(
    path: Path, gordon: bool, arguments: argparse.Namespace, last: Json, log: CallLog
) -> Json:
    by, findings = GORDON, []
    if gordon:
        log.check_budget(monthly_tokens())
        question = f"Rate my Dockerfile {path.name}: cache, security, size, reproducibility."
        status, output = execute(
            GORDON_SECONDS, arguments.docker, "ai", "--working-dir", str(path.parent), question
        )
        outcome = "answered" if status == 0 and output.strip() else "failed"
        # It does not say how many tokens it used; what it read of the file counts, too.
        cost = estimate(question, path.read_text(encoding="utf-8", errors="replace"), output)
        log.append({"purpose": "review", "model": GORDON, **cost, "outcome": outcome})
        # One that is there but does not answer is no review.
        gordon = status == 0 and bool(output.strip())
        findings = [line for line in output.splitlines() if line.strip()] if gordon else []
    if not gordon:
        by = "hadolint and checkov" if CHECKOV.is_file() else WITHOUT_CHECKOV
        findings = [*hadolint(path), *checkov(path)]
    image = describe(path, arguments)
    before = last.get(str(path)) or {}
    if image and before:
        image["change"] = image["bytes"] - before.get("bytes", 0)
    return {"file": str(path), "by": by, "findings": findings, "image": image}


def hadolint(path: Path) -> list[str]:
    status, output = execute(SCAN_SECONDS, "hadolint", "--format", "json", str(path))
    try:
        found = json.loads(output)
    except ValueError as error:
        raise CommandError(f"hadolint failed ({status}): `make tools` installs it") from error
    return [f"{item['code']} line {item['line']}: {item['message']}" for item in found]


def checkov(path: Path) -> list[str]:
    if not CHECKOV.is_file():
        return []
    status, output = execute(
        SCAN_SECONDS,
        *(str(CHECKOV), "-m", "checkov.main", "--quiet", "--compact", "--skip-download"),
        *("--output", "json", "--framework", "dockerfile", "--file", str(path)),
        *("--skip-check", CHECKOV_WAIVERS),
    )
    start = output.find("{")
    try:
        report = json.loads(output[start:])
    except ValueError as error:
        raise CommandError(f"checkov failed ({status}): {output[-300:]}") from error
    failed = report.get("results", {}).get("failed_checks", [])
    return [f"{item['check_id']}: {item['check_name']}" for item in failed]


def describe(path: Path, arguments: argparse.Namespace) -> Json | None:
    """The newest image that was built from the file: its size and its biggest layers, in bytes."""
    name = f"{arguments.prefix}/{path.parent.name}"
    status, output = execute(
        SCAN_SECONDS,
        *(arguments.docker, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name),
    )
    references = output.split()
    if status != 0 or not references:
        return None
    status, output = execute(
        SCAN_SECONDS, arguments.docker, "history", "--format", "{{json .}}", references[0]
    )
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    layers = [(in_bytes(row["Size"]), " ".join(row["CreatedBy"].split())) for row in rows]
    biggest = sorted((layer for layer in layers if layer[0]), reverse=True)[:LAYERS]
    return {
        "reference": references[0],
        "bytes": sum(size for size, _ in layers),
        "layers": [{"bytes": size, "made by": made[:100]} for size, made in biggest],
    }


def in_bytes(size: str) -> int:
    match = re.fullmatch(r"([\d.]+)([kKMG]?B)", size)
    return int(float(match[1]) * UNITS[match[2]]) if match else 0


def shown(item: Json) -> str:
    lines = [f"{item['file']} ({item['by']}): {len(item['findings'])} findings"]
    lines += [f"  {finding}" for finding in item["findings"]]
    if image := item["image"]:
        change = image.get("change")
        since = "" if change is None else f", {change / 1e6:+.1f} MB since the last review"
        lines.append(f"  {image['reference']}: {image['bytes'] / 1e6:.1f} MB{since}")
        lines += [
            f"    {layer['bytes'] / 1e6:7.1f} MB  {layer['made by']}" for layer in image["layers"]
        ]
    else:
        lines.append("  no image of it is built here")
    return "\n".join(lines)


def execute(seconds: int, *command: str) -> tuple[int, str]:
    """Status and output of a command that gets no input; 127 when it is not there, 124 when it
    does not end in time."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, ""
    except OSError:
        return 127, ""
    return done.returncode, done.stdout
