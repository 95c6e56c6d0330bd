"""Actions: verbs that change edge hosts: tags, reset, deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanDeleteHosts, CanReset
from edgewright.commands.host import change_verbs as declared
from edgewright.commands.host.labels import plan_labels, write_labels
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import FoundHost, find_hosts, refuse_illegal
from edgewright.commands.kernel.registry import observed_reason
from edgewright.core.errors import Refused


class HostTag(declared.HostTag):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which tags are added to which host. Raises `InvalidInput` for a text that is not a tag."""
        return await plan_labels(self, ctx, targets, args, take_off=False)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write the labels, host by host."""
        return await write_labels(ctx, plan, report)


class HostUntag(declared.HostUntag):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which tags are removed from which host. Raises `InvalidInput` for a text that is not a tag."""
        return await plan_labels(self, ctx, targets, args, take_off=True)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write the labels, host by host."""
        return await write_labels(ctx, plan, report)


class HostReset(declared.HostReset):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what each host removes. Raises `NotFound`, or `Refused` for a host that is only observed."""
        hosts = await changeable(ctx, targets, self.name)
        lines = [f"{plan_line(host)}: {_cluster_text(host)}" for host in hosts]
        lines.append("Each host does it as soon as it is reached; name, identity and credential stay the same.")
        return plan_for(self, "Reset", hosts, lines, ("what a host has forgotten of its cluster",), ctx)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Order the reset, host by host."""
        hosts = await ctx.port(CanReset)
        return await for_each(plan, hosts.reset, report, "asked to reset")


class HostDelete(declared.HostDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is deleted and what stays. Raises `NotFound`, or `Refused` for a host that is only observed."""
        hosts = await changeable(ctx, targets, self.name)
        lines = [f"{plan_line(host)} is removed from the plane, with its health history" for host in hosts]
        if len(hosts) == 1:
            lines.append("The machine keeps running; its credential is revoked.")
        else:
            lines.append("The machines keep running; their credentials are revoked.")
        busy = [host.name for host in hosts if host.row.cluster]
        if busy:
            lines.append(f"In use by a cluster: {', '.join(busy[:8])}.")
        lines.append("A host that still has a token or pairing key may register again.")
        return plan_for(self, "Delete", hosts, lines, ("the record of each host, its tags and its events",), ctx)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete the records, host by host."""
        hosts = await ctx.port(CanDeleteHosts)
        return await for_each(plan, hosts.delete, report, "deleted")


async def changeable(ctx: CommandContext, targets: Sequence[str], verb: str) -> list[FoundHost]:
    """Return the hosts, none of them observed. Raises `NotFound`, `Refused`."""
    hosts = await find_hosts(ctx, targets)
    for host in hosts:
        if host.row.observed:
            raise Refused(observed_reason(host.name, verb), "Leave it out.")
    await refuse_illegal(ctx, hosts, verb)
    return hosts


def plan_line(host: FoundHost) -> str:
    """Return name, site and health of a host for a line of a plan."""
    site = f" of {host.row.site}" if host.row.site else ""
    return f"{host.name}{site} ({host.row.health}, {host.row.state.replace('-', ' ')})"


def _cluster_text(host: FoundHost) -> str:
    return f"forgets cluster {host.row.cluster}" if host.row.cluster else "has no cluster to forget"


def _names(hosts: Sequence[FoundHost]) -> dict[str, str]:
    return {host.uid: host.name for host in hosts}


def plan_for(
    command: Command,
    verb: str,
    hosts: Sequence[FoundHost],
    lines: Sequence[str],
    cannot_undo: tuple[str, ...],
    ctx: CommandContext,
) -> Plan:
    """Return the plan for these hosts; one wants its name typed, several their number."""
    uids = tuple(host.uid for host in hosts)
    title = f"{verb} {hosts[0].name}" if len(hosts) == 1 else f"{verb} {len(hosts)} hosts"
    typed = hosts[0].name if len(hosts) == 1 else str(len(hosts))
    confirm = typed if ctx.settings.typed_confirmation else None
    return Plan(title, tuple(lines), uids, cannot_undo, command.cli_line(uids, {}), confirm, None, _names(hosts))
