"""The backup GPT is the last block of the file, as the UEFI specification has it and partition tools expect it."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from edgewright.forge.iso.ending import HEAD, Trimmer, trim
from edgewright.forge.iso.write import make_iso
from edgewright.forge.progress import Job
from tests.forge.isos import USER_DATA
from tests.support import missing

LONG = USER_DATA + b"# more than the placeholder holds\n" * 3000


def backup_is_last(path: Path) -> bool:
    """Read the backup header where the specification puts it: the last block, with its own CRC right."""
    data = path.read_bytes()
    last = len(data) // 512 - 1
    header = bytearray(data[-512:][:92])
    if len(data) % 512 or header[:8] != b"EFI PART":
        return False
    crc, header[16:20] = int.from_bytes(header[16:20], "little"), bytes(4)
    places = (int.from_bytes(header[24:32], "little"), int.from_bytes(data[512 + 32 : 512 + 40], "little"))
    protective = int.from_bytes(data[446 + 12 : 446 + 16], "little")
    return zlib.crc32(header) == crc and places == (last, last) and protective == last


def trimmed(data: bytes, step: int) -> bytes:
    trimmer = Trimmer()
    return b"".join(trimmer.feed(data[at : at + step]) for at in range(0, len(data), step))


@pytest.mark.parametrize("user_data", [USER_DATA, LONG], ids=["placeholder", "rewrite"])
def test_an_installer_ends_with_its_backup_gpt(base_iso: Path, tmp_path: Path, user_data: bytes) -> None:
    out = tmp_path / "out.iso"
    assert not backup_is_last(base_iso)  # as xorriso writes it, and AuroraBoot by it
    make_iso(base_iso, user_data, out, Job())
    assert backup_is_last(out)
    if shutil.which("fdisk") is None and not Path("/usr/sbin/fdisk").exists():
        missing("e2e", "fdisk is not installed")
    program = shutil.which("fdisk") or "/usr/sbin/fdisk"
    done = subprocess.run([program, "-l", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "mismatch" not in done.stderr and "not on the end" not in done.stderr, done.stderr


def test_a_base_is_trimmed_once(base_iso: Path, tmp_path: Path) -> None:
    copy = tmp_path / "b.iso"
    shutil.copy(base_iso, copy)
    trim(copy)
    size = copy.stat().st_size
    assert backup_is_last(copy) and size < base_iso.stat().st_size
    trim(copy)
    assert copy.stat().st_size == size


def test_pieces_of_any_size_are_trimmed_alike(base_iso: Path) -> None:
    data = base_iso.read_bytes()
    whole = trimmed(data, len(data))
    assert len(whole) < len(data)
    for step in (HEAD, 100_000, 65_536):
        assert trimmed(data, step) == whole


def test_nothing_but_zeros_is_cut_off(base_iso: Path, tmp_path: Path) -> None:
    data = base_iso.read_bytes() + bytes(100_000) + b"somebody's bytes" + bytes(100_000)
    for step in (len(data), 65_536):
        assert trimmed(data, step) == data
    file = tmp_path / "x.iso"
    file.write_bytes(data)
    trim(file)
    assert file.read_bytes() == data
    without = bytes(512) + data[512:]  # no MBR, no GPT
    assert trimmed(without, 65_536) == without
    file.write_bytes(b"short")
    trim(file)
    assert file.read_bytes() == b"short"
