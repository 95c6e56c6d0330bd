"""Action: ask an application of a cluster, as the first steps of the console do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.kube import verbs as declared
from edgewright.commands.kube.ask import ask_application
from edgewright.commands.kube.route import cluster


class KubeAsk(declared.KubeAsk):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the cluster. Raises `NotFound`."""
        row = await cluster(ctx, targets[0])
        return Plan(f"Applications of {row.name}", (), (row.uid,), (), self.cli_line((row.name,), args), None, row)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask until one answers. Raises `Failed` with what the others answered."""
        answer = await ask_application(ctx, plan.payload.uid, report)
        took = f"{answer.seconds:.1f} s"
        document = {
            "service": answer.service, "status": answer.status, "seconds": round(answer.seconds, 3), "way": answer.way,
            "sentence": answer.sentence(),
        }  # fmt: skip
        item = Item(answer.service, (answer.service, str(answer.status), took, answer.way), document)
        columns = (Column("SERVICE"), Column("HTTP", right=True), Column("TOOK", right=True), Column("WAY"))
        return Outcome(plan.touches, (), "", Listing(columns, (item,)))
