"""Actions by which an operator decides about the work of hosts (P85, P86): each reaches the host as one operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanOperateHosts
from edgewright.commands.host import operation_verbs as declared
from edgewright.commands.host.changes import changeable, plan_for, plan_line
from edgewright.commands.host.operations import wait_for_result
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import FoundHost
from edgewright.core import times
from edgewright.core.clusters.actions import names_step, with_titles
from edgewright.core.errors import NotFound, UsageError
from edgewright.core.hosts import work_text
from edgewright.core.text import clean
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.store.collections.hosts import HostRow


class Decision(NamedTuple):
    """What a plan found out: the parameters of the operation, and the row of the (first) host."""

    params: Mapping[str, Any]
    row: HostRow
    steps: Mapping[str, str] = {}
    """Ids of the steps that are retried, by host UID; empty for all that wait."""


class HostRetry(declared.HostRetry):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which step waits on which host, as it last reported. Raises `NotFound`, `Refused`."""
        hosts = await changeable(ctx, targets, self.name)
        wanted = str(args.get("step") or "")
        steps = {host.uid: _step_id(host, wanted) for host in hosts} if wanted else {}
        lines = [f"{plan_line(host)}: {_waiting(host)}" for host in hosts]
        titles = ", ".join(dict.fromkeys(with_titles(clean(step, 100)) for step in steps.values()))
        lines.append(f"Only {titles} starts again." if steps else "Steps that failed or wait start again at once.")
        plan = plan_for(self, "Retry", hosts, lines, (), ctx)
        given = Decision({"step": steps[hosts[0].uid]} if steps else {}, hosts[0].row, steps)
        return plan._replace(confirm_text=None, payload=given, cli=self.cli_line(plan.touches, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask each host; of a single one the result is waited for. Raises `TimedOut`, `Failed`, `Refused`."""
        operations = await ctx.port(CanOperateHosts)
        if len(plan.touches) == 1:
            return await _decide(operations, plan, protocol.OP_RETRY, report)

        async def ask(uid: str) -> str:
            step = plan.payload.steps.get(uid)
            return await operations.create(uid, protocol.OP_RETRY, {"step": step} if step else {})

        return await for_each(plan, ask, report, "asked to retry")


class HostAccept(declared.HostAccept):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what replaces what. Raises `NotFound` where nothing waits, `UsageError` where several documents do."""
        await ctx.port(CanOperateHosts)  # a plane without it never has a document that waits
        hosts = await changeable(ctx, targets, self.name)
        (host,) = hosts
        uid = str(args.get("document") or "")
        waiting = [item for item in _documents(host) if item.get("offered") and uid in ("", item.get("uid"))]
        if not waiting:
            what = f"no document {uid}" if uid else "no document"
            raise NotFound(f"{host.name} reports {what} of another lineage that waits.", "See: host show.")
        if len(waiting) > 1:
            names = ", ".join(clean(item.get("uid"), 64) for item in waiting[:5])
            raise UsageError(f"{len(waiting)} documents wait on {host.name}.", f"Name one with --document: {names}")
        (item,) = waiting
        offered = item["offered"]
        name = clean(item.get("uid"), 64)
        lines = (
            plan_line(host),
            f"has: {work_text.document_text({**item, 'offered': None}) or name}",
            f"will have: {work_text.offered_text(offered)}",
            "The host converges on it at once; steps of the present document that run are left to their end.",
        )
        plan = plan_for(self, "Accept a document on", hosts, lines, ("what the present document asked for",), ctx)
        params = {"document": str(item.get("uid")), "digest": str(offered.get("digest") or "")}
        given = Decision(params, host.row)
        return plan._replace(payload=given, cli=self.cli_line(plan.touches, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask the host and wait. Raises `TimedOut`, `Failed`, and `Refused` when another document waits by now."""
        return await _decide(await ctx.port(CanOperateHosts), plan, protocol.OP_ACCEPT, report)


async def _decide(operations: CanOperateHosts, plan: Plan, kind: str, report: Callable[[str], None]) -> Outcome:
    (uid,) = plan.touches
    decision: Decision = plan.payload
    _, result = await wait_for_result(operations, uid, kind, dict(decision.params), report, decision.row)
    return Outcome((uid,), (), f"{plan.name_of(uid)}: {clean(result.get('message'))}")


def _step_id(host: FoundHost, wanted: str) -> str:
    """Return the id of the step that a user named as the host shows it; what is not its present step as it is."""
    present = str(work_text.progress_of(host.document).get("step") or "")
    return present if names_step(wanted, present) else wanted


def _waiting(host: FoundHost) -> str:
    progress = work_text.progress_of(host.document)
    if not progress:
        return "reports no step"
    now = times.now()
    texts = (work_text.step_text(progress), work_text.clock_text(progress, now), work_text.waiting_text(progress))
    step, clock, waits = texts
    return ", ".join(filter(None, (step, clock, f"waits for {waits}" if waits else "running")))


def _documents(host: FoundHost) -> list[Mapping[str, Any]]:
    judged = (host.document.get("status") or {}).get("edgewright")
    items = judged.get("documents") if isinstance(judged, dict) else None
    return [item for item in (items if isinstance(items, list) else []) if isinstance(item, dict)]
