"""A program whose files were replaced while it ran: what it loads late may not be there, and that is not a bug."""

from pathlib import Path
from typing import NoReturn

import pytest

from edgewright.cli.main import run
from edgewright.core import program_files
from tui.frame.background_errors import defect_sentence

MISSING = ModuleNotFoundError("No module named 'tui.screens.late'", name="tui.screens.late")


@pytest.fixture
def replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program_files.py").write_text("")
    monkeypatch.setattr(program_files, "PROGRAM", str(tmp_path / "program_files.py"))


def fails(*_: object) -> NoReturn:
    raise MISSING


def test_one_sentence_and_exit_1(replaced: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo"], special=lambda name: fails) == 1
    assert capsys.readouterr().err == "Edgewright was updated while it ran; start it again.\n"
    assert defect_sentence(MISSING) == program_files.UPDATED


def test_a_program_that_was_removed_was_replaced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_files, "PROGRAM", "/nowhere/program_files.py")
    assert program_files.was_updated(MISSING)


def test_any_other_import_that_fails_is_a_bug(replaced: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not program_files.was_updated(ValueError("x")), "no import"
    monkeypatch.undo()
    assert not program_files.was_updated(MISSING), "the files are those of the start"
    assert defect_sentence(MISSING).startswith("A bug in Edgewright (ModuleNotFoundError: ")
