"""The same document and faults over the scripted World and on hosts of the lab: the order of steps, and the end.

Both write the same journal, and both are read here by the same functions: a host's own steps in the order in which they
started first, what the leader did for each member, and the add-ons.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.agent.reconcile.store import DocumentStore
from edgewright.agent.simulate.world.runner import KILL, Upset
from edgewright.agent.simulate.world.site import Site
from edgewright.core.clusters import document as documents
from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import read_step_id
from edgewright.core.clusters.model import ClusterDocument
from edgewright.core.clusters.planning import targets

if TYPE_CHECKING:
    from tests.e2e.kubernetes.cases import Cases

HOUR = 3600.0
Record = dict[str, Any]


class Course(NamedTuple):
    """What came of a formation: the order of steps by who did them or for whom, and the end state."""

    order: dict[str, list[str]]
    end: dict[str, Any]


def document_of(lab: Cases, host: str) -> ClusterDocument:
    """Return the document of the cluster that a host has on its disk."""
    stored = DocumentStore(str(lab.var_lib(host) / "edgewright/cluster")).documents()
    (body,) = [item.document for item in stored if item.kind == "cluster"]
    return documents.read(body)


def read_journal(path: Path) -> list[Record]:
    """Return the transitions of cluster steps in a journal, with `name` and `about` (the target)."""
    rows = []
    for line in path.read_text(errors="replace").splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)["record"]
        except ValueError:
            continue  # the end of a line that is being written
        known = read_step_id(str(record.get("step")))
        if known is not None and record.get("kind") == "cluster":
            rows.append({**record, "name": known[0], "about": known[1]})
    return rows


def order(document: ClusterDocument, journals: dict[str, list[Record]]) -> dict[str, list[str]]:
    """Return own steps by node, duties by `for NODE`, add-ons as `layers`; each step once, where it started first.

    `journals` are transitions by node name. One leader after the other has duties, so times order them.
    """
    result: dict[str, list[str]] = {}
    duties: list[Record] = []
    for node, records in sorted(journals.items()):
        started = [row for row in records if row["state"] == "running"]
        result[node] = _own(_once(row["name"] for row in started if not steps.BY_ID[row["name"]].leader))
        duties += [row for row in started if steps.BY_ID[row["name"]].leader]
    duties.sort(key=lambda row: float(row["since"]))
    names = {targets.host(document, member): member.node_name for member in document.members}
    for about, node in sorted(names.items(), key=lambda item: item[1]):
        result[f"for {node}"] = _once(row["name"] for row in duties if row["about"] == about)
    result["layers"] = _once(row["about"] for row in duties if row["name"] == steps.LAYER)
    return result


def _own(names: list[str]) -> list[str]:
    """Return own steps with `preflight` first: it and `fetch` start with the document, and whichever is ready begins.

    A preflight before the formation waits until all members answer, and hosts of the lab get the document one by one.
    """
    first = [name for name in names[:2] if name in (steps.PREFLIGHT, steps.FETCH)]
    return [*sorted(first, key=lambda name: name != steps.PREFLIGHT), *names[len(first) :]]


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def in_the_world(document: ClusterDocument, folder: Path, faults: Sequence[tuple[str, str, int]]) -> Course:
    """Form a document in the World; `faults` are step, kind (`kill -9`) and stage."""
    bootstrap = dataclasses.replace(document.bootstrap, done=None)
    fresh = documents.sealed(dataclasses.replace(document, bootstrap=bootstrap))
    site = Site(fresh, str(folder))
    try:
        site.upsets += [Upset(step, {"kill -9": KILL}[kind], stage) for step, kind, stage in faults]
        assert site.run(lambda now: now.settled(), 3 * HOUR), site.world.log[-20:]
        assert not any(upset.left for upset in site.upsets), "each fault has happened"
        nodes = {member.host_uid: member.node_name for member in fresh.members}
        journals = {node: read_journal(Path(os.path.join(folder, uid, "journal.jsonl"))) for uid, node in nodes.items()}
        cluster = site.world.cluster
        end = {
            "formed": site.world.formed,
            "voters": sorted(nodes[entry.uid] for entry in cluster.members if entry.voter),
            "learners": [nodes[entry.uid] for entry in cluster.members if not entry.voter],
            "nodes": sorted(name for name in cluster.nodes if site.world.ready(name)),
            "layers": {name: state.target for name, state in sorted(cluster.layers.items())},
            "joined": {nodes[uid]: epoch for uid, epoch in sorted(cluster.joined.items()) if uid != _first(fresh)},
            "grant": cluster.grant is not None,
        }
        return Course(order(fresh, journals), end)
    finally:
        site.close()


def in_the_lab(lab: Cases, name: str, document: ClusterDocument) -> Course:
    """Return what hosts of the lab have done for a document."""
    nodes = {member.host_uid: member.node_name for member in document.members}
    journals = {node: lab.records(node) for node in nodes.values()}
    first = nodes[_first(document)]
    formed = [host for host, rows in journals.items() if any(_ended(row, steps.INIT) for row in rows)]
    listed = lab.etcd(first)
    end = {
        "formed": len(formed),
        "voters": lab.voters(first),
        "learners": [str(item.get("name")) for item in listed if item.get("isLearner")],
        "nodes": lab.ready(name),
        "layers": _stored(lab, name, "edgewright-layers", "layers"),
        "joined": {
            nodes[uid]: epoch
            for uid, epoch in sorted(_stored(lab, name, "edgewright-members", "joined").items())
            if uid != _first(document)
        },
        "grant": "edgewright.io/grant" in str(lab.lease(name)),
    }
    return Course(order(document, journals), end)


def _first(document: ClusterDocument) -> str:
    """Return the host that forms the cluster: whether its join is recorded as well is not compared."""
    return document.bootstrap.init_host_uid


def _ended(row: Record, step: str) -> bool:
    return bool(row["name"] == step and row["state"] == "done")


def _stored(lab: Cases, cluster: str, name: str, key: str) -> dict[str, Any]:
    text = lab.kubectl(cluster, "-n", "kube-system", "get", "configmap", name, "-o", "json", check=False)
    data = json.loads(text)["data"] if text else {}
    found: dict[str, Any] = json.loads(data.get(key) or "{}")
    return found
