"""Action: read support bundles from hosts over SSH, one host after another."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from edgewright.clients.ssh.bundle.archive import file_name, index, write_bundle
from edgewright.clients.ssh.bundle.catalogue.contents import ENTRIES, TOTAL
from edgewright.clients.ssh.bundle.collect import Collector, Progress
from edgewright.clients.ssh.bundle.encryption import Encryption, encryption_to
from edgewright.clients.ssh.bundle.partial import STATE, Partial, State
from edgewright.clients.ssh.bundle.rate import read_rate
from edgewright.clients.ssh.bundle.script import script
from edgewright.clients.ssh.connection import ConnectionFacts, SshConnection
from edgewright.clients.ssh.target import short_name
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.site import open_verbs as declared
from edgewright.commands.site.bundle_history import history
from edgewright.commands.site.connecting import check, connect
from edgewright.commands.site.opened import Site
from edgewright.commands.site.sizes import size_of
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, InvalidInput, TimedOut, Unreachable, UsageError
from edgewright.core.slow_files import in_thread, read_in_time
from edgewright.core.small_file import local_path
from edgewright.core.text import amount

MOST = 50
"""Hosts of one call."""
WAITS = (2.0, 10.0, 30.0)
"""Seconds before a host is connected to again after the link was lost; then the bundle is left to --resume."""
SHOW_EVERY = 5.0
COLUMNS = (
    Column("HOST"), Column("RESULT"), Column("ENTRIES", right=True), Column("MISSING", right=True),
    Column("SECRETS LEFT OUT", right=True), Column("SIZE", right=True), Column("FILE"),
)  # fmt: skip


Reach = Callable[[], Awaitable[SshConnection]]
Way = tuple[Reach, Callable[[SshConnection], Awaitable[None]]]
"""How a connection is had, and how it is left."""


class Wanted(NamedTuple):
    """What is wanted of one host: the file and the folder while it is read; `left` is the bundle that is continued."""

    target: str
    out: Path
    folder: Path
    left: Partial | None


class Options(NamedTuple):
    """What is the same for all hosts. `ago`: seconds; `rate`: bytes in a second, 0 without a limit.

    `progress` is called with each step, besides the lines that are printed now and then.
    """

    ago: int
    rate: int
    encryption: Encryption | None
    progress: Callable[[Progress], None] = lambda progress: None


class SiteBundle(declared.SiteBundle):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check everything before a host is dialled. Raises `InvalidInput`, `UsageError`, `Conflict`, `NotFound`."""
        names = tuple(dict.fromkeys(str(name) for name in args.get("hosts") or ()))
        if len(names) > MOST:
            raise UsageError(f"`site bundle` takes at most {MOST} hosts, not {len(names)}.")
        for name in names:
            check(name)
        options = await asyncio.to_thread(_options, args)
        wanted = await read_in_time(lambda: tuple(_wanted(name, args, len(names), options) for name in names), "--out")
        rate = f"{size_of(options.rate)}/s at most" if options.rate else "no limit of the rate"
        readers = amount(len(args.get("recipients") or ()), "recipient")
        lines = [
            *(
                f"{host.target}: {'continues ' + str(host.folder) + ', ' if host.left else ''}to {host.out}"
                for host in wanted
            ),
            f"journals of the last {times.duration(options.ago)}, {rate}, {size_of(TOTAL)} at most",
            f"encrypted to {readers}" if options.encryption else "not encrypted; the file is readable by you alone",
            "secrets are left out before anything is written; nothing is written on the host",
            f"{len(ENTRIES)} entries are read where the host has them:",
            *(
                f"  {entry.name}: {entry.what}" + (f" ({entry.shown})" if entry.kind != "command" else "")
                for entry in ENTRIES
            ),
        ]
        title = f"Read a support bundle of {amount(len(names), 'host')} over SSH"
        return Plan(title, tuple(lines), names, (), self.cli_line((), args), payload=(wanted, options))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Read one host after another; the failure of one of several is in the outcome."""
        wanted, options = plan.payload
        options = options._replace(progress=args.get("progress") or options.progress)
        items, done, failed = [], [], []
        for host in wanted:
            try:
                document = await _bundle(ctx, host, options, report, args.get("site"))
            except EdgewrightError as error:
                error = _with_way_on(error, host)
                if len(wanted) == 1:
                    raise error from None
                failed.append((host.target, error))
                items.append(
                    Item(
                        host.target,
                        (host.target, error.code, *["-"] * 5),
                        {"target": host.target, "error": error.as_dict()},
                    )
                )
            except asyncio.CancelledError:
                if _was_begun(host):
                    report(f"Interrupted; what was read is in {host.folder}.\nContinue: {_way_on(host)}")
                raise
            else:
                done.append(host.target)
                items.append(_item(host.target, document))
        return Outcome(tuple(done), tuple(failed), "", Listing(COLUMNS, tuple(items)))


def _options(args: Mapping[str, Any]) -> Options:
    since = 86_400.0 if args.get("since") is None else args["since"]
    ago = int(times.parse_span(since) if isinstance(since, str) else since)
    if not 60 <= ago <= 366 * 86_400:
        raise InvalidInput("--since is between 1m and 366d.", "Give a shorter one, e.g. 24h.")
    rate = read_rate(str(args["rate"])) if args.get("rate") else 0
    return Options(ago, rate, encryption_to([str(key) for key in args.get("recipients") or ()]))


def _wanted(target: str, args: Mapping[str, Any], hosts: int, options: Options) -> Wanted:
    """Return file and folder for one host. Raises `UsageError`, `Conflict`, `NotFound`."""
    resume, out = args.get("resume"), args.get("out")
    if resume and hosts > 1:
        raise UsageError("--resume continues the bundle of one host.", "Name one host.")
    encrypted = options.encryption is not None
    left = Partial.open(local_path(resume)) if resume else None
    if left is not None and left.state.target != target:
        raise Conflict(
            f"{left.folder} is the bundle of {left.state.target}, not of {target}.",
            f"Continue it with {left.state.target}, or start without --resume.",
            "OtherHost",
        )
    name = file_name(short_name(target), left.state.began if left else time.time(), encrypted=encrypted)
    place = local_path(out) if out else (left.folder.parent if left else Path.cwd())
    if out and (hosts > 1 or place.is_dir() or str(out).endswith("/")):
        place = place / name
    elif left is not None and not out:
        own = left.folder.name.removesuffix(".partial").removesuffix(".age")
        place = place / (own + (".age" if encrypted else ""))
    elif not out:
        place = place / name
    if place.exists():
        raise Conflict(f"{place} exists already.", "Give another --out, or move it.", "FileExists")
    folder = left.folder if left else place.with_name(place.name + ".partial")
    if left is None and folder.exists():
        raise Conflict(
            f"{folder} is a bundle that was not finished.",
            f"Continue it with --resume {folder}, or remove it.",
            "Unfinished",
        )
    return Wanted(target, place, folder, left)


async def _bundle(
    ctx: CommandContext, wanted: Wanted, options: Options, report: Callable[[str], None], site: Site | None
) -> dict[str, Any]:
    """Read one host and write its file; return what is printed. Raises `EdgewrightError`.

    The connection of a `site` that is open is used where there is one, and stays.
    """

    async def reach() -> SshConnection:
        return await connect(wanted.target, ctx) if site is None else cast("SshConnection", await site.use())

    async def leave(connection: SshConnection) -> None:
        if site is None:
            await connection.aclose()

    connection = await reach()
    try:
        state = State(target=wanted.target, began=time.time(), ago=options.ago)
        partial = wanted.left or Partial.create(wanted.folder, state)
        with partial.claimed():
            return await _read(ctx, wanted, options, report, connection, partial, (reach, leave))
    finally:
        await leave(connection)


async def _read(
    ctx: CommandContext,
    wanted: Wanted,
    options: Options,
    report: Callable[[str], None],
    connection: SshConnection,
    partial: Partial,
    way: Way,
) -> dict[str, Any]:
    """Read a host into its folder, over new connections where one is lost, and write its file."""
    facts = connection.facts
    reach, leave = way
    show = _Shown(wanted.target, report, options.progress)
    tries = list(WAITS)
    while True:
        before = partial.state.received
        try:
            await Collector(connection, partial, rate=options.rate, report=show).run()
            break
        except (Unreachable, TimedOut) as error:
            if partial.state.received > before + 65_536:
                tries = list(WAITS)  # it makes progress
            if not tries:
                raise
            wait = tries.pop(0)
            report(f"{wanted.target}: {error.message} Trying again in {wait:g} s.")
        finally:
            await leave(connection)
        await asyncio.sleep(wait)
        connection = await _again(reach, wanted, tries, report)
    document = index(partial, about(facts))
    extra = {
        "edgewright/script.sh": script(list(enumerate(ENTRIES)), "0" * 32, ago=partial.state.ago),
        "edgewright/history.jsonl": await asyncio.to_thread(history, ctx, wanted.target, partial.state.host),
    }
    size = await in_thread(lambda check: write_bundle(partial, wanted.out, document, extra, options.encryption, check))
    partial.remove()
    return {
        **{key: value for key, value in document.items() if key != "entries"},
        "file": str(wanted.out),
        "size": size,
    }


async def _again(reach: Reach, wanted: Wanted, tries: list[float], report: Callable[[str], None]) -> SshConnection:
    """Return a new connection. Raises the last failure."""
    while True:
        try:
            return await reach()
        except (Unreachable, TimedOut) as error:
            if not tries:
                raise
            wait = tries.pop(0)
            report(f"{wanted.target}: {error.message} Trying again in {wait:g} s.")
            await asyncio.sleep(wait)


class _Shown:
    """Prints a line of progress now and then."""

    def __init__(self, target: str, report: Callable[[str], None], each: Callable[[Progress], None]) -> None:
        self._target, self._report, self._each = target, report, each
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        self._each(progress)
        now = time.monotonic()
        if now < self._next and progress.settled < progress.entries:
            return
        self._next = now + SHOW_EVERY
        left = f", about {times.duration(max(1, round(progress.left)))} left" if progress.left else ""
        self._report(
            f"{self._target}: {progress.settled} of {progress.entries} entries, {size_of(progress.received)} received, "
            f"{size_of(progress.rate)}/s{left}: {progress.name}"
        )


def about(facts: ConnectionFacts) -> dict[str, Any]:
    """Return the connection as the index has it."""
    return {
        "user": facts.user,
        "address": facts.address,
        "via": list(facts.via),
        "hostKey": f"{facts.key.kind} {facts.key.fingerprint}",
        "knownBy": facts.known_by,
        "server": facts.server,
    }


def _item(target: str, document: Mapping[str, Any]) -> Item:
    cells = (
        target, "read" if document["root"] else "read without sudo", str(document["present"]), str(document["missing"]),
        str(document["leftOut"]), size_of(document["size"]), str(document["file"]),
    )  # fmt: skip
    return Item(target, cells, {"target": target, **document})


def _was_begun(wanted: Wanted) -> bool:
    """Return whether there is something to continue."""
    return (wanted.folder / STATE).exists()


def _way_on(wanted: Wanted) -> str:
    return f"edgewright site bundle {shlex.quote(wanted.target)} --resume {shlex.quote(str(wanted.folder))}"


def _with_way_on(error: EdgewrightError, wanted: Wanted) -> EdgewrightError:
    """Return the error with how to continue, where something was read."""
    if error.code == "OtherHost" or not _was_begun(wanted):
        return error
    hint = f"{error.hint} Continue: {_way_on(wanted)}".strip()
    return type(error)(error.message, hint, error.code)
