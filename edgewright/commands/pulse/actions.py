"""Actions: the verb that shows the fleet's problems and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.pulse import verbs as declared
from edgewright.commands.pulse.report import pulse


class Pulse(declared.Pulse):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the fleet's counts and what is not healthy, the longest unhealthy first."""
        return Outcome((), result=await pulse(ctx))
