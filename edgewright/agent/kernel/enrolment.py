"""Who this host is, on disk: its UID, its registration id and its credential.

The UID is stored from the first start on, so that `$random` stays and a changed serial number makes no second host. The
 registration id is durable before the first try (P9), the credential before its first use (P10).
"""

from __future__ import annotations

import secrets
from typing import Any, Callable, Dict, List, Mapping, Sequence

from edgewright.agent.kernel.settings import Settings, find_identity
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.client import parse_endpoint
from edgewright.core import times
from edgewright.wire import protocol

IDENTITY = "identity"
REGISTRATION = "registration"


class Enrolment:
    """The host's identity and its relation to the plane."""

    def __init__(self, folder: StateFolder, settings: Settings, log: Callable[[int, str], None]) -> None:
        self._folder = folder
        body = folder.load(IDENTITY) or {}
        self.uid = _text(body, "uid")
        self.how = _text(body, "how")
        if not self.uid:
            identity = find_identity(settings)
            for warning in identity.warnings:
                log(4, warning)
            self.uid, self.how = identity.uid, identity.how
            folder.save(IDENTITY, {"uid": identity.uid, "how": identity.how, "since": times.rfc3339(times.now())})
        elif settings.site.name not in ("", "$random"):
            fresh = find_identity(settings).uid
            if fresh != self.uid:
                log(4, f"The user-data names this host {fresh}, but it is known as {self.uid} since its first start; "
                    "the first UID is used. Remove identity.json* and registration.json* to begin again.")  # fmt: skip
        body = folder.load(REGISTRATION) or {}
        self.registration_id = _text(body, "registrationId")
        self.credential = _text(body, "credential")
        self.endpoint = _text(body, "endpoint")
        self.plane = _text(body, "plane")
        """The identity of the plane that gave the credential; empty when only its address is known."""
        self.registered_at = _text(body, "registeredAt")
        stored = body.get("elsewhere")
        self._elsewhere: Dict[str, str] = (
            {name: text for name, text in stored.items() if isinstance(text, str)} if isinstance(stored, dict) else {}
        )

    @property
    def registered(self) -> bool:
        """Whether this host has a credential."""
        return bool(self.credential)

    @property
    def unused(self) -> bool:
        """Whether this identity was never sent to a plane."""
        return not (self.credential or self.registration_id or self._elsewhere)

    def go_to(self, endpoints: Sequence[str], plane: str = "") -> bool:
        """Load the state with the plane at `endpoints`; return whether it is another one than before.

        A plane is the same when one of its addresses is (`host:port`), or when it has the same identity `plane`, which
        is that of its CA: a second hub behind another name is the same plane. A credential is sent to the plane that
        gave it and to no other (P10); on the way back it is there again. The registration id stays, so that the same
        plane under a new name knows the host. State of v0.1.0 has no identity; it is added with the next address.
        """
        before, places = _places(self.endpoint), [_place(endpoint) for endpoint in endpoints]
        if not before:
            self.plane = plane
            return False
        if any(place in before for place in places) or (plane and plane == self.plane):
            if (self.endpoint, self.plane) != (",".join(endpoints), plane):
                self.endpoint, self.plane = ",".join(endpoints), plane
                self._save()
            return False
        if self.credential:
            for name in (self.plane, *before):
                if name:
                    self._elsewhere[name] = self.credential
        known = [name for name in (plane, *places) if name and name in self._elsewhere]
        self.credential = self._elsewhere[known[0]] if known else ""
        for name in [name for name, text in self._elsewhere.items() if text == self.credential]:
            del self._elsewhere[name]
        self.endpoint, self.plane = ",".join(endpoints), plane
        self._save()
        return True

    def prepare(self, endpoint: str) -> str:
        """Return the registration id, made durable before it is first used."""
        if not self.registration_id:
            self.registration_id = secrets.token_hex(protocol.REGISTRATION_ID_LENGTH // 2)
        self.endpoint = endpoint
        self._save()
        return self.registration_id

    def accept(self, credential: str) -> None:
        """Store the credential that a registration brought."""
        self.credential = credential
        self.registered_at = times.rfc3339(times.now())
        self._save()

    def lose(self, deleted: bool) -> None:
        """Forget the credential; after the plane deleted the host also the registration id (P16)."""
        self.credential = ""
        if deleted:
            self.registration_id = ""
        self._save()

    def _save(self) -> None:
        body: Dict[str, Any] = {"registrationId": self.registration_id, "credential": self.credential}
        body.update(endpoint=self.endpoint, registeredAt=self.registered_at, uid=self.uid, elsewhere=self._elsewhere)
        body.update(plane=self.plane)
        self._folder.save(REGISTRATION, body)


def _places(endpoints: str) -> List[str]:
    return [_place(endpoint.strip()) for endpoint in endpoints.split(",") if endpoint.strip()]


def _place(endpoint: str) -> str:
    """Return `host:port`, which distinguishes planes; empty when nothing is known. Raises `InvalidInput`."""
    return parse_endpoint(endpoint).name if endpoint else ""


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""
