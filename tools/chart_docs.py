#!/usr/bin/env python3
"""Keep what is derived in charts/ in step with its source.

* The values table in each chart's README.md comes from the comments in values.yaml.
* The definitions in each values.schema.json come from charts/common/schema/definitions.json,
  because Helm resolves no reference to another file.

Without arguments the files are rewritten; with --check nothing is written and the exit
status is 1 when a file would change.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).resolve().parent.parent / "charts"
TABLE_START = "<!-- values: generated from values.yaml by tools/chart_docs.py -->"
TABLE_END = "<!-- /values -->"


class UndocumentedValueError(Exception):
    """A value has no comment above it."""


@dataclass(frozen=True)
class Value:
    """One row of the table: a dotted path, its default as JSON, and its sentence."""

    path: str
    default: str
    description: str


def read_values(text: str) -> list[Value]:
    """Return the documented values of a values.yaml, in its order.

    A mapping is one row when it has a comment of its own and is written in one line or
    its keys have none; otherwise its keys are rows. Raises UndocumentedValueError for a
    key that neither has a comment nor lies below one that has.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        return []
    return list(_walk(root, text.splitlines(), ()))


def _walk(node: yaml.Node, lines: list[str], path: tuple[str, ...]) -> Iterator[Value]:
    for key, child in node.value:
        here = (*path, key.value)
        comment = _comment_above(lines, key.start_mark.line)
        is_mapping = isinstance(child, yaml.MappingNode) and bool(child.value)
        if is_mapping and not child.flow_style and _has_comments(child, lines):
            yield from _walk(child, lines, here)
        elif comment:
            yield Value(".".join(here), _as_json(child), comment)
        else:
            line = key.start_mark.line + 1
            raise UndocumentedValueError(
                f"line {line}: {'.'.join(here)} has no comment; say in one sentence above it "
                "what it does"
            )


def _has_comments(node: yaml.Node, lines: list[str]) -> bool:
    return any(
        _comment_above(lines, key.start_mark.line)
        or (
            isinstance(child, yaml.MappingNode)
            and not child.flow_style
            and _has_comments(child, lines)
        )
        for key, child in node.value
    )


def _comment_above(lines: list[str], line: int) -> str:
    found: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].lstrip().lstrip("#").strip())
    return " ".join(found)


def _as_json(node: yaml.Node) -> str:
    value = yaml.SafeLoader("")
    try:
        return json.dumps(value.construct_document(node), ensure_ascii=False)
    finally:
        value.dispose()


def render_table(values: list[Value]) -> str:
    """Return the Markdown table of these values, between its markers."""
    rows = [
        f"| `{value.path}` | `{_cell(value.default)}` | {_cell(value.description)} |"
        for value in values
    ]
    return "\n".join(
        [TABLE_START, "| value | default | what it does |", "| --- | --- | --- |", *rows, TABLE_END]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def readme_with_table(readme: str, table: str) -> str:
    """Return the README with its table replaced. Raises ValueError when it has no place for one."""
    pattern = re.compile(f"{re.escape(TABLE_START)}.*?{re.escape(TABLE_END)}", re.DOTALL)
    if not pattern.search(readme):
        raise ValueError(f"no place for the table: add the lines {TABLE_START} and {TABLE_END}")
    return pattern.sub(lambda _: table, readme)


def schema_with_definitions(schema: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with exactly the shared definitions that it uses, sorted.

    Raises KeyError when it refers to a definition that is not shared.
    """
    body = {key: value for key, value in schema.items() if key != "definitions"}
    used: set[str] = set()
    pending = _references(body)
    while pending:
        name = pending.pop()
        if name in used:
            continue
        used.add(name)
        pending |= _references(shared[name])
    return {**body, "definitions": {name: shared[name] for name in sorted(used)}}


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].removeprefix("#/definitions/")} if "$ref" in node else set()
        return own.union(*(_references(child) for child in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(child) for child in node))
    return set()


def derived_files(chart: Path, shared: dict[str, Any]) -> dict[Path, str]:
    """Return what the chart's derived files should hold."""
    schema_file = chart / "values.schema.json"
    schema = schema_with_definitions(json.loads(schema_file.read_text("utf-8")), shared)
    readme_file = chart / "README.md"
    values = read_values((chart / "values.yaml").read_text("utf-8"))
    return {
        schema_file: json.dumps(schema, indent=2) + "\n",
        readme_file: readme_with_table(readme_file.read_text("utf-8"), render_table(values)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Rewrite or check the derived files; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    parser.add_argument("--charts", type=Path, default=CHARTS, help="folder of the charts")
    options = parser.parse_args(arguments)

    definitions = options.charts / "common" / "schema" / "definitions.json"
    shared = json.loads(definitions.read_text("utf-8"))
    status = 0
    for chart in sorted(file.parent for file in options.charts.glob("*/values.yaml")):
        try:
            derived = derived_files(chart, shared)
        except (UndocumentedValueError, ValueError, KeyError, OSError) as error:
            print(f"{chart.name}: {error}", file=sys.stderr)
            status = 1
            continue
        for file, content in derived.items():
            if file.read_text("utf-8") == content:
                continue
            if options.check:
                name = file.relative_to(options.charts.parent)
                print(f"{name} is out of date: run tools/chart_docs.py", file=sys.stderr)
                status = 1
            else:
                file.write_text(content, "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
