"""What of a host's logs is asked for; everything in it is checked before it gets into a script."""

from __future__ import annotations

import re
from typing import NamedTuple

from edgewright.clients.ssh.probes.catalogue.host import UNITS
from edgewright.core.logs.wanted import KERNEL, MOST_UNITS, unit_name

LOGS: tuple[str, ...] = (KERNEL, *UNITS)
"""Logs that are offered; others are read by the names of their units."""
CURSOR = re.compile(r"[A-Za-z0-9=;:_-]{1,300}")
BACKLOG = 524_288
"""Bytes of lines before now that are sent at most, before they are packed; the newest count."""
MOST_LINES = 50_000
MOST_AGO = 10 * 365 * 86_400


class Request(NamedTuple):
    """`units`: full names or `kernel`, none for everything in the journal; `lines`: newest lines before now, at most.

    `ago`, `until_ago`: seconds before now by the host's own clock, 0 for no limit. `follow`: what comes later, too.
    """

    units: tuple[str, ...] = ()
    lines: int = 500
    ago: int = 0
    until_ago: int = 0
    follow: bool = True
    backlog: int = BACKLOG

    def checked(self) -> Request:
        """Return it with full names of units. Raises `InvalidInput` for a name, `ValueError` for a number."""
        units = tuple(dict.fromkeys(unit_name(unit) for unit in self.units))
        if len(units) > MOST_UNITS or not 0 <= self.lines <= MOST_LINES or not 1024 <= self.backlog <= 1 << 26:
            raise ValueError("too many units or lines")
        if not (0 <= self.ago <= MOST_AGO and 0 <= self.until_ago <= MOST_AGO):
            raise ValueError("too long ago")
        return self._replace(units=units)

    @property
    def matches(self) -> str:
        """Return the arguments of journalctl that select it, quoted: what units print and systemd logs of them."""
        groups: list[str] = []
        for unit in self.units:
            if unit == KERNEL:
                groups.append("_TRANSPORT=kernel")
            else:
                groups += [f"'_SYSTEMD_UNIT={unit}'", f"_PID=1 'UNIT={unit}'"]
        return " + ".join(groups)
