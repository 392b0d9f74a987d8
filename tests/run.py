#!/usr/bin/env python3
"""Run the project's checks and end with a line `N passed, N failed`.

    python tests/run.py                 everything
    python tests/run.py lint unit       some groups

Two run at a time: what changes the platform, in order, and beside it what does not, first what need
not wait; once the platform's are through, two of those. A group that leaves the platform alone runs
four at a time. Each check's output goes to .state/logs/tests/NAME.log and, when it fails, to the
screen, its end once more after all others. A check that needs what an earlier one makes (the
cluster, say) is counted as failed when that one failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".state" / "logs" / "tests"
MOLECULE = ROOT / ".state" / "molecule"
# A hang is a failure, too; the longest check builds a whole cluster from sources.
HANG_GUARD_SECONDS = 4500
SHOWN_LINES = 120
# Told once more at the end: what ran since has pushed the evidence off the screen.
REPEATED_LINES = 20
REMINDER_SECONDS = 60
# These bring up a platform of their own beside that of the other tests.
TWO_NODES = "tests/e2e/test_network.py"
ANEW = ("--extra-vars", "minikube_recreate_allowed=true")
# A make that finds these tells about folders and takes over the caller's flags.
CALLED_BY_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
PYTHON_SOURCES = (
    *("action_plugins", "apps", "connection_plugins", "filter_plugins", "library", "module_utils"),
    *("operations", "tests", "tools"),
)


@dataclass(frozen=True)
class Check:
    """One command, its group, and the checks whose success it builds on."""

    group: str
    name: str
    command: list[str]
    folder: str = "."
    needs: tuple[str, ...] = ()

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name.replace(' ', '-')}.log"


def rows(scenarios_at_once: int) -> tuple[list[Check], list[Check]]:
    """Every check: those that leave the platform alone, the quick ones first, and the others."""
    dockerfiles = tracked("*Dockerfile")
    scripts = [path for path in tracked() if is_shell(ROOT / path)]
    npm = ("npm packages",)
    platform = ("platform up",)
    database = ("python", "tests/with_postgres.py")
    beside = [
        Check("lint", "ruff", ["ruff", "check", "."]),
        Check("lint", "ruff format", ["ruff", "format", "--check", "."]),
        Check("lint", "mypy", ["mypy", *PYTHON_SOURCES]),
        Check("lint", "yamllint", ["yamllint", "--strict", "."]),
        Check("lint", "ansible-lint", ["ansible-lint", "--offline"]),
        Check("lint", "hadolint", ["hadolint", *dockerfiles]),
        Check("lint", "shellcheck", ["shellcheck", *scripts]),
        Check("lint", "role tables", ["python", "tools/role_docs.py", "--check"]),
        Check("lint", "chart tables", ["python", "tools/chart_docs.py", "--check"]),
        Check("lint", "chart scanners", ["python", "tests/charts/scan.py"]),
        Check(
            "unit",
            "apps",
            # The same examples in every run: a new one is found by who runs pytest, not by chance.
            [*database, "pytest", "--hypothesis-profile=ci", "apps"],
            needs=platform,
        ),
        # Not `npm ci`: it refuses a lock file that leaves out other systems' builds of Next's
        # compiler, and not every mirror carries those.
        Check("lint", "npm packages", ["npm", "install", "--no-save"], "apps/frontend"),
        Check("lint", "eslint", ["npm", "run", "lint"], "apps/frontend", npm),
        Check("lint", "typescript", ["npm", "run", "typecheck"], "apps/frontend", npm),
        Check("lint", "api types", ["npm", "run", "api-types:check"], "apps/frontend", npm),
        # One of the roles that it copies builds images, with the platform's Docker.
        Check("unit", "repository", ["pytest", "tests/repository"], needs=platform),
        Check("unit", "plugins", ["pytest", "tests/plugins"]),
        Check("unit", "charts", ["pytest", "tests/charts"]),
        Check("unit", "operations", ["pytest", "operations"]),
        Check("unit", "frontend", ["npm", "test"], "apps/frontend", npm),
        # In a container of an image that the platform builds.
        Check("unit", "newer python", ["pytest", "tests/newer_python"], needs=platform),
        # One program at a time may install packages of Debian.
        Check(
            "e2e",
            "browser tools",
            ["ansible-playbook", "tests/browser/prepare.yml"],
            needs=platform,
        ),
        Check(
            "molecule",
            "molecule",
            [
                *("env", f"MOLECULE_EPHEMERAL_DIRECTORY={MOLECULE}", "molecule", "test", "--all"),
                *(f"--workers={scenarios_at_once}", "--continue-on-failure", "--no-report"),
            ],
            needs=platform,
        ),
        # Last: its cluster needs the processors that all the others would be waiting for.
        Check("e2e", "two nodes", ["pytest", TWO_NODES], needs=platform),
    ]
    in_order = [
        # A run before this one may have been cut off, its checkout deleted, its container left.
        Check("e2e", "platform up", ["ansible-playbook", "site.yml", *ANEW]),
        Check("e2e", "reproduce", ["ansible-playbook", "playbooks/reproduce.yml"], needs=platform),
        Check(
            "e2e",
            "end to end",
            ["pytest", "tests/e2e", f"--ignore={TWO_NODES}", "--durations=20"],
            needs=platform,
        ),
        Check("e2e", "browser", ["pytest", "tests/browser"], needs=(*platform, "browser tools")),
    ]
    return beside, in_order


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(path for path in listed.stdout.splitlines() if (ROOT / path).is_file())


def is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(64)
    return first.startswith(b"#!") and first.split()[-1].endswith((b"sh", b"bash"))


class Progress:
    """What is said on the screen, by one check at a time."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._lock = threading.Condition()
        self._running: dict[str, Check] = {}
        self._done: set[str] = set()
        self.passed: set[str] = set()
        self.failed: dict[str, str] = {}

    def wait(self, name: str) -> bool:
        """Wait until the check has ended; returns whether it passed.

        One of a group that is not run is what an earlier run left: it is not waited for.
        """
        with self._lock:
            self._lock.wait_for(lambda: self._is_over(name))
            return name in self.passed or name not in self._names

    def _is_over(self, name: str) -> bool:
        return name in self._done or name not in self._names

    def take(self, queues: list[deque[Check]]) -> Check | None:
        """The next check of the first queue that has one: the first that need not wait, if any."""
        with self._lock:
            for queue in filter(None, queues):
                ready = (check for check in queue if all(map(self._is_over, check.needs)))
                check = next(ready, queue[0])
                queue.remove(check)
                self._running[check.name] = check
                return check
            return None

    def finish(self, check: Check, seconds: float, problem: str) -> None:
        """Tell how the check ended; without a problem it has passed."""
        with self._lock:
            self._running.pop(check.name, None)
            self._done.add(check.name)
            self._lock.notify_all()
            if problem:
                self.failed[check.name] = problem
            else:
                self.passed.add(check.name)
            line = f"{f'{len(self._done)}/{len(self._names)}':>7}  {check.group:9} {check.name:17}"
            print(f"{line} {'FAILED' if problem else 'passed'} {seconds:7.1f} s", flush=True)
            if problem:
                print(problem, flush=True)

    def remind(self) -> None:
        """Tell what is under way, each check by the last line of its output."""
        with self._lock:
            for check in self._running.values():
                lines = (
                    check.log.read_text(errors="replace").split("\n") if check.log.exists() else []
                )
                last = next((line.strip() for line in reversed(lines) if line.strip()), "")
                print(f"         {check.name}: {last[:100]}", flush=True)


def environment() -> dict[str, str]:
    """What a check runs with: as if its command had been typed, not called by make."""
    ours = {name: value for name, value in os.environ.items() if name not in CALLED_BY_MAKE}
    return ours | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def run(check: Check) -> str:
    """Run the check; returns its problem with cause and evidence, or nothing when it passed."""
    with check.log.open("w") as output:
        try:
            status = subprocess.run(
                check.command,
                cwd=ROOT / check.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
                timeout=HANG_GUARD_SECONDS,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            output.write(f"{error}\n")
            status = -1
    if status == 0:
        return ""
    shown = check.log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
    title = f"--- {' '.join(check.command)}  (status {status}, all of it in {check.log})"
    return "\n".join([title, *shown, "---"])


def run_checks(queues: list[deque[Check]], progress: Progress) -> None:
    while check := progress.take(queues):
        missing = [name for name in check.needs if not progress.wait(name)]
        started = time.monotonic()
        problem = f"--- needs {missing[0]}" if missing else run(check)
        progress.finish(check, time.monotonic() - started, problem)


def main(groups: list[str]) -> int:
    # A scenario waits for a program now and then: with one more than processors these are used up,
    # when nothing else needs them.
    every = rows((os.cpu_count() or 1) + 1 if groups == ["molecule"] else 2)
    known = {check.group for row in every for check in row}
    if unknown := set(groups) - known:
        print(f"no such group: {', '.join(sorted(unknown))}. There are {', '.join(sorted(known))}.")
        return 2
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    if not groups or "molecule" in groups:
        # A run that was killed leaves Molecule the word that all is prepared.
        shutil.rmtree(MOLECULE, ignore_errors=True)
    beside, in_order = (
        deque(check for check in row if not groups or check.group in groups) for row in every
    )
    names = [check.name for check in (*beside, *in_order)]
    progress = Progress(names)
    threads = [
        threading.Thread(target=run_checks, args=(queues, progress))
        for queues in ([beside], [in_order, beside], *([] if in_order else [[beside]] * 2))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(REMINDER_SECONDS)
            if thread.is_alive():
                progress.remind()
    # The first to fail comes last, for it is the likeliest cause of the others.
    failed = list(progress.failed.items())[::-1]
    failed.sort(key=lambda item: "\n" in item[1])
    for name, problem in failed:
        lines = problem.splitlines()
        print(f"FAILED {name}", *lines[:1], *lines[1:][-REPEATED_LINES:], sep="\n")
    print(f"{len(progress.passed)} passed, {len(progress.failed)} failed")
    return 1 if progress.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
