"""The link's part in a cluster: fetches this host's document (P100), and sends what the reconciler reports (P102-P104).

Nothing here decides: the document goes to the store of documents, whose order of lineages and generations decides what
becomes of it; absence of a document, or a refusal, never changes what runs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from edgewright.agent.clusters.slices import Marks, marks_of, read_part, store_part
from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.blobs import FOLDER as BLOBS
from edgewright.agent.plane.blobs import BlobFolder
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.refusals import PlaneRefusal, retryable
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile.store import Answer
from edgewright.core import times
from edgewright.core.clusters.document import read
from edgewright.core.clusters.model import ABSENT, CONTROL_PLANE
from edgewright.core.errors import EdgewrightError, InvalidDocument
from edgewright.wire.protocol.clusters import (
    E_OLDER_LEADER,
    MAX_ADOPTION,
    MAX_CONTENT,
    MAX_HOST_STATE,
    MAX_KUBECONFIG,
    MAX_OBSERVED,
)
from edgewright.wire.protocol.generations import Position, read_generation, read_lineage

KIND = "cluster"
REPORT = "cluster-"
"""Beginning of the name of the reconciler's report in its run folder; the cluster's uid follows."""
KUBECONFIGS = "cluster-kubeconfigs"
"""Folder below the data folder with the kubeconfigs that a leader made for the plane, while it leads."""
SENT = "cluster-reports"
"""State file with the digests of what the plane has taken."""
GIVE_AGAIN = 300.0
"""Seconds after which content that the plane still asks for is sent again: a plane that was restored lacks it."""

DOCUMENT, REPORTS, ADOPTION, CONTENT = "cluster", "cluster-reports", "cluster-adoption", "cluster-content"
"""Topics of the log."""
Problem = Tuple[int, str]
"""Priority and sentence."""


class Refusal(NamedTuple):
    """A report that the plane did not take: its digest, when that was (epoch seconds), why, and seconds to wait."""

    digest: str
    at: float
    problem: Problem
    wait: float


class ClusterLink:
    """The clusters of one host, which are one at most unless it changes from one to another."""

    def __init__(self, data: str, folder: StateFolder, handover: Handover, report: agent_log.AgentLog) -> None:
        self._data, self._folder, self._handover, self._report = data, folder, handover, report
        self._run = handover.observed.run
        sent = (folder.load(SENT) or {}).get("sent")
        self._sent: Dict[str, str] = dict(sent) if isinstance(sent, dict) else {}
        self._refused: Dict[str, Refusal] = {}
        self._given: Dict[Tuple[str, str], float] = {}
        """When the plane was given which content that it asks for (epoch seconds), by cluster and digest."""
        self._none: Set[Tuple[str, ...]] = set()
        """Of which documents this host has no part, because it is to leave: not to be asked for at each heartbeat."""

    def look(
        self,
        plane: Plane,
        offered: Optional[Mapping[str, Any]],
        adoption: Optional[Mapping[str, Any]] = None,
        content: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Fetch the document that the desired state names unless it is here, and send what is new.

        `adoption` is the document that the plane asks this host for (P106), `content` the content (P108).

        Raises `CredentialLost` and what a link without an answer raises; a refusal is reported and tried again later.
        A document that cannot be fetched does not stop the reports of what runs.
        """
        problems: List[Problem] = []
        try:
            if offered is not None and self._missing(offered):
                self._fetch(plane, str(offered["uid"]), str(offered.get("access") or ""))
        except PlaneRefusal as error:
            if retryable(error.status):
                raise
            problems.append((agent_log.WARNING, f"{error.message} {error.hint}".strip()))
        except (InvalidDocument, OSError) as error:
            text = error.message if isinstance(error, EdgewrightError) else f"It cannot be stored: {error.strerror}."
            problems.append((agent_log.ERROR, f"The document of the cluster: {text}"))
        self._problems(DOCUMENT, problems)
        self._problems(REPORTS, self._send_all(plane))
        self._problems(ADOPTION, self._hand_over(plane, adoption) if adoption is not None else [])
        if content is None:
            self._given.clear()  # another plane, or one that was set back, is given it too
        self._problems(CONTENT, self._give_content(plane, content) if content is not None else [])

    def _problems(self, topic: str, problems: Sequence[Problem]) -> None:
        if problems:
            self._report.once(topic, min(p for p, _ in problems), " ".join(text for _, text in problems), times.now())
        else:
            self._report.over(topic)

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
                marks = marks_of(self._data, uid)
                access = str(offered.get("access") or "")
                fits = marks is not None and marks == (lineage, access or marks.access)
                return not fits and (uid, lineage, access) not in self._none
        return wanted not in known

    def _fetch(self, plane: Plane, uid: str, access: str) -> None:
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
        if not isinstance(part, dict) or member is None or member.state == ABSENT:
            self._none.add((document.uid, document.lineage, access))
        elif self._takes(body):  # before the document: a step needs both
            store_part(self._data, document.uid, part, Marks(document.lineage, access))
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

    def _send_all(self, plane: Plane) -> List[Problem]:
        """Send what the plane has not taken yet; return what it did not take now, as sentences."""
        problems: List[Problem] = []
        for name in exchange.names(self._run):
            if name.startswith(REPORT):
                uid = name[len(REPORT) :]
                body = exchange.get(self._run, name) or {}
                own, leading = self._host_report(uid, body.get("host")), body.get("cluster")
                problems += self._send(f"{uid}/host", own, uid, plane.cluster_host, MAX_HOST_STATE)
                problems += self._send(f"{uid}/cluster", leading, uid, plane.cluster_observed, MAX_OBSERVED)
        folder = os.path.join(self._data, KUBECONFIGS)
        for uid in exchange.names(folder):
            files = exchange.get(folder, uid) or {}
            body = {key: files[key] for key in ("admin", "client") if isinstance(files.get(key), str)}
            problems += self._send(f"{uid}/kubeconfigs", body, uid, plane.cluster_kubeconfigs, 2 * MAX_KUBECONFIG)
        return problems

    def _hand_over(self, plane: Plane, wanted: Mapping[str, Any]) -> List[Problem]:
        """Send the document that an operator adopts, with the secrets that a control plane has of it (P106)."""
        uid = str(wanted.get("uid") or "")
        stored = self._handover.store.get(uid)
        if stored is None or stored.kind != KIND or stored.digest != wanted.get("digest"):
            return [(agent_log.WARNING, f"The plane asks for a document of {uid} that is not on this host.")]
        try:
            sealed = read_part(self._data, uid).sealed
        except InvalidDocument as error:
            return [(agent_log.ERROR, f"The host's part of the cluster {uid} cannot be read: {error.message}")]
        body = {
            "id": str(wanted.get("id") or ""),
            "document": stored.document,
            "version": sealed.version,
            "clusterSecret": sealed.cluster_secret,
            "maskedValues": dict(sealed.masked_values),
        }
        return self._send(f"{uid}/adoption", body, uid, plane.cluster_adoption, MAX_ADOPTION)

    def _give_content(self, plane: Plane, wanted: Mapping[str, Any]) -> List[Problem]:
        """Send content of layers that the plane lacks after an adoption (P108); again while it still asks."""
        now = times.now()
        uid, digests = str(wanted.get("uid") or ""), wanted.get("digests")
        blobs = BlobFolder(os.path.join(self._data, BLOBS))
        for digest in digests if isinstance(digests, list) else []:
            if not isinstance(digest, str) or 0 <= now - self._given.get((uid, digest), -GIVE_AGAIN) < GIVE_AGAIN:
                continue
            self._given[uid, digest] = now
            try:
                if not blobs.has(digest):
                    continue
                with open(blobs.path(digest), "rb") as file:
                    data = file.read(MAX_CONTENT + 1)
            except (ValueError, OSError):
                continue  # the plane shows that it lacks it
            if len(data) > MAX_CONTENT:
                return [(agent_log.WARNING, f"The content {digest[:12]} has more than {MAX_CONTENT} bytes; not sent.")]
            try:
                plane.cluster_content(uid, digest, {"data": base64.b64encode(data).decode("ascii")})
            except PlaneRefusal as error:
                if retryable(error.status):
                    del self._given[uid, digest]
                    raise
                return [(agent_log.WARNING, error.message)]
        return []

    def _host_report(self, uid: str, body: Any) -> Any:
        """Return a host's report with what the reconciler has noted as applied."""
        if not isinstance(body, dict):
            return None
        noted = next((item for item in self._handover.observed.documents() if item.get("uid") == uid), {})
        applied = noted.get("applied")
        digest = applied.get("digest") if isinstance(applied, dict) else ""
        return {**body, "appliedDigest": str(digest or "")}

    def _send(
        self, key: str, body: Any, uid: str, call: Callable[[str, Mapping[str, Any]], None], limit: int
    ) -> List[Problem]:
        """Send a report that the plane has not taken yet; a leader sends its own again before it counts as old.

        What is refused is sent again later: a report of another time, or of a host that has left, may be taken then.
        """
        if not isinstance(body, dict) or not body:
            return []
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        stored = self._handover.store.get(uid)
        lineage = stored.position.lineage if stored is not None else ""  # a restored plane may not have it any more
        digest = hashlib.sha256(f"{lineage}\n{text}".encode()).hexdigest()
        now = times.now()
        if key.endswith("/cluster"):
            digest = f"{digest}/{int(now // REPEAT)}"
        if self._sent.get(key) == digest:
            return []
        if len(text.encode()) > limit:
            return [(agent_log.WARNING, f"The report {key} has more than {limit} bytes; it is not sent.")]
        before = self._refused.get(key)
        if before is not None and before.digest != digest:
            before = None
        if before is not None and 0 <= now - before.at < before.wait:
            return [before.problem]
        try:
            call(uid, body)
        except PlaneRefusal as error:
            if retryable(error.status):
                raise
            if "released" not in body or error.status not in (403, 404):  # there, the plane has confirmed it already
                older = error.code == E_OLDER_LEADER  # another host leads by now: not an error
                problem = (agent_log.INFO if older else agent_log.WARNING, error.message)
                wait = REPEAT if before is None else min(LONGEST, 2 * before.wait)
                self._refused[key] = Refusal(digest, now, problem, wait)
                return [problem]
        self._refused.pop(key, None)
        self._sent[key] = digest
        self._folder.save(SENT, {"sent": self._sent}, durable=False)
        return []


REPEAT = 240.0
"""Seconds after which an unchanged report of the leader is sent again: at the plane one of 600 s counts as unknown.

What was refused is sent again after the same time, later each time up to `LONGEST`."""
LONGEST = 3600.0
