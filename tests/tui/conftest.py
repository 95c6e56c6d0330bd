"""Snapshots live in the top-level `snapshots/`, and a test's app has a fixed clock and a cursor that does not blink."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot as pts

from tests.support import ROOT

TESTS = ROOT / "tests"


class TopLevelSVG(pts.SVGImageExtension):  # type: ignore[misc]
    """Keeps the picture of `tests/tui/test_x.py::test_y[z]` as `snapshots/tui/test_x/test_y[z].svg`."""

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        """Return the folder of a test's pictures."""
        module = Path(test_location.filepath).resolve().relative_to(TESTS).with_suffix("")
        return str(ROOT / "snapshots" / module)


pts.SVGImageExtension = TopLevelSVG


@pytest.fixture(autouse=True)
def steady_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nothing of the terminal that runs the tests reach the pictures."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    yield
