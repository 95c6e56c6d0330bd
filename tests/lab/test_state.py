"""The lab's memory: what was written is read, what is broken is told, names follow from the folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from edgewright.core.errors import Failed
from edgewright.lab import processes
from edgewright.lab.state import Folder, LabState, Member, Slow, default_folder


def test_state_comes_back_as_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    state = LabState(folder.name, "10.66.7", "https://10.66.7.2:8443", hub=Member("hub", "10.66.7.2", pid=12))
    state.hosts["edge1"] = Member("edge1", "10.66.7.11", slow=Slow(delay=150, rate=64), link_down=True)
    state.oneway.append(("edge1", "hub"))
    folder.save(state)
    assert folder.load() == state
    assert [member.name for member in state.members()] == ["hub", "edge1"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}', '{"hub": null, "hosts": 3, "oneway": []}'])
def test_half_written_state_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)
    with pytest.raises(Failed) as told:
        Folder(tmp_path).load()
    assert "lab down" in told.value.hint


def test_names_follow_from_the_folder(tmp_path: Path) -> None:
    first, second = Folder(tmp_path / "a"), Folder(tmp_path / "b")
    assert first.name != second.name
    assert Folder(tmp_path / "a").name == first.name
    assert len(first.name) + 2 <= 15  # an interface name has 15 characters at most


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEWRIGHT_LAB_DIR", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    monkeypatch.delenv("EDGEWRIGHT_LAB_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert default_folder() == tmp_path / "state" / "edgewright" / "lab"


def test_a_process_is_known_by_its_start(tmp_path: Path) -> None:
    pid, started = processes.launch(["sh", "-c", "echo up; exec sleep 60"], tmp_path / "log")
    try:
        assert processes.alive(pid, started)
        assert not processes.alive(pid, "1")
        assert not processes.alive(0, "")
        assert pid in processes.children(os.getpid())
    finally:
        assert processes.stop(pid, started, 5.0)
    assert not processes.alive(pid, started)


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid, started = processes.launch(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], log)
    while "deaf" not in log.read_text():
        assert processes.alive(pid, started)
    assert not processes.stop(pid, started, 0.3, first=signal.SIGTERM)
    assert not processes.alive(pid, started)
