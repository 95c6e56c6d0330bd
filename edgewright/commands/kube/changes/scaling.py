"""Actions: set the replicas of deployments and stateful sets, and replace the pods of what has a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube.objects import MERGE, api_of, command_lines, objects_of
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, InvalidInput, UsageError
from edgewright.core.text import amount
from edgewright.store.collections.document_values import integer, part, parts, text, value
from edgewright.store.workloads.deployments import DeploymentRow
from edgewright.store.workloads.kinds import DAEMONSETS, WITH_REPLICAS, Kind

if TYPE_CHECKING:
    from edgewright.clients.kube.ports import CanAskApi

MOST = 5_000
"""Pods that a kind may be scaled to here: a cluster of Kubernetes has at most 150,000, a site a hundredth of that."""
RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""The annotation of `kubectl rollout restart`: a template that differs is a new rollout."""


def replicas_of(given: Any) -> int:
    """Return how many pods are asked for. Raises `InvalidInput`."""
    typed = str(given).strip()
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 8 else -1
    if not 0 <= number <= MOST:
        raise InvalidInput(f"{typed[:40] or 'Nothing'} is not a number of pods.", f"Give 0 to {MOST:,}.")
    return number


class KubeObjectScale(declared.KubeObjectScale):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name what ends and what starts. Raises `UsageError`, `InvalidInput` for the number."""
        kind, rows = _with_replicas(args)
        if kind is DAEMONSETS:
            raise UsageError("A daemon set has one pod on each node that it selects.", "Change what it selects: e")
        wanted = replicas_of(args.get("replicas"))
        lines = [f"{row.uid}: {amount(row.wanted, 'pod')} now, {wanted} from then on" for row in rows]
        async with api_of(ctx, targets[0], args) as api:
            for row in rows:
                lines += await _autoscalers(api, kind, row)
        lost = [_lost(row, row.wanted - wanted) for row in rows if wanted < row.wanted]
        names = {row.uid: row.uid for row in rows}
        what = f"{kind.single} {rows[0].name}" if len(rows) == 1 else amount(len(rows), kind.single)
        cli = _cli("scale", str(args.get("name")), kind, rows, "--replicas", str(wanted))
        title = f"Scale {what} to {wanted}"
        return Plan(title, tuple(lines), tuple(names), tuple(lost[:20]), cli, None, (kind, wanted), names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Set each; the failure of one stops no other."""
        kind, wanted = plan.payload
        body = msgspec.json.encode({"spec": {"replicas": wanted}})
        async with api_of(ctx, str(args.get("cluster")), args) as api:

            async def scale(key: str) -> None:
                await api.request("PATCH", f"{kind.path_of(key)}/scale", body, MERGE)

            return await for_each(plan, scale, report, f"scaled to {wanted}")


class KubeObjectRestart(declared.KubeObjectRestart):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name how the pods of each are replaced. Raises `UsageError`, also for a rollout that is paused."""
        kind, rows = _with_replicas(args)
        lines = []
        async with api_of(ctx, targets[0], args) as api:
            for row in rows:
                document = msgspec.json.decode(await api.request("GET", kind.path_of(row.uid)))
                lines.append(f"{row.uid}: {_way(document, row)}")
        names = {row.uid: row.uid for row in rows}
        what = f"{kind.single} {rows[0].name}" if len(rows) == 1 else amount(len(rows), kind.single)
        lost = ("Connections to the pods that end are cut, and what is in their emptyDir volumes is lost.",)
        cli = _cli("restart", str(args.get("name")), kind, rows)
        return Plan(f"Restart {what}", tuple(lines), tuple(names), lost, cli, None, kind, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Begin the rollout of each; the failure of one stops no other."""
        kind: Kind = plan.payload
        annotations = {RESTARTED: times.rfc3339(times.now())[:19] + "Z"}
        body = msgspec.json.encode({"spec": {"template": {"metadata": {"annotations": annotations}}}})
        async with api_of(ctx, str(args.get("cluster")), args) as api:

            async def restart(key: str) -> None:
                await api.request("PATCH", kind.path_of(key), body, MERGE)

            return await for_each(plan, restart, report, "restarted")


def _with_replicas(args: Mapping[str, Any]) -> tuple[Kind, list[DeploymentRow]]:
    kind, rows = objects_of(args)
    if kind.view not in WITH_REPLICAS:
        raise UsageError(f"A {kind.single} has no pods by a template.", "Choose a deployment, or a set.")
    return kind, [row for row in rows if isinstance(row, DeploymentRow)]


async def _autoscalers(api: CanAskApi, kind: Kind, row: DeploymentRow) -> list[str]:
    """Return what sets the replicas of a row again, as sentences; nothing where that cannot be read."""
    try:
        path = f"/apis/autoscaling/v2/namespaces/{row.namespace}/horizontalpodautoscalers"
        listed = msgspec.json.decode(await api.request("GET", path))
    except EdgewrightError:
        return []
    lines = []
    for each in parts(listed, "items"):
        spec = part(each, "spec")
        of = part(spec, "scaleTargetRef")
        if text(of, "name") == row.name and text(of, "kind").lower() == kind.single:
            least, most = integer(spec, "minReplicas") or 1, integer(spec, "maxReplicas") or 0
            name = text(part(each, "metadata"), "name")
            lines.append(f"{row.uid}: the autoscaler {name} sets it again, to {least} to {most} pods")
    return lines


def _lost(row: DeploymentRow, many: int) -> str:
    return f"{amount(many, 'pod')} of {row.uid} {'ends' if many == 1 else 'end'}."


def _way(document: Mapping[str, Any], row: DeploymentRow) -> str:
    """Return how the pods of an object are replaced. Raises `UsageError` for a rollout that is paused."""
    spec = part(document, "spec")
    if value(spec, "paused") is True:
        raise UsageError(
            f"The rollout of {row.uid} is paused.",
            "Resume it first: kubectl rollout resume, through edgewright kube proxy.",
        )
    strategy = text(part(spec, "strategy"), "type") or text(part(spec, "updateStrategy"), "type")
    pods = amount(row.wanted, "pod")
    if not row.wanted:
        return "it has no pods; the next ones start with the new template"
    if strategy == "Recreate":
        return f"all {pods} end, then new ones start" if row.wanted > 1 else "its pod ends, then a new one starts"
    if strategy == "OnDelete":
        return f"{pods}, each replaced only when it is deleted (strategy OnDelete)"
    return f"{pods} replaced one after the other, as fast as the new ones are ready"


def _cli(verb: str, cluster: str, kind: Kind, rows: Sequence[DeploymentRow], *options: str) -> str:
    return command_lines(["edgewright", "kube", verb, cluster], rows, f"{kind.single}/", options)
