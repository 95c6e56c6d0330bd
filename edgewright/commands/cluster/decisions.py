"""What an operator decides about a cluster: adopt, override (P106)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.cluster import verbs as declared
from edgewright.commands.cluster.actions import find_rows
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.core.errors import Conflict, NotFound
from edgewright.core.text import amount
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.document_values import integer, parts, text
from edgewright.wire.protocol import clusters as wire


class ClusterAdopt(declared.ClusterAdopt):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which hosts report which document. Raises `NotFound`, and `Conflict` where hosts have the plane's."""
        (row,) = await find_rows(ctx, targets)
        item = await _reported(await ctx.port(CanCall), row)
        if item is None:
            text_ = f"No host of the cluster {row.name} reports another document than this plane has."
            raise Conflict(text_, f"See: edgewright cluster show {shlex.quote(row.name)}")
        lines = [f"{_document(host)}" for host in parts(item, "hosts")]
        known = text(item, "state") != "unknown"
        lines.append(
            "The newest of these documents replaces that of this plane; profiles and tags of its record stay."
            if known
            else "This plane takes the cluster over with its secrets; nothing changes on the hosts."
        )
        lines.append("Profiles are not part of a document: attach them before settings are changed." * (not known))
        undo = ("the document that this plane has",) if known else ()
        cli = self.cli_line((row.uid,), args)
        lines = [line for line in lines if line]
        title, confirm = f"Adopt cluster {row.name}", row.name if known else None
        return Plan(title, tuple(lines), (row.uid,), undo, cli, confirm, row, {row.uid: row.name})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask a control plane for its document. Raises `Conflict` when none reports one that could be taken."""
        row: ClusterRow = plan.payload
        host = str(args.get("host") or "").strip()
        asked = await calls.decide(await ctx.port(CanCall), wire.ADOPT, row.uid, {"hostUid": host} if host else {})
        sentence = f"{text(asked, 'hostUid')} is asked for its document, which it sends with its next heartbeats."
        return Outcome(plan.touches, (), f"{sentence} Follow it: edgewright cluster show {row.uid}")


class ClusterOverride(declared.ClusterOverride):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which hosts give up which document. Raises `NotFound`, and `Conflict` where none has another one."""
        (row,) = await find_rows(ctx, targets)
        client = await ctx.port(CanCall)
        item = await _reported(client, row)
        if item is None:
            text_ = f"No host of the cluster {row.name} has another document than this plane."
            raise Conflict(text_, f"See: edgewright cluster show {shlex.quote(row.name)}")
        if text(item, "state") == "unknown":
            hint = f"Adopt it: edgewright cluster adopt {row.uid}; or reset its hosts: edgewright host reset."
            raise NotFound(f"This plane has no document of the cluster {row.name} that could replace theirs.", hint)
        lines = [f"gives up: {_document(host)}" for host in parts(item, "hosts")]
        lines.append("Members, versions and layers become those of this plane; hosts that it does not list continue.")
        undo = ("the documents that the hosts have",)
        cli = self.cli_line((row.name,), args)
        return Plan(f"Override {row.name}", tuple(lines), (row.uid,), undo, cli, row.name, row, {row.uid: row.name})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Ask the hosts to take the document of the plane. Raises `Conflict`."""
        row: ClusterRow = plan.payload
        asked = await calls.decide(await ctx.port(CanCall), wire.OVERRIDE, row.uid, {})
        return Outcome(plan.touches, (), f"{_names(asked)} asked to take the document of this plane. {_follow(row)}")


async def _reported(client: CanCall, row: ClusterRow) -> Mapping[str, Any] | None:
    return next((item for item in await calls.reported(client) if text(item, "uid") == row.uid), None)


def _document(host: Mapping[str, Any]) -> str:
    role, digest = text(host, "role") or "host", text(host, "digest")[:12]
    place = f"generation {integer(host, 'generation')} of lineage {text(host, 'lineage') or '-'}"
    return f"{text(host, 'name')} ({role}): {place}, digest {digest or '-'}"


def _names(asked: Mapping[str, Any]) -> str:
    names = [text(item, "hostName") for item in parts(asked, "items")]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{amount(len(names), 'host')} ({shown})"


def _follow(row: ClusterRow) -> str:
    return f"Follow it: edgewright cluster show {shlex.quote(row.name)}"
