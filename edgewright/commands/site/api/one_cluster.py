"""One cluster that several open hosts show, as one document; that it is one is proven by `core.hosts.same`.

The newest answer that shows nodes counts, and its age is that of the cluster. What changes by itself is of that answer
alone; a newer one without nodes, of a host whose API server does not answer, makes it unhealthy by its reason. Names,
versions and addresses that the answer lacks are of the others, and certificates of all: each host has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.commands.site.api.cluster_document import MOST, cluster_document, node_of
from edgewright.commands.site.api.host_document import Known

_STABLE = ("version", "distribution", "endpoint")


class _Answer(NamedTuple):
    """The cluster as one host shows it: when that was read, the uid of the host's row, and the document."""

    at: float
    uid: str
    document: dict[str, Any]

    @property
    def ours(self) -> dict[str, Any]:
        """What Edgewright adds to the document of a plane."""
        values: dict[str, Any] = self.document["status"]["edgewright"]
        return values

    @property
    def weight(self) -> tuple[bool, bool, float]:
        """How much it counts."""
        return "nodes" in self.ours, self.ours["healthState"] != "unknown", self.at


def document_of_hosts(hosts: Mapping[str, Known], name: str = "") -> dict[str, Any] | None:
    """Return the document of the hosts, by the uids of their rows, under that of the first one; None without a cluster.

    `name`: what it is called where no API names it, else the uid.
    """
    names = {node_of(known.facts): uid for uid, known in hosts.items() if known.facts is not None}
    answers = []
    for uid, known in hosts.items():
        document = cluster_document(known, uid, names if len(hosts) > 1 else None)
        if document is not None:
            answers.append(_Answer(max(known.read_at or 0.0, known.cluster_at or 0.0), uid, document))
    if not answers:
        return None
    answers.sort(key=lambda each: each.weight, reverse=True)
    first, own = answers[0], next(iter(hosts))
    ours = dict(first.ours)
    for other in sorted(answers[1:], key=lambda each: -each.at):
        ours |= {key: other.ours[key] for key in _STABLE if not ours.get(key) and other.ours.get(key)}
        if other.at > first.at and other.ours["healthState"] == "unhealthy" != ours["healthState"]:
            ours |= {key: other.ours[key] for key in ("healthState", "reason")}
    certificates = [row for each in answers for row in each.ours.get("certificates", ())]
    if certificates:
        certificates = sorted(certificates, key=lambda row: str(row["notAfter"]))[:MOST]
        ours |= {"certificates": certificates, "firstEnd": certificates[0]}
    named = next((each.document for each in answers if each.document["metadata"]["name"] != each.uid), None)
    called = name or own if named is None else named["metadata"]["name"]
    state = first.document["status"]["state"] or ("" if named is None else named["status"]["state"])
    ours["readBy"] = first.uid
    return {**first.document, "metadata": {"uid": own, "name": called}, "status": {"state": state, "edgewright": ours}}
