"""The verb that lists problems with who handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.kernel.context import CommandContext


class AlertList(Command):
    """List problems, worst first, with who handles them."""

    name = "alert list"
    title = "alerts"
    params = (Param("only_open", "only what has no assignee yet", flag="--open", kind="flag"),)
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the problems. Raises `EdgewrightError` when the plane cannot be read."""
        from edgewright.commands.alert import rows as alert_rows
        from edgewright.commands.kernel.results import Listing
        from edgewright.core import times

        model = await alert_rows.model_of(ctx)
        items = alert_rows.items(model, times.now(), bool(args.get("only_open")))
        hosts = len(model.hosts)
        empty = f"No problems; {hosts} {'host' if hosts == 1 else 'hosts'} checked."
        note = "" if model.source.handling else "This plane does not store who handles a problem."
        return Outcome((), result=Listing(alert_rows.COLUMNS, tuple(items), empty, note))


COMMANDS: tuple[type[Command], ...] = (AlertList,)
