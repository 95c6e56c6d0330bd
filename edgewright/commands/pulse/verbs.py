"""The verb that shows the fleet's problems and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.kernel.context import CommandContext


class Pulse(Command):
    """Show what is wrong now, worst first, with the fleet's counts."""

    name = "pulse"
    title = "pulse"
    keys = ("1",)
    aliases = ("pu", "pulses", "home")
    opens = "pulse"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the fleet's counts and what is not healthy, the longest unhealthy first."""
        from edgewright.commands.pulse.report import pulse

        return Outcome((), result=await pulse(ctx))


COMMANDS: tuple[type[Command], ...] = (Pulse,)
