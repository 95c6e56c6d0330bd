"""The medium: the image as a squashfs with kernel, initrd and boot loaders, as an ISO for CD and USB, BIOS and UEFI.

Layout and switches are AuroraBoot's, so that what works on a Kairos ISO works on this one.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from edgewright.forge.appliance.lock import Lock
from edgewright.forge.appliance.rootfs import System
from edgewright.forge.appliance.space import tool_failed
from edgewright.forge.iso.ending import trim
from edgewright.forge.programs import run
from edgewright.forge.progress import Job

VOLUME = "COS_LIVE"
PLACEHOLDER = 64 * 1024
"""Bytes of /config.yaml: user-data of up to this size goes in without the ISO being written again."""
PLACEHOLDER_HEAD = "#cloud-config\n# edgewright placeholder: the user-data of an installer is written over this file.\n"
KERNEL_LINE = (
    "cdroot root=live:CDLABEL=COS_LIVE rd.live.dir=/ rd.live.squashimg=rootfs.squashfs rd.live.overlay.overlayfs=1 "
    "rd.neednet=0 rd.cos.disable net.ifnames=1 console=tty1 console=ttyS0 panic=30 no_timer_check"
)
"""Kairos's words; then a kernel that restarts instead of stopping, and one that a busy emulator does not confuse:
its timer check panics where the emulated timer is late ("IO-APIC + timer doesn't work")."""
ENTRIES = (
    ("Edgewright: install", "install", "edgewright.install"),
    ("Edgewright: live system, without installing", "live", ""),
    ("Edgewright: live system, with the initrd's shell", "debug", "rd.shell rd.debug systemd.log_level=debug"),
)
_HEAD = """\
search --no-floppy --file --set=root /boot/kernel
set default=0
set timeout=3
if [ "$grub_platform" = "pc" ]; then
  if serial --unit=0 --speed=115200; then
    terminal_input console serial
    terminal_output console serial
  fi
fi
"""
_CHAIN = """\
search --no-floppy --file --set=root /boot/kernel
set prefix=($root)/boot/grub2
configfile $prefix/grub.cfg
"""
_EFI_SIZE = 4 * 1024 * 1024
"""The EFI image is rounded up to this."""


def grub_cfg() -> str:
    """Return the menu of the medium."""
    text = _HEAD
    for title, name, label in ENTRIES:
        line = f"{KERNEL_LINE} {label}".rstrip()
        text += f'menuentry "{title}" --id {name} {{\n'
        text += f"  linux ($root)/boot/kernel {line}\n  initrd ($root)/boot/initrd\n}}\n"
    return text


def placeholder() -> bytes:
    """Return the content of /config.yaml."""
    head = PLACEHOLDER_HEAD.encode()
    return head + b"\n" * (PLACEHOLDER - len(head))


def make_medium(lock: Lock, system: System, tree: Path, work: Path, out: Path, job: Job, *, level: int) -> None:
    """Write the ISO of an image to `out`. `level` is zstd's. Raises `Failed` with a tool's last words."""
    iso = work / "iso"
    boot = iso / "boot"
    (boot / "grub2").mkdir(parents=True)
    _squash(lock, tree, iso / "rootfs.squashfs", work, job, level)
    job.step("laying out the medium", "steps")
    shutil.copyfile(system.kernel, boot / "kernel")
    shutil.copyfile(system.initrd, boot / "initrd")
    shutil.copyfile(system.eltorito, boot / "eltorito.img")
    shutil.copyfile(system.hybrid, boot / "boot_hybrid.img")
    (boot / "grub2/grub.cfg").write_text(grub_cfg())
    (iso / "config.yaml").write_bytes(placeholder())
    _efi(lock, system, iso, work, job)
    for path in [iso, *iso.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (lock.timestamp, lock.timestamp))
    _write(lock, iso, work, out, job)


def _squash(lock: Lock, tree: Path, target: Path, work: Path, job: Job, level: int) -> None:
    job.step("compressing the image", "steps")

    def look(line: str) -> None:
        match = re.search(r"(\d+)%$", line)
        if match:
            job.at(int(match.group(1)), 100)

    stamp = str(lock.timestamp)
    arguments = [
        "mksquashfs",
        str(tree),
        str(target),
        "-b",
        "1024k",
        "-comp",
        "zstd",
        "-Xcompression-level",
        str(level),
    ]
    arguments += [
        "-processors",
        "2",
        "-mem",
        "256M",
        "-noappend",
        "-reproducible",
        "-mkfs-time",
        stamp,
        "-all-time",
        stamp,
    ]
    arguments += ["-progress", "-wildcards", "-e", "proc/*", "sys/*", "dev/*", "run/*", "tmp/*"]
    # mksquashfs refuses its own switches for times beside the variable
    done = run(["env", "--unset=SOURCE_DATE_EPOCH", *arguments], job, on_line=look)
    if done.code != 0:
        raise tool_failed("mksquashfs", done, work)


def _efi(lock: Lock, system: System, iso: Path, work: Path, job: Job) -> None:
    """Make the EFI system partition: shim, which the firmware trusts, and GRUB, which shim trusts."""
    folder = work / "efi"
    files = {
        "EFI/BOOT/bootx64.efi": system.shim.read_bytes(),
        "EFI/BOOT/grubx64.efi": system.grub.read_bytes(),
        "EFI/BOOT/mmx64.efi": system.mok.read_bytes(),
        "EFI/BOOT/grub.cfg": _CHAIN.encode(),
        "EFI/debian/grub.cfg": _CHAIN.encode(),
        "boot/grub/grub.cfg": _CHAIN.encode(),
    }
    for name, data in files.items():
        for base in (folder, iso):
            path = base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (lock.timestamp, lock.timestamp))
    total = sum(map(len, files.values())) + 512 * 1024
    kib = -(-total // _EFI_SIZE) * _EFI_SIZE // 1024
    image = iso / "boot/uefi.img"
    env = {"SOURCE_DATE_EPOCH": str(lock.timestamp), "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"}
    arguments = [
        "mkfs.vfat",
        "--invariant",
        "-i",
        f"{lock.timestamp & 0xFFFFFFFF:08x}",
        "-n",
        "EFI_LIVE",
        "-C",
        str(image),
        str(kib),
    ]
    done = run(arguments, job, env=env)
    # one by one: an entire directory at once would be written in the order in which the disk happens to list it
    folders = sorted({str(parent) for name in files for parent in Path(name).parents if parent.name})
    if done.code == 0:
        done = run(["mmd", "-i", str(image), *(f"::/{name}" for name in folders)], job, env=env)
    for name in sorted(files):
        if done.code == 0:
            done = run(["mcopy", "-m", "-i", str(image), str(folder / name), f"::/{name}"], job, env=env)
    if done.code != 0:
        raise tool_failed("mkfs.vfat or mcopy", done, work)


def _write(lock: Lock, iso: Path, work: Path, out: Path, job: Job) -> None:
    job.step("writing the ISO", "steps")

    def look(line: str) -> None:
        match = re.search(r"(\d+)(?:\.\d+)?% done", line)
        if match:
            job.at(int(match.group(1)), 100)

    hybrid, uefi = iso / "boot/boot_hybrid.img", iso / "boot/uefi.img"
    arguments = ["xorriso", "-volid", VOLUME, "-joliet", "on", "-padding", "0", "-outdev", f"stdio:{out}"]
    arguments += ["-uid", "0", "-gid", "0", "-map", str(iso), "/", "-chmod", "0755", "/", "--"]
    for what in (
        *("bin_path=/boot/eltorito.img", f"grub2_mbr={hybrid}", "grub2_boot_info=on"),
        *("partition_offset=16", "cat_path=/boot/boot.catalog", "cat_hidden=on", "boot_info_table=on"),
        *("platform_id=0x00", "emul_type=no_emulation", "load_size=2048", "next"),
        *("platform_id=0xef", "emul_type=no_emulation"),
    ):
        arguments += ["-boot_image", "grub" if what.startswith(("bin_path", "grub2")) else "any", what]
    arguments += ["-append_partition", "2", "0xef", str(uefi)]
    for what in ("efi_path=--interval:appended_partition_2:all::", "appended_part_as=gpt", "mbr_force_bootable=on"):
        arguments += ["-boot_image", "any", what]
    done = run(arguments, job, on_line=look, env={"SOURCE_DATE_EPOCH": str(lock.timestamp), "TZ": "UTC"})
    if done.code != 0:
        raise tool_failed("xorriso", done, work)
    trim(out)  # else partition tools complain that the backup GPT is not at the end
