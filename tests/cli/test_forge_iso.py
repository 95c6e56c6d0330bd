"""The verbs of the ISO engine, as a person runs them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.commands.forge import flash as flash_verbs
from edgewright.commands.forge.flash import ForgeDisks, ForgeFlash
from edgewright.commands.kernel.base import Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.errors import Conflict, NotFound, Refused, UsageError
from edgewright.forge.flash import disks as disks_module
from edgewright.forge.flash import write as flash_write
from edgewright.forge.manifest import read_manifest
from tests.cli_support import Cli
from tests.forge.conftest import base_iso
from tests.forge.flash.test_disks import Machine
from tests.forge.isos import USER_DATA, look_alike

__all__ = ["base_iso"]

CTX = CommandContext(Settings())


@pytest.fixture
def user_data(tmp_path: Path) -> str:
    (tmp_path / "user-data").write_bytes(USER_DATA)
    return "user-data"


def test_an_installer_is_made(cli: Cli, base_iso: Path, user_data: str, tmp_path: Path) -> None:
    done = cli("forge", "iso", "--base", str(base_iso), "--user-data", user_data, "-o", "out.iso", "--offline")
    assert done.code == 0, done.err
    assert "label       checked: 10 checks passed, not yet booted" in done.out
    assert "registers with https://plane.example.com" in done.out
    assert "Next: edgewright forge verify out.iso" in done.out
    assert "writing the ISO" in done.err and "dG9rZW4" not in done.out + done.err
    again = cli("forge", "iso", "--base", str(base_iso), "--user-data", user_data, "-o", "out.iso", "--offline")
    assert (again.code, again.err.splitlines()[0]) == (6, "out.iso is there already.")
    words = ["forge", "iso", "--base", str(base_iso), "--user-data", user_data, "--out", "out.iso", "--offline"]
    told = cli(*words, "--force", "-o", "json")
    assert told.json() == read_manifest(tmp_path / "out.iso")
    shown = cli("forge", "identify", "out.iso", "-o", "json").json()
    assert (shown["label"], shown["configs"], shown["refuse"]) == ("checked", ["/config.yaml"], "")


def test_wrong_user_data_is_refused_with_its_line(cli: Cli, base_iso: Path, tmp_path: Path) -> None:
    (tmp_path / "ud").write_bytes(USER_DATA.replace(b"plane.example.com", b"127.0.0.1"))
    done = cli("forge", "iso", "--base", str(base_iso), "--user-data", "ud", "-o", "out.iso", "--offline")
    assert done.code == 7
    assert "ud is not right: line 4: " in done.err and "loopback" in done.err
    assert not (tmp_path / "out.iso").exists()


def test_what_is_no_base(cli: Cli, user_data: str) -> None:
    done = cli("forge", "iso", "--base", user_data, "--user-data", user_data, "-o", "out.iso", "--offline")
    assert done.code == 7 and done.err.splitlines()[-2:] == [
        "user-data is user-data, not an ISO.", "Give it with --user-data; --base takes an ISO.",
    ]  # fmt: skip
    assert cli("forge", "identify", "none.iso").code == 3


def test_sites_by_seed(cli: Cli, user_data: str, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("name,address,gateway\nedge-1,10.0.1.10/24,10.0.1.1\nedge-2,,\n")
    done = cli("forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S")
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["SITE", "ADDRESS", "FILE", "SIZE", "STATE"]
    assert lines[2] == ["edge-2", "dhcp", "edge-2-cidata.iso", "365", "kB", "made"]
    assert "2 made, 0 unchanged; index: S/sites.json" in done.err
    assert len(json.loads((tmp_path / "S/sites.json").read_text())["sites"]) == 2
    again = cli("forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S", "-o", "json")
    assert [one["state"] for one in again.json()] == ["unchanged", "unchanged"]


def test_sites_that_collide(cli: Cli, user_data: str, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("name,address\nedge-1,10.0.1.10/24\nedge-2,10.0.1.10/24\n")
    done = cli("forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S")
    assert done.code == 7 and not (tmp_path / "S").exists()
    assert "Row 1 (line 2, edge-1) and row 2 (line 3, edge-2) have the same address 10.0.1.10." in done.err
    assert cli("forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S", "--whole").code == 2


def test_every_error_of_a_plan_is_shown(cli: Cli, user_data: str, tmp_path: Path) -> None:
    rows = "".join(f"edge-{number},not a host,=x\n" for number in range(9))
    (tmp_path / "plan.csv").write_text(f"name,ntp,tags\n{rows}")
    done = cli("forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S")
    lines = done.err.splitlines()
    assert done.code == 7 and sum(line.startswith("error: line ") for line in lines) == 18
    assert "plan.csv has 18 errors; they are listed above." in done.err and "And " not in done.err
    rows = "".join(f"edge-{number},not a host\n" for number in range(300))
    (tmp_path / "plan.csv").write_text(f"name,ntp\n{rows}")
    done = cli("forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S")
    assert "... and 200 more like these." in done.err and "has 300 errors" in done.err
    assert len(done.err.splitlines()) < 110


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with a system disk and one stick, whose device is a file that stands in for it."""
    found = Machine(tmp_path / "machine")
    found.part(found.disk("sda", 0, 500), "sda2", 2, "ext4", "root", "/")
    found.part(found.disk("sdb", 16, 0.012, usb=True), "sdb1", 17, "vfat", "PHOTOS")
    (found.root / "dev").mkdir()
    (found.root / "dev/sdb").write_bytes(b"\xff" * 12_000_000)
    real = disks_module.Disks
    monkeypatch.setattr(flash_verbs, "Disks", lambda: real(found.root))
    return found


async def planned(**args: str | None) -> Plan:
    return await ForgeFlash().plan(CTX, (), {"disk": None, **args})


async def test_flashing_says_all_before_and_compares_after(machine: Machine, base_iso: Path) -> None:
    plan = await planned(iso=str(base_iso))
    assert plan.confirm_text == "sdb" and plan.title == "Write base.iso to sdb"
    assert 'on it:     sdb1 1.0 GB vfat "PHOTOS"' in plan.lines
    assert "disk:      sdb ACME Model X 12 MB (USB)" in plan.lines
    assert plan.cannot_undo == ("everything on sdb is lost",)
    told: list[str] = []
    outcome = await ForgeFlash().apply(CTX, plan, {"iso": str(base_iso)}, told.append)
    assert "written, read back and equal" in outcome.message and outcome.done == ("sdb",)
    size = base_iso.stat().st_size
    assert (machine.root / "dev/sdb").read_bytes()[:size] == base_iso.read_bytes()
    assert any(line.startswith("reading sdb back") for line in told)


async def test_a_disk_that_was_exchanged_is_not_written(machine: Machine, base_iso: Path) -> None:
    plan = await planned(iso=str(base_iso))
    machine.write("sys/devices/pci0/usb1/1-1/block/sdb/device/model", "Another")
    with pytest.raises(Conflict, match="another disk now"):
        await ForgeFlash().apply(CTX, plan, {"iso": str(base_iso)}, lambda line: None)
    assert (machine.root / "dev/sdb").read_bytes() == b"\xff" * 12_000_000


async def test_disks_that_are_not_offered(machine: Machine, base_iso: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="contains the system of this machine"):
        await planned(iso=str(base_iso), disk="sda")
    with pytest.raises(NotFound, match="There is no file"):
        await planned(iso=str(tmp_path / "none.iso"))
    machine.disk("sdc", 32, 8, usb=True)
    with pytest.raises(UsageError, match=r"There are 2 removable disks: sdb ACME .*, sdc ACME"):
        await planned(iso=str(base_iso))
    machine.write("sys/devices/pci0/usb1/1-1/block/sdb/size", "2000\n")
    with pytest.raises(Refused, match="too little"):
        await planned(iso=str(base_iso), disk="sdb")


async def test_a_seed_need_not_boot(machine: Machine, tmp_path: Path) -> None:
    from edgewright.forge.iso.cidata import make_cidata

    make_cidata(tmp_path / "seed.iso", b"#cloud-config\n")
    plan = await planned(iso=str(tmp_path / "seed.iso"))
    assert plan.lines[-1].startswith("note:      the seed of a site: it does not boot")


async def test_an_iso_that_does_not_boot_from_usb_is_refused(machine: Machine, tmp_path: Path) -> None:
    cd = look_alike(tmp_path, "cd.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"})
    with pytest.raises(Refused, match=r"cd\.iso does not boot from a USB disk: it boots BIOS from CD only\.") as caught:
        await planned(iso=str(cd))
    assert caught.value.hint.endswith("To write it all the same: --any-iso")
    plan = await ForgeFlash().plan(CTX, (), {"iso": str(cd), "disk": None, "any_iso": True})
    assert plan.lines[-1].startswith("WARNING:   cd.iso does not boot from a USB disk") and "--any-iso" in plan.cli
    (tmp_path / "x.iso").write_bytes(b"\x1f\x8b" + bytes(100_000))
    with pytest.raises(Refused, match=r"does not boot from a USB disk: x\.iso is compressed \(gzip\)\."):
        await planned(iso=str(tmp_path / "x.iso"))


async def test_a_firmware_that_does_not_start_the_stick_is_named(machine: Machine, tmp_path: Path) -> None:
    usb = look_alike(tmp_path, "usb.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"}, usb="mbr")
    plan = await planned(iso=str(usb))
    assert "WARNING:   usb.iso boots from USB by BIOS only: a machine set to UEFI does not start it." in plan.lines


def test_the_result_names_the_boot_modes_and_the_next_steps_that_are_left(
    cli: Cli, user_data: str, tmp_path: Path
) -> None:
    look_alike(tmp_path, "cd.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"})
    done = cli("forge", "iso", "--base", "cd.iso", "--user-data", user_data, "-o", "Läden 1.iso", "--offline")
    assert done.code == 0, done.err
    assert "warning: Läden 1.iso boots from a CD only (BIOS), as its base: a USB stick written with it does" in done.err
    assert "boots       BIOS from CD\n" in done.out and "forge flash" not in done.out
    assert "Next: edgewright forge verify 'Läden 1.iso' --bios --cd   boots it" in done.out


def test_a_warning_that_does_not_hold_on_the_base_is_not_shown(cli: Cli, base_iso: Path, tmp_path: Path) -> None:
    """The reference appliance does not install twice from one medium; other installers do."""
    (tmp_path / "ud").write_bytes(USER_DATA.replace(b"poweroff", b"reboot"))
    look_alike(tmp_path, "other.iso", {"/rootfs.squashfs": b"hsqs", "/boot/kernel": b"k"}, usb="mbr")
    words = ["--user-data", "ud", "-o", "out.iso", "--offline", "--force"]
    ours = cli("forge", "iso", "--base", str(base_iso), *words)
    other = cli("forge", "iso", "--base", "other.iso", *words)
    assert ours.code == other.code == 0, ours.err + other.err
    assert "install.reboot" not in ours.err and "install.reboot" in other.err


def test_a_box_that_waits_for_its_disk_is_told(cli: Cli, base_iso: Path, tmp_path: Path) -> None:
    (tmp_path / "ud").write_bytes(USER_DATA.replace(b"  device: auto\n", b""))
    done = cli("forge", "iso", "--base", str(base_iso), "--user-data", "ud", "-o", "out.iso", "--offline")
    assert done.code == 0, done.err
    assert "  disk        is chosen at the console: neither install.auto nor install.device is set" in done.out
    (tmp_path / "ud").write_bytes(USER_DATA)
    done = cli("forge", "iso", "--base", str(base_iso), "--user-data", "ud", "-o", "o2.iso", "--offline")
    assert "is chosen at the console" not in done.out


def test_a_base_of_another_system(cli: Cli, user_data: str, tmp_path: Path) -> None:
    look_alike(tmp_path, "live.iso", {"/casper/install-sources.yaml": b"x"})
    words = ["forge", "iso", "--base", "live.iso", "--user-data", user_data, "-o", "out.iso", "--offline"]
    done = cli(*words)
    assert done.code == 7 and not (tmp_path / "out.iso").exists()
    assert "live.iso looks like an Ubuntu live server installer: neither" in done.err and "--any-base" in done.err
    shown = cli("forge", "identify", "live.iso")
    assert shown.code == 7 and "usable" in shown.out and "looks like an Ubuntu live server" in shown.err
    assert cli("forge", "identify", "live.iso", "-o", "json").json()["usable"] is False
    done = cli(*words, "--any-base")
    assert done.code == 0 and "warning: live.iso looks like an Ubuntu" in done.err
    assert "label       unproven: " in done.out and "1 failed, not yet booted" in done.out
    assert "failed      base: taken by --any-base: live.iso looks like" in done.out


async def test_the_list_of_disks(machine: Machine) -> None:
    report: Callable[[str], None] = lambda line: None  # noqa: E731
    outcome = await ForgeDisks().apply(CTX, await ForgeDisks().plan(CTX, (), {}), {}, report)
    assert [item.cells for item in outcome.result.items] == [
        ("sdb", "ACME Model X", "12 MB", 'sdb1 1.0 GB vfat "PHOTOS"', "ready")
    ]


def test_whole_isos_of_sites_from_a_base_of_another_system(cli: Cli, user_data: str, tmp_path: Path) -> None:
    look_alike(tmp_path, "live.iso", {"/live/vmlinuz": b"k"})
    (tmp_path / "plan.csv").write_text("name,address\nedge-1,10.0.1.10/24\n")
    words = ["forge", "sites", "plan.csv", "--base-user-data", user_data, "-o", "S", "--whole", "--base", "live.iso"]
    done = cli(*words)
    assert done.code == 7 and "looks like a Debian live ISO" in done.err and not (tmp_path / "S").exists()


async def test_a_stopped_flash_says_that_the_disk_is_half_written(
    machine: Machine, base_iso: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said before that nothing was left, since whoever stopped it heard only that it was stopped."""
    monkeypatch.setattr(flash_write, "CHUNK", 4096)
    monkeypatch.setattr("edgewright.forge.flash.write.os.fdatasync", lambda handle: time.sleep(0.02))
    monkeypatch.setattr(flash_write, "SYNC", 4096)
    plan = await planned(iso=str(base_iso))
    task = asyncio.ensure_future(ForgeFlash().apply(CTX, plan, {"iso": str(base_iso)}, lambda line: None))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(flash_write.HalfWritten, match=r"Stopped; sdb is half written and will not boot\."):
        await task
    assert (machine.root / "dev/sdb").read_bytes()[:4096] == base_iso.read_bytes()[:4096]


def test_every_error_is_in_the_json_form_too(cli: Cli, base_iso: Path, tmp_path: Path) -> None:
    wrong = USER_DATA.replace(b"plane.example.com", b"127.0.0.1") + b"  reboot: 'yes'\n"
    (tmp_path / "ud").write_bytes(wrong)
    words = ("forge", "iso", "--base", str(base_iso), "--user-data", "ud", "-o", "out.iso", "--offline")
    done = cli(*words, "-o", "json")
    error = json.loads(done.err)
    assert (done.code, error["message"]) == (7, "ud has 2 errors.")
    assert [row["key"] for row in error["problems"]] == ["stylus.site.paletteEndpoint", "install.reboot"]
    lines = [line for line in cli(*words).err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1] for line in lines] == [" line 4", " line 12"], "in the order of the file"


def test_directories_pipes_and_devices_without_end(cli: Cli, base_iso: Path, user_data: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # nobody writes into it: opening it would block
    (tmp_path / "folder").mkdir()
    for base in ("pipe", "/dev/zero"):
        for words in (("identify", base), ("iso", "--base", base, "--user-data", user_data, "-o", "out.iso")):
            done = cli("forge", *words)
            assert (done.code, done.err.splitlines()[0]) == (7, f"{base} is not a regular file."), words
    for file, says in (("/dev/zero", "is bigger than 1 MB"), ("folder", "is a directory, not user-data.")):
        done = cli("forge", "iso", "--base", str(base_iso), "--user-data", file, "-o", "out.iso")
        assert done.code == 7 and says in done.err
    for line in (
        ("apply", "-f", "/dev/zero"),
        ("forge", "sites", "/dev/zero", "--base-user-data", user_data, "-o", "S"),
        ("forge", "user-data", "new", "token=@/dev/zero", "-o", "new.yaml"),
    ):
        assert cli(*line).code == 7, line
    assert sorted(path.name for path in tmp_path.glob("*.iso")) == []


def test_a_plan_of_what_cannot_be_made_is_refused(cli: Cli, base_iso: Path, user_data: str, tmp_path: Path) -> None:
    look_alike(tmp_path, "live.iso", {"/casper/vmlinuz": b"k"})
    words = ("--user-data", user_data, "-o", "out.iso", "--plan")
    assert cli("forge", "iso", "--base", "nope.iso", *words).code == 3
    foreign = cli("forge", "iso", "--base", "live.iso", *words)
    assert foreign.code == 7 and "looks like an Ubuntu live ISO" in foreign.err
    assert cli("forge", "iso", "--base", str(base_iso), *words).code == 0
    (tmp_path / "out.iso").write_bytes(b"x")
    assert cli("forge", "iso", "--base", str(base_iso), *words).code == 6


def test_a_file_is_not_a_disk(cli: Cli, base_iso: Path, tmp_path: Path) -> None:
    done = cli("forge", "flash", str(base_iso), str(base_iso))
    assert (done.code, done.err.splitlines()[0]) == (3, f"{base_iso} is not a disk.")
