"""Measure everything and print one table.

    cd tests && python -m bench [SENTENCES.jsonl]

The file is the one of bench.offline_engine, which is left out without it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import application, offline_engine, page, platform
from bench.report import Row, table


def main() -> int:
    rows: list[Row] = []
    parts = [application.measure(), page.measure(), platform.measure()]
    if len(sys.argv) > 1:
        parts.append(offline_engine.measure(Path(sys.argv[1])))
    for part in parts:
        for row in part:
            print(f"{row.what}: {row.figure}", flush=True)
            rows.append(row)
    print(f"\n{table(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
