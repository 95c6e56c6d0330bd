"""Imports are at the top of files; one within a function has a reason: a start that would pay, a package not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.layout.imports import modules
from tests.support import ROOT

MOST = 100
"""Imports within functions of the product."""
IMPORT = re.compile(r"\s+(?:from [\w.]+ import |import \w)")


def lazy_imports(text: str) -> Iterator[int]:
    """Yield the numbers of the lines with an import within a function or class; those for types only are not meant."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1].strip():
            inside = line.startswith(("def ", "async def ", "class ", "@"))
        elif inside and IMPORT.match(line):
            yield number


def test_a_lazy_import_is_found_and_one_for_types_is_not() -> None:
    text = "import a\nif TYPE_CHECKING:\n    import b\n\n\ndef f() -> None:\n    from c import d\n    import e\n"
    assert list(lazy_imports(text)) == [7, 8]


def test_at_most_100_imports_are_within_functions() -> None:
    found = [f"{path}:{line}" for path in modules().values() for line in lazy_imports((ROOT / path).read_text())]
    assert len(found) <= MOST, "\n".join(found)
