"""The logs of one host, read and followed; after an interruption they continue where they ended."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from edgewright.clients.ssh.bundle.ports import ScriptStream
from edgewright.clients.ssh.logs.request import CURSOR, Request
from edgewright.clients.ssh.logs.rows import Keys, SyslogReader, journal_entry
from edgewright.clients.ssh.logs.script import script
from edgewright.clients.ssh.logs.unpack import Lines
from edgewright.core import times
from edgewright.core.errors import Failed, NotFound, Refused
from edgewright.core.logs.entry import Entry
from edgewright.core.text import amount

WINDOW = 65_536
"""Packed bytes that may be on the way: about 8 s at 64 kbit/s."""
BREATH = 0.01
"""Seconds between two looks whether something else comes first."""
RESUME_LINES = 2000
"""Lines of a file that are read again after an interruption, to find the place where it ended."""


class CanOpenScript(Protocol):
    """The part of `bundle.ports.CanStreamScript` that is used."""

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> ScriptStream:
        """Start a script and leave its stdin open. Raises `Unreachable`, `Refused`."""
        raise NotImplementedError


class Skew(NamedTuple):
    """How far a host's clock is ahead of that of the console, in seconds, and how exact that is."""

    seconds: float = 0.0
    error: float = 0.0

    @property
    def matters(self) -> bool:
        """Whether it is more than the measurement may be wrong."""
        return abs(self.seconds) > self.error + 0.5


class HostLog:
    """One host. `take` gets entries in the order of the host, as they arrive; everything runs on one event loop."""

    def __init__(
        self,
        host: str,
        request: Request,
        take: Callable[[list[Entry]], None],
        now: Callable[[], float] = lambda: times.now(),
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """Follow `host`. While `busy` is true, something else comes first, and the next lines wait."""
        self.host = host
        self.request = request.checked()
        self.skew = Skew()
        self.source = ""
        """The file that is read, "" for the journal."""
        self.note = ""
        """What is not as it should be: without rights only a part is read."""
        self.caught_up = False
        """Whether what was written before has arrived."""
        self.left_out = 0
        """Lines that the host left out since the link was too slow."""
        self.gaps = 0
        """At how many places it left out lines."""
        self.bytes = 0
        """Bytes that arrived, packed."""
        self.newest: float | None = None
        """When the line was written that arrived last, by the clock of the console."""
        self._take, self._now, self._busy = take, now, busy
        self._cursor = ""
        self._known: deque[int] = deque(maxlen=RESUME_LINES)
        self._old: frozenset[int] = frozenset()
        self._overlaps = False
        self._keys = Keys()
        self._syslog: SyslogReader | None = None
        self._drop_next = False
        self._resuming = False
        self._end = ""

    async def run(self, connection: CanOpenScript) -> None:
        """Read until the log ends (where it is not followed), or until it is cancelled.

        Raises `Unreachable` when the connection ends, `NotFound` without a log, `Failed` when the host ends it.
        """
        marker = secrets.token_hex(16)
        request = self.request
        if self._known:  # of a file as many lines as are known: the new ones are behind those
            request = request._replace(lines=len(self._known))
        text = script(request, marker, self._cursor)
        self._end, self._resuming, self._drop_next = "", False, False
        as_root = await self._stream(connection, text, marker, sudo=True)
        if not as_root:
            await self._stream(connection, text, marker, sudo=False)  # sudo asks for a password, or is not there
        if self._end == "no-log" and not as_root:
            hint = "Connect as root, allow sudo without a password, or add the user to the group systemd-journal."
            raise NotFound(f"{self.host} has no log that this user may read.", hint)
        if self._end == "no-log":
            raise NotFound(f"{self.host} has no journal, and no file with its log.", "Open a shell and look there.")
        if self._end != "all":
            raise Failed(f"The log of {self.host} ended on the host.", "It is asked for again.", "LogEnded")

    async def _stream(self, connection: CanOpenScript, text: bytes, marker: str, *, sudo: bool) -> bool:
        """Take what one run of the script prints; return whether it printed anything."""
        began, mark, lines, some = time.monotonic(), marker.encode() + b" ", Lines(marker), False
        try:
            stream = await connection.open_script(text, sudo=sudo, window=WINDOW)
        except Refused:
            if sudo:
                return False
            raise
        try:
            while data := await stream.read():
                some = True
                self.bytes += len(data)
                for part in lines.feed(data):
                    self._lines(part, mark, began)
                    await asyncio.sleep(0)  # keys are answered between two pieces
                    while self._busy():
                        await asyncio.sleep(BREATH)
        except ValueError:
            raise Failed(f"The log of {self.host} does not arrive as it should.", "Try again.", "BadStream") from None
        finally:
            await stream.aclose()
        return some

    def _lines(self, lines: list[bytes], mark: bytes, began: float) -> None:
        entries: list[Entry] = []
        for line in lines:
            if line.startswith(mark):
                self._obey(line[len(mark) :].decode("utf-8", "replace").split(" "), began, entries)
            elif self._drop_next:
                self._drop_next = False
            elif self.source:
                entries += self._file_line(line)
            else:
                entries += self._journal_line(line)
        if entries:
            if self.skew.matters:
                for entry in entries:
                    entry.at = entry.host_at - self.skew.seconds
            self.newest = entries[-1].at
            self._take(entries)

    def _obey(self, fields: list[str], began: float, entries: list[Entry]) -> None:
        """Obey a line of the script itself."""
        verb, value = fields[0], fields[1] if len(fields) > 1 else ""
        if verb == "host":
            self._measure(fields, time.monotonic() - began)
        elif verb == "own":
            self.note = "Only lines of this user are read: the others need sudo without a password."
        elif verb == "source":
            self.source = value
            self._resuming, self._old, self._overlaps = bool(self._known), frozenset(self._known), False
            self.caught_up = True
        elif verb == "resumed":
            self._resuming = True
            self.caught_up = True
        elif verb == "now":
            self.caught_up = True
        elif verb == "left" and value.isdigit():
            count = int(value) + 1
            self.left_out += count
            self.gaps += 1
            self._drop_next = True
            text = f"{amount(count, 'line')} left out: the link is slower than the log"
            entries.append(self._gap(text, entries))
        elif verb == "end":
            self._end = self._end or value or "ended"

    def _measure(self, fields: list[str], seconds: float) -> None:
        try:
            clock, zone = float(fields[2]), fields[3] if len(fields) > 3 else "+0000"
            east = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1)
        except (ValueError, IndexError):
            return
        if not 0 < clock < 1e11:
            return
        middle = self._now() - seconds / 2
        exact = 0.0 if "." in fields[2] else 0.5
        self.skew = Skew(clock + exact - middle, seconds / 2 + exact)
        self._syslog = SyslogReader(self.host, clock, max(-50_400, min(east, 50_400)))

    def _gap(self, text: str, before: list[Entry]) -> Entry:
        last = before[-1].host_at if before else self._last_host_at
        return Entry(last, last, self.host, "", f"··· {text} ···", gap=True)

    @property
    def _last_host_at(self) -> float:
        if self.newest is not None:
            return self.newest + (self.skew.seconds if self.skew.matters else 0.0)
        return self._now()

    def _journal_line(self, line: bytes) -> list[Entry]:
        try:
            entry, cursor = journal_entry(line, self.host, self._keys)
        except ValueError:
            return []
        before, self._cursor = self._cursor, cursor if CURSOR.fullmatch(cursor) else ""
        if not self._resuming:
            return [entry]
        self._resuming = False
        if cursor == before:
            return []  # the line at which it ended is still there: nothing is missing
        gap = self._gap("lines may be missing: the journal has not the line any more at which it ended", [])
        return [gap, entry]

    def _file_line(self, line: bytes) -> list[Entry]:
        if self._syslog is None:
            self._syslog = SyslogReader(self.host, self._now(), 0.0)
        before: list[Entry] = []
        if self._resuming:
            if hash(line) in self._old:
                self._overlaps = True
                return []
            self._resuming, self._old = False, frozenset()
            if not self._overlaps:
                before = [self._gap("lines may be missing: more was written than is read again", [])]
        self._known.append(hash(line))
        return [*before, self._syslog.entry(line, self._keys)]
