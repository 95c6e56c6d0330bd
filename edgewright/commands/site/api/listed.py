"""A site that is open by SSH, as the store has it for the lists of hosts and clusters, beside those of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.site.api.cluster_document import cluster_document
from edgewright.commands.site.api.host_document import document_of
from edgewright.core import times
from edgewright.sources.redact import redact

if TYPE_CHECKING:
    from edgewright.commands.site.opened import Site


def health_of(report: dict[str, Any] | None) -> tuple[str, str]:
    """Return the health of a host and its likely cause by the last run of the probes; without one it is unknown."""
    if report is None:
        return "unknown", ""
    findings: Any = report["findings"]
    return "unhealthy" if report["fault"] else "healthy", str(findings[0]["text"]) if findings else ""


def state_of(site: Site) -> tuple[Any, ...]:
    """Return what the lists show a difference of: a round trip that was measured is none."""
    known = site.known()
    return site.state, site.reached, known.read_at, known.info_at, known.cluster_at


def listed(site: Site) -> dict[str, Any]:
    """Return the event about a site (`store.engine.events.SITE_KNOWN`); one that was never connected is in no list."""
    uid = f"{BY_HOST}{site.target}"
    if site.reached is None and site.read_at is None:
        return closed(site)
    known = site.known()
    document = document_of(known)
    own_uid = str(document["metadata"]["uid"])
    health, reason = health_of(site.report)
    reported = {"healthState": health, "reason": reason}
    moments = [at for at in (known.read_at, known.info_at) if at is not None]
    if moments:
        reported["lastHeartbeat"] = times.rfc3339(max(moments))
    document["metadata"] = {"name": site.name, "uid": uid}
    document["status"]["edgewright"] = reported
    cluster = cluster_document(known, uid)
    return {
        "uid": uid,
        "link": "connecting" if site.state == "new" else site.state,
        "host": redact(document),
        # what a host reports of itself counts where its key did not prove which one it is
        "hostUid": (site.reached.plane_uid if site.reached is not None else "") or own_uid,
        "cluster": None if cluster is None else redact(cluster),
        "clusterUid": "" if known.cluster is None else known.cluster.uid,
    }


def closed(site: Site) -> dict[str, Any]:
    """Return the event that a site is not open any more."""
    return {"uid": f"{BY_HOST}{site.target}"}
