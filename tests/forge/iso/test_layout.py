"""Whose installer an ISO carries: those that never read our user-data are refused, with what they look like."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from edgewright.core.errors import InvalidInput
from edgewright.forge.iso.facts import Check
from edgewright.forge.iso.formats import ANOTHER, hint_for
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.layout import Layout, layout_of
from edgewright.forge.iso.write import make_iso
from edgewright.forge.progress import Job
from tests.forge.isos import USER_DATA, look_alike

LOOK_ALIKES = {
    "ubuntu-22.04-live-server": ({"/casper/vmlinuz": b"k", "/casper/install-sources.yaml": b"a: 1\n"},
                                 "an Ubuntu live server installer"),
    "ubuntu-desktop": ({"/casper/filesystem.squashfs": b"hsqs", "/dists/jammy/Release": b"x"},
                       "an Ubuntu live ISO (casper/)"),
    "debian-live": ({"/live/filesystem.squashfs": b"hsqs", "/live/vmlinuz": b"k"}, "a Debian live ISO (live/)"),
    "debian-netinst": ({"/install.amd/vmlinuz": b"k", "/dists/bookworm/Release": b"x"},
                       "a Debian installer (dists/)"),
    "opensuse-dvd": ({"/boot/x86_64/loader/linux": b"k", "/media.1/products": b"x"},
                     "an openSUSE or SUSE installer (boot/x86_64/loader)"),
    "fedora-live": ({"/LiveOS/squashfs.img": b"hsqs"}, "a Fedora or RHEL live ISO (LiveOS/)"),
    "rocky-dvd": ({"/images/pxeboot/vmlinuz": b"k", "/.treeinfo": b"x"},
                  "a Fedora or RHEL installer (images/pxeboot)"),
    "windows": ({"/sources/boot.wim": b"MSWIM", "/bootmgr": b"x"}, "a Windows installer"),
    "esxi": ({"/boot.cfg": b"x", "/imgdb.tgz": b"x"}, "a VMware ESXi installer"),
    "freebsd": ({"/boot/kernel/kernel": b"k", "/boot/loader.conf": b"x"}, "a FreeBSD installer"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_installers_of_others_are_refused_by_name(tmp_path: Path, name: str) -> None:
    files, what = LOOK_ALIKES[name]
    base = look_alike(tmp_path, f"{name}.iso", files)
    found = identify(base)
    assert (found.what, found.refuse, found.as_dict()["usable"]) == (what, "", False)
    assert found.refusal.startswith(f"{name}.iso looks like {what}: neither /rootfs.squashfs with /boot/kernel nor")
    out = tmp_path / "out.iso"
    with pytest.raises(InvalidInput, match="never reads the user-data") as caught:
        make_iso(base, USER_DATA, out, Job())
    assert caught.value.hint.endswith("To insist: edgewright forge iso --any-base")
    assert not out.exists() and not out.with_name("out.iso.part").exists()


def test_an_iso_of_nobody_that_is_known(tmp_path: Path) -> None:
    found = identify(look_alike(tmp_path, "x.iso", {"/readme.txt": b"x"}))
    assert found.what == "" and found.refusal.startswith("x.iso has an unknown layout: ")


def test_who_insists_gets_an_installer_that_is_unproven_and_says_why(tmp_path: Path) -> None:
    base = look_alike(tmp_path, "live.iso", {"/live/vmlinuz": b"k"})
    manifest = make_iso(
        base, USER_DATA, tmp_path / "o.iso", Job(), checks=[Check("user-data", True, "")], any_base=True
    )
    assert manifest["label"] == "unproven"
    (failed,) = [check for check in manifest["checks"] if not check["ok"]]
    assert failed["name"] == "base" and failed["detail"].startswith("taken by --any-base: live.iso looks like a Debian")


def test_insisting_does_not_help_a_base_that_cannot_be_rewritten(tmp_path: Path) -> None:
    base = look_alike(tmp_path, "live.iso", {"/live/vmlinuz": b"k"})
    data = bytearray(base.read_bytes())
    data[2048:2050], data[2048 + 48 : 2048 + 57] = b"PM", b"Apple_HFS"
    base.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"HFS\+"):
        make_iso(base, USER_DATA, tmp_path / "o.iso", Job(), any_base=True)
    with pytest.raises(InvalidInput, match="looks like a Debian live ISO") as caught:
        make_iso(base, USER_DATA, tmp_path / "o.iso", Job())
    assert "--any-base" not in caught.value.hint


def test_layouts_that_kairos_itself_makes() -> None:
    assert layout_of({"/rootfs.squashfs", "/boot/kernel", "/boot/initrd"}, "COS_LIVE", {}).known
    assert layout_of({"/rootfs.squashfs", "/boot/kernel.xz"}, "COS_LIVE", {}).known
    assert layout_of({"/live/x.squashfs"}, "ANY", {"KAIROS_NAME": "own"}).known  # what is inside says it
    assert layout_of({"/efiboot.img", "/efi/boot/bootx64.efi"}, "UKI_ISO_INSTALL", {}).known
    assert layout_of({"/rootfs.squashfs", "/boot/kernel/kernel"}, "X", {}) == Layout(False, "a FreeBSD installer")
    assert layout_of(set(), "CIDATA", {}).other.startswith("the seed of one site")
    assert layout_of({"/readme.txt"}, "CCCOMA_X64", {}, udf=True).other == "a UDF disc, as Windows installers are"


@pytest.mark.parametrize(
    ("data", "sentence", "hint"),
    [
        (gzip.compress(b"iso" * 50_000), "x y.iso is compressed (gzip).", "Unpack it first: gunzip < "),
        (lzma.compress(b"iso" * 50_000), "x y.iso is compressed (xz).", "Unpack it first: unxz < "),
        (b"\x28\xb5\x2f\xfd" + bytes(90_000), "x y.iso is compressed (zstd).", "Unpack it first: unzstd < "),
        (b"PK\x03\x04" + bytes(90_000), "x y.iso is a zip archive.", "Unpack it first: unzip "),
        (b"QFI\xfb" + bytes(90_000), "x y.iso is a disk image of QEMU (qcow2).", "An installer is made from an ISO"),
        (b"KDMV" + bytes(90_000), "x y.iso is a disk image of VMware (vmdk).", "An installer is made from an ISO"),
        (bytes(510) + b"\x55\xaa" + bytes(90_000), "x y.iso is a raw disk image (MBR).", "An installer is made from"),
        (bytes(510) + b"\x55\xaaEFI PART" + bytes(90_000), "x y.iso is a raw disk image (GPT).", "An installer is"),
        (b"#cloud-config\n", "x y.iso is user-data, not an ISO.", "Give it with --user-data"),
        (b"", "x y.iso is empty.", "Copy it again."),
    ],
)  # fmt: skip
def test_files_that_are_no_iso_are_named_for_what_they_are(
    tmp_path: Path, data: bytes, sentence: str, hint: str
) -> None:
    file = tmp_path / "x y.iso"
    file.write_bytes(data)
    found = identify(file)
    assert found.refusal == sentence and "names" not in dict(found.facts())
    with pytest.raises(InvalidInput) as caught:
        make_iso(file, USER_DATA, tmp_path / "o.iso", Job())
    assert caught.value.message == sentence and caught.value.hint.startswith(hint)
    if "Unpack" in hint:
        assert f"'{file}'" in caught.value.hint  # it has a space


def test_the_next_step_for_an_iso_is_not_that_of_a_disk_image(tmp_path: Path) -> None:
    """An ISO that boots from a stick begins with an MBR, as an installed disk does."""
    iso = look_alike(tmp_path, "hybrid.iso", {"/.alpine-release": b"3.2"}, usb="mbr")
    assert identify(iso).foreign and hint_for(iso) == ANOTHER
    whole = iso.read_bytes()
    iso.write_bytes(whole[: len(whole) // 2])
    assert "is cut off" in identify(iso).refuse and hint_for(iso) == "Download or copy it again."
    disk = tmp_path / "disk.img"
    disk.write_bytes(whole[:512].ljust(1 << 20, b"\0"))
    assert hint_for(disk).startswith("An installer is made from an ISO, not from an installed disk.")
