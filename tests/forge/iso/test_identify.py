"""What is read out of an ISO without mounting it, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.core.errors import NotFound
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.image import SECTOR
from tests.support import missing


def test_a_kairos_installer(base_iso: Path) -> None:
    found = identify(base_iso)
    assert found.refuse == "" and found.notes == ()
    assert (found.volume_id, found.rock_ridge, found.joliet, found.trees) == ("COS_LIVE", True, True, 2)
    assert found.boot_modes == ("BIOS from CD", "BIOS from USB", "UEFI from CD", "UEFI from USB")
    assert [(entry.platform, entry.bootable) for entry in found.boots] == [("bios", True), ("uefi", True)]
    assert [part.what for part in found.partitions] == ["gpt data", "gpt efi"]
    assert (found.mbr, found.gpt, found.apm, found.hfsplus) == (True, True, False, False)
    assert found.kairos_release == {"KAIROS_NAME": "edgewright-appliance", "KAIROS_VERSION": "v0.1"}
    assert found.os == "Debian GNU/Linux 12 (bookworm)"
    assert found.squashfs == "/rootfs.squashfs"
    assert [config.path for config in found.configs] == ["/config.yaml"]
    assert found.created > 1_700_000_000


def test_its_placeholder_is_where_its_bytes_are(base_iso: Path) -> None:
    found = identify(base_iso).placeholder
    assert found is not None and found.size == 65536
    with base_iso.open("rb") as file:
        file.seek(found.offset)
        assert file.read(40) == b"#cloud-config\n# edgewright placeholder\n\n"


def test_every_config_is_found_wherever_it_lies(plain_iso: Path) -> None:
    found = identify(plain_iso, look_inside=False)
    assert [config.path for config in found.configs] == ["/extra/more.yml", "/files-iso/config.yaml"]
    assert found.placeholder is None and found.kairos_release == {}


def test_without_unsquashfs_it_says_unknown(base_iso: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.forge.iso.inside.shutil.which", lambda name: None)
    found = identify(base_iso)
    assert found.refuse == "" and found.kairos_release == {}
    assert "unsquashfs is not installed" in found.notes[0]
    assert dict(found.facts())["system"] == "unknown"


def test_a_cut_off_iso_says_how_much_is_missing(base_iso: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.iso"
    cut.write_bytes(base_iso.read_bytes()[: 300 * SECTOR])
    found = identify(cut)
    assert found.refuse.startswith("cut.iso is cut off: ") and "bytes are missing" in found.refuse


def test_what_is_no_iso(tmp_path: Path) -> None:
    (tmp_path / "x.iso").write_bytes(b"no iso" * 20_000)
    assert identify(tmp_path / "x.iso").refuse == "x.iso is not an ISO: it contains no ISO 9660 volume."
    (tmp_path / "short.iso").write_bytes(b"a key")
    assert identify(tmp_path / "short.iso").refuse == "short.iso is not an ISO: it is too short for an ISO 9660 volume."
    (tmp_path / "empty.iso").touch()
    assert identify(tmp_path / "empty.iso").refuse == "empty.iso is empty."
    with pytest.raises(NotFound):
        identify(tmp_path / "none.iso")
    with pytest.raises(NotFound):
        identify(tmp_path)


def test_an_iso_without_a_boot_record(tmp_path: Path) -> None:
    from edgewright.forge.iso.cidata import make_cidata

    make_cidata(tmp_path / "seed.iso", b"#cloud-config\n")
    assert identify(tmp_path / "seed.iso").refuse == "seed.iso has no boot record: no machine would boot it."


def test_an_apple_partition_map_is_refused(base_iso: Path, tmp_path: Path) -> None:
    data = bytearray(base_iso.read_bytes())
    data[2048:2050] = b"PM"
    data[2048 + 48 : 2048 + 57] = b"Apple_HFS"
    (tmp_path / "mac.iso").write_bytes(data)
    found = identify(tmp_path / "mac.iso")
    assert found.apm and found.hfsplus
    assert found.refuse == "mac.iso has an HFS+ file system; rewriting it would break its partition table."


def test_grubs_own_rescue_iso_is_refused(tmp_path: Path) -> None:
    if shutil.which("grub-mkrescue") is None or shutil.which("mformat") is None:
        missing("e2e", "grub-mkrescue or mtools is not installed")
    (tmp_path / "tree").mkdir()
    words = ["grub-mkrescue", "-o", str(tmp_path / "rescue.iso"), str(tmp_path / "tree"), "--modules=iso9660"]
    subprocess.run([*words, "--install-modules=iso9660"], capture_output=True, check=True)
    found = identify(tmp_path / "rescue.iso")
    assert "HFS+" in found.refuse or "Apple partition map" in found.refuse


def test_a_session_appended_in_place_does_not_boot_from_usb(base_iso: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.iso"
    shutil.copy(base_iso, broken)
    (tmp_path / "more").write_text("more")
    words = ["xorriso", "-no_rc", "-indev", str(broken), "-outdev", str(broken), "-joliet", "on", "-map"]
    words += [str(tmp_path / "more"), "/more", "-boot_image", "any", "replay"]
    subprocess.run(words, capture_output=True, check=True)
    found = identify(broken)
    assert found.boot_modes == ("BIOS from CD", "UEFI from CD")
    assert "according to its superblock" in found.partition_broken
    assert found.notes[0].startswith("It boots from CD only")
