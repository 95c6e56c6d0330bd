"""What the lines of a serial console mean: milestones, steps of the installer, and what means that it is over. Pure.

The words of our own appliance are exact; beside them are those of firmware, GRUB, kernel, dracut and systemd, and
what Kairos' agent prints.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["milestone", "step", "failure", "told", "note"]


class Sign(NamedTuple):
    """One thing read off the console. `key` is a milestone's key, or for `told` the message."""

    kind: Kind
    key: str
    text: str = ""


_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[@-Z\\^_=>78c])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MOVES = re.compile(rb"\x1b\[[0-9;]*[Hf]|\x1b\[2?J|\r+\n?|\n")
"""What ends a line: its end, a cursor put elsewhere, a cleared screen."""
_WAITS = re.compile(r"^\[[ *]+\] .*\bJob .*start running \(")
"""A unit that is waited for, drawn twice a second: no news."""
LONGEST = 2000
"""Characters of a line that are looked at."""


def plain(line: str) -> str:
    """Return a line without colours, cursor movements and control characters."""
    return _CONTROL.sub("", _ANSI.sub("", line)).rstrip()


# (what is seen, kind, key); a group of the expression is the detail.
_OURS: tuple[tuple[str, Kind, str], ...] = (
    (r"edgewright: live system up", "milestone", "live"),
    (r"edgewright: install begins on (\S+)", "milestone", "install"),
    (r"edgewright: install step (\d+ of \d+: .*)", "step", "installed"),
    (r"edgewright: install done", "milestone", "installed"),
    (r"edgewright: install failed: (.*)", "failure", "installed"),
    (r"edgewright: medium left in place: not installing again", "told", "not-again"),
    (r"edgewright: booted slot (active)\b", "milestone", "disk"),
    (r"edgewright: booted slot (passive|recovery)\b", "told", "other-slot"),
    (r"edgewright: registering with (\S+ as \S+)", "milestone", "registering"),
    (r"edgewright: waiting for (?:an operator|a person): (.*)", "told", "person"),
    (r"^ ?Edgewright  ([A-Z][a-z]+(?: [A-Z][a-z]+)?)\s*$", "told", "screen"),
    (r"edgewright: registered as (\S+)", "told", "registered"),
    (r"edgewright: registration refused: (.*)", "told", "refused"),
    (r"edgewright: registration waits: (.*)", "told", "waits"),
)
_BOOT: tuple[tuple[str, Kind, str], ...] = (
    (r"SeaBIOS \(version ([^)\s]+)", "milestone", "firmware"),
    (r"BdsDxe: (?:loading|starting) Boot", "milestone", "firmware"),
    (r"(?:GNU )?GRUB\s+version (\S+)", "milestone", "bootloader"),
    (r"Welcome to GRUB|GRUB loading|Booting [`'\"]|Loading Linux|Loading initial ramdisk", "milestone", "bootloader"),
    (r"Linux version (\S+)", "milestone", "kernel"),
    (r"EFI stub: Loaded initrd|Decompressing Linux", "milestone", "kernel"),
    (r"(EFI stub: UEFI Secure Boot is enabled)", "milestone", "secure-boot"),
    (r"(secureboot: Secure boot enabled)", "milestone", "secure-boot"),
    (r"(Kernel is locked down from EFI Secure Boot)", "milestone", "secure-boot"),
    (r"(secureboot: Secure boot (?:disabled|could not be determined))", "told", "no-secure-boot"),
    (r"Reached target .*(?:multi-user|graphical)\.target", "told", "userspace"),
)
_KAIROS: tuple[tuple[str, Kind, str], ...] = (
    (r'"event"\s*:\s*"step"\s*,\s*"step"\s*:\s*"(?:partition|before-install)"', "milestone", "install"),
    (r'"event"\s*:\s*"step"\s*,\s*"step"\s*:\s*"done"', "milestone", "installed"),
    (r'"event"\s*:\s*"step"\s*,\s*"step"\s*:\s*"([^"]+)"', "step", "installed"),
    (r'"event"\s*:\s*"error"(.*)', "failure", "installed"),
    (r"Partitioning device", "milestone", "install"),
    (r"Installation complete", "milestone", "installed"),
)
_OVER: tuple[tuple[str, Kind, str], ...] = (
    (r"Kernel panic - not syncing: (IO-APIC \+ timer doesn't work)", "told", "starved"),
    (r"Kernel panic - not syncing: (.*)", "failure", "panic"),
    (r"Failed to mount block device of live image", "failure", "live-image"),
    (r"dracut: FATAL: (.*)", "failure", "dracut"),
    (r"Entering emergency mode|You are in emergency mode|dracut Warning: Could not boot", "failure", "emergency"),
    (r"Security Violation|bad shim signature|BdsDxe: failed to (?:load|start) .*Access Denied", "failure", "signature"),
    (r"No bootable (?:device|option)|UEFI Interactive Shell", "failure", "no-medium"),
    (r"grub rescue>|^grub> ?$|you need to load the kernel first|Failed to boot both default", "failure", "grub"),
    (r"Failed to execute /sbin/init|Attempted to kill init", "failure", "panic"),
)
_TABLE = tuple((re.compile(pattern), kind, key) for pattern, kind, key in (*_OURS, *_OVER, *_BOOT, *_KAIROS))
_LOGIN = re.compile(r"^(\S{1,64}) login: ?$")


def sign_of(line: str) -> Sign | None:
    """Return what a complete plain line means, or None."""
    text = line[:LONGEST]
    login = _LOGIN.match(text)
    if login:
        return Sign("milestone", "login", login.group(1))
    for label, kind, key in _TABLE:
        match = label.search(text)
        if match:
            detail = next((group for group in match.groups() if group), "").strip() if label.groups else ""
            return Sign(kind, key, detail)
    return None


class Reader:
    """Turns the bytes of a console into plain lines and signs; a prompt counts before its line has ended."""

    def __init__(self, retain: int = 400) -> None:
        self.lines: list[str] = []
        """The last lines, plain, empty ones left out."""
        self._retain = retain
        self._rest = b""
        self._prompted = False

    def feed(self, data: bytes) -> list[tuple[str, Sign | None]]:
        """Take bytes as they come; return each line that is complete now with its sign."""
        *lines, rest = _MOVES.split(self._rest + data)
        matches: list[tuple[str, Sign | None]] = []
        for raw in lines:
            line = plain(raw.decode("utf-8", "replace"))
            if not line.strip() or _WAITS.match(line):
                continue
            self._remember(line)
            sign = sign_of(line)
            if self._prompted and sign is not None and sign.key in ("login", "grub"):
                sign = None  # reported already, when it was there without its end
            self._prompted = False
            matches.append((line, sign))
        self._rest = rest[-8192:]
        if rest and len(rest) < 200 and not self._prompted:
            line = plain(rest.decode("utf-8", "replace"))
            sign = sign_of(line) if line.rstrip().endswith((":", ">")) else None
            if sign is not None and sign.key in ("login", "grub"):
                self._prompted = True
                matches.append((line, sign))
        return matches

    def _remember(self, line: str) -> None:
        if line in self.lines[-24:]:
            return  # a screen that is drawn again
        self.lines.append(line)
        del self.lines[: -self._retain]

    def last(self, count: int = 12) -> list[str]:
        """Return the last lines, the unfinished one among them."""
        rest = plain(self._rest.decode("utf-8", "replace"))
        return [*self.lines, *([rest] if rest.strip() else [])][-count:]
