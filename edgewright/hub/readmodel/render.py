"""Documents as clients see them, made from records and the live part of a host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.hosts.condition import Facts, Rejection, condition_document, evaluate, rejection_document
from edgewright.core.hosts.health import Reported, Verdict, judge, with_rejection
from edgewright.core.hosts.hosts import Health
from edgewright.core.hosts.link_spec import BEATS_OF_SILENCE, own_limit
from edgewright.core.hosts.states import STATES
from edgewright.core.roles import lower
from edgewright.hub.db.records import HostEntry, KeyRecord, ProjectRecord
from edgewright.hub.readmodel.state import State
from edgewright.hub.security.secretbox import SecretBox

_HOST_SECRETS = ("hostAuthToken", "hostPairingKey")


class Renderer:
    """Makes documents; knows the settings that a judgement needs."""

    def __init__(self, state: State, box: SecretBox, started: float, silence_limit: float, interval: float) -> None:
        self.state = state
        self._box = box
        self.started = started
        self.silence_limit = silence_limit
        self.interval = interval
        self.token_name: Callable[[str | None], str | None] = lambda uid: None
        """Returns the name of a registration token by its uid; set by the resource of the tokens."""
        self.rejection: Callable[[str], Rejection | None] = lambda uid: None
        """Returns the rejections of the machine that registers with a UID; set by the resource of the hosts."""
        self.cluster: Callable[[HostEntry], dict[str, Any] | None] = lambda entry: None
        """Returns the cluster of a host with its role and what is wrong; set by the resource of the clusters."""

    def host_interval(self, entry: HostEntry) -> float:
        """Return the seconds between a host's heartbeats: what is set for its link, else the plane's (rule P78)."""
        own = entry.live.vitals.get("interval")
        return self.interval if own is None else float(own)

    def host_limit(self, entry: HostEntry) -> float:
        """Return the seconds of silence after which a host is unhealthy; with its own, three heartbeats at least."""
        vitals = entry.live.vitals
        if not own_limit(vitals):
            return self.silence_limit
        limit = vitals.get("silenceLimit")
        return max(self.silence_limit if limit is None else float(limit), BEATS_OF_SILENCE * self.host_interval(entry))

    def verdict(self, entry: HostEntry, now: float) -> Verdict:
        """Judge a host at `now`."""
        live, record = entry.live, entry.record
        reported = None
        if live.state:
            reported = Reported(live.state == "healthy", live.message, live.since)
        doubt = live.duplicate
        if doubt is not None and now < doubt.until and (reported is None or reported.healthy):
            # Whose state this is cannot be known, so it is not shown as healthy (rule P39).
            reported = Reported(False, doubt.message, doubt.since)
        verdict = judge(
            now,
            self.started,
            live.at,
            record.registered_at is not None,
            reported,
            self.host_limit(entry),
            self.host_interval(entry),
            name=entry.record.uid,
            created=record.created,
            registered_at=record.registered_at,
            excused=live.excused,
        )
        return with_rejection(verdict, self.rejection(record.uid), live.at)

    def silence(self, entry: HostEntry, now: float) -> float:
        """Return the seconds of silence of a host that count (rules P18, P42); 0 for one that never registered."""
        received = entry.live.at if entry.live.at is not None else entry.record.registered_at
        return 0.0 if received is None else now - max(received, self.started) - entry.live.excused

    def meta(self, stored: dict[str, Any], uid: str, name: str, created: float, modified: float) -> dict[str, Any]:
        """Return a metadata block: what is stored, with the plane's own properties over it."""
        return {
            **stored,
            "uid": uid,
            "name": name,
            "labels": stored.get("labels") or {},
            "annotations": stored.get("annotations") or {},
            "creationTimestamp": times.rfc3339(created),
            "lastModifiedTimestamp": times.rfc3339(modified),
        }

    def host(self, entry: HostEntry, now: float | None = None) -> dict[str, Any]:
        """Return the complete document of a host, without secrets."""
        moment = times.now() if now is None else now
        record, live = entry.record, entry.live
        document = entry.document()
        verdict = self.verdict(entry, moment)
        modified = max(record.modified, verdict.since or 0.0)
        stored = document.get("metadata") or {}
        document["metadata"] = self.meta(stored, record.uid, stored.get("name") or record.uid, record.created, modified)
        document["aclmeta"] = {"ownerUid": "", "projectUid": record.project_uid, "tenantUid": self.state.tenant_uid}
        spec = document.setdefault("spec", {})
        spec.setdefault("device", {})
        host = spec.setdefault("host", {})
        for secret in _HOST_SECRETS:
            host.pop(secret, None)
        host.setdefault("hostUid", record.uid)
        host.setdefault("hostAddress", record.address)
        if live.vitals:
            spec["edgewright"] = {**(spec.get("edgewright") or {}), **live.vitals}
        status = document.setdefault("status", {})
        status["state"] = record.state
        status["health"] = self._health(entry, verdict)
        status.setdefault("inUseClusters", [])
        status.setdefault("inUseClustersRef", [])
        status.setdefault("packs", [])
        judgement = status["edgewright"] = self._judgement(entry, verdict, moment)
        if live.progress is not None:
            judgement["progress"] = live.progress
        judgement["cluster"] = self.cluster(entry)
        documents = (spec.get("edgewright") or {}).get("documents")
        if documents:
            judgement["documents"] = documents
        return document

    def _health(self, entry: HostEntry, verdict: Verdict) -> dict[str, Any]:
        health: dict[str, Any] = {}
        if verdict.health is not Health.UNKNOWN:
            health["state"] = verdict.health.value
        health["message"] = verdict.reason
        if entry.live.agent_version:
            health["agentVersion"] = entry.live.agent_version
        return health

    def _judgement(self, entry: HostEntry, verdict: Verdict, now: float) -> dict[str, Any]:
        record, live = entry.record, entry.live
        return {
            "healthState": verdict.health.value,
            "lifeState": verdict.state,
            "owner": STATES[verdict.state].owner,
            "overdue": verdict.deadline is not None and now >= verdict.deadline,
            "reason": verdict.reason,
            "since": _when(verdict.since),
            "deadline": _when(verdict.deadline),
            "who": verdict.who,
            "nextCheck": _when(verdict.next_check),
            "lastHeartbeat": _when(live.at),
            "registeredAt": _when(record.registered_at),
            "tokenUid": record.token_uid,
            "tokenName": self.token_name(record.token_uid),
            "address": record.address,
            "generation": record.generation,
            "observedGeneration": live.observed_generation,
            "heartbeats": live.count,
            "silenceLimit": self.host_limit(entry),
            "interval": self.host_interval(entry),
        }

    def detail(self, entry: HostEntry, now: float | None = None) -> dict[str, Any]:
        """Return the document of one host with the condition of its state: evidence, cause and legal verbs."""
        moment = times.now() if now is None else now
        document = self.host(entry, moment)
        verdict = self.verdict(entry, moment)
        facts = Facts(
            name=entry.record.uid,
            state=verdict.state,
            since=verdict.since,
            created=entry.record.created,
            registered=entry.record.registered_at,
            last_heartbeat=entry.live.at,
            silence_deadline=verdict.deadline,
            silence_limit=self.host_limit(entry),
            interval=self.host_interval(entry),
            message=verdict.reason,
            rejection=self.rejection(entry.record.uid),
        )
        if facts.rejection is not None:
            document["status"]["edgewright"]["rejection"] = rejection_document(facts.rejection)
        document["status"]["edgewright"]["condition"] = condition_document(evaluate(facts, moment))
        return document

    def summary(self, entry: HostEntry, now: float) -> dict[str, Any]:
        """Return the document of a host as the dashboard lists it (`v1EdgeHostsMetadata` and our extensions)."""
        document = self.host(entry, now)
        project = self.state.projects.get(entry.record.project_uid)
        spec = document["spec"]
        spec["projectMeta"] = {"uid": entry.record.project_uid, "name": project.name if project else ""}
        spec.setdefault("type", "edge-native")
        return document

    def project(self, record: ProjectRecord) -> dict[str, Any]:
        """Return a project (`v1Project`)."""
        document: dict[str, Any] = msgspec.json.decode(record.doc)
        stored = document.get("metadata") or {}
        document["metadata"] = self.meta(stored, record.uid, record.name, record.created, record.modified)
        document.setdefault("spec", {})
        document.setdefault("status", {"isDisabled": False})
        return document

    def key(self, record: KeyRecord) -> dict[str, Any]:
        """Return an API key (`v1ApiKey`) without its text."""
        document: dict[str, Any] = msgspec.json.decode(record.doc)
        stored = document.get("metadata") or {}
        user, highest = self.state.users.get(record.user_uid), self.state.grants(record.user_uid).highest
        document["metadata"] = self.meta(stored, record.uid, record.name, record.created, record.modified)
        document["spec"] = {
            **(document.get("spec") or {}),
            "key": "",
            "expiry": times.rfc3339(record.expiry),
            "user": {
                "uid": record.user_uid,
                "firstName": user.first_name if user else "",
                "lastName": user.last_name if user else "",
            },
            "edgewright": {"role": lower(highest, record.role) if highest else record.role, "limit": record.role},
        }
        document["status"] = {"isActive": record.active}
        return document


def _when(moment: float | None) -> str | None:
    return None if moment is None else times.rfc3339(moment)
