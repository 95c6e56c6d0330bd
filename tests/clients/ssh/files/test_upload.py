"""Uploads to real shells: the old file stays until the hash is right; cut, continued, cancelled, no room."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.clients.ssh.files import shell, upload
from edgewright.clients.ssh.files.host_files import Look
from edgewright.clients.ssh.files.places import file_path
from edgewright.clients.ssh.files.progress import Progress
from edgewright.clients.ssh.files.upload import Source, Upload, Uploaded, check, part_name, read_source
from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, NotFound, Refused
from tests.clients.ssh.files.local_host import LocalChannel, LocalHost, files_of, programs
from tests.clients.ssh.files.test_download import reach

OLD = b"#cloud-config\nold: true\n"
TARGET = "/oem/90_custom.yaml"


@pytest.fixture
def place(root: Path) -> Path:
    place = root / TARGET.lstrip("/")
    place.write_bytes(OLD)
    place.chmod(0o640)
    return place


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "new.yaml"
    path.write_bytes(random.Random(3).randbytes(700_001))
    return read_source(path)


async def planned(host: LocalHost, root: Path, source: Source, path: str = TARGET) -> Look:
    files = files_of(host, root)
    look = await files.look(path, hashed=True, new=True)
    look = await files.look(path, hashed=True, new=True, part=part_name(look.at, source))
    check(look, source, "edge1")
    return look


async def store(host: LocalHost, root: Path, source: Source, path: str = TARGET) -> Uploaded:
    return await Upload(reach(host, root), await planned(host, root, source, path), source).run()


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".edgewright-*"))


async def test_replaced_with_mode_and_owner(shell: Sequence[str], root: Path, place: Path, source: Source) -> None:
    if os.getuid() == 0:
        os.chown(place, 12, 34)
    host, seen = LocalHost(shell), list[Progress]()
    look = await planned(host, root, source)
    assert look.exists and look.mode == "0640" and look.hash == hashlib.sha256(OLD).hexdigest()
    done = await Upload(reach(host, root), look, source, seen.append).run()
    assert place.read_bytes() == source.path.read_bytes() and done.digest == source.sha256
    about = place.stat()
    assert stat.S_IMODE(about.st_mode) == 0o640 and not parts(place.parent)
    if os.getuid() == 0:
        assert (about.st_uid, about.st_gid) == (12, 34)
    assert seen[-1].done == source.size and seen[-1].step == "checking"


async def test_a_new_file_and_an_empty_one(shell: Sequence[str], root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    await store(LocalHost(shell), root, read_source(tmp_path / "empty"), "/oem/a new\nfile")
    made = root / "oem/a new\nfile"
    assert made.read_bytes() == b"" and stat.S_IMODE(made.stat().st_mode) == 0o600
    (root / "etc/spectrocloud").mkdir()
    (tmp_path / "table.json").write_text("{}")
    await store(LocalHost(shell), root, read_source(tmp_path / "table.json"), "/etc/spectrocloud/x.json")
    assert stat.S_IMODE((root / "etc/spectrocloud/x.json").stat().st_mode) == 0o644


async def test_cut_and_continued_in_one_run(shell: Sequence[str], root: Path, place: Path, source: Source) -> None:
    host = LocalHost(shell, cuts_sent=[200_000, 10, 150_000])
    done = await store(host, root, source)
    assert place.read_bytes() == source.path.read_bytes() and done.resumed > 0
    assert sum(channel.sent for channel in host.channels) < source.size + 200_000


async def test_cut_for_good_leaves_the_old_file_and_another_run_continues(
    root: Path, place: Path, source: Source
) -> None:
    before = place.stat()
    with pytest.raises(EdgewrightError) as caught:
        await store(LocalHost(cuts_sent=[300_000, *[0] * 9]), root, source)
    assert caught.value.code == "ConnectionLost"
    after = place.stat()
    assert place.read_bytes() == OLD
    assert (after.st_ino, after.st_mtime_ns, after.st_mode) == (before.st_ino, before.st_mtime_ns, before.st_mode)
    (part,) = parts(place.parent)
    assert stat.S_IMODE(part.stat().st_mode) == 0o600 and 0 < part.stat().st_size <= 300_000
    host = LocalHost()
    assert (await planned(host, root, source)).part == part.stat().st_size
    done = await store(host, root, source)
    assert done.resumed > 0 and place.read_bytes() == source.path.read_bytes() and not parts(place.parent)
    assert sum(channel.sent for channel in host.channels) < source.size - done.resumed + 100


@pytest.mark.e2e
async def test_a_part_with_other_bytes_is_sent_from_the_begin(root: Path, place: Path, source: Source) -> None:
    look = await planned(LocalHost(), root, source)
    (place.parent / part_name(look.at, source)).write_bytes(b"\0" * 4096)
    done = await store(LocalHost(), root, source)
    assert done.resumed == 0 and place.read_bytes() == source.path.read_bytes()


class Flipping(LocalHost):
    """A host whose disk stores other bytes, `times` times."""

    times = 1

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalChannel:
        if self.times:
            self.times -= 1
            script = script.replace(b"{ cat >&4; }", b"{ tr a b >&4; }")
        return await super().open_script(script, sudo=sudo, window=window)


@pytest.mark.e2e
async def test_another_hash_on_the_host_never_becomes_the_file(root: Path, place: Path, source: Source) -> None:
    await store(Flipping(), root, source)
    assert place.read_bytes() == source.path.read_bytes()
    place.write_bytes(OLD)
    host = Flipping()
    host.times = 9
    with pytest.raises(Failed, match="another hash"):
        await store(host, root, source)
    assert place.read_bytes() == OLD and not parts(place.parent)


async def test_the_target_changed_after_the_plan(root: Path, place: Path, source: Source) -> None:
    look = await planned(LocalHost(), root, source)
    place.write_bytes(b"somebody else\n")
    with pytest.raises(Conflict, match="changed meanwhile"):
        await Upload(reach(LocalHost(), root), look, source).run()
    assert place.read_bytes() == b"somebody else\n" and not parts(place.parent)


@pytest.mark.e2e
async def test_the_answer_to_the_rename_is_lost(root: Path, place: Path, source: Source) -> None:
    look = await planned(LocalHost(), root, source)

    class Deaf(LocalHost):
        async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalChannel:
            if not self.streams:
                script = script.replace(b'put stored "$H" "$h"', b":")
            return await super().open_script(script, sudo=sudo, window=window)

    done = await Upload(reach(Deaf(), root), look, source).run()
    assert done.digest == source.sha256 and place.read_bytes() == source.path.read_bytes()


async def test_the_source_changes_while_it_is_sent(root: Path, place: Path, source: Source) -> None:
    look = await planned(LocalHost(), root, source)
    source.path.write_bytes(b"x" * source.size)
    with pytest.raises(Conflict, match="changed while it was sent"):
        await Upload(reach(LocalHost(), root), look, source).run()
    assert place.read_bytes() == OLD and not parts(place.parent)


@pytest.mark.parametrize("left", [None, b"x" * 1000], ids=["gone", "shorter"])
async def test_a_source_that_ends_early_is_no_lost_link(
    root: Path, place: Path, source: Source, left: bytes | None
) -> None:
    look, host = await planned(LocalHost(), root, source), LocalHost()
    source.path.unlink() if left is None else source.path.write_bytes(left)
    with pytest.raises(Failed if left is None else Conflict, match=r"cannot be read any more|changed while"):
        await asyncio.wait_for(Upload(reach(host, root), look, source).run(), 20)
    assert place.read_bytes() == OLD and len(host.channels) == 1


async def test_cancelled_leaves_nothing(
    root: Path, place: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "LEAST_AHEAD", 10)
    monkeypatch.setattr(upload, "AHEAD_SECONDS", 0.0)
    begun = asyncio.Event()
    work = Upload(reach(LocalHost(), root), await planned(LocalHost(), root, source), source, lambda _: begun.set())
    task = asyncio.create_task(work.run())
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert place.read_bytes() == OLD and not parts(place.parent)


async def test_no_room_there(root: Path, place: Path, source: Source) -> None:
    look = await planned(LocalHost(), root, source)
    with pytest.raises(Failed, match="has room for 1,048,576 bytes") as caught:
        check(look._replace(free=2 << 20), source._replace(size=5 << 20), "edge1")
    assert caught.value.code == "NoSpaceThere"
    check(look._replace(free=2 << 20, part=5 << 20), source._replace(size=5 << 20), "edge1")


@pytest.mark.e2e
@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small file system")
async def test_a_disk_that_becomes_full(shell: Sequence[str], root: Path, source: Source) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(root / "oem")], check=True)
    try:
        (root / "oem/x").write_bytes(OLD)
        look = await files_of(LocalHost(shell), root).look("/oem/x", hashed=True, new=True)
        with pytest.raises(Failed, match="No space left on device") as caught:
            await Upload(reach(LocalHost(shell), root), look, source).run()
        assert caught.value.code == "NotWritten" and "Free space" in caught.value.hint
        assert (root / "oem/x").read_bytes() == OLD and not parts(root / "oem")
        with pytest.raises(Failed, match="has room for 0 bytes"):
            check(look, source, "edge1")
        subprocess.run(["mount", "-o", "remount,ro", str(root / "oem")], check=True)
        look = await files_of(LocalHost(shell), root).look("/oem/x", hashed=True, new=True)
        with pytest.raises(EdgewrightError, match=r"not writable|Read-only file system"):  # BusyBox asks the mode alone
            check(look._replace(free=None), source, "edge1")
            await Upload(reach(LocalHost(shell), root), look, source).run()
    finally:
        subprocess.run(["umount", "-l", str(root / "oem")], check=True)


async def test_what_is_refused_before_anything_is_sent(root: Path, place: Path, source: Source, tmp_path: Path) -> None:
    (root / "oem/link").symlink_to(root / "etc/shadow")
    for path, match in (
        ("/oem/link", "symbolic link"),
        ("/oem", "is a directory"),
        ("/var/log/syslog", "not replaced"),
        ("/oem/none/x", "has no"),
    ):
        with pytest.raises(EdgewrightError, match=match):
            await planned(LocalHost(), root, source, path)
    only = programs(tmp_path / "few", "stat", "dd", "readlink", "df", "tail", "id")
    with pytest.raises(Failed, match="no program that computes a hash"):
        await planned(LocalHost(only=only), root, source)
    os.mkfifo(tmp_path / "pipe")
    for path, kind in (("none", NotFound), ("pipe", InvalidInput), ("few", InvalidInput)):
        with pytest.raises(kind):
            read_source(tmp_path / path)


async def test_a_link_in_the_place_of_the_part_is_not_followed(root: Path, place: Path, source: Source) -> None:
    look = await planned(LocalHost(), root, source)
    (place.parent / part_name(look.at, source)).symlink_to(root / "etc/shadow")
    with pytest.raises(Refused, match="symbolic link"):
        await Upload(reach(LocalHost(), root), look, source).run()
    assert (root / "etc/shadow").read_text() == "root:canary-shadow\n" and place.read_bytes() == OLD


@pytest.mark.e2e
async def test_md5_where_there_is_nothing_better(root: Path, place: Path, source: Source, tmp_path: Path) -> None:
    usual = ("stat", "find", "df", "tail", "id", "dd", "readlink", "rm", "mv", "chmod", "chown", "sleep", "sync", "cat")
    only = programs(tmp_path / "old", *usual, "md5sum")
    host = LocalHost(only=only, cuts_sent=[100_000])
    done = await store(host, root, source)
    assert done.kind == "md5" and done.digest == source.md5 and place.read_bytes() == source.path.read_bytes()


def test_values_that_are_none_reach_no_script() -> None:
    at = file_path(TARGET)
    right = {"size": 1, "sha256": "0" * 64, "md5": "0" * 32, "old": "none", "owner": "0:0", "mode": "0600", "log": "x"}
    part = ".edgewright-0123456789abcdef.part"
    shell.put("0" * 32, at, part, **right)  # type: ignore[arg-type]
    for name, value in (("owner", "0:0;reboot"), ("mode", "u+s"), ("old", "x y"), ("sha256", "")):
        with pytest.raises(ValueError):
            shell.put("0" * 32, at, part, **{**right, name: value})  # type: ignore[arg-type]
    for bad in ("../x", "x", ".edgewright-0.part"):
        with pytest.raises(ValueError):
            shell.drop("0" * 32, at, bad)
    assert shutil.which("sh") and b"'\\''" in shell.list_folder("0" * 32, file_path("/oem/it's"))
