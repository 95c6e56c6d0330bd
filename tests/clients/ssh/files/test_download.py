"""Downloads from real shells: cut and continued, changed meanwhile, no room, hostile answers."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import random
import shutil
import stat
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from edgewright.clients.ssh.files import download, local
from edgewright.clients.ssh.files.download import Download, Downloaded
from edgewright.clients.ssh.files.host_files import HostFiles
from edgewright.clients.ssh.files.local import LocalPart
from edgewright.clients.ssh.files.progress import SPAN, Meter, Progress
from edgewright.core import slow_files
from edgewright.core.errors import Conflict, EdgewrightError, Failed, Refused, Unreachable
from tests.clients.ssh.files.local_host import LocalChannel, LocalHost, files_of, programs

SIZE = 400_123
pytestmark = [pytest.mark.usefixtures("small_pieces")]


@pytest.fixture
def content(root: Path) -> bytes:
    data = random.Random(7).randbytes(SIZE)
    (root / "var/log/core.bin").write_bytes(data)
    return data


def reach(host: LocalHost, root: Path) -> Callable[[], Awaitable[HostFiles]]:
    files = files_of(host, root)

    async def again() -> HostFiles:
        return files

    return again


async def fetch(host: LocalHost, root: Path, out: Path, path: str = "/var/log/core.bin") -> Downloaded:
    return await Download(reach(host, root), "kairos@edge1", path, out).run()


async def test_a_file_with_its_hash_and_time(shell: Sequence[str], root: Path, content: bytes, tmp_path: Path) -> None:
    os.utime(root / "var/log/core.bin", (1_700_000_000, 1_700_000_000))
    seen: list[Progress] = []
    host = LocalHost(shell)
    done = await Download(reach(host, root), "edge1", "/var/log/core.bin", tmp_path / "copy", seen.append).run()
    assert (tmp_path / "copy").read_bytes() == content
    assert done.digest == hashlib.sha256(content).hexdigest() and done.kind == "sha256" and done.resumed == 0
    about = (tmp_path / "copy").stat()
    assert stat.S_IMODE(about.st_mode) == 0o600 and about.st_mtime == 1_700_000_000
    assert seen[-1].done == seen[-1].total == SIZE and seen[-1].step == "checking"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "host"]
    assert host.windows[0] == download.LEAST_WINDOW, "a thin link must not be filled before its rate is known"
    await host.aclose()


async def test_a_copy_that_is_cancelled_while_its_part_is_opened_leaves_no_lock(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk: the part is there, and locked, after its copy was given up."""
    began, goes_on, real = threading.Event(), threading.Event(), fcntl.flock

    def slow(descriptor: int, how: int) -> None:
        real(descriptor, how)
        began.set()
        goes_on.wait(10)

    monkeypatch.setattr(fcntl, "flock", slow)
    monkeypatch.setattr(slow_files, "ENDING", 0.01)
    copying = asyncio.ensure_future(fetch(LocalHost(), root, tmp_path / "copy"))
    while not began.is_set():
        await asyncio.sleep(0.001)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    goes_on.set()
    monkeypatch.setattr(fcntl, "flock", real)
    end = time.monotonic() + 5
    while (tmp_path / "copy.part").exists():  # an empty part is removed with its lock
        assert time.monotonic() < end
        await asyncio.sleep(0.001)
    part = LocalPart(tmp_path / "copy", "kairos@edge1", "/var/log/core.bin")
    part.open()
    part.close()


def test_a_time_that_no_clock_has(tmp_path: Path) -> None:
    part = LocalPart(tmp_path / "copy", "edge1", "/var/log/x")
    part.open()
    part.begin(1, "1.1", 10**19)
    part.write(b"x")
    part.finish()
    part.close()
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072])
async def test_sizes_around_a_block(root: Path, tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    (root / "var/log/x").write_bytes(data)
    done = await fetch(LocalHost(), root, tmp_path / "copy", "/var/log/x")
    assert (tmp_path / "copy").read_bytes() == data and done.size == size


async def test_a_log_is_packed_on_the_way(shell: Sequence[str], root: Path, tmp_path: Path) -> None:
    text = b"".join(b"%06d something happened\n" % n for n in range(20_000))
    (root / "var/log/app.log").write_bytes(text)
    host = LocalHost(shell)
    await fetch(host, root, tmp_path / "copy", "/var/log/app.log")
    assert (tmp_path / "copy").read_bytes() == text
    assert sum(stream.read_bytes for stream in host.streams) < len(text) / 4


async def test_it_continues_after_cuts_at_any_place(
    shell: Sequence[str], root: Path, content: bytes, tmp_path: Path
) -> None:
    host = LocalHost(shell, cuts=[10_000, 90_000, 5, 130_000, 0])
    done = await fetch(host, root, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content and done.digest == hashlib.sha256(content).hexdigest()
    assert len(host.streams) >= 6
    assert sum(stream.read_bytes for stream in host.streams) < SIZE + 3 * 65_536 + 30_000


async def test_another_run_continues_what_was_cut(root: Path, content: bytes, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    with pytest.raises(Unreachable):
        await fetch(LocalHost(cuts=[None, 100_000, *[0] * 9]), root, out)
    part = tmp_path / "copy.part"
    assert stat.S_IMODE(part.stat().st_mode) == 0o600 and 131_072 <= part.stat().st_size < SIZE and not out.exists()
    with pytest.raises(Conflict, match="is the begin of /var/log/core"):
        await fetch(LocalHost(), root, out, "/var/log/syslog")
    host = LocalHost()
    done = await fetch(host, root, out)
    assert out.read_bytes() == content and done.resumed > 131_000 and not part.exists()
    assert sum(stream.read_bytes for stream in host.streams) < SIZE - 100_000


@pytest.mark.e2e
async def test_what_was_stored_wrongly_is_read_again(root: Path, content: bytes, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    with pytest.raises(Unreachable):
        await fetch(LocalHost(cuts=[None, 100_000, *[0] * 9]), root, out)
    part = tmp_path / "copy.part"
    part.write_bytes(b"\0" * part.stat().st_size)  # what a power cut leaves
    done = await fetch(LocalHost(), root, out)
    assert out.read_bytes() == content and done.resumed == 0


class Meddling(LocalHost):
    """Does something to the file when the second piece is asked for."""

    def __init__(self, meddle: Callable[[], object], times: int = 1) -> None:
        super().__init__()
        self._meddle, self._times = meddle, times

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalChannel:
        if b"OFFSET='0'" not in script and self._times:
            self._times -= 1
            self._meddle()
        return await super().open_script(script, sudo=sudo, window=window)


async def test_a_log_that_grows_is_copied_as_it_was(root: Path, content: bytes, tmp_path: Path) -> None:
    def grow() -> None:
        with (root / "var/log/core.bin").open("ab") as file:
            file.write(b"more" * 100)

    done = await fetch(Meddling(grow), root, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content and done.grown == 400


async def test_a_file_that_is_replaced_is_copied_anew(root: Path, content: bytes, tmp_path: Path) -> None:
    place, other = root / "var/log/core.bin", bytes(reversed(content))

    def rotate() -> None:
        place.rename(root / "var/log/core.bin.1")
        place.write_bytes(other)

    await fetch(Meddling(rotate), root, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == other


@pytest.mark.e2e
async def test_a_file_that_changes_in_place_or_gets_shorter(root: Path, content: bytes, tmp_path: Path) -> None:
    place = root / "var/log/core.bin"
    for number, change in enumerate((lambda: place.write_bytes(b"\1" * SIZE), lambda: os.truncate(place, 150_000))):
        place.write_bytes(content)
        await fetch(Meddling(change), root, tmp_path / f"copy{number}")
        assert (tmp_path / f"copy{number}").read_bytes() == place.read_bytes()


@pytest.mark.e2e
async def test_a_file_that_never_rests(root: Path, content: bytes, tmp_path: Path) -> None:
    place = root / "var/log/core.bin"
    counter = iter(range(99))

    def change() -> None:
        place.write_bytes(bytes([next(counter)]) * SIZE)

    with pytest.raises(Conflict, match="changes all the time"):
        await fetch(Meddling(change, 99), root, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_no_room_here_is_said_before_data_is_asked_for(
    root: Path, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1_300_000))
    host = LocalHost()
    with pytest.raises(Failed, match="has room for 251,424 bytes, 400,123 are needed") as caught:
        await fetch(host, root, tmp_path / "copy")
    assert caught.value.code == "NoSpaceHere" and not list(tmp_path.glob("copy*"))
    await host.aclose()


async def test_a_full_disk_here_leaves_the_part(root: Path, content: bytes, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    part = local.LocalPart(tmp_path / "copy", "edge1", "/var/log/core.bin")
    part.open()
    part._descriptor, before = os.open(full, os.O_WRONLY), part._descriptor
    with pytest.raises(Failed, match="No space left on device"):
        part.write(b"x")
    os.close(before)


async def test_nothing_is_overwritten_or_written_by_two(root: Path, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        await fetch(LocalHost(), root, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "mine"
    other = local.LocalPart(tmp_path / "two", "kairos@edge1", "/var/log/core.bin")
    other.open()
    with pytest.raises(Conflict, match="another download"):
        await fetch(LocalHost(), root, tmp_path / "two")
    other.close()
    (tmp_path / "link.part").symlink_to(tmp_path / "copy")
    with pytest.raises(Failed, match="cannot be written"):
        await fetch(LocalHost(), root, tmp_path / "link")
    assert (tmp_path / "copy").read_text() == "mine"


async def test_what_is_no_file_is_refused(root: Path, tmp_path: Path) -> None:
    for path, kind in (("/oem", Refused), ("/etc/shadow", Refused), ("/var/log/none", EdgewrightError)):
        with pytest.raises(kind):
            await fetch(LocalHost(), root, tmp_path / "copy", path)
    assert not list(tmp_path.glob("copy*"))


async def test_without_a_hash_program_it_is_not_called_complete(root: Path, content: bytes, tmp_path: Path) -> None:
    only = programs(tmp_path / "few", "stat", "dd", "readlink", "df", "tail", "id", "sh")
    with pytest.raises(Failed, match="no program that computes a hash"):
        await fetch(LocalHost(only=only), root, tmp_path / "copy")
    assert not (tmp_path / "copy").exists() and (tmp_path / "copy.part").read_bytes() == content


async def test_a_state_of_others_is_not_believed(root: Path, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "copy.part").write_bytes(b"x" * 70_000)
    (tmp_path / "copy.part.json").write_text(json.dumps({"target": "kairos@edge1", "path": 5}))
    with pytest.raises(Conflict, match="begin of another file"):
        await fetch(LocalHost(), root, tmp_path / "copy")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("syslog.1", "syslog.1"),
        ("../x", "_._x"),
        (".ssh", "_ssh"),
        ("a\nb\x1b[2J", "a_b_[2J"),
        ("", "file"),
        ("-rf", "_rf"),
    ],
)
def test_names_of_hosts_become_names_here(name: str, expected: str) -> None:
    assert local.local_name(name) == expected and len(local.local_name("ü" * 300).encode()) <= 200


@pytest.mark.parametrize("apart", [1.0, 2 * SPAN])
def test_rate_and_time_left(apart: float) -> None:
    """Pieces that take longer than the time that the rate is of show how long the others take as well."""
    clock = iter((0.0, apart, 2 * apart, 9 * apart, 10 * apart))
    seen: list[Progress] = []
    meter = Meter(seen.append, lambda: next(clock))
    meter.total = 4000
    for done in (0, 1000, 2000):
        meter.at(done)
    assert seen[-1].rate == 1000 / apart and seen[-1].left == 2.0 * apart and seen[0].left is None
    meter.restart()
    meter.at(2000)
    meter.at(3000)
    assert seen[-1].rate == 1000 / apart and seen[-1].left is None
