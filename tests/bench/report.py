"""One table for all benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Row:
    """One figure with its unit, what it is a multiple of, and what it should be."""

    what: str
    figure: str
    ratio: str = ""
    target: str = ""


def table(rows: Iterable[Row]) -> str:
    """Return the rows under their headings, each column as wide as its widest cell."""
    cells = [("what", "measured", "ratio", "target"), *(astuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
