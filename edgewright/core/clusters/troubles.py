"""What is wrong with a cluster, worst first, from what its hosts and its leader report. Pure; plane and tests use it.

Evidence only: a control plane is lost when it sends no heartbeat, or when it reports that its own API is not ready.
A cluster of which every host is silent has an unknown health, not a bad one: its link may be down.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from edgewright.core import times
from edgewright.core.clusters.quorum import majority
from edgewright.core.text import amount

QUORUM, API, TWO_OWNERS, STEP, NODE, ETCD, LAYER, SILENT, CERTIFICATE, DELETION = (
    "quorum", "api", "vip", "step", "node", "etcd", "layer", "silent", "certificate", "deletion",
)  # fmt: skip
KINDS: Tuple[str, ...] = (QUORUM, API, TWO_OWNERS, STEP, NODE, ETCD, LAYER, SILENT, CERTIFICATE, DELETION)
"""Worst first."""
MILD = frozenset({CERTIFICATE, DELETION})
"""Kinds with which a cluster is still healthy."""
CERTIFICATE_SOON = 30 * times.DAY
"""Seconds before its end from which a certificate of a cluster is a problem."""
NAMED = 5
"""Hosts that a sentence names."""


class Control(NamedTuple):
    """A control plane: `silent` at the plane, and what it reports of its own API (`None`: nothing yet)."""

    name: str
    silent: bool
    api: Optional[bool] = None

    @property
    def lost(self) -> bool:
        """Return whether there is evidence that it does not serve."""
        return self.silent or self.api is False


class Trouble(NamedTuple):
    """One thing that is wrong: its kind, one sentence without a full stop, and the names of its hosts.

    No sentence has an age: a reader has it for longer than that is true. `since` is epoch seconds, `None` where it is
    that of the health of the cluster.
    """

    kind: str
    text: str
    hosts: Tuple[str, ...] = ()
    since: Optional[float] = None


class Facts(NamedTuple):
    """What is known of a cluster. Lists of the leader's report are empty while it is too old.

    `failed` are steps that wait for an operator, as sentences with their hosts. `certificates` are name, node and end
    (epoch seconds).
    """

    formed: bool
    controls: Sequence[Control] = ()
    not_ready: Sequence[str] = ()
    owners: Sequence[str] = ()
    """Hosts that claim the VIP now."""
    etcd: Sequence[str] = ()
    """Members of etcd that are not healthy."""
    layers: Sequence[str] = ()
    """Layers that failed."""
    silent: Sequence[Tuple[str, float]] = ()
    """Hosts without heartbeats, where others have some: name and seconds."""
    failed: Sequence[Tuple[str, Tuple[str, ...]]] = ()
    certificates: Sequence[Tuple[str, str, float]] = ()
    stuck: bool = False
    full: Sequence[str] = ()
    """Members of etcd that have the alarm NOSPACE."""
    not_joined: Sequence[str] = ()
    """Nodes of hosts that have never joined."""
    no_node: Sequence[str] = ()
    """Nodes of hosts that have joined, which the cluster does not have any more."""


def troubles(facts: Facts, now: float) -> List[Trouble]:
    """Return everything that is wrong, worst first, at most one of a kind."""
    down = _serving(facts.controls) if facts.formed else None
    rows = [] if down is None else [down]
    if len(facts.owners) > 1:
        text = f"{amount(len(facts.owners), 'host')} have the VIP: {_names(facts.owners)}"
        rows.append(Trouble(TWO_OWNERS, text, tuple(facts.owners)))
    if facts.failed:
        more = f"; {len(facts.failed) - 1} more" if len(facts.failed) > 1 else ""
        rows.append(
            Trouble(STEP, facts.failed[0][0] + more, tuple(name for _, hosts in facts.failed for name in hosts))
        )
    if facts.full:
        text = f"etcd is full and stores nothing: {_names(facts.full)}"
        rows.append(Trouble(ETCD, text, tuple(facts.full)))
    nodes = [
        f"{amount(len(names), *what)}: {_names(names)}"
        for names, what in (
            (facts.not_ready, ("node not ready", "nodes not ready")),
            (facts.no_node, ("host has no node any more", "hosts have no node any more")),
            (facts.not_joined, ("host has not joined", "hosts have not joined")),
        )
        if names
    ]
    if nodes:
        rows.append(Trouble(NODE, "; ".join(nodes), (*facts.not_ready, *facts.no_node, *facts.not_joined)))
    for kind, names, what, verb in (
        (ETCD, facts.etcd, "etcd member", "unhealthy"),
        (LAYER, facts.layers, "layer", "failed"),
    ):
        if names and not (kind == ETCD and facts.full):
            rows.append(Trouble(kind, f"{amount(len(names), what)} {verb}: {_names(names)}", tuple(names)))
    if facts.silent and down is None:
        hosts = tuple(name for name, _ in facts.silent)
        since = now - max(seconds for _, seconds in facts.silent)
        rows.append(Trouble(SILENT, f"{amount(len(hosts), 'host')} silent: {_names(hosts)}", hosts, since))
    ending = soonest(facts.certificates)
    if ending is not None and ending[2] - now < CERTIFICATE_SOON:
        name, node, end = ending
        when = f"ends in {times.duration(end - now)}" if end > now else f"ended {times.duration(now - end)} ago"
        rows.append(Trouble(CERTIFICATE, f"certificate {when}: {name} of {node}", (node,)))
    if facts.stuck:
        rows.append(Trouble(DELETION, "the deletion lasts longer than 15 minutes"))
    return rows


def soonest(certificates: Sequence[Tuple[str, str, float]]) -> Optional[Tuple[str, str, float]]:
    """Return the certificate that ends first, `None` without one."""
    return min(certificates, key=lambda row: row[2], default=None)


def _serving(controls: Sequence[Control]) -> Optional[Trouble]:
    """Return why the API does not serve; `None` when it may."""
    lost = [control for control in controls if control.lost]
    dead = [control.name for control in controls if control.api is False and not control.silent]
    if not dead or len(lost) < len(controls):
        return None  # one of them serves, or nothing but silence is known
    silent = [control.name for control in controls if control.silent]
    if len(controls) - len(silent) < majority(len(controls)):
        text = f"no quorum: {len(silent)} of {amount(len(controls), 'control plane')} silent: {_names(silent)}"
        return Trouble(QUORUM, text, tuple(control.name for control in lost))
    where = "on any control plane" if len(controls) > 1 else f"on {dead[0]}"
    return Trouble(API, f"the API does not answer {where}", tuple(dead))


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
