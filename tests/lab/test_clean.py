"""What `lab down` and `lab clean` leave behind: nothing."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from edgewright.core.errors import Conflict
from edgewright.lab import base, fleet
from edgewright.lab.state import Folder


def test_down_leaves_no_key_no_lock_and_no_state(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "lab")
    with folder.locked():
        folder.key.parent.mkdir()
        folder.key.write_text("secret")
        for name in ("lab.json", "hub.log", "token"):
            (folder.path / name).write_text("{}")
        fleet.take_down(folder, lambda line: None, patience=0.1)
    assert list(folder.path.iterdir()) == []


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    flock = fcntl.flock
    removed: list[bool] = []

    def late(handle: object, operation: int) -> None:
        if not removed:  # another process ends its `down` between our open and our lock
            folder.lock_file.unlink()
            removed.append(True)
        flock(handle, operation)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", late)
    with folder.locked(), pytest.raises(Conflict, match="Another"), Folder(tmp_path).locked():
        raise AssertionError("two processes hold the lab")
    assert removed


def make_base(cache: Path, name: str) -> None:
    (cache / name / "usr").mkdir(parents=True)
    (cache / name / "usr" / "file").write_bytes(b"x" * 100_000)
    (cache / f"{name}.lock").touch()


def test_clean_removes_bases_and_drafts_and_reports_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_LAB_CACHE", str(tmp_path))
    make_base(tmp_path, "bookworm-1")
    make_base(tmp_path, "bookworm-2.new")
    assert base.clean_cache() >= 200_000
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    assert base.clean_cache() == 0


def test_clean_refuses_a_base_that_is_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_LAB_CACHE", str(tmp_path))
    make_base(tmp_path, "bookworm-1")
    with (tmp_path / "bookworm-1.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="is making the base bookworm-1"):
            base.clean_cache()
    assert (tmp_path / "bookworm-1").is_dir()


def test_clean_names_the_lab_that_runs_on_a_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_LAB_CACHE", str(tmp_path))
    home, mounts = "/srv/my\\040lab/hosts/edge1", tmp_path / "mounts"
    options = f"rw,lowerdir={tmp_path}/bookworm-1/root,upperdir={home}/upper,workdir={home}/work"
    mounts.write_text(f"proc /proc proc rw 0 0\noverlay {home}/root overlay {options} 0 0\n")
    monkeypatch.setattr(base, "_MOUNTS", mounts)
    with pytest.raises(Conflict) as caught:
        base.clean_cache()
    assert caught.value.hint == "End that lab: edgewright lab down --dir '/srv/my lab'"
