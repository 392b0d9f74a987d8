#!/usr/bin/env python3
"""Write each role's table of variables into its README from meta/argument_specs.yml.

`--check` writes nothing and ends with 1 when a README is out of date, so that the two never
drift apart. A README holds the table between two marker lines.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"
BEGIN, END = "<!-- variables: begin -->", "<!-- variables: end -->"


def table(options: dict[str, dict[str, Any]]) -> str:
    """The options of an argument specification as a Markdown table."""
    rows = ["| variable | type | default | what it does |", "| --- | --- | --- | --- |"]
    for name, option in options.items():
        kind = option.get("type", "str")
        if "elements" in option:
            kind += f" of {option['elements']}"
        if "choices" in option:
            kind += ": " + ", ".join(f"`{choice}`" for choice in option["choices"])
        text = option.get("description", "")
        text = " ".join(text if isinstance(text, list) else [text])
        rows.append(f"| `{name}` | {kind} | {shown_default(option)} | {' '.join(text.split())} |")
    return "\n".join(row.replace("\n", " ") for row in rows)


def shown_default(option: dict[str, Any]) -> str:
    if "default" not in option:
        return "required" if option.get("required") else "none"
    default = option["default"]
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    # A bar would end the table's cell.
    return f"`{shown}`".replace("|", "\\|") if shown else "empty"


def documented(readme: str, options: dict[str, dict[str, Any]]) -> str:
    """The README with its table made anew. Raises ValueError when it has no marker lines."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(options)}\n{END}{after}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only tell what is out of date")
    check = arguments.parse_args().check
    status = 0
    for specs in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        readme = specs.parent.parent / "README.md"
        options = yaml.safe_load(specs.read_text())["argument_specs"]["main"].get("options", {})
        try:
            text = readme.read_text()
            fresh = documented(text, options)
        except (OSError, ValueError) as error:
            print(f"{readme}: {error}", file=sys.stderr)
            status = 1
            continue
        if fresh == text:
            continue
        if check:
            print(f"{readme} is out of date. Remedy: python tools/role_docs.py", file=sys.stderr)
            status = 1
        else:
            readme.write_text(fresh)
    return status


if __name__ == "__main__":
    sys.exit(main())
