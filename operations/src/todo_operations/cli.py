"""The program `todo-operations`: one subcommand a module.

A command is a module of this package with the function `add_arguments(parser)` and the function
`run(arguments) -> int`, whose result is the process's exit status: 0 all is well, 1 something was
found or refused, 2 it could not be asked (no cluster, no model, a wrong argument), 3 the month's
budget for models is spent. It is imported
only when it is called, so that a command costs nothing to the others.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

CHECKOUT = Path(__file__).resolve().parents[3]
# Of the Minikube that `make up` makes, and of a cluster of one's own (inventory/cluster.yml).
KUBECONFIG = CHECKOUT / ".state" / "kubeconfig"
OWN_KUBECONFIG = ".state/cluster/kubeconfig"
OWN_INVENTORY = "-i inventory/hosts.yml -i inventory/cluster.yml"

# The module's name and what `todo-operations --help` says of it.
COMMANDS = {
    "ask": "Put a question to an agent in the cluster",
    "generate": "Draft manifests, prove them and show the difference; applies nothing",
    "diagnose": "Name the cause of what is wrong in the cluster, with remedy and evidence",
    "kubectl-ai": "Run kubectl-ai with an account that may only look",
    "optimize": "Propose requests and limits from measured use",
    "review": "Review the Dockerfiles and their images, by Gordon or by scanners",
}


class CommandError(Exception):
    """Why a command cannot do its work; the text names the remedy."""

    exit_status: ClassVar[int] = 2


def is_of_minikube(kubeconfig: str | Path) -> bool:
    """Whether a kubeconfig is that of this checkout's Minikube, which `make up` makes."""
    return Path(kubeconfig).resolve() == KUBECONFIG


def bring_up(kubeconfig: str | Path) -> str:
    """How the cluster of a kubeconfig is made to answer."""
    if is_of_minikube(kubeconfig):
        return (
            "`make up` brings this checkout's Minikube up; a cluster of your own is named by "
            f"--kubeconfig {OWN_KUBECONFIG}"
        )
    return f"see `kubectl --kubeconfig {kubeconfig} get nodes`"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="todo-operations", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary}.")
        if name == chosen:
            module = importlib.import_module(f"todo_operations.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(arguments)
    except CommandError as error:
        print(f"todo-operations {arguments.command}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
