"""Which slot runs and why, and what can be done: by the lines that hosts of each kind print."""

from __future__ import annotations

import pytest

from edgewright.core.boot.actions import actions, boot_passive, reset, return_to_active
from edgewright.core.boot.state import BootState, read_state, slot_text, why

KAIROS = (
    "uid 0", "name edge-7f3a", "boot 11111111-2222-3333-4444-555555555555", "uptime 864000.10 1.0",
    "label COS_GRUB", "label COS_OEM", "label COS_RECOVERY", "label COS_STATE", "label COS_PERSISTENT",
    "tool grub2-editenv", "tool kairos-agent", "tool systemctl", "tool reboot", "kairos 1", "grubenv 1",
    "persistent 1048576 /usr/local", "persistent 1048576 /var/log", "persistent 1048576 /etc/ssh",
    "oem 2048 /oem", "image 1500000000 1700000000 active.img", "image 1500000000 1690000000 passive.img", "end 1",
)  # fmt: skip
ACTIVE = (
    "cmdline BOOT_IMAGE=/boot/vmlinuz root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img rd.cos.oemlabel=COS_OEM"
)
PASSIVE = ACTIVE.replace("COS_ACTIVE", "COS_PASSIVE").replace("active.img", "passive.img") + " upgrade_failure"
OURS = "cmdline root=live:LABEL=COS_STATE cos-img/filename=/cOS/passive.img edgewright.slot=passive"


def state(*lines: str, base: tuple[str, ...] = KAIROS) -> BootState:
    return read_state((*lines, *base))


@pytest.mark.parametrize(
    ("lines", "kind", "slot"),
    [
        ((ACTIVE,), "kairos", "active"),
        ((PASSIVE,), "kairos", "passive"),
        (("cmdline root=LABEL=COS_RECOVERY recovery-mode",), "kairos", "recovery"),
        (("cmdline root=LABEL=COS_SYSTEM cos-img/filename=/cOS/recovery.img",), "kairos", "recovery"),
        (("cmdline root=live:CDLABEL=COS_LIVE rd.live.dir=/",), "kairos", "live"),
        ((ACTIVE, "marker passive_mode"), "kairos", "passive"),
        (("cmdline rd.immucore.uki", "efi active.efi"), "uki", "active"),
        (("cmdline rd.immucore.uki", "efi norole.efi"), "uki", ""),
        ((OURS,), "edgewright", "passive"),
        ((OURS.replace("slot=passive", "slot=new"),), "edgewright", ""),
        (("cmdline root=LABEL=COS_FUTURE",), "kairos", ""),
    ],
)
def test_the_slot(lines: tuple[str, ...], kind: str, slot: str) -> None:
    read = state(*lines)
    assert (read.kind, read.slot) == (kind, slot)


def test_a_host_without_slots_offers_nothing() -> None:
    read = read_state(("uid 0", "name pc", "cmdline BOOT_IMAGE=/vmlinuz root=/dev/sda1", "tool reboot", "end 1"))
    assert read.kind == "none" and slot_text(read) == "no slots" and "not an A/B" in why(read)[0]
    assert all("no slots" in action.reason and not action.commands for action in actions(read))


def test_after_a_failed_upgrade_the_way_back_is_one_boot() -> None:
    read = state(PASSIVE)
    assert "fell back (upgrade_failure)" in why(read)[0]
    action = return_to_active(read)
    assert action.commands == ("grub2-editenv /oem/grubenv set next_entry=cos", "reboot") and not action.reason
    assert any("look at its log" in line for line in action.lines)


def test_the_note_of_a_failed_boot_is_cleared_first() -> None:
    read = state(PASSIVE, "assess enable_boot_assessment=yes", "assess boot_assessment_tentative=yes")
    commands = return_to_active(read).commands
    assert commands[0].startswith("mount -o rw,remount") and commands[2].startswith("mount -o ro,remount")
    assert commands[1].endswith("/boot_assessment set boot_assessment_tentative=")
    active = state(ACTIVE, "assess boot_assessment_tentative=yes")
    assert any("next upgrade would fall back" in sentence for sentence in why(active))


def test_an_appliance_of_ours_has_its_own_entry_and_no_reset() -> None:
    read = state(OURS, "env failed_slot=active", "tool grub-editenv", base=tuple(x for x in KAIROS if "grub2" not in x))
    assert "slot active did not come up twice" in why(read)[0]
    assert return_to_active(read).commands[0] == "grub-editenv /oem/grubenv set next_entry=active"
    assert "no entry for a reset" in reset(read).reason


def test_trusted_boot_is_chosen_by_its_agent() -> None:
    read = state("cmdline rd.immucore.uki", "efi passive.efi")
    assert return_to_active(read).commands == ("kairos-agent bootentry --select cos", "reboot")
    assert reset(read).commands[0] == "kairos-agent bootentry --select statereset"


def test_a_reset_shows_what_is_retained() -> None:
    action = reset(state(ACTIVE))
    text = "\n".join(action.lines)
    assert action.commands == ("grub2-editenv /oem/grubenv set next_entry=statereset", "reboot")
    assert "RETAINED /oem: retained" in text and "EMPTIED  persistent data (1024 MB used)" in text
    assert "/usr/local, /var/log, /etc/ssh" in text and action.lost == ("persistent data (1024 MB used) is emptied",)
    text = "\n".join(reset(state(ACTIVE, "setting   reset-oem: true", "setting  reset-persistent: false # keep")).lines)
    assert "EMPTIED  /oem (2 MB used)" in text and "RETAINED persistent data" in text


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("uid", "by root alone"),
        ("grubenv", "There is no /oem/grubenv"),
        ("tool grub2", "no grub-editenv"),
        ("label COS_RECOVERY", "no recovery system"),
    ],
)
def test_what_the_host_cannot_do_has_its_reason(without: str, reason: str) -> None:
    read = state(PASSIVE, base=tuple(line for line in KAIROS if not line.startswith(without)))
    action = reset(read)
    assert reason in action.reason and not action.commands


def test_the_active_slot_needs_no_way_back() -> None:
    assert return_to_active(state(ACTIVE)).reason == "The host runs its active slot."


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        ((ACTIVE,), "grub2-editenv /oem/grubenv set next_entry=fallback"),
        ((OURS.replace("slot=passive", "slot=active"),), "grub2-editenv /oem/grubenv set next_entry=passive"),
        (("cmdline rd.immucore.uki", "efi active.efi"), "kairos-agent bootentry --select fallback"),
    ],
)
def test_the_passive_slot_for_one_boot(lines: tuple[str, ...], first: str) -> None:
    action = boot_passive(state(*lines))
    assert action.commands == (first, "reboot") and first.endswith(action.entry) and not action.reason
    assert any("starts the default again" in line for line in action.lines)


def test_a_passive_slot_that_runs_or_is_not_there() -> None:
    assert boot_passive(state(PASSIVE)).reason == "The host runs its passive slot."
    alone = state(ACTIVE, base=tuple(line for line in KAIROS if "passive.img" not in line))
    assert boot_passive(alone).reason == "The host has no passive slot on its disk."
    unknown = state(ACTIVE, base=tuple(line for line in KAIROS if not line.startswith("image")))
    assert boot_passive(unknown).reason == ""


def test_nonsense_of_a_host() -> None:
    with pytest.raises(ValueError):
        read_state(("uid 0",))
    read = read_state(
        ("name \x1b[2J;reboot", "uptime x", "image 1 2", "env =x", "persistent - /a\x1bb", "tool rm -rf", "end 1")
    )
    assert read.name == "" and read.uptime is None and read.images == () and read.tools == ()
    assert "\x1b" not in read.persistent[0].path and read.persistent[0].used is None


def test_a_boot_id_that_is_none_is_not_taken() -> None:
    base = tuple("boot $(id)" if line.startswith("boot ") else line for line in KAIROS)
    assert state(PASSIVE, base=base).boot_id == "" and len(state(PASSIVE).boot_id) == 36
