#!/usr/bin/env python3
"""Pin the newest versions that requirements.in and the apps' pyproject.toml files allow.

Writes the root requirements.txt, for the control node and all tests, and one requirements.txt
per app image, held to the same versions. All carry hashes and no address of an index.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
COMMON = (
    *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--quiet"),
    *("--custom-compile-command", "make lock"),
)
# The Python of the images.
IMAGE = ("--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_40")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", UV], check=True)
        compile_ = [f"{folder}/bin/uv", "pip", "compile", *COMMON]
        projects = sorted([*ROOT.glob("apps/*/pyproject.toml"), ROOT / "operations/pyproject.toml"])
        names = [str(path.relative_to(ROOT)) for path in projects]
        subprocess.run(
            [*compile_, "--universal", "--python-version", "3.11", "--upgrade"]
            + ["--output-file", "requirements.txt", "requirements.in", *names]
            + [part for name in local_packages() for part in ("--no-emit-package", name)],
            cwd=ROOT,
            check=True,
        )
        for app in ("backend", "mcp-server"):
            subprocess.run(
                [*compile_, *IMAGE, "--constraint", "requirements.txt"]
                + ["--output-file", f"apps/{app}/requirements.txt"]
                + ["apps/todo-core/pyproject.toml", f"apps/{app}/pyproject.toml"]
                + [part for name in local_packages() for part in ("--no-emit-package", name)],
                cwd=ROOT,
                check=True,
            )
        # What the benchmarks compare with, on the libraries that the apps run on.
        subprocess.run(
            [*compile_, "--universal", "--python-version", "3.11", "--upgrade"]
            + ["--constraint", "requirements.txt", "--output-file", "tests/bench/requirements.txt"]
            + ["tests/bench/requirements.in"],
            cwd=ROOT,
            check=True,
        )
        # The scanner of the charts, which shares no version with the project.
        subprocess.run(
            [*compile_, "--universal", "--python-version", "3.11", "--upgrade"]
            + ["--output-file", "tests/charts/checkov.txt", "tests/charts/checkov.in"],
            cwd=ROOT,
            check=True,
        )
        # The generator of bills of materials, a program in a wheel.
        subprocess.run(
            [*compile_, "--universal", "--python-version", "3.11", "--upgrade"]
            + ["--output-file", "images/syft.txt", "images/syft.in"],
            cwd=ROOT,
            check=True,
        )
        # The tools of the build images, and kagent's runtime without what it never imports.
        for image in ("agents", "node", "python"):
            excludes = ROOT / "images" / image / "excludes.txt"
            subprocess.run(
                [*compile_, *IMAGE, "--upgrade"]
                + (["--excludes", str(excludes.relative_to(ROOT))] if excludes.exists() else [])
                + ["--output-file", f"images/{image}/requirements.txt"]
                + [f"images/{image}/requirements.in"],
                cwd=ROOT,
                check=True,
            )
    return 0


def local_packages() -> list[str]:
    """This project's own packages: installed from the checkout, so never pinned."""
    return ["todo-core", "todo-backend", "todo-mcp-server", "todo-operations"]


if __name__ == "__main__":
    sys.exit(main())
