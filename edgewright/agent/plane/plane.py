"""The calls of `docs/protocol.md` that an agent makes, one method for each rule; no decision is made here."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from edgewright import __version__
from edgewright.agent.plane.beats import Pulse, ShortForm, read_pulse
from edgewright.agent.plane.blobs import Piece, range_header
from edgewright.agent.plane.client import Client, Reply
from edgewright.agent.plane.refusals import call_refused, registration_refused, retryable, unexpected
from edgewright.core.errors import Refused
from edgewright.core.times import http_date
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters
from edgewright.wire.protocol.generations import Position

Json = Dict[str, Any]


_CREDENTIAL = re.compile(r"[!-~]{1,1024}", re.ASCII)
"""What a header can carry: anything else would be stored and then fail every call from then on."""


class Welcome(NamedTuple):
    """What a registration brought."""

    credential: str
    generation: int
    document: Json


class Plane:
    """One plane, spoken to as the host `uid`."""

    def __init__(self, client: Client, uid: str) -> None:
        self.client = client
        self.uid = uid
        self.credential = ""
        self.date: Optional[float] = None
        self._short = ShortForm()

    @property
    def name(self) -> str:
        """Return how sentences name the plane."""
        return f"The plane at {self.client.endpoint.name}"

    def register(self, document: Mapping[str, Any], project: str = "") -> Welcome:
        """P8. Raises `PlaneRefusal` when the plane refuses."""
        reply = self._send("POST", protocol.HOST_REGISTER, document)
        if reply.status not in (200, 201):
            raise registration_refused(reply, self.uid, self.name, project)
        body = reply.json()
        status = body.get("status")
        status = status if isinstance(status, dict) else {}
        credential = status.get("serviceAuthToken")
        extension = status.get(protocol.EXTENSION)
        if not isinstance(credential, str) or not _CREDENTIAL.fullmatch(credential):
            raise unexpected(reply, "the registration", self.name)
        generation = extension.get("generation") if isinstance(extension, dict) else None
        return Welcome(credential, generation if isinstance(generation, int) else 0, body)

    def heartbeat(self, body: Mapping[str, Any]) -> Pulse:
        """P17; in the short form (P75) where only vital signs changed. Raises `CredentialLost` or `PlaneRefusal`."""
        line = self._short.line(body)
        if line is not None:
            reply = self.client.lean(protocol.HEARTBEAT_SHORT, line, self.credential)
            if reply.status == 204:
                return self._short.pulse(body, reply.headers)
            self._short.refused(reply.status)
        reply = self._own("PATCH", protocol.HOST_HEALTH, "the heartbeat", body)
        pulse = read_pulse(reply.headers, self.date)
        self._short.full_accepted(body, pulse)
        return pulse

    def facts(self, document: Mapping[str, Any]) -> None:
        """P20."""
        self._own("PUT", protocol.HOST, "the facts", document)

    def config(self, known: Position) -> Optional[Json]:
        """P22. Return the desired state, `None` when it is still the one at the position `known`."""
        headers = {"If-None-Match": f'"{known.tag}"'} if known.generation > 0 else {}
        reply = self._own("GET", protocol.HOST_CONFIG, "the desired state", None, headers)
        return None if reply.status == 304 else reply.json()

    def blob(self, digest: str, first: int, last: int) -> Piece:
        """P80. Return bytes `first` to `last` of a blob as the plane answered. Raises `CredentialLost`."""
        sent = {protocol.H_AUTHORIZATION: self.credential, **range_header(first, last)}
        reply = self._send("GET", protocol.path(protocol.BLOB, digest=digest), None, sent)
        if reply.status == 401:
            raise call_refused(reply, "the request for a blob", self.uid, self.name)
        return Piece(reply.status, reply.headers.get("content-range", ""), reply.body)

    def cluster(self, uid: str) -> Json:
        """P100. Return the document of a cluster with this host's part of it."""
        return self._own("GET", clusters.DESIRED, "the document of the cluster", uid=uid).json()

    def cluster_host(self, uid: str, body: Mapping[str, Any]) -> None:
        """P102. Raises `PlaneRefusal`."""
        self._own("PUT", clusters.HOST_STATE, "the host's report", body, uid=uid)

    def cluster_observed(self, uid: str, body: Mapping[str, Any]) -> None:
        """P103. Raises `PlaneRefusal`, with the code `OlderLeader` for an older leader."""
        self._own("PUT", clusters.OBSERVED, "the cluster's report", body, uid=uid)

    def cluster_kubeconfigs(self, uid: str, body: Mapping[str, Any]) -> None:
        """P104. Raises `PlaneRefusal`."""
        self._own("PUT", clusters.KUBECONFIGS, "the kubeconfigs", body, uid=uid)

    def cluster_adoption(self, uid: str, body: Mapping[str, Any]) -> None:
        """P106. Raises `PlaneRefusal`."""
        self._own("PUT", clusters.ADOPTION, "the adoption of the cluster", body, uid=uid)

    def cluster_content(self, uid: str, digest: str, body: Mapping[str, Any]) -> None:
        """P108. Raises `PlaneRefusal`."""
        self._own("PUT", clusters.CONTENT, "content of the cluster", body, uid=uid, digest=digest)

    def result(self, operation: str, body: Mapping[str, Any]) -> bool:
        """P25. Return whether the plane took it; it never will otherwise, and nothing more is to be sent."""
        template = protocol.OPERATION_RESULT
        reply = self._own("POST", template, "the result of an operation", body, final=True, operationId=operation)
        return reply.status < 300

    def logs(self, body: Mapping[str, Any]) -> bool:
        """P29. Return whether the plane took the lines; it does not know the operation otherwise."""
        return self._own("POST", protocol.LOGS, "log lines", body, final=True).status < 300

    def intent(self, body: Mapping[str, Any]) -> bool:
        """P28. Return whether the plane stored it."""
        return self._own("POST", protocol.INTENTS, "an intent", body, final=True).status < 300

    def events(self, events: List[Json]) -> bool:
        """P21. Return whether the plane stored them."""
        return self._own("POST", protocol.EVENTS_BULK, "events", events, final=True).status < 300

    def tunnel_status(self, state: str, message: str) -> None:
        """P30."""
        body = {"ssh": {"state": state, "message": message}}
        self._own("PATCH", protocol.HOST_TUNNEL_STATUS, "the state of the tunnel", body, final=True)

    def _own(
        self,
        method: str,
        template: str,
        what: str,
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        final: bool = False,
        **names: str,
    ) -> Reply:
        """Send a call with the host's credential; raises when the plane refuses it.

        With `final` a refusal that P4 calls final is given back instead: the same request would be refused for ever.
        """
        path = protocol.path(template, **{"uid": self.uid, **names})
        sent = {protocol.H_AUTHORIZATION: self.credential, **(headers or {})}
        reply = self._send(method, path, body, sent)
        if reply.status < 300 or reply.status == 304:
            if reply.body and not reply.is_json:
                raise unexpected(reply, what, self.name)  # a gateway's page with status 200 is not an acknowledgement
            return reply
        if final and 400 <= reply.status < 500 and reply.status != 401 and not retryable(reply.status):
            return reply
        refusal: Refused = call_refused(reply, what, self.uid, self.name)
        raise refusal

    def _send(self, method: str, path: str, body: Any = None, headers: Optional[Mapping[str, str]] = None) -> Reply:
        sent = {protocol.H_AGENT: __version__, "Accept": "application/json", **(headers or {})}
        reply = self.client.call(method, path, body, sent)
        self.date = http_date(reply.headers.get("date"))
        return reply
