"""What a finished ISO boots from, as text: which ways it lacks, and which next steps are left. Pure.

A mode is `FIRMWARE from MEDIUM` as `Base.boot_modes` gives it: BIOS or UEFI, CD or USB.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("UEFI from USB", ()),
    ("BIOS from USB", ("--bios",)),
    ("UEFI from CD", ("--cd",)),
    ("BIOS from CD", ("--bios", "--cd")),
)
"""Modes in the order in which they are proven, with the options of `forge verify` for each."""
_OTHER = {"BIOS": "UEFI", "UEFI": "BIOS"}


def modes_of(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return the boot modes that a manifest names: of the ISO, else (older ones) of its base."""
    for part in ("iso", "base"):
        boots = (manifest.get(part) or {}).get("boots")
        if isinstance(boots, list):
            return tuple(str(mode) for mode in boots)
    return ()


def _by(modes: Sequence[str], medium: str) -> list[str]:
    return [mode.split(" ")[0] for mode in modes if mode.endswith(f" from {medium}")]


def boots_from_usb(modes: Sequence[str]) -> bool:
    """Return whether a stick with it starts by any firmware."""
    return bool(_by(modes, "USB"))


def summary(modes: Sequence[str]) -> str:
    """Return e.g. `BIOS and UEFI, from CD and USB` or `BIOS from CD`."""
    cd, usb = _by(modes, "CD"), _by(modes, "USB")
    if not cd and not usb:
        return "from nothing"
    if cd == usb:
        return f"{' and '.join(cd)}, from CD and USB"
    parts = [
        f"{' and '.join(firmwares)} from {medium}" for firmwares, medium in ((cd, "CD"), (usb, "USB")) if firmwares
    ]
    return "; ".join(parts)


def warnings(name: str, modes: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence for each way to boot that the ISO `name` lacks."""
    cd, usb = _by(modes, "CD"), _by(modes, "USB")
    if not cd and not usb:
        return (f"{name} boots from nothing.",)
    matches = []
    if not usb:
        by = " and ".join(cd)
        matches.append(f"{name} boots from a CD only ({by}), as its base: a USB stick written with it does not start.")
        if len(cd) == 1:
            matches.append(f"{name} boots by {cd[0]} only: a machine set to {_OTHER[cd[0]]} does not start it.")
        return tuple(matches)
    if len(usb) == 1:
        matches.append(f"{name} boots from USB by {usb[0]} only: a machine set to {_OTHER[usb[0]]} does not start it.")
    if not cd:
        matches.append(f"{name} boots from USB only: not as a CD, nor as virtual media of a BMC.")
    elif len(cd) == 1 and cd != usb:
        matches.append(f"{name} boots from a CD by {cd[0]} only.")
    return tuple(matches)


def to_verify(modes: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the mode that is proven first of those that an ISO has, and the options of `forge verify` for it."""
    return next(((mode, options) for mode, options in _ORDER if mode in modes), _ORDER[0])


def verify_line(iso: Path | str, modes: Sequence[str]) -> str:
    """Return the command that proves the ISO in the first mode that it has, quoted for a shell."""
    return " ".join(["edgewright forge verify", shlex.quote(str(iso)), *to_verify(modes)[1]])


def next_lines(iso: Path | str, modes: Sequence[str]) -> list[str]:
    """Return what to do with a new installer: prove it, and bring it onto the medium that it boots from."""
    verify, flash = verify_line(iso, modes), f"edgewright forge flash {shlex.quote(str(iso))}"
    usb = boots_from_usb(modes)
    width = max(len(verify), len(flash) if usb else 0)
    lines = [f"Next: {verify.ljust(width)}   boots it and waits until it registers"]
    if usb:
        lines.append(f"      {flash.ljust(width)}   writes it to a removable disk")
    elif modes:
        lines.append("      then burn it to a disc, or attach it as virtual media (BMC): it does not boot from a stick")
    return lines
