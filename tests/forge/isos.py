"""Small installers of Kairos's layout for tests, made with xorriso and GRUB's files: nothing in them really boots."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support import missing

PLACEHOLDER = b"#cloud-config\n# edgewright placeholder\n"
PLACEHOLDER_SIZE = 64 * 1024
USER_DATA = b"""#cloud-config
stylus:
  site:
    paletteEndpoint: plane.example.com
    edgeHostToken: dG9rZW4tdG9rZW4tdG9rZW4
    name: edge-7
    projectName: shop
    tags: {site: berlin}
install:
  device: auto
  poweroff: true
"""
GRUB = Path("/usr/lib/grub/i386-pc")
MODULES = ("iso9660", "linux", "configfile", "search", "normal", "part_gpt", "part_msdos", "biosdisk")
LAYOUT = (
    "-boot_image grub bin_path=/boot/eltorito.img -boot_image grub grub2_mbr={boot_hybrid} "
    "-boot_image grub grub2_boot_info=on -boot_image any partition_offset=16 "
    "-boot_image any cat_path=/boot/boot.catalog -boot_image any cat_hidden=on -boot_image any boot_info_table=on "
    "-boot_image any platform_id=0x00 -boot_image any emul_type=no_emulation -boot_image any load_size=2048 "
    "-boot_image any next -boot_image any platform_id=0xef -boot_image any emul_type=no_emulation "
    "-append_partition 2 0xef {uefi} -boot_image any efi_path=--interval:appended_partition_2:all:: "
    "-boot_image any appended_part_as=gpt -boot_image any mbr_force_bootable=on"
)


@cache
def needs() -> str:
    """Return what is missing to make one, or ""."""
    for program in ("xorriso", "mksquashfs", "unsquashfs", "grub-mkimage"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return "" if (GRUB / "boot_hybrid.img").is_file() else "grub-pc-bin is not installed"


def kairos_iso(
    folder: Path, name: str = "base.iso", *, configs: dict[str, bytes] | None = None, placeholder: bool = True
) -> Path:
    """Return a new ISO with AuroraBoot's layout, 2 MB; skips the test where the programs are missing."""
    if needs():
        missing("e2e", needs())
    work = folder / f"{name}.work"
    tree, root = work / "iso", work / "rootfs"
    (tree / "boot/grub2").mkdir(parents=True)
    (root / "etc").mkdir(parents=True)
    (root / "usr/lib").mkdir(parents=True)
    (root / "etc/kairos-release").write_text('KAIROS_NAME="edgewright-appliance"\nKAIROS_VERSION="v0.1"\n')
    (root / "usr/lib/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    (root / "blob").write_bytes(bytes(range(256)) * 400)
    squash = ["mksquashfs", str(root), str(tree / "rootfs.squashfs"), "-noappend", "-quiet", "-no-progress", "-noI"]
    run([*squash, "-noD"])
    core = work / "core.img"
    run(["grub-mkimage", "-O", "i386-pc", "-o", str(core), "-p", "/boot/grub2", *MODULES])
    (tree / "boot/eltorito.img").write_bytes((GRUB / "cdboot.img").read_bytes() + core.read_bytes())
    (tree / "boot/grub2/grub.cfg").write_text("set timeout=1\n")
    for file in ("kernel", "initrd"):
        (tree / "boot" / file).write_bytes(file.encode() * 30_000)
    uefi = work / "uefi.img"
    uefi.write_bytes(b"\xeb\x3c\x90" + b"EFI stand-in".ljust(512 * 1024 - 3, b"\0"))
    files = dict(configs or {})
    if placeholder:
        files["/config.yaml"] = PLACEHOLDER.ljust(PLACEHOLDER_SIZE, b"\n")
    for path, content in files.items():
        target = tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    out = folder / name
    layout = LAYOUT.format(boot_hybrid=GRUB / "boot_hybrid.img", uefi=uefi).split()
    begin = ["xorriso", "-no_rc", "-volid", "COS_LIVE", "-joliet", "on", "-padding", "0", "-outdev", str(out)]
    run([*begin, "-map", str(tree), "/", "-chmod", "0755", "/", "--", *layout])
    shutil.rmtree(work)
    return out


def run(words: list[str]) -> None:
    """Run a program; its output is in the failure."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def extracted(iso: Path, path: str, folder: Path) -> bytes:
    """Return a file of an ISO as xorriso reads it: a reader that is not ours."""
    target = folder / "extracted"
    target.unlink(missing_ok=True)
    run(["xorriso", "-no_rc", "-osirrox", "on", "-indev", str(iso), "-extract", path, str(target)])
    return target.read_bytes()


def look_alike(folder: Path, name: str, files: dict[str, bytes], *, volid: str = "LIVE", usb: str = "") -> Path:
    """Return an ISO with these files and a small El Torito image (BIOS), as other systems' installers have one.

    `usb` is `mbr` for one that a BIOS starts from a stick too. Nothing in it boots.
    """
    if shutil.which("xorriso") is None:
        missing("e2e", "xorriso is not installed")
    tree = folder / f"{name}.tree"
    for path, content in {"/boot/boot.img": b"\xfa\xf4" * 1024, **files}.items():
        target = tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    hybrid = ["-isohybrid-mbr", str(GRUB / "boot_hybrid.img"), "--protective-msdos-label"] if usb else []
    boot = ["-b", "boot/boot.img", "-no-emul-boot", "-boot-load-size", "4"]
    out = folder / name
    run(["xorriso", "-as", "mkisofs", "-V", volid, "-r", "-J", "-o", str(out), *boot, *hybrid, str(tree)])
    shutil.rmtree(tree)
    return out
