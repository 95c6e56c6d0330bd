"""State, health and conditions of a cluster, from what its hosts and its leader report. Nothing here asks a host."""

from __future__ import annotations

import shlex
from typing import Any

from edgewright.core import times
from edgewright.core.clusters import model
from edgewright.core.clusters.actions import with_titles
from edgewright.core.clusters.troubles import MILD
from edgewright.core.text import amount, clean
from edgewright.hub.clusters import judging
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.clusters.members import FRESH
from edgewright.hub.clusters.members import Member as Member
from edgewright.hub.clusters.members import members as members
from edgewright.hub.clusters.settings import waiting
from edgewright.hub.clusters.tables import ADOPTING_PHASE, DELETED_PHASE, DELETING_PHASE
from edgewright.hub.services import Services
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
HEALTHY, UNHEALTHY, UNKNOWN_HEALTH = "Healthy", "UnHealthy", "Unknown"
_TRUE, _FALSE = "True", "False"
_SETTINGS = "HostSettingsNotApplied"
_NOT_PROVEN = "k3s is not proven here: hosts run it as its documentation describes, tested against a stand-in only."


def state(cluster: Cluster, listed: list[Member]) -> str:
    """Return the state that clients see."""
    if cluster.record.phase == DELETED_PHASE:
        return wire.DELETED
    if cluster.record.phase == DELETING_PHASE:
        return wire.DELETING
    if cluster.record.phase == ADOPTING_PHASE:
        return wire.UNKNOWN
    if cluster.head["done"] is not None:
        return wire.RUNNING
    begun = any(member.report or member.progress for member in listed)
    return wire.PROVISIONING if begun else wire.PENDING


def health(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> tuple[str, str]:
    """Return the health and its reason: unknown without a fresh report of the leader, or when all members are silent.

    A member without heartbeats is never part of a healthy cluster, whatever the leader reported before.
    """
    wrong = [row.text for row in judging.troubles_of(hub, cluster, listed, now) if row.kind not in MILD]
    if wrong:
        return UNHEALTHY, "; ".join(wrong) + "."
    record = hub.part(Reports).record(cluster.uid)
    if record is None:
        return UNKNOWN_HEALTH, "No control plane has reported yet."
    age = times.duration(max(0.0, now - record.at))
    if now - record.at > FRESH:
        return UNKNOWN_HEALTH, f"The last report of a control plane is {age} old."
    quiet = judging.silent(hub, listed, now)
    if judging.all_silent(quiet, listed):
        ages = judging.ages(quiet)
        return UNKNOWN_HEALTH, f"No heartbeat of any host: {ages}; the last report of a control plane is {age} old."
    if judging.is_forming(hub, cluster, listed, now):
        return UNKNOWN_HEALTH, "Its hosts still form it."
    return HEALTHY, ""


def applied(cluster: Cluster, listed: list[Member]) -> tuple[int, int]:
    """Return how many hosts have applied the present document, and how many there are."""
    digest = cluster.record.digest
    return sum(1 for member in listed if member.report.get("appliedDigest") == digest), len(listed)


def conditions(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> list[Json]:
    """Return the conditions (`v1ClusterCondition`)."""
    head, record = cluster.head, cluster.record
    done = head["done"]
    rows = [
        _row(
            "Bootstrapped",
            done is not None,
            "Formed" if done else "Forming",
            _forming(cluster, listed),
            record.modified,
        )
    ]
    count, total = applied(cluster, listed)
    text = f"{count} of {amount(total, 'host')} {'has' if count == 1 else 'have'} the present document."
    rows.append(_row("Applied", count == total, "Applied" if count == total else "Waiting", text, record.modified))
    verdict, reason = health(hub, cluster, listed, now)
    rows.append(_row("Healthy", verdict == HEALTHY, verdict, reason, record.modified))
    for name in head.get("conditions") or ():
        rows.append(_row(name["type"], True, name["reason"], name["message"], name["since"]))
    if head["kubernetes"].get("distribution") == model.K3S:
        rows.append(_row("NotProven", True, "NotProven", _NOT_PROVEN, record.created))
    wrong = [(member.machine["hostName"], str(member.report.get("settings") or "")) for member in listed]
    if texts := [f"{name}: {clean(text, 300)}" for name, text in wrong if text]:
        more = f" {amount(len(texts) - 5, 'more host')}." if len(texts) > 5 else ""
        rows.append(_row(_SETTINGS, True, _SETTINGS, " ".join(texts[:5]) + more, record.modified))
    if (since := waiting.since(head)) is not None:
        names = ", ".join(f"{profile['name']} {profile['version']}" for profile in waiting.profiles(head)[:5])
        call = protocol.path(wire.SPC_APPLY, uid=cluster.uid)
        text = f"A change of its profiles ({names}) waits. Apply it: edgewright cluster apply FILE, or POST {call}."
        rows.append(_row("ChangeWaits", True, "ChangeWaits", text, since))
    if adoption := head.get("adoption"):
        entry = hub.state.hosts.get(adoption["hostUid"])
        name = entry.facts.name if entry is not None else adoption["hostUid"]
        text = f"The host {name} is asked for its document, which {adoption['by']} adopts."
        rows.append(_row("Adopting", True, "Adopting", text, adoption["since"]))
    others = [member.machine["hostName"] for member in listed if member.offered]
    if others:
        text = (
            f"{', '.join(others[:5])} {'has' if len(others) == 1 else 'have'} another document than this plane and "
            f"continue with it. {decide(record.name)}"
        )
        rows.append(_row(wire.E_UNKNOWN_LINEAGE, True, wire.E_UNKNOWN_LINEAGE, text, now))
    return rows


def decide(name: str) -> str:
    """Return what an operator does where hosts have another document than the plane."""
    return (
        f"Take theirs: edgewright cluster adopt {shlex.quote(name)}; or replace it by that of the plane: "
        f"edgewright cluster override {shlex.quote(name)}."
    )


def _forming(cluster: Cluster, listed: list[Member]) -> str:
    if cluster.head["done"] is not None:
        return "The cluster is formed."
    steps = [
        f"{member.machine['hostName']}: {with_titles(str(member.progress.get('step') or 'no step'))}"
        for member in listed
        if member.progress is not None
    ]
    return "; ".join(steps[:5]) or "The hosts have not begun yet."


def _row(kind: str, true: bool, reason: str, message: str, since: float) -> Json:
    return {
        "type": kind,
        "status": _TRUE if true else _FALSE,
        "reason": reason,
        "message": message,
        "lastTransitionTime": times.rfc3339(since),
        "lastProbeTime": times.rfc3339(since),
    }


def vip(hub: Services, listed: list[Member], now: float) -> Json:
    """Return who has the VIP: `none`, `one`, `two` or `unknown`, with the hosts that claim it.

    What a silent host claimed does not count any more.
    """
    present = [member for member in listed if not judging.is_silent(hub, member, now)]
    known = any("vip" in member.report for member in present)
    names = judging.owners(hub, listed, now)
    word = "unknown" if not known else ("none", "one", "two")[min(len(names), 2)]
    return {"state": word, "hosts": names}
