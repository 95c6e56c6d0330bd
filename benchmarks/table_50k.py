"""Open and sort 50,000 rows against a bare line-API table and Textual's DataTable. Aim: at most 3 x bare."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term, child, ratio

ROWS, ROUNDS = 50_000, 5


def once(kind: str, rows: int, out: Path) -> tuple[float, float]:
    """Return seconds to open and to sort, each until painted."""
    out.unlink(missing_ok=True)
    term = Term(child("table_child.py", kind, str(rows), str(out)))
    try:
        while not (out.exists() and len(out.read_text().split()) == 2):
            term.pump(0.05)
    finally:
        term.close()
    opening, sorting = out.read_text().split()
    return float(opening), float(sorting)


def main() -> int:
    """Run and print; 1 when an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        figures: dict[str, list[tuple[float, float]]] = {"bare": [], "ours": [], "datatable": []}
        for _ in range(ROUNDS):
            for kind in ("bare", "ours"):
                figures[kind].append(once(kind, ROWS, out))
        if "--quick" not in sys.argv:
            figures["datatable"].append(once("datatable", ROWS, out))
    middle = {
        kind: (median(one for one, _ in found), median(two for _, two in found))
        for kind, found in figures.items()
        if found
    }
    met = [
        ratio(f"open {ROWS} rows, ours against bare", middle["ours"][0], middle["bare"][0], "s", 3.0),
        ratio(f"sort {ROWS} rows, ours against bare", middle["ours"][1], middle["bare"][1], "s", 3.0),
    ]
    if "datatable" in middle:
        ratio(f"open {ROWS} rows, ours against DataTable", middle["ours"][0], middle["datatable"][0], "s")
        ratio(f"sort {ROWS} rows, ours against DataTable", middle["ours"][1], middle["datatable"][1], "s")
    return 0 if all(met) else 1


if __name__ == "__main__":
    run_main(main)
