"""Actions: the verb that lists problems with who handles them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgewright.commands.alert import rows as alert_rows
from edgewright.commands.alert import verbs as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Listing
from edgewright.core import times


class AlertList(declared.AlertList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the problems. Raises `EdgewrightError` when the plane cannot be read."""
        model = await alert_rows.model_of(ctx)
        items = alert_rows.items(model, times.now(), bool(args.get("only_open")))
        hosts = len(model.hosts)
        empty = f"No problems; {hosts} {'host' if hosts == 1 else 'hosts'} checked."
        note = "" if model.source.handling else "This plane does not store who handles a problem."
        return Outcome((), result=Listing(alert_rows.COLUMNS, tuple(items), empty, note))
