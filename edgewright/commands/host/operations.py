"""Actions that ask a host for work and wait for its result: the checks of a preflight, and a reboot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanOperateHosts
from edgewright.commands.host import operation_verbs as declared
from edgewright.commands.host.changes import changeable, plan_for, plan_line
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import find_host, refuse_illegal
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed, Refused, TimedOut
from edgewright.core.hosts.operations import kind_text
from edgewright.core.text import clean
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.store.collections.hosts import HostRow

LONGEST = 150.0
"""Seconds to wait for a host: two heartbeats and some."""
AT_ONCE = 20.0
"""Seconds to wait for one whose heartbeats are rare: an answer over an idle connection comes within them, or none."""
GLYPHS = {"ok": "•", "warning": "▲", "failed": "‼", "unknown": "○"}
ORDER = ("failed", "warning", "unknown", "ok")
"""Worst first."""
COLUMNS = (Column("CHECK"), Column("STATE"), Column("RESULT"), Column("NEXT STEP"))


class Check(NamedTuple):
    """One check of a preflight, cleaned for a terminal."""

    id: str
    state: str
    text: str
    next: str


class HostPreflight(declared.HostPreflight):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask for the checks and wait. Raises `TimedOut`, `Failed`, and `Refused` when the host refuses.

        A check that failed makes the verb fail (exit code 1), with all checks printed.
        """
        host = await find_host(ctx, plan.touches[0])
        await refuse_illegal(ctx, [host], self.name)
        result = await run_operation(ctx, host.uid, protocol.OP_PREFLIGHT, report, host.row)
        checks = read_checks(result)
        items = tuple(
            Item(
                check.id, (check.id, f"{GLYPHS.get(check.state, '○')} {check.state}", check.text, check.next or "-"),
                check._asdict(),
            )
            for check in checks
        )  # fmt: skip
        failed = [check.id for check in checks if check.state == "failed"]
        message = clean(result.get("message"))
        failures: tuple[tuple[str, EdgewrightError], ...] = ()
        if failed:
            sentence = f"{host.name} is not ready: {', '.join(failed)}."
            failures = ((host.uid, Failed(sentence, "Each failed check has its next step.")),)
        done = () if failed else (host.uid,)
        return Outcome(done, failures, message, Listing(COLUMNS, items, f"{host.name} reported no checks."))


class HostReboot(declared.HostReboot):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which hosts reboot. Raises `NotFound`, or `Refused` for a host that is only observed."""
        hosts = await changeable(ctx, targets, self.name)
        lines = [plan_line(host) for host in hosts]
        busy = [host.name for host in hosts if host.row.cluster]
        if busy:
            lines.append(f"Workloads of a cluster stop on: {', '.join(busy[:8])}.")
        lines.append("Each host reboots once, as soon as it is reached, and reports when its agent runs again.")
        return plan_for(self, "Reboot", hosts, lines, ("what runs on the hosts is interrupted",), ctx)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask each host to reboot, host by host."""
        operations = await ctx.port(CanOperateHosts)

        async def ask(uid: str) -> str:
            return await operations.create(uid, protocol.OP_REBOOT, {})

        return await for_each(plan, ask, report, "asked to reboot")


async def run_operation(
    ctx: CommandContext, uid: str, kind: str, report: Callable[[str], None], row: HostRow | None = None
) -> Mapping[str, Any]:
    """Ask for an operation without parameters and return its result. Waits and raises as `wait_for_result`."""
    row = row or ctx.host_row(uid)
    return (await wait_for_result(await ctx.port(CanOperateHosts), uid, kind, {}, report, row))[1]


async def wait_for_result(
    operations: CanOperateHosts,
    uid: str,
    kind: str,
    params: Mapping[str, Any],
    report: Callable[[str], None],
    row: HostRow | None = None,
) -> tuple[str, Mapping[str, Any]]:
    """Ask for an operation and wait up to `LONGEST` seconds; return its id and its result.

    A host with rare heartbeats (`row` shows that) is waited for only as long as its idle connection would take.
    Raises `TimedOut`, `Failed`, and `Refused` when the host refuses.
    """
    operation = await operations.create(uid, kind, params)
    report("requested; waiting for the host")
    began, pause = time.monotonic(), 0.2
    rare = row is not None and row.beat > LONGEST / 2
    patience = min(LONGEST, AT_ONCE) if rare else LONGEST
    while time.monotonic() - began < patience:
        document = await operations.get(uid, operation)
        body = {**document, **(document.get("spec") or {}), **(document.get("status") or {})}
        state, result = str(body.get("state") or protocol.OP_PENDING), document.get("result")
        answer: Mapping[str, Any] = result if isinstance(result, dict) else body
        if state == protocol.OP_SUCCEEDED:
            return operation, answer
        if state != protocol.OP_PENDING:
            sentence = clean(answer.get("message")) or f"The host answered: {clean(state)}"
            raise (Refused if state == protocol.OP_REFUSED else Failed)(sentence.rstrip(".") + ".", "See host show.")
        await asyncio.sleep(pause)
        pause = min(2.0, pause * 1.5)
    often = f"; it reports every {times.duration(row.beat)}" if row is not None and rare else ""
    raise TimedOut(
        f"The host {uid} did not answer the {kind_text(kind)} within {patience:.0f} s{often}.",
        f"It answers {_next_beat(row, times.now())}; its result is an event of the host. See host show.",
    )


def _next_beat(row: HostRow | None, now: float) -> str:
    """Return when a host learns of an operation at the latest."""
    left = 0.0 if row is None or row.last_seen is None else row.last_seen + row.beat - now
    return "with its next heartbeat" + (f", due in {times.duration(left)}" if left > 1 else "")


def read_checks(result: Mapping[str, Any]) -> list[Check]:
    """Return the checks of a result, worst first; odd ones are left out."""
    items = result.get("checks")
    checks = [
        Check(*(clean(item.get(name) or "", 1000) for name in Check._fields))
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    ]
    return sorted(checks, key=lambda check: ORDER.index(check.state) if check.state in ORDER else len(ORDER))
