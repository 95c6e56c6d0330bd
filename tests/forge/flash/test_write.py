"""Writing an installer: to files that stand in for disks, which fail as disks fail."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import EdgewrightError, Failed, NotFound
from edgewright.forge.flash import write as flashing
from edgewright.forge.flash.disks import Disk, Disks
from edgewright.forge.flash.write import HalfWritten, write
from edgewright.forge.progress import Job, Progress

DATA = os.urandom(9_000_001)


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    (tmp_path / "out.iso").write_bytes(DATA)
    return tmp_path / "out.iso"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A file that stands in for a removable disk of 12 MB."""
    path = tmp_path / "stand-in-disk"
    path.write_bytes(b"\xff" * 12_000_000)
    return Disk("stand-in-disk", path, "", "Stand-in", "1", 12_000_000, True, True, False, ())


def failing(monkeypatch: pytest.MonkeyPatch, name: str, code: int, calls: int) -> None:
    """Let the n-th call of a function of `os` fail, as seen by the writer alone."""
    real = getattr(os, name)
    left = [calls]

    class Os:
        def __getattr__(self, wanted: str) -> Any:
            return fail if wanted == name else getattr(os, wanted)

    def fail(*args: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(code, os.strerror(code))
        return real(*args)

    monkeypatch.setattr(flashing, "os", Os())


def test_it_is_written_read_back_and_equal(iso: Path, disk: Disk) -> None:
    told: list[Progress] = []
    done = write(iso, disk, Job(told.append), sha256=hashlib.sha256(DATA).hexdigest())
    assert done == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert disk.path.read_bytes() == DATA + b"\xff" * (12_000_000 - len(DATA))
    assert list(dict.fromkeys(progress.step for progress in told)) == [
        "writing to stand-in-disk", "reading stand-in-disk back",
    ]  # fmt: skip
    assert told[-1].done == told[-1].total == len(DATA)


def test_a_disk_that_gives_back_other_bytes(iso: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(handle: int, size: int) -> None:
        os.pwrite(handle, b"\0\0", 5_000_000)

    monkeypatch.setattr(flashing, "_forget", forget)
    with pytest.raises(Failed, match=r"gives back other bytes than were written, from 500000[01] on") as caught:
        write(iso, disk, Job())
    assert caught.value.code == "ReadBack"


@pytest.mark.parametrize("name", ["write", "fdatasync", "pread"])
def test_a_disk_that_was_pulled_out(
    iso: Path, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    failing(monkeypatch, name, errno.EIO, 0 if name == "fdatasync" else 1)
    with pytest.raises(Failed, match=r"stand-in-disk was pulled out after \d+ MB of 9 MB"):
        write(iso, disk, Job(), disks=Disks(tmp_path / "no-sysfs"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EIO, "failed after 4 MB of 9 MB: Input/output error"),
        (errno.ENOSPC, "is full after 4 MB of 9 MB; it is smaller than it claims"),
        (errno.EPERM, "cannot be written after 4 MB"),
    ],
)
def test_a_disk_that_fails(
    iso: Path, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    (tmp_path / "sys/block/stand-in-disk").mkdir(parents=True)
    failing(monkeypatch, "write", code, 1)
    with pytest.raises(Failed) as caught:
        write(iso, disk, Job(), disks=Disks(tmp_path))
    assert words in caught.value.message


def test_stopping_says_that_the_disk_is_half_written(iso: Path, disk: Disk) -> None:
    job = Job(lambda progress: job.cancel() if progress.done else None, every=0.0)
    with pytest.raises(HalfWritten, match="is half written and will not boot"):
        write(iso, disk, job)


def test_a_file_that_is_not_the_one_of_its_manifest(iso: Path, disk: Disk) -> None:
    with pytest.raises(Failed, match="not the file that its manifest describes"):
        write(iso, disk, Job(), sha256="0" * 64)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.EACCES, "NeedsRoot", "needs the rights of root"),
        (errno.EBUSY, "Conflict", "is in use"),
        (errno.EROFS, "OperationForbidden", "is write-protected"),
    ],
)
def test_a_disk_that_cannot_be_opened(
    iso: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, code: int, kind: str, words: str
) -> None:
    failing(monkeypatch, "open", code, 0)
    with pytest.raises(EdgewrightError, match=words) as caught:
        write(iso, disk, Job())
    assert caught.value.code == kind


def test_a_disk_that_is_not_there(iso: Path, disk: Disk, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be opened"):
        write(iso, disk._replace(path=tmp_path / "none"), Job())
