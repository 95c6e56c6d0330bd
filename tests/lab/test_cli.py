"""The words of `edgewright lab`: codes, sentences, and what a machine that cannot is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgewright.lab import cli, processes, tools
from edgewright.lab.state import Folder, LabState, Member


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that could run a lab; nothing in these tests goes that far."""
    monkeypatch.setattr(cli, "shortcomings", lambda: [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "arguments are required"),
        (["upp"], "invalid choice"),
        (["fault", "link", "sideways"], "invalid choice"),
        (["up", "--hosts", "many"], "invalid int value"),
    ],
)
def test_wrong_words_are_usage(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    complaint = capsys.readouterr().err
    assert told in complaint
    assert "--help" in complaint
    assert len(complaint.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["up", "--hosts", "0"],
        ["up", "--hosts", "201"],
        ["up", "--endpoint", "https://plane:8443"],
        ["up", "--token-file", "token"],
    ],
)
def test_contradicting_wishes_are_usage(words: list[str], able: None, tmp_path: Path) -> None:
    assert cli.main([*words, "--dir", str(tmp_path)]) == 2
    assert not (tmp_path / "lab.json").exists()


def test_status_without_a_lab_is_not_found(able: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--dir", str(tmp_path)]) == 3
    assert "edgewright lab up" in capsys.readouterr().err


def test_commands_of_hints_name_the_folder_of_the_call(
    able: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my lab"
    named = f"--dir '{folder}'"
    assert cli.main(["status", "--dir", str(folder)]) == 3
    assert f"edgewright lab up {named}" in capsys.readouterr().err
    folder.mkdir()
    (folder / "lab.json").write_text("{")
    assert cli.main(["status", "--dir", str(folder)]) == 1
    assert f"edgewright lab down {named}" in capsys.readouterr().err
    member = Member("edge1", "10.0.0.11", pid=os.getpid(), started=processes.start_time(os.getpid()))
    Folder(folder).save(LabState("ew-1", "10.0.0", "https://hub", hosts={"edge1": member}))
    assert cli.main(["fault", "--dir", str(folder), "power-on", "edge1"]) == 6
    assert f"edgewright lab fault {named} power-cut edge1" in capsys.readouterr().err
    monkeypatch.setenv("EDGEWRIGHT_LAB_DIR", str(folder))
    assert cli.main(["fault", "power-on", "edge1"]) == 6
    assert "edgewright lab fault power-cut edge1" in capsys.readouterr().err, "the variable is set for the next one too"


def test_errors_as_json(able: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--dir", str(tmp_path), "-o", "json"]) == 3
    told = json.loads(capsys.readouterr().err)
    assert set(told) == {"code", "message", "hint"}


def test_unknown_host_names_those_there_are(able: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Folder(tmp_path)
    folder.save(LabState(folder.name, "10.66.9", "", hosts={"edge1": Member("edge1", "10.66.9.11")}))
    assert cli.main(["fault", "--dir", str(tmp_path), "power-cut", "edge7"]) == 3
    assert "It has edge1." in capsys.readouterr().err


@pytest.mark.parametrize("shift", ["50 years", "-50", "y", "--50y"])
def test_clock_shift_is_checked(shift: str, able: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Folder(tmp_path)
    folder.save(LabState(folder.name, "10.66.9", "", hosts={"edge1": Member("edge1", "10.66.9.11")}))
    assert cli.main(["fault", "--dir", str(tmp_path), "clock", "edge1", shift]) == 2
    capsys.readouterr()


def test_loss_is_a_share(able: None, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.save(LabState(folder.name, "10.66.9", "", hosts={"edge1": Member("edge1", "10.66.9.11")}))
    assert cli.main(["fault", "--dir", str(tmp_path), "delay", "10", "edge1", "--loss", "101"]) == 2


def test_a_machine_that_cannot_says_how_it_could(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(tools, "search_path", lambda: str(tmp_path))
    assert cli.main(["up", "--dir", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "run it by sudo" in told
    assert "apt-get install" in told
    assert "systemd-container" in told
    assert "mmdebstrap" in told


def test_a_second_change_at_once_is_a_conflict(able: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Folder(tmp_path).locked():
        assert cli.main(["down", "--dir", str(tmp_path)]) == 6
    assert "Another `edgewright lab`" in capsys.readouterr().err
