"""Actions that change who handles a problem: acknowledge, assign, note, silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanHandleProblems
from edgewright.commands.alert import change_verbs as declared
from edgewright.commands.alert.rows import find, model_of
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.core import times
from edgewright.core.errors import InvalidInput, NotFound
from edgewright.store.collections.problems import problems
from edgewright.wire import protocol


class AlertAcknowledge(declared.AlertAcknowledge):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the problems. Raises `NotFound`, `Conflict`."""
        verb = "No longer acknowledge" if args.get("off") else "Acknowledge"
        return await _plan(self, ctx, targets, args, verb, {"acknowledged": not args.get("off")})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change it, problem by problem; a plane that does not store it leaves it to this console."""
        done = "no longer acknowledged" if args.get("off") else "acknowledged"
        if ctx.store is not None and not ctx.store.model.source.handling:
            for key in plan.touches:
                ctx.store.acknowledge(key, not args.get("off"))
            only = "in this console only: this plane does not store who handles a problem"
            return Outcome(plan.touches, (), f"{_names(plan.touches)} {done} {only}.")
        return await _change(ctx, plan, report, done)


class AlertAssign(declared.AlertAssign):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the problem and who gets it. Raises `NotFound`, `Conflict`, `InvalidInput` for too long a name."""
        name = _text(args.get("assignee"), "name", protocol.MAX_ASSIGNEE)
        return await _plan(self, ctx, targets, args, f"Assign to {name}:" if name else "Unassign", {"assignee": name})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change it. Raises `Refused` for a viewer."""
        name = plan.payload["assignee"]
        return await _change(ctx, plan, report, f"assigned to {name}" if name else "no longer assigned")


class AlertNote(declared.AlertNote):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the problem and the note. Raises `NotFound`, `Conflict`, `InvalidInput` for too long a note."""
        note = _text(args.get("text"), "note", protocol.MAX_NOTE)
        return await _plan(self, ctx, targets, args, "Note on" if note else "Remove the note of", {"note": note})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change it. Raises `Refused` for a viewer."""
        return await _change(ctx, plan, report, "noted" if plan.payload["note"] else "has no note any more")


class AlertSilence(declared.AlertSilence):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the problems and the end. Raises `NotFound`, `Conflict`, `InvalidInput` for an end too far away."""
        if args.get("off"):
            return await _plan(self, ctx, targets, args, "End the silence of", {"silenced_until": None})
        span = args.get("span")
        seconds = float(span) if isinstance(span, (int, float)) else times.parse_span(str(span or "4h"))
        if not 60 <= seconds <= protocol.MAX_SILENCE:
            most = f"{protocol.MAX_SILENCE / times.DAY:.0f}d"
            raise InvalidInput(f"A silence lasts from 1m to {most}.", f"Write --for 4h, or at most --for {most}.")
        until = times.now() + seconds
        verb = f"Silence until {times.rfc3339(until)[:16]}Z:"
        return await _plan(self, ctx, targets, args, verb, {"silenced_until": until})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change it, problem by problem. Raises `Refused` for a viewer."""
        until = plan.payload["silenced_until"]
        done = f"silenced until {times.rfc3339(until)[:16]}Z" if until else "no longer silenced"
        return await _change(ctx, plan, report, done)


async def _plan(
    command: Command,
    ctx: CommandContext,
    targets: Sequence[str],
    args: Mapping[str, Any],
    verb: str,
    change: dict[str, Any],
) -> Plan:
    """Return the plan of a change on these problems; `change` are the arguments of `set_handling`."""
    model, now = await model_of(ctx), times.now()
    alone = "acknowledged" in change and ctx.store is not None
    if not model.source.handling and not alone:
        await ctx.port(CanHandleProblems)
        raise NotFound("This plane does not store who handles a problem.", "A hub does from version 0.2 on.")
    keys = find(model, targets, now)
    known = {problem.key: problem for problem in problems(model, now)}
    lines = tuple(f"{known[key].subject}: {known[key].text}" if key in known else f"{key}: gone" for key in keys)
    what = keys[0] if len(keys) == 1 else f"{len(keys)} problems"
    return Plan(f"{verb} {what}", lines, tuple(keys), (), command.cli_line(keys, args), None, change)


async def _change(ctx: CommandContext, plan: Plan, report: Callable[[str], None], done: str) -> Outcome:
    """Send the change for each problem."""
    handling = await ctx.port(CanHandleProblems)
    return await for_each(plan, lambda key: handling.set(key, **plan.payload), report, done)


def _text(value: Any, what: str, most: int) -> str:

    text = " ".join(str(value or "").split())
    if len(text) > most:
        raise InvalidInput(f"A {what} has at most {most} characters, this one has {len(text)}.", "Make it shorter.")
    return text


def _names(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{len(keys)} problems"
