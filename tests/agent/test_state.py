"""State on disk: whole or the copy before, never half; trouble is told once and the agent goes on."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from edgewright.agent.kernel.state import StateFolder, read_checked, read_secret
from edgewright.core.errors import Conflict, Failed


@pytest.fixture
def told() -> list[tuple[int, str]]:
    return []


@pytest.fixture
def folder(tmp_path: Path, told: list[tuple[int, str]]) -> StateFolder:
    made = StateFolder(str(tmp_path / "data"), lambda priority, sentence: told.append((priority, sentence)))
    made.open()
    return made


def test_what_was_saved_is_loaded_and_only_root_may_read_it(folder: StateFolder) -> None:
    assert folder.load("x") is None
    assert folder.save("x", {"credential": "s"})
    assert folder.load("x") == {"credential": "s"}
    path = Path(folder.folder) / "x.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert Path(folder.folder).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("durable", [True, False])
def test_file_and_folder_are_synced_around_the_rename(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    """A power cut after `save` returned loses neither the bytes (file) nor the new name (folder)."""
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def note_sync(handle: int) -> None:
        path = os.readlink(f"/proc/self/fd/{handle}")
        steps.append("folder" if path == folder.folder else os.path.basename(path))
        sync(handle)

    def note_replace(source: str, target: str) -> None:
        steps.append(f"rename to {os.path.basename(target)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    assert folder.save("x", {"n": 1}, durable)
    assert steps == (["x.json.new", "rename to x.json", "folder"] if durable else ["rename to x.json"])


@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "flipped", "not an object"])
def test_a_torn_file_falls_back_to_the_copy_before_with_a_sentence(
    folder: StateFolder, told: list[tuple[int, str]], damage: str
) -> None:
    folder.save("x", {"n": 1})
    folder.save("x", {"n": 2})
    path = Path(folder.folder) / "x.json"
    whole = path.read_bytes()
    new = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "zeros": b"\0" * len(whole),
        "flipped": whole.replace(b":2", b":3"),
        "not an object": b"[1]",
    }[damage]
    path.write_bytes(new)
    assert folder.load("x") == {"n": 1}
    assert len(told) == 1 and str(path) in told[0][1] and "previous copy is used" in told[0][1]
    folder.save("x", {"n": 3})
    assert folder.load("x") == {"n": 3}
    assert json.loads(json.loads((path.parent / "x.json.previous").read_text())["body"]) == {"n": 1}, (
        "a torn file never pushes out the good copy"
    )


def test_a_torn_file_without_a_copy_is_made_anew(folder: StateFolder, told: list[tuple[int, str]]) -> None:
    (Path(folder.folder) / "x.json").write_text("{")
    assert folder.load("x") is None
    assert "created again" in told[0][1]


def test_death_between_the_two_renames_keeps_one_whole_file(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save("x", {"n": 1})
    for deadly in range(1, 4):
        calls = iter(range(10))
        real = os.replace

        def replace(source: str, target: str, at: int = deadly, calls: object = calls, real: object = real) -> None:
            if next(calls) + 1 == at:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            real(source, target)  # type: ignore[operator]

        monkeypatch.setattr(os, "replace", replace)
        try:
            folder.save("x", {"n": 2})
        except KeyboardInterrupt:
            pass
        monkeypatch.setattr(os, "replace", real)
        assert folder.load("x") in ({"n": 1}, {"n": 2})


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only")])
def test_a_full_or_read_only_disk_is_told_once_and_the_value_lives_on(
    folder: StateFolder, told: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    folder.save("x", {"n": 1})
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", full)
    assert not folder.save("x", {"n": 2})
    assert not folder.save("y", {"n": 5})
    assert folder.load("x") == {"n": 2} and folder.load("y") == {"n": 5}
    assert len(told) == 1 and words in told[0][1] and words in folder.trouble
    monkeypatch.setattr(os, "fsync", real)
    folder.retry()
    assert folder.trouble == "" and "can be written again" in told[-1][1]
    assert StateFolder(folder.folder, lambda p, s: None).load("y") == {"n": 5}


def test_a_folder_that_cannot_be_made_leaves_an_agent_that_works(tmp_path: Path, told: list[tuple[int, str]]) -> None:
    (tmp_path / "file").write_text("")
    folder = StateFolder(str(tmp_path / "file" / "data"), lambda priority, sentence: told.append((priority, sentence)))
    folder.open()
    assert not folder.save("x", {"n": 1})
    assert folder.load("x") == {"n": 1}
    assert told and "Cannot write" in told[0][1]


def test_a_second_agent_on_the_same_folder_is_refused(folder: StateFolder) -> None:
    with pytest.raises(Conflict, match="Another agent already runs"):
        StateFolder(folder.folder, lambda p, s: None).open()
    folder.close()
    StateFolder(folder.folder, lambda p, s: None).open()


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("ewt_abc\n# comment\n")
    assert read_secret(str(path), "registration token") == "ewt_abc"
    path.write_text(" \n")
    with pytest.raises(Failed, match="is empty"):
        read_secret(str(path), "registration token")
    with pytest.raises(Failed, match="no such file"):
        read_secret(str(tmp_path / "none"), "registration token")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Failed, match="not text"):
        read_secret(str(path), "registration token")


@pytest.mark.parametrize(
    ("number", "reason", "advice"),
    [
        (errno.ENOSPC, "the disk is full", "free the disk"),
        (errno.EACCES, "permission denied", "run the agent as root"),
        (errno.EROFS, "read-only", "mount it read-write"),
        (errno.EISDIR, "is a directory", "in its place"),
        (errno.EPERM, "not permitted", "lsattr"),
        (errno.EIO, "input/output error", "smartctl"),
        (errno.ENODEV, "no such device", "check the folder and its disk"),
    ],
)
def test_the_advice_fits_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, advice: str
) -> None:
    messages: list[str] = []
    folder = StateFolder(str(tmp_path), lambda priority, message: messages.append(message))

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("edgewright.agent.kernel.state.write_checked", fail)
    assert not folder.save("thing", {})
    assert reason in messages[0] and advice in messages[0]
    assert ("free the disk" in messages[0]) == (number == errno.ENOSPC)


def test_a_state_file_without_an_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.agent.kernel.state.MAX_FILE", 1 << 20)
    folder = StateFolder(str(tmp_path), lambda priority, message: None)
    assert folder.save("thing", {"a": 1})
    with (tmp_path / "thing.json").open("ab") as file:
        file.truncate(2 << 20)
    assert read_checked(str(tmp_path / "thing.json")) == (None, "is larger than 1 MiB")
