"""What every test shares: skips that can be turned into failures, the specification's place, a quiet home."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

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


@pytest.fixture(scope="session")
def edge_subset() -> dict[str, Any]:
    """The edge subset of Palette's API description, parsed."""
    parsed: dict[str, Any] = json.loads((spec_dir() / "palette-4.8-edge-subset.swagger.json").read_text())
    return parsed


@pytest.fixture(autouse=True)
def quiet_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, so that no setting, context or cache of the user is read or written."""
    home = tmp_path_factory.mktemp("home")
    for name in [
        n for n in os.environ if n.startswith("EDGEWRIGHT_") and n not in ("EDGEWRIGHT_REQUIRE", "EDGEWRIGHT_SPEC_DIR")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in ("COLUMNS", "LINES", "NO_COLOR", "COLORTERM", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    return home
