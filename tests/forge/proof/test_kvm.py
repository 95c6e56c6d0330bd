"""A KVM that opens and hangs is told apart from one that works, and from one that is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgewright.core.errors import Cancelled
from edgewright.forge.progress import Job
from edgewright.forge.proof import kvm


def stand_in(tmp_path: Path, name: str, body: str) -> list[str]:
    """Write a program that behaves as a QEMU with this KVM would, named so."""
    path = tmp_path / name
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    path.chmod(0o755)
    return [str(path)]


def test_a_kernel_that_gets_through_its_start_is_enough(tmp_path: Path) -> None:
    words = stand_in(tmp_path, "stand-in-qemu-kvm-works", (
        "print('Linux version 6.1', flush=True)\n"
        "print('VFS: Cannot open root device \"/dev/none\"', flush=True)\ntime.sleep(60)"
    ))  # fmt: skip
    assert kvm.works(words, Job(), 20) == kvm.Choice("kvm")


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("stand-in-qemu-kvm-hangs", "print('SeaBIOS (version 1)', flush=True)\ntime.sleep(60)", "came to nothing"),
        ("stand-in-qemu-kvm-crawls", "print('Linux version 6.1', flush=True)\ntime.sleep(60)", "crawled"),
        ("stand-in-qemu-kvm-dies", "sys.exit('error: failed to set MSR 0x10a')", "failed to set MSR"),
    ],
)
def test_one_that_does_not_is_emulated_with_the_reason(tmp_path: Path, name: str, body: str, said: str) -> None:
    choice = kvm.works(stand_in(tmp_path, name, body), Job(), 1.0)
    assert choice.accel == "tcg"
    assert said in choice.note
    assert "emulation is used" in choice.note


def test_it_can_be_stopped(tmp_path: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        kvm.works(stand_in(tmp_path, "stand-in-qemu-kvm-hangs", "time.sleep(60)"), job, 60)


def test_where_there_is_no_kvm_nothing_is_tried(tmp_path: Path) -> None:
    def never() -> Path:
        raise AssertionError("no kernel is needed")

    device = str(tmp_path / "kvm")
    assert "no KVM" in kvm.choose("auto", never, Job(), device=device).note
    assert kvm.choose("tcg", never, Job()) == kvm.Choice("tcg")
    assert kvm.choose("kvm", never, Job()) == kvm.Choice("kvm")
    (tmp_path / "kvm").touch()
    assert "not tried" in kvm.choose("auto", lambda: None, Job(), device=device).note
