"""Actions: delete objects, cordon and uncordon nodes, through the API that the screen has open."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube.local_api import open_api
from edgewright.core.errors import UsageError
from edgewright.core.text import amount
from edgewright.store.workloads.kinds import BY_VIEW, NODES, WITH_REPLICAS, Kind
from edgewright.store.workloads.objects import ObjectRow

if TYPE_CHECKING:
    from edgewright.clients.kube.ports import CanAskApi

MERGE = "application/merge-patch+json"
MOST = 200
"""Objects of one plan: more would not be read before it is agreed to."""


@asynccontextmanager
async def api_of(ctx: CommandContext, uid: str, args: Mapping[str, Any]) -> AsyncIterator[CanAskApi]:
    """Give the API that the screen has open, else one that is opened for this verb. Raises `EdgewrightError`."""
    given: CanAskApi | None = args.get("api")
    if given is not None:
        yield given
        return
    api = await open_api(ctx, uid, lambda _: None)
    try:
        yield api
    finally:
        await api.aclose()


def objects_of(args: Mapping[str, Any]) -> tuple[Kind, list[ObjectRow]]:
    """Return kind and rows that a verb works on. Raises `UsageError` for none, or too many."""
    rows = list(args.get("objects") or ())
    if not rows:
        raise UsageError("There is no object under the cursor.", "Choose one first.")
    if len(rows) > MOST:
        raise UsageError(f"{len(rows):,} objects are marked; {MOST} at a time are the most.", "Mark fewer.")
    return BY_VIEW[str(args.get("view"))], rows


class KubeObjectDelete(declared.KubeObjectDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the objects, and what makes each of them again. Raises `UsageError`."""
        kind, rows = objects_of(args)
        what = amount(len(rows), kind.single) if len(rows) > 1 else f"{kind.single} {rows[0].name}"
        lines = tuple(f"{row.uid}: {_after(kind, row)}" for row in rows)
        lost = tuple(f"{row.uid} does not come again by itself." for row in rows if not _comes_again(kind, row))
        names = {row.uid: row.uid for row in rows}
        cli = _cli("delete", str(args.get("name")), kind, rows)
        return Plan(f"Delete {what}", lines, tuple(names), lost[:20], cli, None, kind, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete each; the failure of one stops no other."""
        kind: Kind = plan.payload
        async with api_of(ctx, str(args.get("cluster")), args) as api:

            async def delete(key: str) -> None:
                await api.request("DELETE", kind.path_of(key), b'{"propagationPolicy":"Background"}')

            return await for_each(plan, delete, report, "deleted")


class _Schedulable:
    """What cordon and uncordon share."""

    cordoned = True

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name the nodes. Raises `UsageError`."""
        _, rows = objects_of(args)
        verb = "cordon" if self.cordoned else "uncordon"
        what = "no new pods start there; those that run stay" if self.cordoned else "pods may start there again"
        names = {row.uid: row.name for row in rows}
        lines = tuple(f"{name}: {what}" for name in names.values())
        title = f"{verb.capitalize()} {amount(len(rows), 'node') if len(rows) > 1 else rows[0].name}"
        return Plan(title, lines, tuple(names), (), _cli(verb, str(args.get("name")), None, rows), None, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change each; the failure of one stops no other."""
        async with api_of(ctx, str(args.get("cluster")), args) as api:
            done = "cordoned" if self.cordoned else "uncordoned"
            return await for_each(plan, lambda node: cordon(api, node, self.cordoned), report, done)


class KubeNodeCordon(_Schedulable, declared.KubeNodeCordon):
    """See the declaration."""


class KubeNodeUncordon(_Schedulable, declared.KubeNodeUncordon):
    """See the declaration."""

    cordoned = False


async def cordon(api: CanAskApi, node: str, cordoned: bool) -> None:
    """Set whether new pods may start on a node. Raises `EdgewrightError`."""
    body = b'{"spec":{"unschedulable":%s}}' % (b"true" if cordoned else b"null")
    await api.request("PATCH", NODES.path_of(node), body, MERGE)


def _comes_again(kind: Kind, row: ObjectRow) -> bool:
    return kind.single == "pod" and bool(getattr(row, "owner", ""))


def _after(kind: Kind, row: ObjectRow) -> str:
    """Return what becomes of an object that is deleted."""
    if kind.single == "pod":
        owner = getattr(row, "owner", "")
        return f"ends; {owner} starts another one" if owner else "ends; no controller starts another one"
    if kind.view in WITH_REPLICAS:
        return f"ends with its {amount(getattr(row, 'wanted', 0), 'pod')}"
    if kind.single == "node":
        return "leaves the API; a kubelet that runs there registers it again"
    if kind.single == "virtualmachine":
        return "is switched off and removed; disks of its own claims stay"
    return "is removed"


def command_lines(
    first: Sequence[str], rows: Sequence[ObjectRow], prefix: str = "", options: Sequence[str] = ()
) -> str:
    """Return the command line that does the same: kubectl takes one namespace, so there is a command for each."""
    spaces: dict[str, list[str]] = {}
    for row in rows:
        spaces.setdefault(row.namespace, []).append(f"{prefix}{row.name}")
    lines = ([*first, *names, *options, *(("--", "-n", space) if space else ())] for space, names in spaces.items())
    return " && ".join(map(shlex.join, lines))


def _cli(verb: str, cluster: str, kind: Kind | None, rows: Sequence[ObjectRow]) -> str:
    return command_lines(["edgewright", "kube", verb, cluster, *([kind.single] if kind is not None else [])], rows)
