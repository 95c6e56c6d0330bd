"""Action: logs of hosts over SSH, merged by time; with `--follow` until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ssh.logs.host_log import CanOpenScript, HostLog
from edgewright.clients.ssh.logs.request import Request
from edgewright.clients.ssh.target import short_name
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Stream, Text
from edgewright.commands.site import open_verbs as declared
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.logs.documents import document_of, message_of, plain_line, stamp, unit_text
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, TimedOut, Unreachable, UsageError
from edgewright.core.logs.entry import Entry
from edgewright.core.logs.readable import level_name, priority_of
from edgewright.core.logs.wanted import Wanted, unit_name
from edgewright.core.text import clean

MOST = 50
"""Hosts of one call; each is a connection of its own."""
LINES, MANY, LOOKED_AT = 100, 10_000, 10_000
"""Lines of a host without and with `--since`, and of how many those are chosen that `--level` or `--grep` wants."""
MOST_LINES = 50_000
DELAY = 1.0
"""Seconds for which lines of several hosts wait for older ones of the others."""
BEGIN = 5.0
"""Seconds for which nothing is printed at most, until the lines before now have arrived of each host."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
COLUMNS = (Column("TIME"), Column("HOST"), Column("UNIT"), Column("LEVEL"), Column("MESSAGE"))
WIDTHS = (24, 16, 20, 5, 0)
MOST_WAITING = 20_000
"""Lines that wait to be printed; a reader of the output that is slower makes the hosts wait."""


class Asked(NamedTuple):
    """What was asked for."""

    request: Request
    wanted: Wanted
    lines: int


class SiteLogs(declared.SiteLogs):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check everything before a host is dialled. Raises `InvalidInput`, `UsageError`."""
        names = tuple(dict.fromkeys(str(name) for name in args.get("hosts") or ()))
        if not names:
            raise UsageError("`site logs` needs a target.", "Name one: edgewright site logs user@host", "NoTarget")
        if len(names) > MOST:
            raise UsageError(f"`site logs` takes at most {MOST} targets, not {len(names)}.")
        for name in names:
            check(name)
        lines = ("Reads logs; nothing is changed on the hosts.",)
        return Plan("Logs", lines, names, (), self.cli_line((), args), None, asked(args, times.now()))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Print what was logged, or a stream of it. Raises the failure of the only host."""
        what: Asked = plan.payload
        several = len(plan.touches) > 1
        if what.request.follow:
            return Outcome((), result=Stream(COLUMNS, WIDTHS, _follow(ctx, plan.touches, what, report)))

        async def read(target: str) -> list[Entry] | EdgewrightError:
            try:
                return await _read(ctx, target, what, report)
            except EdgewrightError as error:
                return error

        results = await asyncio.gather(*(read(target) for target in plan.touches))
        failed = [(n, r) for n, r in zip(plan.touches, results, strict=True) if isinstance(r, EdgewrightError)]
        if failed and not several:
            raise failed[0][1]
        entries = [entry for result in results if isinstance(result, list) for entry in result]
        entries.sort(key=lambda entry: entry.at)
        text = "\n".join(plain_line(entry, several) for entry in entries)
        done = tuple(name for name, result in zip(plan.touches, results, strict=True) if isinstance(result, list))
        if not entries and done:
            report("No line matches." if args.get("level") or args.get("grep") else "Nothing was logged.")
        return Outcome(done, tuple(failed), "", Text(text, [document_of(entry) for entry in entries], "\n".join(done)))


def asked(args: Mapping[str, Any], now: float) -> Asked:
    """Return what the arguments ask for. Raises `InvalidInput`, `UsageError`."""
    units = tuple(dict.fromkeys(unit_name(str(unit)) for unit in args.get("unit") or ()))
    if len(units) > 32:
        raise UsageError("`site logs` takes at most 32 units.")
    ago, until = (_ago(args.get(name), now, name) for name in ("since", "until"))
    if until and (args.get("follow") or (ago and until >= ago)):
        raise UsageError("--until is before --since, or --follow is given too: there is nothing to read.")
    level, grep = str(args.get("level") or ""), clean(args.get("grep") or "", 200).lower()
    wanted = Wanted(priority_of(level) if level else 7, grep)
    lines = int(args["lines"]) if args.get("lines") is not None else MANY if ago else LINES
    if not 0 <= lines <= MOST_LINES:
        raise InvalidInput(f"--lines {lines} is out of range.", f"Give 0 to {MOST_LINES}.")
    read = lines if wanted.everything else max(lines, LOOKED_AT)
    request = Request(units, read, ago, until, bool(args.get("follow")), backlog=1 << 24 if ago else 1 << 22)
    return Asked(request.checked(), wanted, lines)


def _ago(value: Any, now: float, name: str) -> int:
    """Return a time or a span as seconds before now, 0 for none. Raises `InvalidInput`."""
    if not value:
        return 0
    text = str(value).strip()
    try:
        seconds = times.parse_span(text) if "T" not in text else now - (times.parse(text) or now)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 10 * 365 * times.DAY:
        raise InvalidInput(
            f"--{name} {clean(text, 40)} is not a time before now.", "Give 10m, 2h, 7d, or 2026-11-29T08:00:00Z."
        )
    return max(1, int(seconds))


async def _read(ctx: CommandContext, target: str, what: Asked, report: Callable[[str], None]) -> list[Entry]:
    entries: list[Entry] = []

    def take(some: list[Entry]) -> None:
        entries.extend(entry for entry in some if what.wanted.lets(entry))

    log = HostLog(_name(target), what.request, take)
    connection: Any = await connect(target, ctx)
    try:
        await log.run(connection)
    finally:
        await connection.aclose()
    for line in _notes(log):
        report(line)
    return entries[max(len(entries) - what.lines, 0) :]


def _name(target: str) -> str:
    return clean(short_name(target), 80)


def _notes(log: HostLog) -> list[str]:
    notes = [f"{log.host}: {log.note}"] if log.note else []
    if log.skew.matters:
        side = "ahead" if log.skew.seconds > 0 else "behind"
        notes.append(
            f"{log.host}: its clock is {times.duration(abs(log.skew.seconds))} {side}; the times are corrected."
        )
    return notes


class _Followed:
    """All hosts that are followed: their lines wait in one list until they are printed."""

    def __init__(self, ctx: CommandContext, what: Asked, report: Callable[[str], None]) -> None:
        self._ctx, self._what, self._report = ctx, what, report
        self.waiting: list[tuple[float, Entry]] = []
        self._logs: list[HostLog] = []
        self._began = asyncio.get_running_loop().time()
        self.arrived = asyncio.Event()
        self.taken = asyncio.Event()

    def ready(self, hosts: int) -> list[Entry]:
        """Take the lines that may be printed: at first none, until what was there before has arrived of each host."""
        now = asyncio.get_running_loop().time()
        if now - self._began < BEGIN and sum(log.caught_up for log in self._logs) < hosts:
            return []
        delay = DELAY if hosts > 1 else 0.0
        ripe = [entry.at for since, entry in self.waiting if since <= now - delay]
        if not ripe:
            return []
        newest = max(ripe)  # what arrived later and is older comes before it
        ready = [entry for since, entry in self.waiting if since <= now - delay or entry.at <= newest]
        self.waiting = [(since, entry) for since, entry in self.waiting if since > now - delay and entry.at > newest]
        self.taken.set()
        ready.sort(key=lambda entry: entry.at)
        return ready

    async def follow(self, target: str) -> None:
        """Follow one host; connect again when the connection breaks. Raises what the first connection raises."""

        def take(some: list[Entry]) -> None:
            now = asyncio.get_running_loop().time()
            let = [entry for entry in some if self._what.wanted.lets(entry)]
            if not log.caught_up and not self._what.wanted.everything:
                let = let[max(len(let) - self._what.lines, 0) :]
            self.waiting += [(now, entry) for entry in let]
            self.arrived.set()

        log = HostLog(_name(target), self._what.request, take)
        self._logs.append(log)
        tries, noted = 0, False
        connection: Any = await connect(target, self._ctx)
        while True:
            try:
                run = asyncio.ensure_future(log.run(_Bounded(connection, self)))
                while not run.done():
                    await asyncio.wait((run,), timeout=1.0)
                    if log.caught_up and not noted:
                        noted, tries = True, 0
                        for line in _notes(log):
                            self._report(line)
                await run
            except (Unreachable, TimedOut, Failed) as error:
                self._report(f"{log.host}: {error.message} Trying again.")
            finally:
                run.cancel()
                await connection.aclose()
            while True:
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
                try:
                    connection = await connect(target, self._ctx)
                    break
                except (Unreachable, TimedOut):
                    continue


class _Bounded:
    """A connection of which no more is read while too many lines wait to be printed."""

    def __init__(self, connection: CanOpenScript, followed: _Followed) -> None:
        self._connection, self._followed = connection, followed

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> Any:
        stream = await self._connection.open_script(script, sudo=sudo, window=window)
        return _BoundedStream(stream, self._followed)


class _BoundedStream:
    def __init__(self, stream: Any, followed: _Followed) -> None:
        self._stream, self._followed = stream, followed

    async def read(self) -> bytes:
        while len(self._followed.waiting) > MOST_WAITING:
            self._followed.taken.clear()
            await self._followed.taken.wait()
        data: bytes = await self._stream.read()
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _follow(
    ctx: CommandContext, targets: Sequence[str], what: Asked, report: Callable[[str], None]
) -> AsyncIterator[Item]:
    """Yield lines in the order of their time; those of several hosts wait a moment for each other.

    Raises the first failure that ends one of them when all have ended; others are reported.
    """
    followed = _Followed(ctx, what, report)
    tasks = {asyncio.ensure_future(followed.follow(target)): target for target in targets}
    try:
        while tasks or followed.waiting:
            timeout = None if not followed.waiting else 0.2
            arrived = asyncio.ensure_future(followed.arrived.wait())
            await asyncio.wait((*tasks, arrived), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            arrived.cancel()
            followed.arrived.clear()
            for task in [task for task in tasks if task.done()]:
                target = tasks.pop(task)
                failure = task.exception()
                if failure is not None and (not tasks or not isinstance(failure, EdgewrightError)):
                    raise failure
                report(f"{_name(target)}: {getattr(failure, 'message', 'it ended')}")
            for entry in followed.ready(len(tasks)):
                yield _item(entry)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _item(entry: Entry) -> Item:
    level = "" if entry.gap else level_name(entry.shown.level)
    cells = (stamp(entry.at), entry.host, unit_text(entry.unit), level, message_of(entry))
    return Item(entry.host, cells, document_of(entry))
