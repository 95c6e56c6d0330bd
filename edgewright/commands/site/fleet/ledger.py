"""Action: what was done over SSH from this machine, by the user's journal: one row for each host of an entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ssh.target import short_name
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.journal import open_journal
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.site import open_verbs as declared
from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.core.text import amount, clean
from edgewright.store.engine.journal import Entry, Journal

MOST = 1000
"""Newest rows that are given."""
ALSO = ("host install",)
"""Verbs over SSH of other nouns than `site`."""
COLUMNS = (
    Column("TIME"), Column("WHO"), Column("HOST"), Column("VERB"), Column("RESULT"), Column("TOOK", right=True),
    Column("RECORDING", wide=True), Column("COMMAND", wide=True), Column("WHAT"),
)  # fmt: skip


class LedgerRow(NamedTuple):
    """One thing that was done on one host. `began`, `ended`: epoch seconds, `ended` None where it is not known."""

    began: float
    ended: float | None
    who: str
    host: str
    verb: str
    result: str
    what: str
    cli: str
    recording: str = ""
    exit: int | None = None
    message: str = ""
    entry: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether it failed, or its end is not known."""
        return self.result not in ("done", "exit 0")

    @property
    def took(self) -> str:
        """How long it took."""
        if self.ended is None:
            return "-"
        seconds = max(0.0, self.ended - self.began)
        return f"{seconds:.1f} s" if seconds < 10 else times.duration(seconds)


class SiteLedger(declared.SiteLedger):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Take the filters. Raises `InvalidInput`."""
        return Plan("What was done over SSH", (), (), (), self.cli_line((), args), payload=_wanted(args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the rows, newest first."""
        hosts, verb, since, until, limit = plan.payload
        rows = await asyncio.to_thread(read, ctx.journal)
        rows = [row for row in rows if since <= row.began < until and row.verb.endswith(verb)]
        rows = [row for row in rows if not hosts or any(is_of(row, host) for host in hosts)]
        note = f"{limit} of {amount(len(rows), 'row')}; older ones are cut by --limit." if len(rows) > limit else ""
        items = tuple(item(row) for row in rows[:limit])
        return Outcome((), result=Listing(COLUMNS, items, "Nothing was done over SSH.", note))


def _wanted(args: Mapping[str, Any]) -> tuple[tuple[str, ...], str, float, float, int]:
    now = times.now()
    since = now - _span(args.get("since")) if args.get("since") else 0.0
    until = now - _span(args.get("until")) if args.get("until") else now + 86_400.0
    limit = int(args.get("limit") or 200)
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"--limit is between 1 and {MOST}.", "Narrow it by hosts, --verb or --since.")
    verb = str(args.get("verb") or "")
    return tuple(str(host) for host in args.get("hosts") or ()), f" {verb}" if verb else "", since, until, limit


def _span(value: Any) -> float:
    try:
        return times.parse_span(value) if isinstance(value, str) else float(value)
    except ValueError as error:
        raise InvalidInput(f"{clean(value, 40)}: {error}.", "Give e.g. 2h or 7d.") from None


def read(journal: Journal | None = None) -> list[LedgerRow]:
    """Return all rows of the user's journal, newest first; blocks. A journal that cannot be read has none."""
    try:
        entries = (journal or open_journal()).entries()
    except OSError:
        return []
    rows = [
        row for entry in entries if entry.command.startswith("site ") or entry.command in ALSO for row in rows_of(entry)
    ]
    return sorted(rows, key=lambda row: row.began, reverse=True)


def rows_of(entry: Entry) -> Iterator[LedgerRow]:
    """Yield a row for each host of an entry."""
    plan, outcome = entry.plan, entry.outcome or {}
    facts = _mapping(outcome.get("facts"))
    hosts = _mapping(facts.get("hosts"))
    failed = {
        str(each.get("target")): each for each in outcome.get("failed") or () if isinstance(each, dict)
    }  # fmt: skip
    who = clean(plan.get("who") or plan.get("actor") or "-", 80)
    user = clean(facts.get("user"), 80)
    for target in entry.targets or ("-",):
        own = _mapping(hosts.get(target))
        error = failed.get(target, {})
        exit_code = own.get("exit") if isinstance(own.get("exit"), int) else None
        seconds = own.get("seconds")
        ended = entry.ended
        if ended is not None and isinstance(seconds, (int, float)):
            ended = entry.begun + float(seconds)
        yield LedgerRow(
            began=entry.begun,
            ended=ended,
            who=f"{who} as {user}" if user and "@" not in target else who,
            host=clean(target, 200),
            verb=clean(entry.command, 40),
            result=_result(entry, own, exit_code, error),
            what=clean(plan.get("title"), 300),
            cli=clean(plan.get("cli"), 4096),
            recording=clean(facts.get("recording"), 400),
            exit=exit_code,
            message=clean(error.get("message"), 400),
            entry=entry.id,
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _result(entry: Entry, own: Mapping[str, Any], exit_code: int | None, error: Mapping[str, Any]) -> str:
    if entry.outcome is None:
        return "not finished"
    if exit_code is not None:
        return f"exit {exit_code}"
    if own.get("result"):
        return clean(own["result"], 40)
    if entry.outcome.get("note"):
        return "interrupted"
    return clean(error.get("code") or "failed", 40) if error else "done"


def is_of(row: LedgerRow, host: str) -> bool:
    """Return whether a row is about a host, as it was typed: with its user and port, or without them."""
    bare = short_name(row.host)
    return host in (row.host, bare, bare.partition(":")[0])


def item(row: LedgerRow) -> Item:
    """Return a row of the table."""
    cells = (
        times.rfc3339(row.began)[:19] + "Z", row.who, row.host, row.verb, row.result, row.took, row.recording or "-",
        row.cli, row.what,
    )  # fmt: skip
    return Item(row.host, cells, document(row))


def document(row: LedgerRow) -> dict[str, Any]:
    """Return a row as programs read it."""
    return {
        "id": row.entry,
        "began": times.rfc3339(row.began),
        "ended": None if row.ended is None else times.rfc3339(row.ended),
        "who": row.who,
        "host": row.host,
        "verb": row.verb,
        "what": row.what,
        "command": row.cli,
        "result": row.result,
        "exit": row.exit,
        "message": row.message,
        "recording": row.recording or None,
    }
