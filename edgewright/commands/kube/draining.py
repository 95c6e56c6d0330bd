"""Action: drain a node through the eviction API, with the reason for each pod that stays or waits."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from edgewright.clients.kube.refusals import BUDGET
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import object_verbs as declared
from edgewright.commands.kube.objects import api_of, cordon, objects_of
from edgewright.core.errors import EdgewrightError, Failed, NotFound, TimedOut, UsageError
from edgewright.core.text import amount
from edgewright.store.collections.document_values import integer, part, parts, text, value

if TYPE_CHECKING:
    from edgewright.clients.kube.ports import CanAskApi

WITHIN = 600.0
"""Seconds for a drain; kubectl has no limit, and its user waits in front of it."""
RETRY = 5.0
"""Seconds before a pod that its budget stopped is tried again."""
LOOK = 2.0
AT_A_TIME = 8
MIRROR = "kubernetes.io/config.mirror"
Json = Mapping[str, Any]


class Victim(NamedTuple):
    """One pod of the node. `stays` is why it is left alone, `blocks` why it cannot be evicted at all."""

    key: str
    uid: str
    stays: str = ""
    blocks: str = ""
    budget: str = ""
    """A budget that does not allow it now, as a sentence."""
    loses: bool = False
    """Whether data in an emptyDir is lost."""


class KubeNodeDrain(declared.KubeNodeDrain):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read pods and budgets of the node. Raises `UsageError` for several nodes, `EdgewrightError`."""
        _, rows = objects_of(args)
        if len(rows) > 1:
            raise UsageError("One node at a time is drained.", "Clear the marks, or mark one.")
        node, name = rows[0].name, str(args.get("name"))
        async with api_of(ctx, targets[0], args) as api:
            victims = await victims_of(api, node)
        moved = [each for each in victims if not each.stays and not each.blocks]
        lines = [f"{node} is cordoned: no new pods start there", f"{amount(len(moved), 'pod')} evicted"]
        lines += [f"blocks: {each.key}: {each.blocks}" for each in victims if each.blocks]
        lines += [f"waits: {each.key}: {each.budget}" for each in moved if each.budget]
        lines += [f"moves: {each.key}" for each in moved if not each.budget]
        lines += [f"stays: {each.key}: {each.stays}" for each in victims if each.stays]
        lost = [f"{each.key} loses what is in its emptyDir volumes." for each in moved if each.loses]
        cli = shlex.join(["edgewright", "kube", "drain", name, node, "--", "--delete-emptydir-data"])
        return Plan(f"Drain {node}", tuple(lines), (node,), tuple(lost), cli, None, (node, victims), {node: node})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Cordon, then evict until all pods that can move are off the node. Raises `EdgewrightError`."""
        node, _ = plan.payload
        async with api_of(ctx, str(args.get("cluster")), args) as api:
            await cordon(api, node, True)
            report(f"{node} cordoned")
            victims = await victims_of(api, node)
            gate = asyncio.Semaphore(AT_A_TIME)
            latest = time.monotonic() + WITHIN

            async def move(victim: Victim) -> str:
                async with gate:
                    return await evict(api, victim, latest, report)

            moving = [each for each in victims if not each.stays and not each.blocks]
            results = await asyncio.gather(*(move(each) for each in moving))
        reasons = [f"{each.key}: {each.blocks}" for each in victims if each.blocks]
        reasons += [f"{each.key}: {reason}" for each, reason in zip(moving, results, strict=True) if reason]
        if reasons:
            hint = f"The node stays cordoned. {reasons[1]}" if len(reasons) > 1 else "The node stays cordoned."
            several = f", {amount(len(reasons), 'pod')} stay" if len(reasons) > 1 else ""
            raise Failed(f"{node} is not empty{several}: {reasons[0].rstrip('.')}.", hint, "NotDrained")
        stays = sum(1 for each in victims if each.stays)
        behind = f"; {amount(stays, 'pod')} of daemon sets and static ones stay" if stays else ""
        return Outcome((node,), (), f"{node} drained: {amount(len(moving), 'pod')} moved{behind}.")


async def victims_of(api: CanAskApi, node: str) -> list[Victim]:
    """Return the pods of a node with what a drain does to each. Raises `EdgewrightError`."""
    pods = await _items(api, f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")
    try:
        budgets = await _items(api, "/apis/policy/v1/poddisruptionbudgets")
    except NotFound:
        budgets = []
    return [_victim(pod, budgets) for pod in pods]


def _victim(pod: Json, budgets: Sequence[Json]) -> Victim:
    meta = part(pod, "metadata")
    key, uid = f"{text(meta, 'namespace')}/{text(meta, 'name')}", text(meta, "uid")
    owner = next((each for each in parts(meta, "ownerReferences") if value(each, "controller") is True), None)
    if MIRROR in part(meta, "annotations"):
        return Victim(key, uid, stays="a static pod of the node")
    if owner is not None and text(owner, "kind") == "DaemonSet":
        return Victim(key, uid, stays=f"DaemonSet {text(owner, 'name')} starts it there again")
    if text(part(pod, "status"), "phase") in ("Succeeded", "Failed"):
        return Victim(key, uid)
    if owner is None:
        return Victim(key, uid, blocks="no controller starts it again elsewhere; delete it, or move it, first")
    loses = any("emptyDir" in each for each in parts(part(pod, "spec"), "volumes"))
    return Victim(key, uid, budget=_budget(meta, budgets), loses=loses)


def _budget(meta: Json, budgets: Sequence[Json]) -> str:
    for each in budgets:
        other, status = part(each, "metadata"), part(each, "status")
        selector = part(part(each, "spec"), "selector")
        same = text(other, "namespace") == text(meta, "namespace")
        if same and _selects(selector, part(meta, "labels")) and not integer(status, "disruptionsAllowed"):
            healthy, wanted = integer(status, "currentHealthy") or 0, integer(status, "desiredHealthy") or 0
            return f"budget {text(other, 'name')} allows none now ({healthy} healthy, {wanted} needed)"
    return ""


def _selects(selector: Json, labels: Json) -> bool:
    """Whether a label selector of the API selects these labels; an empty one selects all."""
    if any(labels.get(key) != wanted for key, wanted in part(selector, "matchLabels").items()):
        return False
    for each in parts(selector, "matchExpressions"):
        key, operator, values = text(each, "key"), text(each, "operator"), value(each, "values") or []
        has = key in labels
        passes = {
            "In": has and labels.get(key) in values, "NotIn": labels.get(key) not in values,
            "Exists": has, "DoesNotExist": not has,
        }.get(operator, False)  # fmt: skip
        if not passes:
            return False
    return True


async def evict(api: CanAskApi, victim: Victim, latest: float, report: Callable[[str], None]) -> str:
    """Evict a pod and wait until it is off the node; return why it is not, empty when it is."""
    namespace, _, name = victim.key.partition("/")
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"
    meta = {"name": name, "namespace": namespace}
    body = msgspec.json.encode({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta})
    shown = ""
    while True:
        try:
            await api.request("POST", f"{path}/eviction", body)
            break
        except NotFound:
            return ""
        except EdgewrightError as error:
            if error.code != BUDGET:
                return error.message
            if time.monotonic() + RETRY > latest:
                return f"{victim.budget or error.message} (tried for {WITHIN:.0f} s)"
            if not shown:
                shown = error.message
                report(f"{victim.key} waits: {error.message}")
            await asyncio.sleep(RETRY)
    while time.monotonic() < latest:
        try:
            document = msgspec.json.decode(await api.request("GET", path))
        except NotFound:
            report(f"{victim.key} moved")
            return ""
        except TimedOut:
            document = {}
        except EdgewrightError as error:
            return error.message
        uid = text(part(document, "metadata"), "uid")
        if uid and uid != victim.uid:
            report(f"{victim.key} moved")
            return ""
        await asyncio.sleep(LOOK)
    return "it was evicted and has not ended yet"


async def _items(api: CanAskApi, path: str) -> list[Json]:
    return parts(msgspec.json.decode(await api.request("GET", path)), "items")
