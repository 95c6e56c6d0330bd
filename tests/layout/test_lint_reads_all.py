"""Lint and formatter read every module: a pattern meant for build results once left out packages named like them."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_module_is_left_out() -> None:
    ruff = Path(sysconfig.get_path("scripts")) / "ruff"
    shown = subprocess.run(
        [ruff, "check", "--no-cache", "--show-files", "."], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    read = {Path(line).relative_to(ROOT) for line in shown.splitlines()}
    modules = {
        path.relative_to(ROOT)
        for folder in ("edgewright", "tui", "tests", "tools", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert sorted(modules - read) == []
