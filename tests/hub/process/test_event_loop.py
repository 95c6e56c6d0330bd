"""The packages that the hub's HTTP server is built on: versions that are refused, versions that are pinned."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
import uvicorn
import uvloop

from edgewright.core.errors import Failed
from edgewright.hub.process import cli
from edgewright.hub.process.runtime.event_loop import UVLOOP_FLOOR, check_event_loop
from tests.support import ROOT

FLOOR = ".".join(map(str, UVLOOP_FLOOR))


@pytest.mark.parametrize("version", ["0.21.0", "0.22.1", "0.9", "0.22.0rc1"])
def test_an_old_uvloop_is_refused_before_anything_is_written(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(uvloop, "__version__", version)
    assert cli.main(["serve", "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0"]) == 1
    shown = capsys.readouterr().err
    assert f"uvloop {version} is too old" in shown and f"pip install 'uvloop>={FLOOR}'" in shown
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("version", ["0.23.0", "0.23", "0.24.0b1", "1.0.0"])
def test_newer_ones_are_accepted(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvloop, "__version__", version)
    check_event_loop()


def test_a_missing_uvloop_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(Failed, match="uvloop, which is not installed"):
        check_event_loop()


def test_what_is_subclassed_is_pinned_exactly() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pin = next(line for line in wanted if line.startswith("uvicorn"))
    assert pin == f"uvicorn=={uvicorn.__version__}"
    assert any(line.startswith(f"uvloop>={FLOOR};") for line in wanted)
    for name in ("requirements.txt", "requirements-dev.txt"):
        locked = (ROOT / name).read_text().splitlines()
        assert any(line.startswith(f"{pin} ") for line in locked), name
