"""The link's part in a cluster: fetches this host's document (P100), and sends what the reconciler reports (P102-P104).

Nothing here decides: the document goes to the store of documents, whose order of lineages and generations decides what
becomes of it; absence of a document, or a refusal, never changes what runs.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from edgewright.agent.clusters.slices import FOLDER as SLICES
from edgewright.agent.clusters.slices import read_part, store_part
from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.refusals import CredentialLost, PlaneRefusal, retryable
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile.store import Answer
from edgewright.core import times
from edgewright.core.clusters.document import read
from edgewright.core.clusters.model import ABSENT, CONTROL_PLANE
from edgewright.core.errors import EdgewrightError, InvalidDocument
from edgewright.wire.protocol.clusters import MAX_OBSERVED
from edgewright.wire.protocol.generations import Position, read_generation, read_lineage

KIND = "cluster"
REPORT = "cluster-"
"""Beginning of the name of the reconciler's report in its run folder; the cluster's uid follows."""
KUBECONFIGS = "cluster-kubeconfigs"
"""Folder below the data folder with the kubeconfigs that a leader made and the plane has not got yet."""
SENT = "cluster-reports"
"""State file with the digests of what the plane has taken."""


class ClusterLink:
    """The clusters of one host, which are one at most unless it changes from one to another."""

    def __init__(self, data: str, folder: StateFolder, handover: Handover, report: agent_log.AgentLog) -> None:
        self._data, self._folder, self._handover, self._report = data, folder, handover, report
        self._run = handover.observed.run
        sent = (folder.load(SENT) or {}).get("sent")
        self._sent: Dict[str, str] = dict(sent) if isinstance(sent, dict) else {}

    def look(self, plane: Plane, offered: Optional[Mapping[str, Any]]) -> None:
        """Fetch the document that the desired state names unless it is here, then send what is new.

        Raises `CredentialLost` and what a link without an answer raises; a refusal is reported and tried again later.
        """
        try:
            if offered is not None and self._missing(offered):
                self._fetch(plane, str(offered["uid"]))
            self._send_all(plane)
            self._report.over("cluster")
        except CredentialLost:
            raise
        except PlaneRefusal as error:
            if retryable(error.status):
                raise
            self._report.once("cluster", agent_log.WARNING, f"{error.message} {error.hint}".strip(), times.now())
        except (InvalidDocument, OSError) as error:
            text = error.message if isinstance(error, EdgewrightError) else f"It cannot be stored: {error.strerror}."
            self._report.once("cluster", agent_log.ERROR, f"The document of the cluster: {text}", times.now())

    def digests(self, host_uid: str) -> Set[str]:
        """Return the content that this host needs: that of the layers, which control planes apply."""
        result: Set[str] = set()
        for stored in self._handover.store.documents():
            if stored.kind != KIND or stored.released:
                continue
            try:
                document = read(stored.document)
                masked = read_part(self._data, stored.uid).sealed.masked_values
            except InvalidDocument:
                continue  # the reconciler reports it
            member = document.member(host_uid)
            if member is None or member.role != CONTROL_PLANE or member.state == ABSENT:
                continue
            named = {digest for layer in document.layers for digest in (*layer.content, layer.values) if digest}
            result |= named - set(masked)
        return result

    def _missing(self, offered: Mapping[str, Any]) -> bool:
        """Return whether the store lacks the document at this place. One that waits for an operator is not lacking."""
        uid, generation = offered.get("uid"), read_generation(offered.get("generation"))
        lineage = read_lineage(offered.get("lineage"))
        if not isinstance(uid, str) or generation is None or lineage is None:
            return False
        wanted = Position(lineage, generation)
        known: List[Position] = [entry.position for entry in self._handover.store.offered() if entry.uid == uid]
        stored = self._handover.store.get(uid)
        if stored is not None:
            known.append(stored.position)
            if stored.position == wanted and not stored.released:
                return not os.path.exists(os.path.join(self._data, SLICES, uid + ".json"))
        return wanted not in known

    def _fetch(self, plane: Plane, uid: str) -> None:
        answer = plane.cluster(uid)
        document = read(answer.get("document") or {})
        part = answer.get("slice")
        body = {
            "uid": document.uid,
            "kind": KIND,
            "lineage": document.lineage,
            "generation": document.generation,
            "digest": document.digest,
            "document": answer["document"],
        }
        member = document.member(plane.uid)
        if isinstance(part, dict) and member is not None and member.state != ABSENT and self._takes(body):
            store_part(self._data, document.uid, part)  # before the document: a step needs both
        taken = self._handover.offer(body)
        if taken in (Answer.TAKEN, Answer.ADOPTED):
            text = f"Document of the cluster {document.name} taken, generation {document.generation}."
            self._report(agent_log.INFO, text)
        elif taken is Answer.INVALID:
            raise InvalidDocument("The document of the cluster", [])

    def _takes(self, body: Mapping[str, Any]) -> bool:
        """Return whether the secrets belong to what this host runs: not those of another lineage that waits."""
        stored = self._handover.store.get(str(body["uid"]))
        if stored is None:
            return True
        return bool(stored.position.lineage == body["lineage"] or stored.digest == body["digest"])

    def _send_all(self, plane: Plane) -> None:
        for name in exchange.names(self._run):
            if name.startswith(REPORT):
                uid = name[len(REPORT) :]
                body = exchange.get(self._run, name) or {}
                self._send(f"{uid}/host", self._host_report(uid, body.get("host")), uid, plane.cluster_host)
                self._send(f"{uid}/cluster", body.get("cluster"), uid, plane.cluster_observed)
        folder = os.path.join(self._data, KUBECONFIGS)
        for uid in exchange.names(folder):
            files = exchange.get(folder, uid) or {}
            body = {key: files[key] for key in ("admin", "client") if isinstance(files.get(key), str)}
            self._send(f"{uid}/kubeconfigs", body, uid, plane.cluster_kubeconfigs)

    def _host_report(self, uid: str, body: Any) -> Any:
        """Return a host's report with what the reconciler has noted as applied."""
        if not isinstance(body, dict):
            return None
        noted = next((item for item in self._handover.observed.documents() if item.get("uid") == uid), {})
        applied = noted.get("applied")
        digest = applied.get("digest") if isinstance(applied, dict) else ""
        return {**body, "appliedDigest": str(digest or "")}

    def _send(self, key: str, body: Any, uid: str, call: Callable[[str, Mapping[str, Any]], bool]) -> None:
        """Send a report that the plane has not taken yet; a leader sends its own again before it counts as old."""
        if not isinstance(body, dict) or not body:
            return
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        if key.endswith("/cluster"):
            digest = f"{digest}/{int(times.now() // REPEAT)}"
        if self._sent.get(key) == digest:
            return
        if not key.endswith("/kubeconfigs") and len(text.encode()) > MAX_OBSERVED:
            self._report.once(
                "cluster", agent_log.WARNING, f"The report {key} is too long; it is not sent.", times.now()
            )
            return
        call(uid, body)  # a final refusal would be repeated in vain: it counts as sent, and the next change is new
        self._sent[key] = digest
        self._folder.save(SENT, {"sent": self._sent}, durable=False)


REPEAT = 240.0
"""Seconds after which an unchanged report of the leader is sent again: at the plane one of 600 s counts as unknown."""
