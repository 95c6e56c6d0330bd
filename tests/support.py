"""Helpers that tests import: `from tests.support import missing`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent


def missing(part: str, reason: str) -> NoReturn:
    """Skip the test with its reason, or fail when `EDGEWRIGHT_REQUIRE` names `part` (comma list, e.g. `e2e,spec`)."""
    if part in os.environ.get("EDGEWRIGHT_REQUIRE", "").split(","):
        pytest.fail(f"EDGEWRIGHT_REQUIRE names {part}, but {reason}", pytrace=False)
    pytest.skip(f"{part}: {reason}")


def spec_dir() -> Path:
    """Return the folder of the public API descriptions, or skip."""
    path = Path(os.environ.get("EDGEWRIGHT_SPEC_DIR", ROOT.parent / "shared" / "spec"))
    if not (path / "palette-4.8-edge-subset.swagger.json").is_file():
        missing("spec", f"{path} holds no API descriptions (set EDGEWRIGHT_SPEC_DIR)")
    return path
