"""Rows of clusters: what lists and Pulse have of one, made from its document (`v1SpectroClusterSummary`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.store.collections.document_values import EXTENSION, integer, part, parts, text, texts, value, when
from edgewright.store.collections.rows import LINKS, Row
from edgewright.wire.protocol import clusters as wire


class ClusterProblem(Row, frozen=True, array_like=True, gc=False):
    """One thing that is wrong with a cluster; `kind` is one of `core.clusters.troubles.KINDS`."""

    kind: str
    text: str = ""
    since: float | None = None
    uids: tuple[str, ...] = ()
    """The hosts behind it."""


class ClusterRow(Row, frozen=True, array_like=True, gc=False):
    """One cluster. `state` and `health` are never mixed: a cluster that forms is not unhealthy."""

    uid: str
    name: str = ""
    state: str = ""
    health: str = ""
    reason: str = ""
    version: str = ""
    distribution: str = ""
    endpoint: str = ""
    project_uid: str = ""
    hosts: int = 0
    applied: int = 0
    simulated: bool = False
    members: tuple[str, ...] = ()
    """`role name node address state progress` of each host."""
    profiles: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    """Each step with its state, as sentences in order; empty from a plane that has none."""
    tags: tuple[str, ...] = ()
    vip: str = ""
    created: float | None = None
    modified: float | None = None
    reported: float | None = None
    nodes: int | None = None
    ready: int | None = None
    """Nodes that are ready, by the last report of a control plane."""
    certificate: str = ""
    """The certificate that ends first."""
    certificate_end: float | None = None
    change: str = ""
    problems: tuple[ClusterProblem, ...] = ()
    """Worst first."""
    step: str = ""
    """The step that is under way."""
    steps_done: int = 0
    steps: int = 0
    layers: tuple[str, ...] = ()
    etcd: tuple[str, ...] = ()
    host_uids: tuple[str, ...] = ()
    forming: bool = False
    """Whether its hosts still form it, although its API may answer already."""
    reach: tuple[str, ...] = ()
    """`way: state since: error` of each way to the API, as the plane has measured it."""
    link: str = ""
    """State of the SSH connection to the host by which alone it is known (`rows.LINKS`); empty for one of the plane."""
    plane_uids: tuple[str, ...] = ()
    """Of one that is known by SSH: uids under which a plane has it or its hosts, where they are known."""
    sites: tuple[str, ...] = ()
    """Of one that is known by SSH: `LINK TARGET` of each connection to one of its hosts, the first one in front."""
    way: str = ""
    """Of one that is known by SSH: `ssh:TARGET` of a connection that is up, of the first one where none is."""
    read_by: str = ""
    """Of one that several hosts show: `ssh:TARGET` of the one whose answer counts."""
    may_be: tuple[str, ...] = ()
    """Clusters that may be this one: their nodes have the same names, and no proof decides."""

    @property
    def forms(self) -> bool:
        """Whether its hosts form it, or end it, now."""
        return self.forming or self.state in (wire.PENDING, wire.PROVISIONING, wire.DELETING)

    @property
    def shown_state(self) -> str:
        """Return the state; of what SSH alone knows whether it can be read now, where it cannot or names no state."""
        named = self.link in ("", "open") and (self.state or not self.link)
        return self.state if named else LINKS.get(self.link, self.link)

    @property
    def kind(self) -> str:
        """Return what proves it: real hosts, simulated ones, or SSH to one of its hosts."""
        by_ssh = f"{len(self.sites)} by SSH" if len(self.sites) > 1 else "by SSH"
        return by_ssh if self.link else "simulated" if self.simulated else "real"

    @property
    def control_planes(self) -> tuple[str, ...]:
        """Names of the hosts that serve the API."""
        columns = (member.split("  ") for member in self.members)
        return tuple(column[1] for column in columns if len(column) > 1 and column[0] == "control-plane")

    @property
    def failed(self) -> bool:
        """Whether a step waits for an operator."""
        return any(problem.kind == "step" for problem in self.problems)


def _reach(ours: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how the API was reached last, each way as one text."""
    ways = part(ours, "reach")
    lines = []
    for way in ("direct", "ssh", "relay"):
        state, since, error = (text(part(ways, way), key) for key in ("state", "since", "error"))
        if state:
            lines.append(f"{way}: {state}" + (f" since {since}" if since else "") + (f": {error}" if error else ""))
    return tuple(lines)


def cluster_row(doc: Mapping[str, Any], _at: float = 0.0) -> ClusterRow | None:
    """Return the row of a cluster (`v1SpectroClusterSummary`); `None` when it names no uid."""
    meta, status = part(doc, "metadata"), part(doc, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    ours, spec = part(status, EXTENSION), part(doc, "specSummary")
    pools = parts(part(spec, "cloudConfig"), "machinePools")
    labels = part(meta, "labels")
    health = text(ours, "healthState") or text(part(status, "health"), "state")
    nodes, end, steps = part(ours, "nodes"), part(ours, "firstEnd"), parts(ours, "checklist")
    uids = {text(each, key): text(each, "uid") for each in parts(ours, "members") for key in ("node", "name")}
    working = [each for each in steps if text(each, "state") in ("failed", "running", "waiting")]
    return ClusterRow(
        uid,
        text(meta, "name"),
        text(status, "state"),
        "unknown" if text(status, "state") == wire.DELETED else health.lower() or "unknown",  # nothing reports it
        text(ours, "reason"),
        text(ours, "version"),
        text(ours, "distribution"),
        text(ours, "endpoint"),
        text(ours, "projectUid") or text(part(spec, "projectMeta"), "uid"),
        integer(ours, "hosts") or sum(integer(pool, "size") or 0 for pool in pools),
        integer(ours, "applied") or 0,
        value(ours, "simulated") is True,
        tuple(_member(each) for each in parts(ours, "members")),
        texts(ours, "profiles") or tuple(text(each, "name") for each in parts(spec, "clusterProfileTemplates")),
        tuple(f"{text(each, 'type')}: {text(each, 'message')}" for each in parts(ours, "conditions")),
        tuple(text(each, "sentence", 1024) for each in parts(ours, "checklist")),
        tuple(sorted(f"{key}:{labels[key]}" if labels[key] != "spectro__tag" else key for key in labels)),
        text(part(ours, "vip"), "state"),
        when(meta, "creationTimestamp"),
        when(meta, "lastModifiedTimestamp"),
        when(ours, "reportedAt"),
        integer(nodes, "total"),
        integer(nodes, "ready"),
        " of ".join(each for each in (text(end, "name"), text(end, "node")) if each),
        when(end, "notAfter"),
        text(ours, "change"),
        tuple(_problem(each, uids) for each in parts(ours, "problems")),
        text(working[0], "title") if working else "",
        sum(1 for each in steps if text(each, "state") == "done"),
        len(steps),
        tuple(_layer(each) for each in parts(ours, "layers")),
        tuple(_etcd(each) for each in parts(ours, "etcd")),
        tuple(dict.fromkeys(uid for uid in uids.values() if uid)),
        value(ours, "forming") is True,
        _reach(ours),
        read_by=text(ours, "readBy"),
    )


def _problem(doc: Mapping[str, Any], uids: Mapping[str, str]) -> ClusterProblem:
    hosts = tuple(uids[name] for name in texts(doc, "hosts") if uids.get(name))
    return ClusterProblem(text(doc, "kind"), text(doc, "text"), when(doc, "since"), tuple(dict.fromkeys(hosts)))


def _layer(doc: Mapping[str, Any]) -> str:
    named = f"{text(doc, 'name')} {text(doc, 'version')}".rstrip()
    message = text(doc, "message")
    return f"{named}: {text(doc, 'state') or '-'}" + (f", {message}" if message else "")


def _etcd(doc: Mapping[str, Any]) -> str:
    health = {True: "healthy", False: "unhealthy"}.get(value(doc, "healthy"), "-")
    parts_ = (
        health,
        "" if value(doc, "voter") is True else "learner",
        "leader" if value(doc, "leader") is True else "",
    )
    return f"{text(doc, 'name') or '-'}: {', '.join(each for each in parts_ if each)}"


def _member(doc: Mapping[str, Any]) -> str:
    progress = part(doc, "progress")
    step = text(progress, "title") or text(progress, "step")
    ready = {True: "ready", False: "not ready"}.get(value(doc, "ready"), "")
    state = "leaving" if text(doc, "state") == wire.ABSENT else ready or "joining"
    shown = (text(doc, "role"), text(doc, "name"), text(doc, "address"), state, step)
    return "  ".join(each for each in shown if each)
