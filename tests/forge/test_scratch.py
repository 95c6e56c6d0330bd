"""What a killed build leaves is removed by the next one; what a running one needs stays."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edgewright.core.errors import Failed
from edgewright.forge.iso.partfile import PartFile, drop_stale
from edgewright.forge.iso.write import make_iso
from edgewright.forge.progress import Job
from edgewright.forge.proof.console_log import ConsoleLog, Redactor, log_path
from edgewright.forge.scratch import scratch
from tests.forge.isos import USER_DATA
from tests.support import missing


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_folders_of_killed_builds_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in (f"edgewright-iso-{dead}-x", "edgewright-iso-1-x", "edgewright-iso-mine", f"edgewright-proof-{dead}-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "user-data").write_text("token")
    with scratch("iso") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700 and str(os.getpid()) in folder.name
        kept = sorted(path.name for path in tmp_path.iterdir() if path != folder)
        assert kept == ["edgewright-iso-1-x", "edgewright-iso-mine", f"edgewright-proof-{dead}-x"]
    assert not folder.exists()


def test_a_stale_part_is_removed_even_when_nothing_is_built(base_iso: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    part = tmp_path / "out.iso.part"
    part.write_bytes(bytes(1000))
    with pytest.raises(Exception, match="no line #cloud-config"):
        make_iso(base_iso, b"nothing", out, Job())
    assert not part.exists()
    part.write_bytes(b"")
    with part.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        drop_stale(out)
        assert part.exists()  # somebody writes it
    drop_stale(tmp_path / "none.iso")
    part.unlink()
    part.symlink_to(base_iso)
    drop_stale(out)
    assert part.is_symlink() and base_iso.exists()
    part.unlink()
    make_iso(base_iso, USER_DATA, out, Job())


def test_the_log_of_a_killed_proof_is_removed(tmp_path: Path, dead: int) -> None:
    iso = tmp_path / "a[1].iso"
    stale = tmp_path / f"a[1].iso.proof.log.{dead}.part"
    running, other = tmp_path / "a[1].iso.proof.log.1.part", tmp_path / f"b.iso.proof.log.{dead}.part"
    for path in (stale, running, other):
        path.touch()
    log = ConsoleLog(log_path(iso), Redactor())
    assert not stale.exists() and running.exists() and other.exists()
    log.drop()


@pytest.mark.parametrize("trap", ["another user's file", "second name of a file", "symbolic link"])
def test_a_part_file_that_somebody_prepared_is_not_written_to(tmp_path: Path, trap: str) -> None:
    """An ISO has a registration token in it: whoever owns the file that it is written to can read it."""
    part, victim = tmp_path / "a.iso.part", tmp_path / "victim"
    victim.write_bytes(b"untouched")
    if trap == "another user's file":
        if os.geteuid() != 0:
            missing("e2e", "another user's file cannot be made: this is not root")
        part.touch(mode=0o666)
        os.chown(part, 65534, 65534)
    elif trap == "second name of a file":
        os.link(victim, part)
    else:
        part.symlink_to(victim)
    with pytest.raises(Failed, match="cannot be written"), PartFile(tmp_path / "a.iso", 10) as file:
        file.write(b"secret")
    assert victim.read_bytes() == b"untouched" and not (tmp_path / "a.iso").exists()
    assert part.is_symlink() or part.read_bytes() in (b"", b"untouched")
