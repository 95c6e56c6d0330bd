"""Which lines are wanted: by unit, level, time and text; and names of units as they are typed."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.logs.entry import Entry
from edgewright.core.text import clean

KERNEL = "kernel"
MOST_UNITS = 32
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:\\-]{0,199}")
_SUFFIXES = (
    ".service", ".socket", ".mount", ".timer", ".target", ".path", ".scope", ".slice", ".swap", ".device", ".automount",
)  # fmt: skip


def unit_name(text: str) -> str:
    """Return the full name of a unit: `kubelet` is `kubelet.service`; `kernel` stays. Raises `InvalidInput`."""
    if text == KERNEL:
        return text
    if _UNIT.fullmatch(text) is None:
        raise InvalidInput(
            f"{clean(text, 60)} is not the name of a unit.", "Name one as systemd does: kubelet, ssh.service, kernel."
        )
    return text if text.endswith(_SUFFIXES) else f"{text}.service"


class Wanted(NamedTuple):
    """What is shown. `level`: the least bad syslog priority; `since`, `until`: seconds of the console's clock."""

    level: int = 7
    text: str = ""
    """In small letters; somewhere in the line."""
    since: Optional[float] = None
    until: Optional[float] = None
    units: Tuple[str, ...] = ()
    """Full names; none: all."""

    def lets(self, entry: Entry) -> bool:
        """Return whether a line is shown; a gap in what is shown always is."""
        if (self.since is not None and entry.at < self.since) or (self.until is not None and entry.at > self.until):
            return False
        if entry.gap:
            return True
        if self.units and entry.unit not in self.units:
            return False
        if self.level < 7 and entry.level > self.level:
            return False
        return not self.text or self.text in entry.text.lower()

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted()
