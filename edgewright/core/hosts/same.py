"""Which connections lead to one host, and which hosts show one cluster: what is proven, and nothing else.

**One host**: host key, id of the boot and id of the system together. One of them alone proves nothing: images are
copied with their keys and ids, and containers share the boot of their machine.

**One cluster**, by the strongest proof that both have:

1. the uid of namespace `kube-system`, which is another one in each cluster: two different ones are two clusters,
   whatever else is equal;
2. the uid of the management plane's cluster, by the local API of its hosts: the same;
3. a public key of the CA that signs for the API server. A renewed certificate has it too, and so has every worker.
   Clusters that were made with one CA have it in common: a key that two different uids were read with proves nothing,
   nor does it for a host that is not among the nodes that another one lists.

Names of nodes and addresses prove nothing, `edge-1` and 10.0.0.10 are in many sites: hosts whose nodes have the same
names, and of which no proof decides, *may* be of one cluster, and stay apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_BOOT, _SYSTEM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), re.compile(r"[0-9a-f]{32}")

LISTED = 50
"""Nodes that are read at most: of more it is not known who else is one."""


class Proofs(NamedTuple):
    """What is known of the cluster that one host shows; an empty value is unknown."""

    uid: str = ""
    plane: str = ""
    authorities: frozenset[str] = frozenset()
    """Hashes of the public keys of its CA."""
    nodes: frozenset[str] = frozenset()
    """Names of the nodes that the host lists."""
    node: str = ""
    """The name of its own node."""


_KINDS: tuple[Callable[[Proofs], frozenset[str]], ...] = (
    lambda each: frozenset(filter(None, (each.uid,))),
    lambda each: frozenset(filter(None, (each.plane,))),
    lambda each: each.authorities,
)
"""The strongest first; a cluster has one value of the first two alone."""
_ONLY = _KINDS[:2]


def host_proof(fingerprint: str, machine: Sequence[str]) -> str:
    """Return what no two hosts that run have in common, "" where a part is unknown.

    `machine`: id of the boot (a UUID) and id of the system (32 hexadecimal digits).
    """
    if not fingerprint or len(machine) != 2 or not _BOOT.fullmatch(machine[0]) or not _SYSTEM.fullmatch(machine[1]):
        return ""
    return " ".join((fingerprint, *machine))


def clusters(hosts: Sequence[Proofs]) -> list[tuple[int, ...]]:
    """Return which hosts show one cluster, as their places, in the order of the first host of each."""
    groups = [frozenset({place}) for place in range(len(hosts))]
    for level, kind in enumerate(_KINDS):
        for mark in sorted({mark for each in hosts for mark in kind(each)}):
            marked = [group for group in groups if any(mark in kind(hosts[place]) for place in group)]
            if any(len(_values(hosts, frozenset[int]().union(*marked), only)) > 1 for only in _ONLY[:level]):
                continue
            rest, joined = [group for group in groups if group not in marked], list[frozenset[int]]()
            for group in sorted(marked, key=lambda group: not _values(hosts, group, _nodes)):  # lists of nodes first
                apart = []
                for each in joined:
                    if level < len(_ONLY) or _fits(hosts, each, group):
                        group |= each
                    else:
                        apart.append(each)
                joined = sorted([*apart, group], key=lambda group: not _values(hosts, group, _nodes))
            groups = [*rest, *joined]
    return sorted(tuple(sorted(group)) for group in groups)


def _fits(hosts: Sequence[Proofs], some: frozenset[int], others: frozenset[int]) -> bool:
    """Return whether each host is among the nodes that those of the other group list, where they list all."""
    for mine, theirs in ((some, others), (others, some)):
        nodes, own = _values(hosts, mine, _nodes), {hosts[place].node for place in theirs} - {""}
        if nodes and len(nodes) < LISTED and not own <= nodes:
            return False
    return True


def may_be_one(some: Sequence[Proofs], others: Sequence[Proofs]) -> bool:
    """Return whether two groups may be of one cluster: names of nodes are equal, and no proof is against it."""
    places, both = range(len(some)), [*some, *others]
    rest = range(len(some), len(both))
    for kind in _KINDS:
        mine, theirs = _values(both, places, kind), _values(both, rest, kind)
        if mine and theirs and mine.isdisjoint(theirs):
            return False
    return not _values(both, places, _names).isdisjoint(_values(both, rest, _names))


def _nodes(each: Proofs) -> frozenset[str]:
    return each.nodes


def _names(each: Proofs) -> frozenset[str]:
    return each.nodes | ({each.node} if each.node else frozenset())


def _values(
    hosts: Sequence[Proofs], places: Sequence[int] | frozenset[int] | range, kind: Callable[[Proofs], frozenset[str]]
) -> frozenset[str]:
    return frozenset[str]().union(*(kind(hosts[place]) for place in places))
