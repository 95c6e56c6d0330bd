"""What waits on disk until the plane takes it: events of this host (P21) and intents of the site (P28)."""

from __future__ import annotations

import secrets
from typing import Any, Dict, List, Optional

from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.core.text import clean
from edgewright.wire import protocol
from edgewright.wire.palette.events import KIND_HOST, event_body

NAME = "outbox"
MAX_EVENTS = 500
"""Events stored that are not acknowledged (P21)."""
MAX_BATCH = 100
"""Events in one request (P21)."""
MAX_INTENTS = 1000

Json = Dict[str, Any]


class Outbox:
    """Events and intents, oldest first; every change is durable before the method returns (or reported as an error)."""

    def __init__(self, folder: StateFolder, uid: str, host_name: str = "") -> None:
        self._folder = folder
        self._uid = uid
        self._host_name = host_name or uid
        body = folder.load(NAME) or {}
        self._events: List[Json] = _objects(body.get("events"))
        self._intents: List[Json] = _objects(body.get("intents"))
        self._dropped: int = body["dropped"] if isinstance(body.get("dropped"), int) else 0

    def event(self, reason: str, message: str, severity: str = "", at: Optional[float] = None) -> None:
        """Queue one event of this host; `reason` is one CamelCase word, `severity` is Info, Warning or Critical.

        Without a severity it is that of its reason.
        """
        self._events.append(self._made(reason, message, severity, at))
        excess = len(self._events) - MAX_EVENTS
        if excess > 0:
            del self._events[:excess]
            self._dropped += excess
        self._save()

    def offer(self, field: str, value: object, base_generation: int, base_value: object, actor: str, note: str) -> str:
        """Store one intent: what was changed here while the plane was unreachable; return its id."""
        intent = {"id": secrets.token_hex(12), "field": field, "value": value, "actor": clean(actor, 120)}
        intent.update(base={"generation": base_generation, "value": base_value}, note=clean(note, 500))
        intent["at"] = times.rfc3339(times.now())
        self._intents.append(intent)
        del self._intents[:-MAX_INTENTS]
        self._save()
        return str(intent["id"])

    def events(self) -> List[Json]:
        """Return the next batch of events to send."""
        batch = list(self._events[:MAX_BATCH])
        if self._dropped and len(batch) < MAX_BATCH:
            message = f"{self._dropped} older events of this host were dropped while the plane could not be reached."
            self._events.append(self._made("EventsDropped", message, "Warning", None))
            self._dropped = 0
            self._save()
            batch = list(self._events[:MAX_BATCH])
        return batch

    def events_taken(self, batch: List[Json]) -> None:
        """Forget events that the plane has taken."""
        taken = {event["metadata"]["uid"] for event in batch}
        self._events = [event for event in self._events if event["metadata"]["uid"] not in taken]
        self._save()

    def intents(self) -> List[Json]:
        """Return the intents that the plane has not taken."""
        return list(self._intents)

    def intent_taken(self, intent: Json) -> None:
        """Forget an intent that the plane has stored."""
        self._intents = [stored for stored in self._intents if stored["id"] != intent["id"]]
        self._save()

    def _made(self, reason: str, message: str, severity: str, at: Optional[float]) -> Json:
        return event_body(
            uid=secrets.token_hex(protocol.UID_LENGTH // 2),
            at=times.now() if at is None else at,
            kind=KIND_HOST,
            object_uid=self._uid,
            object_name=self._host_name,
            reason=reason,
            message=clean(message, protocol.MAX_MESSAGE),
            severity=severity,
            component="edgewright-agent",
        )

    def _save(self) -> None:
        self._folder.save(NAME, {"events": self._events, "intents": self._intents, "dropped": self._dropped})


def _objects(value: object) -> List[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
