"""Which slot of an A/B host runs, and why: from what the host shows of its boot (forge 3, appliance of our own).

A slot that is not recognised is never taken for `active`.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Sequence, Tuple

from edgewright.core.text import clean

ACTIVE, PASSIVE, RECOVERY, LIVE, UNKNOWN = "active", "passive", "recovery", "live", ""
KAIROS, UKI, EDGEWRIGHT, NONE = "kairos", "uki", "edgewright", "none"
"""What chooses the slot: GRUB of Kairos, a Unified Kernel Image of it, GRUB of an Edgewright appliance, nothing."""
TOOLS = ("grub2-editenv", "grub-editenv", "kairos-agent", "systemctl", "reboot")
MOST_LINES = 400
_MARKERS = {"active_mode": ACTIVE, "passive_mode": PASSIVE, "recovery_mode": RECOVERY, "live_mode": LIVE}
_BOOT_ID = re.compile(r"[0-9a-f-]{36}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]{0,63}")


class Mount(NamedTuple):
    """A place of persistent data, and the bytes that are used in its file system (None: unknown)."""

    path: str
    used: "int | None"


class BootState(NamedTuple):
    """What was read. `env` is /oem/grubenv, `assessment` Kairos's boot_assessment, `history` its .kairos-state.

    `images`: name, bytes and epoch seconds of the slots' images. `persistent`: mount points of COS_PERSISTENT.
    `settings`: keys of `reset` in the user-data. `upgrade_log`: last lines of /var/log/stylus-upgrade.log.
    """

    name: str
    root: bool
    boot_id: str
    uptime: "float | None"
    cmdline: str
    kind: str
    slot: str
    upgrade_failure: bool
    env: "Dict[str, str] | None"
    assessment: Dict[str, str]
    history: Dict[str, str]
    images: Tuple[Tuple[str, int, int], ...]
    labels: Tuple[str, ...]
    tools: Tuple[str, ...]
    persistent: Tuple[Mount, ...]
    oem: "Mount | None"
    settings: Dict[str, bool]
    upgrade_log: Tuple[str, ...]

    @property
    def editenv(self) -> str:
        """The program that writes GRUB's environment, "" where there is none."""
        return next((tool for tool in TOOLS[:2] if tool in self.tools), "")

    @property
    def is_tentative(self) -> bool:
        """Whether the note of a boot that did not come up is set: the next upgrade falls back at once (kairos#4303)."""
        return self.assessment.get("boot_assessment_tentative") == "yes"


def read_state(lines: Sequence[str]) -> BootState:
    """Return the state from lines `NAME VALUE` of the host. Raises `ValueError` where the end is missing."""
    values: Dict[str, List[str]] = {}
    for text in lines[:MOST_LINES]:
        name, _, value = text.partition(" ")
        values.setdefault(name, []).append(clean(value, 4096))
    if "end" not in values:
        raise ValueError("the answer has no end")

    def first(name: str) -> str:
        return values.get(name, [""])[0]

    cmdline, markers = first("cmdline"), values.get("marker", [])
    kind = _kind(cmdline, markers, values)
    uptime = first("uptime").split(" ")[0]
    name = first("name")
    return BootState(
        name=name if _NAME.fullmatch(name) else "",
        root=first("uid") == "0",
        boot_id=first("boot") if _BOOT_ID.fullmatch(first("boot")) else "",
        uptime=float(uptime) if re.fullmatch(r"\d{1,12}(?:\.\d+)?", uptime) else None,
        cmdline=cmdline,
        kind=kind,
        slot=_slot(cmdline, markers, first("efi")),
        upgrade_failure="upgrade_failure" in cmdline or "upgrade_failure" in markers,
        env=_pairs(values.get("env", [])) if "grubenv" in values else None,
        assessment=_pairs(values.get("assess", [])),
        history=_pairs(values.get("history", []), ": "),
        images=_images(values.get("image", [])),
        labels=tuple(values.get("label", [])),
        tools=tuple(tool for tool in values.get("tool", []) if tool in TOOLS),
        persistent=tuple(_mount(text) for text in values.get("persistent", [])),
        oem=_mount(first("oem")) if "oem" in values else None,
        settings=_settings(values.get("setting", [])),
        upgrade_log=tuple(values.get("log", [])),
    )


def _kind(cmdline: str, markers: Sequence[str], values: "Dict[str, List[str]]") -> str:
    parts = cmdline.split()
    if any(part.startswith("edgewright.slot=") for part in parts):
        return EDGEWRIGHT
    if "uki_boot_mode" in markers or "rd.immucore.uki" in cmdline:
        return UKI
    marks = ("COS_", "cos-img/", "kairos.")
    return KAIROS if any(mark in cmdline for mark in marks) or markers or "kairos" in values else NONE


def _slot(cmdline: str, markers: Sequence[str], efi: str) -> str:
    parts = cmdline.split()
    named = [part.partition("=")[2] for part in parts if part.startswith("edgewright.slot=")]
    if named:
        return named[-1] if named[-1] in (ACTIVE, PASSIVE, RECOVERY) else UNKNOWN
    for marker, slot in _MARKERS.items():
        if marker in markers:
            return slot
    if "rd.immucore.uki" in cmdline:
        entry = efi.lower()
        return next((slot for slot in (ACTIVE, PASSIVE, RECOVERY) if slot in entry), UNKNOWN)
    for slot, label in ((ACTIVE, "COS_ACTIVE"), (PASSIVE, "COS_PASSIVE"), (RECOVERY, "COS_RECOVERY")):
        if label in cmdline or f"cos-img/filename=/cOS/{slot}.img" in cmdline:
            return slot
    if "COS_SYSTEM" in cmdline or "recovery-mode" in parts:
        return RECOVERY
    return LIVE if "live:LABEL" in cmdline or "live:CDLABEL" in cmdline or "netboot" in parts else UNKNOWN


def _pairs(texts: Sequence[str], mark: str = "=") -> Dict[str, str]:
    pairs = (text.partition(mark) for text in texts)
    return {name: value for name, sign, value in pairs if sign and re.fullmatch(r"[a-z][a-z0-9_\-]{0,60}", name)}


def _images(texts: Sequence[str]) -> Tuple[Tuple[str, int, int], ...]:
    matches = (re.fullmatch(r"(\d{1,18}) (\d{1,12}) (\S{1,80})", text) for text in texts)
    return tuple((match.group(3), int(match.group(1)), int(match.group(2))) for match in matches if match)


def _mount(text: str) -> Mount:
    used, _, path = text.partition(" ")
    return Mount(path, int(used) * 1024 if used.isdecimal() and len(used) < 16 else None)


def _settings(texts: Sequence[str]) -> Dict[str, bool]:
    """Return `reset-oem` and `reset-persistent` as the files have them; the last one counts, as in Kairos."""
    settings = {}
    for text in texts:
        match = re.fullmatch(r"\s*(reset-oem|reset-persistent)\s*:\s*(true|false)\b.*", text)
        if match:
            settings[match.group(1)] = match.group(2) == "true"
    return settings


def why(state: BootState) -> Tuple[str, ...]:
    """Return why this slot runs, one sentence each, the most certain first."""
    if state.kind == NONE:
        return ("The kernel line names no slot: this is not an A/B system, so there is none to go back to.",)
    env = state.env or {}
    reasons: List[str] = []
    if state.slot == UNKNOWN:
        reasons.append("The kernel line names no slot that is known here.")
    if state.upgrade_failure:
        reasons.append("The system did not come up after an upgrade, and the boot loader fell back (upgrade_failure).")
    failed = env.get("failed_slot", "")
    if failed:
        reasons.append(f"The slot {clean(failed, 20)} did not come up twice; it is not started until it is chosen.")
    chosen = env.get("saved_entry", "")
    if state.slot != ACTIVE and chosen and chosen not in ("cos", ACTIVE):
        reasons.append(f"The boot loader's default is {clean(chosen, 40)} (saved_entry in /oem/grubenv).")
    if state.slot == LIVE:
        reasons.append("The host runs from a medium or the network, not from its disk.")
    if not reasons and state.slot == ACTIVE:
        reasons.append("The boot loader started its default entry.")
    if not reasons:
        reasons.append("Nothing on the host names a cause: the entry was chosen in the boot menu, or for one boot.")
    following = env.get("next_entry", "")
    if following:
        reasons.append(f"The next boot is set already: {clean(following, 40)} (next_entry in /oem/grubenv).")
    if state.is_tentative and state.slot == ACTIVE:
        reasons.append("The note of a boot that failed is still set: the next upgrade would fall back at once.")
    return tuple(reasons)


def slot_text(state: BootState) -> str:
    """Return which slot runs, for users."""
    if state.kind == NONE:
        return "no slots"
    names = {RECOVERY: "recovery system", LIVE: "live system"}
    return names.get(state.slot, state.slot or "unknown")
