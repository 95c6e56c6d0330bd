"""Which of the sites that are open lead to one host, and which to one cluster; the rule is `core.hosts.same`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from edgewright.commands.site.api.cluster_document import has_cluster, node_of
from edgewright.commands.site.api.host_document import Known
from edgewright.core.doctor.facts import Facts
from edgewright.core.hosts.same import Proofs, clusters, host_proof, may_be_one


class OpenSite(Protocol):
    """A site that is open; `commands.site.opened.Site` is one."""

    facts: Facts | None
    reached: Any

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""

    def known(self) -> Known:
        """Return what is known of the host."""


S = TypeVar("S", bound=OpenSite)


def hosts_of(sites: Sequence[S]) -> list[tuple[S, ...]]:
    """Return the sites by host, in the order of the first of each; one without a proof is a host by itself."""
    groups: dict[object, list[S]] = {}
    for site in sites:
        groups.setdefault(_proof(site) or site, []).append(site)
    return [tuple(group) for group in groups.values()]


def clusters_of(hosts: Sequence[tuple[S, ...]]) -> list[tuple[tuple[S, ...], ...]]:
    """Return the hosts by cluster, in the order of the first of each; hosts that show none are left out."""
    shown = [host for host in hosts if has_cluster(known_of(host))]
    return [tuple(shown[place] for place in group) for group in clusters([_proofs(host) for host in shown])]


def may_be(cluster: Sequence[Sequence[OpenSite]], other: Sequence[Sequence[OpenSite]]) -> bool:
    """Return whether two clusters of `clusters_of` may be one: unproven, but their nodes have the same names."""
    return may_be_one([_proofs(host) for host in cluster], [_proofs(host) for host in other])


def known_of(host: Sequence[OpenSite]) -> Known:
    """Return what is known of a host: of the probes and of each answer of its API what was read last."""
    known = [site.known() for site in host]
    probes = max(known, key=lambda each: each.read_at or 0.0)
    info = max(known, key=lambda each: each.info_at or 0.0)
    cluster = max(known, key=lambda each: each.cluster_at or 0.0)
    return Known(probes.facts, probes.read_at, info.info, info.info_at, cluster.cluster, cluster.cluster_at)


def in_use(sites: Sequence[S]) -> S:
    """Return the first one whose connection is up, else the first one."""
    return next((site for site in sites if site.is_open), sites[0])


def way_to_cluster(sites: Mapping[str, S], own: S) -> S:
    """Return a site itself; while its connection is away, another one that is open and leads to the same cluster."""
    if own.is_open:
        return own
    for cluster in clusters_of(hosts_of(tuple(sites.values()))):
        members = [site for host in cluster for site in host]
        if own in members:
            return in_use([own, *members])
    return own


def _proof(site: OpenSite) -> str:
    return host_proof(site.reached.key if site.reached is not None else "", site.facts.machine if site.facts else ())


def _proofs(host: Sequence[OpenSite]) -> Proofs:
    known = known_of(host)
    facts, cluster = known.facts, known.cluster
    proofs = Proofs()
    if cluster is not None:
        nodes = frozenset(node.name for pool in cluster.pools for node in pool.nodes)
        proofs = proofs._replace(plane=cluster.uid, nodes=nodes)
    if facts is not None:
        nodes = proofs.nodes.union(node.name for node in facts.nodes or ())
        proofs = Proofs(facts.cluster_uid, proofs.plane, facts.cluster_authorities, nodes, node_of(facts))
    return proofs
