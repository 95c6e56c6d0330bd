"""Serial consoles as QEMU gave them, byte for byte: what is read from them, and what it means for a proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.forge.proof.log_patterns import Reader
from edgewright.forge.proof.track import Track

RECORDED = Path(__file__).parent / "recorded"


def play(name: str, *, secure_boot: bool = False, size: int = 97) -> tuple[Track, Reader]:
    data = (RECORDED / f"{name}.bin").read_bytes()
    track, reader = Track("login", secure_boot=secure_boot), Reader()
    for at in range(0, len(data), size):
        for _, sign in reader.feed(data[at : at + size]):
            if sign is not None:
                track.take(sign, at / 100, reader.lines)
    return track, reader


def passed(track: Track) -> list[str]:
    return [mark.key for mark in track.marks.values() if mark.state == "passed"]


@pytest.mark.parametrize("size", [1, 97, 100_000])
def test_bios_from_a_stick_to_the_kernel(size: int) -> None:
    track, _ = play("bios-usb", size=size)
    assert passed(track) == ["firmware", "bootloader", "kernel"]
    assert not track.over()
    assert track.marks["kernel"].detail.startswith("6.1.")


def test_secure_boot_is_told_by_the_kernel_itself() -> None:
    track, _ = play("uefi-secure-boot", secure_boot=True)
    assert passed(track) == ["firmware", "bootloader", "kernel", "secure-boot"]
    assert "Secure Boot" in track.marks["secure-boot"].detail


@pytest.mark.parametrize("name", ["bios-nothing-to-boot", "uefi-nothing-to-boot"])
def test_a_firmware_that_finds_nothing_says_so(name: str) -> None:
    track, _ = play(name)
    assert track.why is not None
    assert "found nothing that it can boot" in track.why.sentence


def test_a_kernel_that_panics() -> None:
    track, reader = play("panic")
    assert track.failed == "live"
    assert track.why is not None
    assert "VFS: Unable to mount root fs" in track.why.sentence
    assert any("Kernel panic" in line for line in reader.last(40))
