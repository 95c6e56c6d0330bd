"""Reads the entries of a bundle from a host into a partial folder, one after another, and continues what was cut.

One stream carries all of them. An entry that delivers nothing for too long is given up, with the stream; the next one
continues after it. Everything that the host sends is bounded, and none of it becomes a path: files are numbered.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edgewright.clients.ssh.bundle.catalogue.contents import ENTRIES, TOTAL
from edgewright.clients.ssh.bundle.entries import Entry
from edgewright.clients.ssh.bundle.frames import Frame, FrameReader
from edgewright.clients.ssh.bundle.partial import EntryRecord, Partial
from edgewright.clients.ssh.bundle.ports import CanStreamScript, ScriptStream
from edgewright.clients.ssh.bundle.rate import RateLimit
from edgewright.clients.ssh.bundle.receiving import Receiving
from edgewright.clients.ssh.bundle.script import Resume, script
from edgewright.core.errors import Failed, Refused, TimedOut

SILENCE = 45.0
"""Seconds without a byte after which an entry is given up; a command has its own seconds on top."""
SAVE_EVERY = 5.0
MOST_STREAMS = 12
"""Streams that are opened at most: each entry that is given up costs one."""
REASONS = {
    "absent": "not on this host",
    "needs-root": "not read: needs sudo",
    "unreadable": "not read: the host refuses it",
    "link": "not read: it is a link to elsewhere",
    "never": "not read: it may contain secrets",
    "no-file": "not read: it is not a file",
    "no-journalctl": "not on this host: no journalctl",
}
EMPTY, ENDED = "empty", "ended after {} s without output"
HUNG, OVER_TOTAL = "given up: no answer for {:g} s", "left out: the bundle has {} bytes already"
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,120}(?:/[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,120}){0,4}")
_MACHINE = re.compile(r"[0-9a-f]{32}")


class Progress(NamedTuple):
    """How far it is: entries settled; bytes received in this run, and in a second; seconds left (None: unknown)."""

    settled: int
    entries: int
    name: str
    received: int
    rate: float
    left: float | None


Report = Callable[[Progress], None]


class Collector:
    """One run for one host; `run` raises where it is cut, and the partial folder has what arrived."""

    def __init__(
        self,
        host: CanStreamScript,
        partial: Partial,
        *,
        rate: int = 0,
        report: Report = lambda progress: None,
        entries: Sequence[Entry] = ENTRIES,
        total: int = TOTAL,
        silence: float = SILENCE,
    ) -> None:
        self._host, self._partial, self._report = host, partial, report
        self._entries, self._total, self._silence = tuple(entries), total, silence
        self._limit = RateLimit(rate)
        asked = sum(entry.size * entry.most for entry in self._entries)
        self._most = asked + asked // 32 + 1_048_576
        self._received = self._settled_now = 0
        self._began = self._saved = self._entry_began = time.monotonic()
        self._waited = 0.0
        self._number = -1
        self._open: Receiving | None = None
        self._record: EntryRecord | None = None
        self._greeted = False

    async def run(self) -> None:
        """Read everything that is not there yet. Raises `EdgewrightError`; the state is saved in any case."""
        state = self._partial.state
        started = time.monotonic()
        try:
            sudo = await self._sudo()
            for _ in range(MOST_STREAMS):
                if await self._stream(sudo):
                    return
            raise TimedOut(f"The host answers too slowly: {MOST_STREAMS} entries were given up.", "Try again later.")
        except BaseException:
            state.interruptions += 1
            raise
        finally:
            self._store_point()
            if self._open is not None:
                self._open.abandon()
            state.seconds += time.monotonic() - started
            self._partial.save()

    async def _sudo(self) -> bool:
        """Return whether the script runs as root, and remember why not."""
        state = self._partial.state
        try:
            result = await self._host.run_script(b"id -u\n", timeout=20.0, limit=4096, sudo=True)
        except Refused as error:
            state.root, state.way = False, error.message
            return False
        state.root = result.output.strip() == b"0"
        state.way = "root" if state.root else "sudo does not make the user root"
        return state.root

    def _waiting(self) -> list[tuple[int, Entry]]:
        settled = {record.name for record in self._partial.state.entries if record.complete}
        waiting = [(number, entry) for number, entry in enumerate(self._entries) if entry.name not in settled]
        current = self._partial.state.current
        if current is not None:
            waiting.sort(key=lambda pair: pair[1].name != current.name)
        return waiting

    async def _stream(self, sudo: bool) -> bool:
        """Read what one stream gives; return whether everything is settled."""
        waiting = self._waiting()
        if not waiting:
            return True
        state, marker = self._partial.state, secrets.token_hex(16)
        current = state.current
        resume = (
            Resume(current.base, current.at, current.check) if current and waiting[0][1].name == current.name else None
        )
        text = script(waiting, marker, ago=state.ago, since=state.since, until=state.until, resume=resume)
        window = max(8192, min(2 * self._limit.rate, 2_097_152)) if self._limit.rate else 0
        stream = await self._host.open_script(text, sudo=sudo, window=window)
        self._greeted, self._number, self._entry_began = False, waiting[0][0], time.monotonic()
        try:
            return await self._read(stream, FrameReader(marker), waiting)
        except ValueError as error:
            raise Failed(
                f"What the host sends is not a bundle: {error}.", "Something on it writes into the answer."
            ) from None
        finally:
            await stream.aclose()

    async def _read(self, stream: ScriptStream, reader: FrameReader, waiting: Sequence[tuple[int, Entry]]) -> bool:
        places = {number: place for place, (number, _) in enumerate(waiting)}
        while True:
            entry = self._entries[self._number]
            patience = self._silence + (entry.seconds if entry.kind == "command" else 0)
            try:
                data = await asyncio.wait_for(stream.read(), patience)
            except TimeoutError:
                self._give_up(HUNG.format(patience))
                return False
            if not data:
                raise Failed(
                    "The host ended the script before its end.",
                    "Continue with --resume; it may be out of memory.",
                    "Cut",
                )
            self._received += len(data)
            if self._received > self._most:
                raise ValueError("it is more than was asked for")
            self._partial.state.received += len(data)
            for item in reader.feed(data):
                if isinstance(item, bytes):
                    self._data(item)
                elif item.verb == "done":
                    return self._greeted and not self._waiting()
                else:
                    number = await self._frame(item, places)
                    if number is not None:
                        place = places[number] + 1
                        self._number = waiting[min(place, len(waiting) - 1)][0]
            self._waited += await self._limit.passed(len(data))
            if time.monotonic() - self._saved > SAVE_EVERY:
                self._store_point()
                self._partial.save()
                self._saved = time.monotonic()
                self._show()

    def _data(self, data: bytes) -> None:
        if self._open is None:
            return
        state = self._partial.state
        if state.raw < self._total:
            state.raw += self._open.take(data)

    async def _frame(self, frame: Frame, places: dict[int, int]) -> int | None:
        """Take a frame; return the number of the entry that it settles, None for none. Raises `ValueError`."""
        fields = frame.fields
        if frame.verb == "host" and not self._greeted:
            self._hello(fields)
            return None
        number = int(fields[0]) if fields and fields[0].isdecimal() and len(fields[0]) < 8 else -1
        if not self._greeted or number not in places:
            raise ValueError("a frame of no entry")
        entry = self._entries[number]
        if any(record.complete and record.name == entry.name for record in self._partial.state.entries):
            raise ValueError("an entry that was settled")
        if frame.verb == "begin" and len(fields) == 5 and self._open is None:
            await self._begin(number, entry, fields)
        elif frame.verb == "end" and len(fields) == 2 and self._open is not None and number == self._number:
            self._end(fields[1])
            return number if entry.kind != "glob" else None
        elif frame.verb == "miss" and len(fields) == 2:
            self._number = number
            self._settle(entry, REASONS.get(fields[1], "not read"))
            return number
        elif frame.verb == "all" and len(fields) == 2 and entry.kind == "glob":
            others = int(fields[1]) if fields[1].isdecimal() and len(fields[1]) < 8 else 0
            record = self._record_of(entry)
            record.note = f"{others} more files were not read" if others else ""
            self._settle(entry, "")
            return number
        else:
            raise ValueError(f"a frame {frame.verb} at a wrong place")
        return None

    def _hello(self, fields: Sequence[str]) -> None:
        if len(fields) < 6 or not all(word.isdecimal() and len(word) < 13 for word in fields[1:4]):
            raise ValueError("a host without a name")
        state = self._partial.state
        machine = fields[4] if _MACHINE.fullmatch(fields[4]) else ""
        if state.machine and machine and state.machine != machine:
            raise Refused("The unfinished bundle is of another host.", "Start without --resume.", "OtherHost")
        state.machine, state.host = machine or state.machine, fields[5][:80]
        state.since, state.until = int(fields[2]), int(fields[3])
        state.skew = round(int(fields[1]) - time.time(), 1)
        self._greeted = True

    async def _begin(self, number: int, entry: Entry, fields: Sequence[str]) -> None:
        if not (fields[1].isdecimal() and fields[4].isdecimal() and len(fields[1]) < 16 and len(fields[4]) < 16):
            raise ValueError("an entry without a begin")
        name = entry.name
        if entry.kind == "glob":
            if len(self._record_of(entry).files) >= entry.most or not _PATH.fullmatch(fields[3]):
                raise ValueError("a file of no entry")
            name = f"{entry.name}/{fields[3]}"
        self._number = number
        state, at = self._partial.state, int(fields[4])
        receiving = Receiving(self._partial, entry, name, int(fields[1]), fields[2] == "gz")
        current = state.current  # until it is continued: a run that ends meanwhile continues there again
        if current is not None and current.name == entry.name:
            if at and (at, int(fields[1])) == (current.at, current.base):
                try:
                    await receiving.continue_from(current)
                except (KeyError, TypeError, ValueError, OSError):
                    state.current = None
                    raise Failed(
                        f"What is stored of {entry.name} does not fit to its state.", "Start without --resume."
                    ) from None
            else:
                self._record_of(entry).read_again = True
                self._partial.path(current.file).unlink(missing_ok=True)
        elif at:
            raise ValueError("an entry that continues what was not begun")
        state.current, self._open = None, receiving

    def _end(self, status: str) -> None:
        assert self._open is not None
        receiving, self._open = self._open, None
        record = receiving.finish(status if re.fullmatch(r"\d{1,3}|cut|hung", status) else "")
        entry = receiving.entry
        over = self._partial.state.raw >= self._total
        if over:
            record.cut = True
        if not record.bytes and not record.left_out and (not record.cut or record.status == "hung"):
            self._partial.path(record).unlink(missing_ok=True)
            if entry.kind != "glob":
                self._settle(entry, ENDED.format(entry.seconds) if record.status == "hung" else EMPTY)
            return
        self._record_of(entry).files.append(record)
        if entry.kind != "glob":
            self._settle(entry, OVER_TOTAL.format(self._total) if over and not record.bytes else "")

    def _record_of(self, entry: Entry) -> EntryRecord:
        if self._record is None or self._record.name != entry.name:
            state = self._partial.state
            # A glob that was cut is read again from its begin.
            for old in [record for record in state.entries if record.name == entry.name]:
                for file in old.files:
                    self._partial.path(file).unlink(missing_ok=True)
                state.entries.remove(old)
            self._record = EntryRecord(entry.name)
            state.entries.append(self._record)
        return self._record

    def _settle(self, entry: Entry, reason: str) -> None:
        record = self._record_of(entry)
        record.complete, record.reason = True, reason
        record.seconds = round(time.monotonic() - self._entry_began, 2)
        self._record, self._entry_began = None, time.monotonic()
        self._settled_now += 1
        self._show()

    def _give_up(self, reason: str) -> None:
        """Settle the entry that is waited for with what arrived of it."""
        entry = self._entries[self._number]
        record = self._record_of(entry)
        if self._open is not None:
            receiving, self._open = self._open, None
            file = receiving.finish("hung", ended=False)
            if file.bytes:
                record.files.append(file)
        self._settle(entry, reason)

    def _store_point(self) -> None:
        """Put into the state where the open entry continues."""
        if self._open is not None:
            point = self._open.point()
            if point is not None:
                self._partial.state.current = point

    def _show(self) -> None:
        now = time.monotonic()
        settled = sum(record.complete for record in self._partial.state.entries)
        rate = self._received / max(now - self._began, 0.001)
        rest = len(self._entries) - settled
        left = (now - self._began) / self._settled_now * rest if self._settled_now >= 5 else None
        name = self._entries[self._number].name
        self._report(Progress(settled, len(self._entries), name, self._received, rate, left))
