"""Action: a kubeconfig of a cluster, personal unless a stored one is asked for."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.cluster import kubeconfig_file
from edgewright.commands.cluster import verbs as declared
from edgewright.commands.cluster.actions import find_rows
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.core.errors import NotFound, UsageError
from edgewright.core.small_file import local_path
from edgewright.forge.secret_files import write_secret
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.catalogue import personal_kubeconfig as personal
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow

Report = Callable[[str], None]


class ClusterKubeconfig(declared.ClusterKubeconfig):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the cluster. Raises `NotFound`, `UsageError` for a simulated one and for options that exclude others."""
        (row,) = await find_rows(ctx, targets)
        if row.simulated:
            raise UsageError(f"The cluster {row.name} is simulated and has no API.", "Use a cluster of real hosts.")
        if sum(bool(args.get(name)) for name in ("admin", "stored", "role")) > 1:
            raise UsageError("--admin, --stored and --role exclude each other.", "Give one of them.")
        return Plan(f"Kubeconfig of {row.name}", (), (row.uid,), (), self.cli_line((row.name,), args), None, row)

    async def apply(self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Report) -> Outcome:
        """Print it or write it. Raises `NotFound` while there is none, `Refused` for a role that may not."""
        row: ClusterRow = plan.payload
        content, what = await _content(ctx, row, args, report)
        out, name = str(args.get("out") or ""), row.name
        if args.get("merge"):
            into = local_path(out).absolute() if out else kubeconfig_file.default_path()
            await asyncio.to_thread(kubeconfig_file.merge_into, into, name, content)
            tried = f"kubectl --context {shlex.quote(name)} get nodes"
            return Outcome(plan.touches, (), f"{name} is in {into}, {what}. Try it: {tried}")
        if not out:
            report(f"This is {what}.")
            return Outcome(plan.touches, (), "", Text(content.rstrip("\n"), {"kubeconfig": content}, name))
        path = local_path(out).absolute()
        await asyncio.to_thread(write_secret, path, content.encode())
        tried = f"kubectl --kubeconfig {shlex.quote(str(path))} get nodes"
        return Outcome(plan.touches, (), f"Written to {path}, {what}. Try it: {tried}")


async def _content(ctx: CommandContext, row: ClusterRow, args: Mapping[str, Any], report: Report) -> tuple[str, str]:
    """Return a kubeconfig, and what it is as a phrase."""
    client = await ctx.port(CanCall)
    if args.get("admin"):
        return await calls.kubeconfig(client, row.uid, True), "the stored file of admins"
    if not args.get("stored"):
        try:
            made = await personal.fetch(
                client, row.uid, row.name, personal.url(row.endpoint), str(args.get("role") or ""), report
            )
        except NotFound as error:
            if not personal.has_none(error):
                raise
            report("This plane makes no personal kubeconfigs; it hands out its stored file.")
        else:
            return made.content, f"personal ({made.user}), with the rights of the role {made.role}, until {made.until}"
    return await calls.kubeconfig(client, row.uid, False), "the stored file of operators"
