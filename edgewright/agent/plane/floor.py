"""The moment before which it cannot be, with which certificates are compared while this host's clock is wrong (P137).

The floor is the latest of: this version's build date, the plane's time when it was seen last, and, while the clock is
before those two, the newest time of a few files. It never goes back.
"""

from __future__ import annotations

import http.client
import os
import sys
from typing import Callable, NamedTuple, Optional, Tuple

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.beats import since_boot
from edgewright.agent.plane.tls import verified_dates
from edgewright.core import times
from edgewright.core.certificate_clock import AGREE, BUILT, clock_text
from edgewright.core.errors import Unreachable
from edgewright.wire import protocol

NAME = "floor"
"""The state file with the time that was seen last."""
SAVE_EVERY = 3600.0
"""Seconds by which it moves until it is written again."""
LATEST = BUILT + 20 * 365.25 * times.DAY
"""No time after this one is believed: this version is not in use then."""
SEEN = "the plane's time when it was seen last"
_TOO_LATE = " If that time is too late, remove floor.json* from the agent's data folder and restart the agent."
_MOST = 65_536
"""Bytes of the answer with the plane's time that are read at most."""
FILES = (
    "/usr/lib/clock-epoch",
    "/var/lib/systemd/timesync/clock",
    "/var/lib/systemd/random-seed",
    "/var/lib/dpkg/status",
    "/usr/lib/os-release",
)
"""Files whose times show when this system was made or ran; a day less counts, for machines and file systems that do not
agree on the time zone."""


class Known(NamedTuple):
    """The plane's time as an admitted plane reported it, and what it may be: within the dates of all certificates."""

    date: float
    at: float
    """Seconds since boot."""
    ends: float


class Floor:
    """What is known of the time. `now` is the host's clock, `steady` counts seconds since boot."""

    def __init__(
        self,
        folder: StateFolder,
        root: Root,
        now: Callable[[], float] = times.now,
        steady: Callable[[], float] = since_boot,
    ) -> None:
        self._folder, self._root, self._now, self._steady = folder, root, now, steady
        self._known: Optional[Known] = None
        stored = (folder.load(NAME) or {}).get("seen")
        self._seen = self._saved = stored if isinstance(stored, float) and BUILT <= stored < LATEST else 0.0

    @property
    def wrong(self) -> bool:
        """Whether the host's clock shows a time that cannot be."""
        return self._now() < max(BUILT, self._seen) - AGREE

    def least(self) -> Tuple[float, str]:
        """Return the floor and where it is from."""
        matches = [(BUILT, "the build date of the agent"), (self._seen, SEEN)]
        program = os.path.abspath(sys.argv[0])
        for name, path in [(program, program), *((name, self._root.path(name)) for name in FILES)]:
            try:
                moment = os.stat(path).st_mtime - times.DAY
            except OSError:
                continue
            if moment < LATEST:
                matches.append((moment, f"the time of the file {name}"))
        return max(matches)

    def look(self, date: Optional[float], doubted: bool) -> Optional[float]:
        """Take the time of an answer of an admitted plane; return the time to set while the clock is wrong.

        Of the plane's time and a clock that may be right the earlier one counts, so no single clock that is ahead moves
        the floor there.
        """
        if date is None or doubted or not BUILT <= date < LATEST:
            return None
        wrong = self.wrong
        if wrong and not self._believed(date):
            return None
        self._seen = max(self._seen, date if wrong else min(date, self._now()))
        if self._seen >= self._saved + SAVE_EVERY and self._folder.save(NAME, {"seen": self._seen}):
            self._saved = self._seen
        return date if wrong else None

    def _believed(self, date: float) -> bool:
        known = self._known
        return known is not None and known.date - AGREE <= date <= known.ends

    def admit(self, connection: http.client.HTTPSConnection, host: str, base: str) -> bool:
        """Check the dates of a connection whose chain, name and signatures are verified; sends no credential.

        Returns `False` when the plane has closed it after it reported its time: connect again. Raises `Unreachable`,
        and `OSError` or `HTTPException` for one that breaks off.
        """
        spans = verified_dates(connection.sock)
        begins = [span[0] for span in spans if span[0] is not None]
        ends = [span[1] for span in spans if span[1] is not None]
        if not spans or len(begins) < len(spans) or len(ends) < len(spans):
            raise Unreachable(
                f"A certificate of {host} has no readable dates.", "Have it renewed.", code="CertificateUnreadable"
            )
        first, last = max(begins), min(ends)
        now = self._now()
        if not self.wrong:
            self._within(host, first, last, now, "by the clock of this host, which")
            return True
        floor, source = self.least()
        further = _TOO_LATE if source == SEEN else ""
        if last < floor:
            self._known = None
            raise Unreachable(
                f"The certificate of {host} has expired ({clock_text(last)}): it is at least {clock_text(floor)} "
                f"({source}), though the clock of this host shows {clock_text(now)}.",
                "Have the certificate renewed (a hub renews its own when it starts), or set the clock of this host."
                + further,
                code="CertificateExpired",
            )
        known, self._known = self._known, None
        stays = True
        if known is None:
            date, stays = _ask(connection, base)
            known = Known(floor if date is None else date, self._steady(), last)
            if date is None or not floor - AGREE <= date < LATEST:
                shown = "reports no time" if date is None else f"reports {clock_text(date)} as the time"
                raise Unreachable(
                    f"The clock of this host is wrong ({clock_text(now)}), and {host} {shown}: it is at least "
                    f"{clock_text(floor)} ({source}).",
                    f"Set the clock of this host; look at that of {host}.{further}",
                    code="PlaneTimeRefused",
                )
        self._within(host, first, last, known.date + self._steady() - known.at, f"by the clock of {host} itself, which")
        self._known = known._replace(ends=last)
        return stays

    def _within(self, host: str, first: float, last: float, moment: float, whose: str) -> None:
        """Raise `Unreachable` unless a moment is within the dates of a chain."""
        if first <= moment <= last:
            return
        early = moment < first
        state = f"is not valid yet (valid from {clock_text(first)})" if early else f"has expired ({clock_text(last)})"
        raise Unreachable(
            f"The certificate of {host} {state} {whose} shows {clock_text(moment)}.",
            "Compare both clocks with a third one and set the wrong one.",
            code="CertificateNotYetValid" if early else "CertificateExpired",
        )


def _ask(connection: http.client.HTTPSConnection, base: str) -> Tuple[Optional[float], bool]:
    """Return the plane's time and whether the connection stays. The request has no credential and no body."""
    connection.request("GET", base + protocol.HEALTH_PING)
    answer = connection.getresponse()
    date = times.http_date(answer.headers.get("Date"))
    stays = not answer.will_close
    if len(answer.read(_MOST)) == _MOST:
        stays = False
    answer.close()
    return date, stays
