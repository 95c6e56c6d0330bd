"""Action: measure how a cluster's API is reached from here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.kube import verbs as declared
from edgewright.commands.kube.by_host.choosing import api_of_row
from edgewright.commands.kube.route import cluster
from edgewright.commands.kube.ways import Measured
from edgewright.core import times


class KubeReach(declared.KubeReach):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the cluster. Raises `NotFound`."""
        row = await cluster(ctx, targets[0])
        return Plan(f"Reach of {row.name}", (), (row.uid,), (), self.cli_line((row.name,), args), None, row)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Measure all ways at once. Raises `NotFound` while the cluster has no kubeconfig."""
        api = await api_of_row(ctx, plan.payload, report, ssh=str(args.get("ssh") or ""))
        (direct, by_ssh), relayed = await asyncio.gather(api.measure(), api.relayed())
        at = times.rfc3339(times.now())
        rows = (("direct", direct), ("ssh", by_ssh), ("relay", relayed))
        items = tuple(_item(way, measured, at) for way, measured in rows)
        columns = (Column("WAY"), Column("REACHED"), Column("TOOK", right=True), Column("SINCE"), Column("ERROR"))
        return Outcome(plan.touches, (), "", Listing(columns, items))


def _item(way: str, measured: Measured, at: str) -> Item:
    known = measured.state != "unknown"
    took, since = (f"{measured.seconds:.1f} s", at) if known else ("-", "-")
    document = {"way": way, "state": measured.state, "since": at if known else "", "error": measured.error}
    return Item(way, (way, measured.state, took, since, measured.error or "-"), document)
