"""Sites that are open by SSH, as the store has them for the lists of hosts and clusters, beside those of a plane.

A host is one row, however many connections lead to it, and so is a cluster, however many of its hosts are open: under
the uid of the one that was opened first, with all connections, and with one that is up as the way of verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.clients.ssh.target import short_name
from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.site.api.host_document import document_of
from edgewright.commands.site.api.one_cluster import document_of_hosts
from edgewright.commands.site.api.same import clusters_of, hosts_of, in_use, known_of, may_be
from edgewright.core import times
from edgewright.sources.redact import redact

if TYPE_CHECKING:
    from edgewright.commands.site.opened import Site

    Sites = tuple[Site, ...]

NAMES = 2
"""Hosts that the name of a cluster without a name has; the others are counted."""


def health_of(report: dict[str, Any] | None) -> tuple[str, str]:
    """Return the health of a host and its likely cause by the last run of the probes; without one it is unknown."""
    if report is None:
        return "unknown", ""
    findings: Any = report["findings"]
    return "unhealthy" if report["fault"] else "healthy", str(findings[0]["text"]) if findings else ""


def state_of(site: Site) -> tuple[Any, ...]:
    """Return what the lists show a difference of: a round trip that was measured is none."""
    known = site.known()
    return site.target, site.state, site.reached, known.read_at, known.info_at, known.cluster_at


def listed(sites: Iterable[Site]) -> dict[str, dict[str, Any]]:
    """Return the events about sites (`store.engine.events.SITE_KNOWN`) by uid; one never connected is in no list."""
    hosts = hosts_of([site for site in sites if site.reached is not None or site.read_at is not None])
    events = {_uid(host[0]): _host(host) for host in hosts}
    clusters = clusters_of(hosts)
    for cluster in clusters:
        doubtful = [other for other in clusters if other is not cluster and may_be(cluster, other)]
        events[_uid(cluster[0][0])] |= _cluster(cluster, doubtful)
    return events


def closed(uid: str) -> dict[str, Any]:
    """Return the event that a site is not open any more."""
    return {"uid": uid}


def name_of(host: Sites) -> str:
    """Return what the user calls a host, by each of its targets, and in brackets what it calls itself if that differs.

    Two ways to one name are called by their targets: `edge1, jump,edge1` has no second `edge1`.
    """
    called: list[str] = []
    for site in host:
        name = short_name(site.target)
        called.append(site.target if name in called else name)
    own = next((name for site in host if (name := site.own_name)), "")
    return ", ".join(called) + ("" if own in ("", *called) else f" ({own})")


def _host(host: Sites) -> dict[str, Any]:
    known = known_of(host)
    document = document_of(known)
    own_uid = str(document["metadata"]["uid"])
    newest = max(host, key=lambda site: site.read_at or 0.0)
    health, reason = health_of(newest.report)
    reported = {"healthState": health, "reason": reason}
    moments = [at for at in (known.read_at, known.info_at) if at is not None]
    if moments:
        reported["lastHeartbeat"] = times.rfc3339(max(moments))
    document["metadata"] = {"name": name_of(host), "uid": _uid(host[0])}
    document["status"]["edgewright"] = reported
    return {
        "uid": _uid(host[0]),
        "link": _link(in_use(host)),
        "sites": _sites(host),
        "way": _uid(in_use(host)),
        "host": redact(document),
        "hostUid": _plane_uid(host) or own_uid,
        "cluster": None,
    }


def _cluster(cluster: Sequence[Sites], doubtful: Sequence[Sequence[Sites]]) -> dict[str, Any]:
    """Return what the event of its first host has of a cluster."""
    sites = [site for host in cluster for site in host]
    document = document_of_hosts({_uid(host[0]): known_of(host) for host in cluster}, _name(cluster))
    assert document is not None
    uids = []
    for host in cluster:
        known = known_of(host)
        uids += [known.cluster.uid] if known.cluster is not None else []
        uids += [_plane_uid(host) or str(document_of(known)["metadata"]["uid"])]
    return {
        "cluster": redact(document),
        "clusterLink": _link(in_use(sites)),
        "clusterSites": _sites(sites),
        "clusterWay": _uid(in_use(sites)),
        "clusterOf": [uid for uid in uids if uid],
        "mayBe": [_name(other) for other in doubtful],
    }


def _name(cluster: Sequence[Sites]) -> str:
    """Return `ssh:edge1, edge2`, what a cluster is called that no API names."""
    names = [host[0].target for host in cluster]
    rest = len(names) - NAMES
    return BY_HOST + (", ".join(names) if rest <= 0 else f"{names[0]} and {rest + 1} others")


def _plane_uid(host: Sites) -> str:
    """Return the uid on the plane, where a key proved it; what a host reports of itself counts less."""
    return next((site.reached.plane_uid for site in host if site.reached is not None and site.reached.plane_uid), "")


def _link(site: Site) -> str:
    return "connecting" if site.state == "new" else site.state


def _sites(sites: Iterable[Site]) -> list[dict[str, str]]:
    return [{"target": site.target, "link": _link(site)} for site in sites]


def _uid(site: Site) -> str:
    return f"{BY_HOST}{site.target}"
