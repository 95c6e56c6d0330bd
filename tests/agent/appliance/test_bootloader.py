"""GRUB's configuration, its memory, which slot runs, and what a boot means for the next one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.agent.appliance import bootloader
from edgewright.agent.appliance.install_spec import read_install_spec
from edgewright.core.errors import InvalidInput


def test_each_slot_boots_its_own_files_by_the_initrd_of_the_live_system() -> None:
    text = bootloader.grub_cfg(read_install_spec({"install": {"grub-entry-name": "Shop {x}"}}), "ab" * 16)
    for slot, label in (("active", "COS_STATE"), ("passive", "COS_STATE"), ("recovery", "COS_RECOVERY")):
        assert f"root=live:LABEL={label} rd.live.dir=/cOS/{slot} rd.live.squashimg=rootfs.squashfs" in text
        assert f"edgewright.slot={slot} systemd.machine_id={'ab' * 16}" in text
    assert 'menuentry "Shop x" --id active' in text
    recovery = next(line for line in text.splitlines() if "edgewright.slot=recovery" in line)
    assert "rd.emergency=reboot" not in recovery


@pytest.mark.skipif(not shutil.which("grub-script-check"), reason="grub-script-check is not here")
def test_grub_itself_finds_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "grub.cfg"
    path.write_text(bootloader.grub_cfg(read_install_spec({}), "0" * 32))
    assert subprocess.run(["grub-script-check", str(path)], capture_output=True).stderr == b""


def test_extra_words_go_to_their_slots_and_dangerous_ones_are_refused() -> None:
    options = {"extra_cmdline": "quiet a=b", "extra_passive_cmdline": "debug"}
    wish = read_install_spec({"install": {"grub_options": options}})
    assert bootloader.kernel_arguments("active", wish, "0").endswith("quiet a=b")
    assert bootloader.kernel_arguments("passive", wish, "0").endswith("quiet a=b debug")
    with pytest.raises(InvalidInput):
        bootloader.kernel_arguments(
            "active", read_install_spec({"install": {"grub_options": {"extra_cmdline": "a; reboot"}}}), "0"
        )


def test_the_environment_block_is_one_that_grub_reads(tmp_path: Path) -> None:
    data = bootloader.env_text({"tries": "1", "extra_cmdline": "a=b"})
    assert len(data) == 1024 and bootloader.read_env(data) == {"tries": "1", "extra_cmdline": "a=b"}
    if shutil.which("grub-editenv"):
        path = tmp_path / "grubenv"
        path.write_bytes(data)
        listed = subprocess.run(["grub-editenv", str(path), "list"], capture_output=True, text=True, check=True)
        assert listed.stdout == "tries=1\nextra_cmdline=a=b\n"
    assert bootloader.read_env(b"\0" * 1024) == {}


@pytest.mark.parametrize(
    ("line", "slot"),
    [
        ("root=live:LABEL=COS_STATE edgewright.slot=active", "active"),
        ("edgewright.slot=recovery quiet", "recovery"),
        ("edgewright.slot=activ", ""),
        ("edgewright.slot=", ""),
        ("root=live:LABEL=COS_STATE", ""),
        ("root=live:CDLABEL=COS_LIVE edgewright.install", "live"),
        ("root=live:CDLABEL=COS_LIVE edgewright.slot=other", ""),
        ("", ""),
    ],
)
def test_an_unknown_slot_is_never_taken_for_the_active_one(line: str, slot: str) -> None:
    assert bootloader.slot_of(line) == slot


def test_a_good_boot_clears_the_note_of_its_try() -> None:
    judged = bootloader.judge({"tries": "1", "tried_slot": "active", "keep": "x"}, "active", True)
    assert judged.values == {"tries": "", "tried_slot": "", "keep": "x"} and judged.sentence == ""


def test_a_boot_that_is_not_whole_leaves_the_note_standing() -> None:
    judged = bootloader.judge({"tries": "1", "tried_slot": "active"}, "active", False)
    assert judged.values["tries"] == "1" and "not marked as good" in judged.sentence


def test_the_fallback_says_which_slot_failed_until_that_one_comes_up() -> None:
    fallen = bootloader.judge({"failed_slot": "active", "tries": "1", "tried_slot": "passive"}, "passive", True)
    assert fallen.values["failed_slot"] == "active" and fallen.values["tries"] == ""
    assert fallen.sentence.startswith("The slot active did not come up; passive runs instead.")
    assert bootloader.judge(fallen.values, "active", True).values["failed_slot"] == ""
