"""The change scripts in a folder, by every shell that is here: save, apply, keep, give back, and who comes second."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.clients.ssh.network import changing
from edgewright.core.errors import Conflict, Failed, InvalidInput
from edgewright.core.network.change import Change, FileChange, Value
from tests.clients.ssh.network.samples import FolderHost

SHELLS = [("sh", "-s"), ("bash", "-s"), ("busybox", "ash", "-s")]
STATE = "var/lib/edgewright-network"
CHANGE = Change(
    (Value("host name", "edge1", "other"),),
    (
        FileChange("/etc/hostname", "other\n"),
        FileChange("/etc/systemd/network/05-site-x.network", "it's $HOME `id`\n"),
        FileChange("/etc/resolv.conf", "nameserver 10.0.0.1\n"),
        FileChange("/etc/systemd/network/10-host0.network", None),
    ),
)


def host_of(folder: Path, shell: tuple[str, ...] = SHELLS[0]) -> FolderHost:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    host = FolderHost(folder, shell=shell)
    (folder / "etc/hostname").chmod(0o640)
    (folder / "etc/resolv.conf").symlink_to("../run/resolv.conf")
    return host


def listing(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return everything in a folder but the record of what was done there."""
    result = {}
    for path in sorted(folder.rglob("*")):
        if STATE in str(path):
            continue
        if path.is_symlink():
            result[str(path)] = (0, os.readlink(path).encode())
        elif path.is_file():
            result[str(path)] = (path.stat().st_mode, path.read_bytes())
    return result


async def until(truth: Callable[[], bool], patience: float = 8.0) -> None:
    for _ in range(int(patience / 0.05)):
        if truth():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not in time")


async def applied(host: FolderHost, change: Change, state: Path, within: int = 60) -> str:
    """Begin a change and wait until it is applied; returns its run."""
    run = changing.new_run()
    await changing.begin(host, change, run, "kim", within)
    await until((state / "change/applied").exists)
    return run


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
async def test_a_change_is_applied_and_given_back_with_everything_as_it_was(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    host, run = host_of(tmp_path, shell), changing.new_run()
    before = listing(tmp_path)
    await changing.begin(host, CHANGE, run, "kim at laptop", 60)
    await until((tmp_path / STATE / "change/applied").exists)
    assert (tmp_path / "etc/hostname").read_text() == "other\n"
    assert (tmp_path / "etc/hostname").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "etc/systemd/network/05-site-x.network").read_text() == "it's $HOME `id`\n"
    assert not (tmp_path / "etc/resolv.conf").is_symlink()
    assert not (tmp_path / "etc/systemd/network/10-host0.network").exists()
    state = (await changing.look(host)).pending
    assert state is not None and state.run == run and state.who == "kim at laptop" and 50 < state.left <= 60
    with pytest.raises(Conflict, match=r"being changed by kim at laptop; .* in \d+ s"):
        await changing.begin(host, CHANGE, changing.new_run(), "second", 60)
    with pytest.raises(Conflict, match="Another change"):
        await changing.confirm(host, changing.new_run())
    await changing.give_back(host, run)
    await until(lambda: not (tmp_path / STATE / "change").exists())
    assert listing(tmp_path) == before
    assert (await changing.look(host)).ended(run) == "undo"
    with pytest.raises(Conflict, match="nothing to confirm: the change was taken back"):
        await changing.confirm(host, run)


async def test_a_confirmed_change_stays_and_leaves_no_unit(tmp_path: Path) -> None:
    host, run = host_of(tmp_path), changing.new_run()
    units = sorted((tmp_path / "etc/systemd/system").rglob("*.service"))
    await changing.begin(host, CHANGE, run, "kim", 60)
    assert (tmp_path / "etc/systemd/system/edgewright-network-restore.service").exists()
    with pytest.raises(Conflict, match="still applying"):
        await changing.confirm(host, run)
    await until((tmp_path / STATE / "change/applied").exists)
    assert (await changing.confirm(host, run)).ended(run) == "confirmed"
    assert (tmp_path / "etc/hostname").read_text() == "other\n"
    assert sorted((tmp_path / "etc/systemd/system").rglob("*.service")) == units
    assert sorted(path.name for path in (tmp_path / STATE).iterdir()) == ["last", "log"]


async def test_a_start_of_the_host_before_the_confirmation_restores(tmp_path: Path) -> None:
    """The program that the unit runs, after everything else of the change was killed with the host."""
    host, before = host_of(tmp_path), listing(tmp_path)
    run = await applied(host, CHANGE, tmp_path / STATE, 600)
    program = tmp_path / STATE / "change/program"
    subprocess.run(["sh", str(program), "boot"], check=True)
    assert listing(tmp_path) == before
    assert (await changing.look(host)).ended(run) == "boot"


async def test_a_start_in_the_middle_of_each_step_restores_or_finishes(tmp_path: Path) -> None:
    steps = (
        ("", "edge1", "nothing"),
        ("armed", "edge1", "boot"),
        ("back", "edge1", "boot"),
        ("confirmed", "other", "confirmed"),
    )
    for number, (present, name, end) in enumerate(steps):
        folder = tmp_path / str(number)
        folder.mkdir()
        host = host_of(folder)
        await applied(host, CHANGE, folder / STATE, 600)
        for file in ("armed", "back", "confirmed"):
            (folder / STATE / "change" / file).unlink(missing_ok=True)
        if present:
            (folder / STATE / "change" / present).touch()
        else:
            (folder / "etc/hostname").write_text("edge1\n")
        subprocess.run(["sh", str(folder / STATE / "change/program"), "boot"], check=True)
        assert (folder / "etc/hostname").read_text() == f"{name}\n"
        assert not (folder / STATE / "change").exists()
        assert (await changing.look(host)).last_end == end


@pytest.fixture
def overlay(tmp_path: Path) -> tuple[FolderHost, Change]:
    """A host with /oem, and a change that also writes there."""
    host = host_of(tmp_path)
    for folder in ("oem", "usr/local"):
        (tmp_path / folder).mkdir(parents=True)
    return host, CHANGE._replace(files=(*CHANGE.files, FileChange("/oem/99_site_network.yaml", "new\n", 0o600)))


async def test_the_file_of_oem_is_written_when_the_change_is_confirmed(
    overlay: tuple[FolderHost, Change], tmp_path: Path
) -> None:
    host, change = overlay
    stored, state, run = tmp_path / "oem/99_site_network.yaml", tmp_path / "usr/local/.edgewright-network", "0" * 16
    await changing.begin(host, change, run, "kim", 60)
    await until((state / "change/applied").exists)
    assert (tmp_path / "etc/hostname").read_text() == "other\n" and not stored.exists()
    assert (await changing.confirm(host, run)).ended(run) == "confirmed"
    assert stored.read_text() == "new\n" and stored.stat().st_mode & 0o777 == 0o600


async def test_an_oem_that_cannot_be_written_gives_the_old_settings_back(
    overlay: tuple[FolderHost, Change], tmp_path: Path
) -> None:
    host, change = overlay
    state = tmp_path / "usr/local/.edgewright-network"
    run = await applied(host, change, state)
    (state / f"change/new/{len(CHANGE.files)}").unlink()
    with pytest.raises(Failed, match="could not store the change in /oem, and gave the old settings back"):
        await changing.confirm(host, run)
    assert (tmp_path / "etc/hostname").read_text() == "edge1\n"


async def test_a_host_whose_etc_did_not_survive_its_start_has_its_old_settings_and_no_lock(
    overlay: tuple[FolderHost, Change], tmp_path: Path
) -> None:
    host, change = overlay
    state = tmp_path / "usr/local/.edgewright-network"
    run = await applied(host, change, state, 600)
    shutil.rmtree(tmp_path / "etc")
    for folder in ("etc/systemd/network", "etc/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/hostname").write_text("edge1\n")
    (state / "change/boot-id").write_text("another\n")
    seen = await changing.look(host)
    assert seen.pending is None and seen.ended(run) == "boot"
    again = await applied(host, change, state)
    assert (await changing.confirm(host, again)).ended(again) == "confirmed"
    assert (tmp_path / "etc/hostname").read_text() == "other\n"


async def test_the_time_that_is_over_gives_the_old_settings_back(tmp_path: Path) -> None:
    host, before = host_of(tmp_path), listing(tmp_path)
    run = await applied(host, CHANGE, tmp_path / STATE)
    (tmp_path / STATE / "change/until").write_text("1\n")
    program = str(tmp_path / STATE / "change/program")
    subprocess.run(["sh", program, "timer"], check=True, timeout=10)
    assert listing(tmp_path) == before and (await changing.look(host)).ended(run) == "timer"


async def test_what_a_console_left_while_it_was_saving_is_no_lock(tmp_path: Path) -> None:
    host = host_of(tmp_path)
    left = tmp_path / STATE / "change"
    left.mkdir(parents=True)
    (left / "saver").write_text("999999\n")
    (left / "boot-id").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    run = changing.new_run()
    await changing.begin(host, CHANGE, run, "kim", 60)
    await changing.give_back(host, run)
    await until(lambda: not (tmp_path / STATE / "change").exists())


async def test_a_file_that_cannot_be_saved_changes_nothing(tmp_path: Path) -> None:
    host = host_of(tmp_path)
    before = listing(tmp_path)
    folder = tmp_path / "etc/environment"
    folder.mkdir()
    change = CHANGE._replace(files=(*CHANGE.files, FileChange("/etc/environment", "A=1\n")))
    with pytest.raises(Failed, match=r"/etc/environment could not be saved. Nothing was changed."):
        await changing.begin(host, change, changing.new_run(), "kim", 60)
    folder.rmdir()
    assert listing(tmp_path) == before and not (tmp_path / STATE / "change").exists()


async def test_a_time_out_of_range_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    host = host_of(tmp_path)
    for within in (0, 19, 3601):
        with pytest.raises(InvalidInput, match="20 s to 1 h"):
            await changing.begin(host, CHANGE, changing.new_run(), "kim", within)
    assert host.scripts == []
