"""No picture without its test: syrupy never reports a folder whose test module is gone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support import ROOT


def functions_of(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            names.add(node.name)
    return names


def test_each_picture_belongs_to_a_test() -> None:
    orphans: list[str] = []
    for picture in sorted((ROOT / "snapshots").rglob("*.svg")):
        folder = picture.parent.relative_to(ROOT / "snapshots")
        module = ROOT / "tests" / folder.with_suffix(".py")
        name = re.split(r"[\[.]", picture.name, maxsplit=1)[0]
        if not module.is_file() or name not in functions_of(module):
            orphans.append(str(picture.relative_to(ROOT)))
    assert not orphans, f"pictures without a test, remove them: {orphans}"
