"""Folders of at most 20 modules, modules of at most 400 lines."""

from __future__ import annotations

from collections import Counter

from tests.layout.imports import modules
from tests.support import ROOT

MODULES, LINES = 20, 400


def test_no_folder_has_more_than_20_modules() -> None:
    product = [path for path in modules().values() if not path.endswith("/__init__.py")]
    tests = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")]
    folders = Counter(path.rpartition("/")[0] for path in product + tests)
    assert {folder: count for folder, count in folders.items() if count > MODULES} == {}


def test_every_folder_of_the_product_is_a_package_with_a_sentence() -> None:
    folders = {path.rpartition("/")[0] for path in modules().values()}
    assert [each for each in sorted(folders) if not (ROOT / each / "__init__.py").is_file()] == []
    empty = [each for each in sorted(folders) if not (ROOT / each / "__init__.py").read_text().startswith('"""')]
    assert empty == []


def test_no_module_has_more_than_400_lines() -> None:
    tests = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")]
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in [*modules().values(), *tests]}
    assert {path: lines for path, lines in lengths.items() if lines > LINES} == {}
