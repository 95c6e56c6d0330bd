"""Actions: verbs about receivers of alerts: add, list, remove, test."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageReceivers
from edgewright.commands.alert import receiver_rows
from edgewright.commands.alert import receiver_verbs as declared
from edgewright.commands.alert.receiver_rows import find
from edgewright.commands.alert.receiver_spec import FILES, read_spec, target_of
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Listing, Text
from edgewright.core import times
from edgewright.core.errors import Failed
from edgewright.core.slow_files import read_in_time
from edgewright.core.text import clean

TEST_WITHIN = 45.0
"""Seconds to wait for a test: the plane gives the receiver 30."""


class ReceiverAdd(declared.ReceiverAdd):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the files and name the target. Raises `UsageError`, `NotFound`, `InvalidInput`."""
        name = str(args["name"]).strip()
        files = [str(args[name]) for name in FILES if args.get(name)]
        body = await read_in_time(lambda: read_spec(args), "-" if "-" in files else " or ".join(files))
        where = target_of(body)
        lines = (f"Alerts of {'the project' if ctx.project else 'all projects'} are sent to {where}.",)
        return Plan(f"Add alert receiver {name}", lines, (name,), (), self.cli_line(targets, args), None, body)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Add it; print the signing key that the plane made. Raises `Conflict` for a name that exists, `Refused`."""
        made = await (await ctx.port(CanManageReceivers)).add(plan.payload)
        name, uid, key = plan.touches[0], str(made.get("uid", "")), str(made.get("key", ""))
        see = f"Test it: edgewright alert receiver test {shlex.quote(name)}"
        if not key:
            return Outcome((name,), (), f"Receiver {name} added. {see}")
        message = f"Receiver {name} added; this key signs its messages and is not shown again. {see}"
        return Outcome((name,), (), message, Text(key, {"uid": uid, "key": key}, name))


class ReceiverList(declared.ReceiverList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give all receivers, by name."""
        now = times.now()
        items = [receiver_rows.item(document, now) for document in await (await ctx.port(CanManageReceivers)).all()]
        add = "edgewright alert receiver add NAME --url-file FILE"
        empty = f"No receiver of alerts here; an admin of the tenant adds one: {add}"
        return Outcome((), result=Listing(receiver_rows.COLUMNS, tuple(items), empty))


class ReceiverRemove(declared.ReceiverRemove):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name what is deleted. Raises `NotFound`, `Conflict`."""
        document = await find(ctx, targets[0])
        name, waiting = str(document["name"]), int((document.get("status") or {}).get("waiting") or 0)
        lost = (f"{waiting} waiting messages",) if waiting else ()
        lines = (f"{document.get('kind')} to {document.get('target')}",)
        return Plan(
            f"Remove receiver {name}", lines, (name,), lost, self.cli_line(targets, args), None, document["uid"]
        )

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Remove it."""
        await (await ctx.port(CanManageReceivers)).remove(plan.payload)
        return Outcome(plan.touches, (), f"Receiver {plan.touches[0]} removed.")


class ReceiverTest(declared.ReceiverTest):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the receiver. Raises `NotFound`, `Conflict`."""
        ctx.timeout = max(ctx.timeout, TEST_WITHIN)
        document = await find(ctx, targets[0])
        name = str(document["name"])
        lines = (f"One message to {document.get('target')}",)
        return Plan(f"Test receiver {name}", lines, (name,), (), self.cli_line(targets, args), None, document["uid"])

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send it. Raises `Failed` with what the plane met."""
        name = plan.touches[0]
        done = await (await ctx.port(CanManageReceivers)).test(plan.payload)
        if not done.get("delivered"):
            raise Failed(
                f"Receiver {name} did not take the test message: {clean(done.get('error'), 300)}",
                "Check its address, certificate and credentials; remove it and add it again to change them.",
            )
        return Outcome(plan.touches, (), f"Receiver {name} took the test message {clean(done.get('deliveryId'), 40)}.")
