"""The milestones of a boot: their order, what is waited for, and how long each may take. Pure."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Until = Literal["login", "installed", "registered"]
State = Literal["waiting", "passed", "unseen", "failed"]


class Milestone(NamedTuple):
    """One thing that must be seen. `patience` is seconds of silence that emulation is given for it."""

    key: str
    title: str
    patience: float


MILESTONES = (
    Milestone("plane", "plane is trusted", 60),
    Milestone("token", "token at the plane", 60),
    Milestone("firmware", "firmware", 60),
    Milestone("bootloader", "boot loader", 90),
    Milestone("kernel", "kernel", 120),
    Milestone("secure-boot", "Secure Boot enforced", 120),
    Milestone("live", "live system up", 480),
    Milestone("login", "login prompt", 240),
    Milestone("install", "installer begins", 180),
    Milestone("installed", "installed", 600),
    Milestone("disk", "booted from the disk", 600),
    Milestone("registering", "registering", 360),
    Milestone("registered", "registered", 300),
)
"""In the order in which they come. A step of the installer begins the patience for `installed` again."""

BY_KEY = {milestone.key: milestone for milestone in MILESTONES}
_START = ("firmware", "bootloader", "kernel")
_WANTED: dict[str, tuple[str, ...]] = {
    "login": (*_START, "live", "login"),
    "installed": (*_START, "live", "install", "installed", "disk"),
    "registered": ("plane", "token", *_START, "live", "install", "installed", "disk", "registering", "registered"),
}


def wanted(until: Until, secure_boot: bool = False) -> tuple[str, ...]:
    """Return the keys of the milestones up to `until`, in their order."""
    keys = _WANTED[until]
    return tuple(m.key for m in MILESTONES if m.key in keys or (secure_boot and m.key == "secure-boot"))


class Mark(NamedTuple):
    """The state of one milestone: seconds since the machine was switched on, and what was seen."""

    key: str
    state: State = "waiting"
    at: float = 0.0
    detail: str = ""

    @property
    def title(self) -> str:
        """The milestone as text."""
        return BY_KEY[self.key].title

    def __str__(self) -> str:
        word = {"passed": "ok", "unseen": "--", "failed": "FAILED", "waiting": ".."}[self.state]
        when = f"{self.at:.1f} s" if self.state in ("passed", "failed") else ""
        return "  ".join(part for part in (f"{word:6}", f"{self.title:22}", f"{when:>8}", self.detail) if part).rstrip()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.key,
            "title": self.title,
            "state": self.state,
            "at": round(self.at, 1) if self.state in ("passed", "failed") else None,
            "detail": self.detail,
        }
