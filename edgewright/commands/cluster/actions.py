"""Actions: verbs that create, delete and release clusters, and that print their certificates."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.clients.ports import CanCall, CanOperateHosts
from edgewright.commands.cluster import verbs as declared
from edgewright.commands.cluster import work
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.commands.kernel.results import Column, Item, Listing, Text
from edgewright.core.clusters import definition
from edgewright.core.errors import NotFound, Refused
from edgewright.core.small_file import local_path
from edgewright.core.text import amount, clean
from edgewright.forge.answer_files import opened, read_document
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.document_values import part, parts, text
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

_UNDO = ("what workloads stored on the host",)
REPORT_DUE, LOOK_EVERY = 3, 1.0
"""Looks at a cluster that forms, and seconds between them: the report of a host that gave up just now is on its way."""


class ClusterCreate(declared.ClusterCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the file and let the plane check it. Raises `InvalidDocument`, `NotFound`, `InvalidInput`."""
        word = str(args["file"]).strip()
        document = await asyncio.to_thread(read_document, local_path(word).absolute(), definition.KIND)
        outer = opened(document, {definition.KIND: definition.KEYS})
        return await work.plan(ctx, work.read(outer, word), self.cli_line(targets, args), create=True)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Create it. Raises `Conflict` for a name or a host that is taken meanwhile."""
        return await work.apply(ctx, plan, plan.payload, report)


async def _planned(ctx: CommandContext, command: Command, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
    """Return what an answer file makes or changes. Raises `InvalidDocument`, `NotFound`, `InvalidInput`."""
    word = str(args["file"]).strip()
    document = await asyncio.to_thread(read_document, local_path(word).absolute(), definition.KIND)
    outer = opened(document, {definition.KIND: definition.KEYS})
    return await work.plan(ctx, work.read(outer, word), command.cli_line(targets, args))


class ClusterPlan(declared.ClusterPlan):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the file and compare it with the plane. Raises `InvalidDocument`, `NotFound`, `InvalidInput`."""
        return await _planned(ctx, self, targets, args)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the plan as text; nothing is sent."""
        lines = [plan.title, *(f"  {line}" for line in plan.lines)]
        document = {"name": plan.payload.name, "uid": plan.payload.uid, "changes": list(plan.lines)}
        return Outcome((), (), "", Text("\n".join(lines), document, plan.payload.name))


class ClusterApply(declared.ClusterApply):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the file and compare it with the plane. Raises `InvalidDocument`, `NotFound`, `InvalidInput`."""
        return await _planned(ctx, self, targets, args)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send it; the first step that the plane refuses ends it."""
        return await work.apply(ctx, plan, plan.payload, report)


class ClusterDelete(declared.ClusterDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which hosts leave. Raises `NotFound`, `Conflict`."""
        rows = await find_rows(ctx, targets)
        lines = []
        for row in rows:
            lines.append(
                f"{row.name} ({row.state}): {amount(row.hosts, 'host')} {'leaves' if row.hosts == 1 else 'leave'}"
            )
            lines += [f"  {member}" for member in row.members]
        lines.append("Workloads end. What they stored on local volumes stays on the disks, but nothing uses it.")
        names = tuple(row.name for row in rows)
        title = f"Delete cluster {names[0]}" if len(names) == 1 else f"Delete {len(names)} clusters"
        undo = ("the clusters with all of their data",)
        cli = self.cli_line(names, args)
        return Plan(title, tuple(lines), tuple(row.uid for row in rows), undo, cli, None, rows, _names(rows))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask the hosts to leave, or end deletions by force."""
        client, force = await ctx.port(CanCall), bool(args.get("force"))
        text_ = "ended" if force else "being deleted; follow it: edgewright cluster list"
        return await for_each(plan, lambda uid: calls.delete(client, uid, force), report, text_)


class ClusterRetry(declared.ClusterRetry):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which step waits on which host. Raises `NotFound`, `Refused` when none waits."""
        await ctx.port(CanOperateHosts)  # a plane without it reports that first, whether or not it has such a cluster
        rows = await find_rows(ctx, targets)
        for _ in range(REPORT_DUE):
            if any(row.failed for row in rows) or not any(row.forms for row in rows):
                break
            await asyncio.sleep(LOOK_EVERY)
            rows = await find_rows(ctx, targets)
        waiting = [(row, problem) for row in rows for problem in row.problems if problem.kind == "step"]
        if not waiting:
            raise _nothing_waits(rows)
        lines = [f"{row.name}: {problem.text}" for row, problem in waiting]
        lines.append("The steps start again at once; fix their causes before.")
        names = tuple(dict.fromkeys(row.name for row, _ in waiting))
        uids = tuple(dict.fromkeys(uid for _, problem in waiting for uid in problem.uids))
        title = f"Retry {names[0]}" if len(names) == 1 else f"Retry {len(names)} clusters"
        known = {uid: row_.name for uid in uids if (row_ := ctx.host_row(uid)) is not None}
        return Plan(title, tuple(lines), uids, (), self.cli_line(names, args), None, None, known)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask the hosts to start them again."""
        operations = await ctx.port(CanOperateHosts)

        async def ask(uid: str) -> str:
            return await operations.create(uid, protocol.OP_RETRY, {})

        return await for_each(plan, ask, report, "asked to retry")


def _nothing_waits(rows: Sequence[ClusterRow]) -> Refused:
    of = rows[0].name if len(rows) == 1 else "these clusters"
    if any(row.forms for row in rows):
        hint = "Try again when one reports it. Other failures are tried again by the hosts themselves."
        return Refused(f"No host of {of} has reported a step that waits for an operator.", hint, "NothingWaits")
    hint = "What failed otherwise is tried again by itself."
    return Refused(f"No step of {of} waits for an operator.", hint, "NothingWaits")


class ClusterRelease(declared.ClusterRelease):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the host in the cluster. Raises `NotFound`."""
        (row,) = await find_rows(ctx, targets)
        member = await _member(ctx, row, str(args["host"]).strip())
        lines = (f"{member.name} leaves the pool {member.names['machinePoolName']} of {row.name}, drained first",)
        cli = self.cli_line((row.name,), args)
        title, names = f"Release {member.name}", {member.uid: member.name}
        return Plan(title, lines, (member.uid,), _UNDO, cli, None, member.names, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask the host to leave. Raises `Conflict` where the quorum would be lost."""
        await calls.send(await ctx.port(CanCall), "DELETE", wire.MACHINE, None, **plan.payload)
        return Outcome(
            plan.touches, (), f"{plan.name_of(plan.touches[0])} is asked to leave; it is free when it has left."
        )


class ClusterForget(declared.ClusterForget):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the host in the cluster. Raises `NotFound`."""
        (row,) = await find_rows(ctx, targets)
        member = await _member(ctx, row, str(args["host"]).strip())
        lines = (
            f"{member.name} is declared lost; the other hosts remove it from {row.name}",
            "reset it before it is used again",
        )
        cli = self.cli_line((row.name,), args)
        names = {member.uid: member.name}
        return Plan(f"Forget {member.name}", lines, (member.uid,), _UNDO, cli, None, row, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Declare it lost. Raises `Conflict` for a host in contact, and where etcd would have no majority."""
        row, (uid,) = plan.payload, plan.touches
        await calls.send(await ctx.port(CanCall), "POST", wire.FORGET, {"hostUid": uid}, uid=row.uid)
        text_ = f"{plan.name_of(uid)} is declared lost; the other hosts of {row.name} remove it."
        return Outcome(plan.touches, (), f"{text_} Follow it: edgewright cluster show {shlex.quote(row.name)}")


class ClusterCertificates(declared.ClusterCertificates):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the cluster. Raises `NotFound`."""
        (row,) = await find_rows(ctx, targets)
        return Plan(f"Certificates of {row.name}", (), (row.uid,), (), self.cli_line((row.name,), args), None, row)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the certificates, those that end first at the top."""
        rows: list[tuple[str, str, str, str]] = []
        for machine in await calls.certificates(await ctx.port(CanCall), plan.touches[0]):
            for authority in parts(machine, "certificateAuthorities"):
                for each in parts(authority, "certificates"):
                    node, name = text(machine, "name"), text(each, "name")
                    rows.append((text(each, "expiry"), node, text(authority, "name"), name))
        items = tuple(
            Item(f"{node}/{name}", (node, authority, name, end or "-"), {"node": node, "name": name, "expiry": end})
            for end, node, authority, name in sorted(rows)
        )
        empty = "No control plane has reported certificates yet."
        columns = (Column("NODE"), Column("AUTHORITY"), Column("CERTIFICATE"), Column("ENDS"))
        return Outcome(plan.touches, (), "", Listing(columns, items, empty))


class _Member(NamedTuple):
    """A host of a cluster, with the names of the call on its machine."""

    uid: str
    name: str
    names: Mapping[str, str]


async def _member(ctx: CommandContext, row: ClusterRow, wanted: str) -> _Member:
    """Return the host with a name or UID in a cluster. Raises `NotFound`."""
    client = await ctx.port(CanCall)
    config = await calls.cloud_config(client, await calls.get(client, row.uid))
    config_uid = text(part(config, "metadata"), "uid")
    for pool in parts(part(config, "spec"), "machinePoolConfig"):
        names = {"configUid": config_uid, "machinePoolName": text(pool, "name")}
        for machine in await calls.machines(client, **names):
            uid, meta = text(part(machine, "spec"), "edgeHostUid"), part(machine, "metadata")
            if wanted in (uid, text(meta, "name")):
                return _Member(uid, text(meta, "name"), {**names, "machineUid": text(meta, "uid")})
    raise NotFound(
        f"The cluster {row.name} has no host {clean(wanted)}.", f"See: edgewright cluster show {shlex.quote(row.name)}"
    )


def _names(rows: Sequence[ClusterRow]) -> dict[str, str]:
    return {row.uid: row.name for row in rows}


async def find_rows(ctx: CommandContext, targets: Sequence[str]) -> list[ClusterRow]:
    """Return the clusters of the targets, by uid or by name: of those with a name the one that is not deleted."""
    every = (await entries(ctx, "cluster")).items
    alive = tuple(entry for entry in every if entry.row.state != wire.DELETED)
    rows = []
    for target in targets:
        by_uid = next((entry for entry in every if entry.row.uid == target), None)
        rows.append(by_uid.row if by_uid is not None else one_of("cluster", alive, target).row)
    return list({row.uid: row for row in rows}.values())
