"""The verb that builds the reference appliance: words that do not go together, and what it tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.commands.forge import base as forge_base
from edgewright.forge.appliance import mirror, resolve
from edgewright.forge.appliance.lock import load
from edgewright.forge.progress import Job
from edgewright.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "home"))


def test_it_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forge", "base"]) == 2
    assert "-o base.iso" in capsys.readouterr().err


def test_a_lock_is_not_refreshed_offline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forge", "base", "--refresh-lock", "--offline"]) == 2
    assert "offline" in capsys.readouterr().err


def test_an_iso_that_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "base.iso"
    out.write_text("mine")
    assert main(["forge", "base", "-o", str(out)]) == 6
    assert "--force" in capsys.readouterr().err and out.read_text() == "mine"


def test_a_refreshed_lock_is_written_and_its_changes_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = load()
    first = given.packages[0]
    fresh = given._replace(packages=(first._replace(version="999"), *given.packages[1:]))
    monkeypatch.setattr(mirror, "mirrors", lambda given=None: {"debian": given or "x"})
    monkeypatch.setattr(resolve, "refresh", lambda mirrors, job: fresh)
    target = tmp_path / "my.lock.json"
    assert main(["forge", "base", "--refresh-lock", "--lock", str(target)]) == 0
    said = capsys.readouterr().out
    assert load(target) == fresh and fresh.digest in said
    where, lock, changes = forge_base._refresh(None, None, Job())
    assert load() == fresh == lock and where.is_file()
    assert changes == (f"{first.name} {first.version} -> 999",)
    assert forge_base._refresh(None, None, Job())[2] == ()
