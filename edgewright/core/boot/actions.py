"""What can be done about the slot of a host: the exact commands and effects, or the reason why it is not possible."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

from edgewright.core.boot.state import ACTIVE, EDGEWRIGHT, KAIROS, LIVE, NONE, PASSIVE, UKI, BootState, Mount

GRUBENV = "/oem/grubenv"
ASSESSMENT = "/run/initramfs/cos-state/boot_assessment"
ENTRIES = {KAIROS: "cos", EDGEWRIGHT: "active"}
"""Name of the active slot's entry, by what chooses the slot."""
FALLBACKS = {KAIROS: "fallback", EDGEWRIGHT: "passive"}
"""Name of the passive slot's entry, by what chooses the slot."""
RESET_ENTRY = "statereset"
RETURN, FALLBACK, RESET = "return", "fallback", "reset"


class Action(NamedTuple):
    """`reason` is why it is not possible, "" where it is. `commands` are run as they are shown, in this order.

    `entry` is what the next boot is set to; `lines` what happens; `lost` what has no way back.
    """

    name: str
    title: str
    reason: str
    hint: str = ""
    entry: str = ""
    commands: Tuple[str, ...] = ()
    lines: Tuple[str, ...] = ()
    lost: Tuple[str, ...] = ()


def return_to_active(state: BootState) -> Action:
    """Return the way back to the active slot: for the next boot alone, then a restart."""
    title = "Boot the active slot"
    if state.slot == ACTIVE:
        return Action(RETURN, title, "The host runs its active slot.")
    reason, hint = _impossible(state)
    if reason:
        return Action(RETURN, title, reason, hint)
    entry = ENTRIES.get(state.kind, "cos")
    lines = [f"The host restarts and starts its active slot ({entry}), for this one boot.", "What runs on it stops."]
    if state.kind == EDGEWRIGHT:
        lines.append("When it comes up the slot counts as good again; when it does not, the boot loader falls back.")
    if state.kind == UKI:
        lines.append("Trusted Boot has no automatic way back: a slot that does not come up is repaired on site.")
    if state.upgrade_failure:
        lines.append("The upgrade that failed is in that slot: look at its log first.")
    return Action(RETURN, title, "", "", entry, (*_clearing(state), _set(state, entry), "reboot"), tuple(lines))


def boot_passive(state: BootState) -> Action:
    """Return the way to the passive slot: for the next boot alone, then a restart."""
    title = "Boot the passive slot"
    if state.slot == PASSIVE:
        return Action(FALLBACK, title, "The host runs its passive slot.")
    reason, hint = _impossible(state)
    slots = [name.partition(".")[0] for name, _, _ in state.images]
    if not reason and ACTIVE in slots and PASSIVE not in slots:
        reason, hint = "The host has no passive slot on its disk.", "The next upgrade makes one."
    if reason:
        return Action(FALLBACK, title, reason, hint)
    entry = FALLBACKS.get(state.kind, "fallback")
    lines = [
        f"The host restarts and starts its passive slot ({entry}), for this one boot.",
        "What runs on it stops. The restart after that starts the default again.",
        "The passive slot has the system from before the last upgrade; settings and data are the same.",
    ]
    if state.kind == EDGEWRIGHT:
        lines.append("When it does not come up twice, the boot loader starts the recovery system.")
    if state.kind == UKI:
        lines.append("Trusted Boot has no automatic way back: a slot that does not come up is repaired on site.")
    return Action(FALLBACK, title, "", "", entry, (*_clearing(state), _set(state, entry), "reboot"), tuple(lines))


def reset(state: BootState) -> Action:
    """Return the reset of the state: what is emptied, and what is retained."""
    title = "Reset the host"
    if state.kind == EDGEWRIGHT:
        return Action(
            RESET, title, "The boot loader of an Edgewright appliance has no entry for a reset.",
            "Install it again from its medium: what is to be retained is a choice there.",
        )  # fmt: skip
    reason, hint = _impossible(state)
    if not reason and state.labels and "COS_RECOVERY" not in state.labels and state.kind == KAIROS:
        reason, hint = "The host has no recovery system (COS_RECOVERY), from which it is reset.", "Install it again."
    if reason:
        return Action(RESET, title, reason, hint)
    oem, persistent = state.settings.get("reset-oem", False), state.settings.get("reset-persistent", True)
    retained, lost = ["recovery system: retained"], []
    for folder, emptied, mounts, what in (
        ("/oem", oem, (state.oem,) if state.oem else (), "user-data, network settings, boot environment"),
        ("persistent data", persistent, state.persistent, "/usr/local and the directories that are mounted from it"),
    ):
        text = f"{folder} ({_amount(mounts) or what})"
        if emptied:
            lost.append(text)
        else:
            retained.append(f"{folder}: retained ({what})")
    places = ", ".join(mount.path for mount in state.persistent[:40])
    lines = [
        "The host restarts, resets itself and starts its active slot.",
        "EMPTIED  " + ("; ".join(lost) or "nothing"),
        *([f"         {places}"] if persistent and places else []),
        "WRITTEN  active and passive slot, from the recovery system: it returns to the version of that",
        *(f"RETAINED {text}" for text in retained),
        "It leaves its cluster and registers again; its record on the plane stays.",
    ]
    return Action(
        RESET, title, "", "", RESET_ENTRY, (_set(state, RESET_ENTRY), "reboot"), tuple(lines),
        tuple(f"{text} is emptied" for text in lost),
    )  # fmt: skip


def _impossible(state: BootState) -> Tuple[str, str]:
    """Return why the next boot cannot be set, and the next step."""
    if state.kind == NONE:
        return "This host has no slots: it is not an A/B system.", "Its own tools choose what it boots."
    if state.slot == LIVE:
        return "The host runs from a medium, not from its disk.", "Take the medium away and restart it."
    if not state.root:
        return "The next boot is set by root alone.", "The user of the connection needs sudo without a password."
    if state.kind == UKI:
        missing = "kairos-agent" not in state.tools
        return ("The host has no kairos-agent, which chooses the entry of Trusted Boot.", "") if missing else ("", "")
    if state.env is None:
        return f"There is no {GRUBENV}, which the boot loader reads what to start from.", "Look at /oem: is it mounted?"
    if not state.editenv:
        return "The host has no grub-editenv, which writes the boot loader's environment.", ""
    return "", ""


def _set(state: BootState, entry: str) -> str:
    if state.kind == UKI:
        return f"kairos-agent bootentry --select {entry}"
    return f"{state.editenv} {GRUBENV} set next_entry={entry}"


def _clearing(state: BootState) -> Tuple[str, ...]:
    """Return what takes the note of a failed boot away, which would send the host back again (kairos#4303)."""
    if state.kind != KAIROS or not state.is_tentative:
        return ()
    place = ASSESSMENT.rpartition("/")[0]
    return (
        f"mount -o rw,remount {place}",
        f"{state.editenv} {ASSESSMENT} set boot_assessment_tentative=",
        f"mount -o ro,remount {place}",
    )


def _amount(mounts: "Tuple[Mount, ...]") -> str:
    used = [mount.used for mount in mounts if mount.used is not None]
    return f"{max(used) / 1048576:.0f} MB used" if used else ""


def actions(state: BootState) -> "List[Action]":
    """Return everything that the Boot page offers."""
    return [return_to_active(state), boot_passive(state), reset(state)]
