"""Helpers that tests import: `from tests.support import missing`."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent


def missing(part: str, reason: str) -> NoReturn:
    """Skip the test with its reason, or fail when `EDGEWRIGHT_REQUIRE` names `part` (a comma list)."""
    if part in os.environ.get("EDGEWRIGHT_REQUIRE", "").split(","):
        pytest.fail(f"EDGEWRIGHT_REQUIRE names {part}, but {reason}", pytrace=False)
    pytest.skip(f"{part}: {reason}")


def table(name: str) -> dict[str, Any]:
    """Return a table of tests/spec, such as `palette-shapes`."""
    parsed: dict[str, Any] = json.loads((ROOT / "tests" / "spec" / f"{name}.json").read_text(encoding="utf-8"))
    return parsed


@functools.cache
def palette_tables() -> dict[str, Any]:
    """Return `paths` and `definitions` of Palette's API, as in a Swagger 2 document; nobody changes them."""
    return {"paths": table("palette-operations"), "definitions": table("palette-shapes")}
