"""How much a host may send: a rate of requests and of events for each, and when pruning cannot wait for its hour."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from edgewright.hub.db.events import host_event, store_event
from edgewright.hub.http.problems import Problem
from edgewright.hub.http.rates import Rates
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.services import Services

BURST = 600
"""Events that a host may send at once: a complete backlog of an agent (P21) fits."""
REQUEST_BURST, REQUESTS_PER_MINUTE = 1_000, 300.0
"""Requests of one host that may change something, heartbeats aside; an agent makes a few a minute."""
_STATE_BURST, _STATE_PER_MINUTE = 60, 6.0
"""Events of the hub about a host whose heartbeats change between healthy and unhealthy."""
_REPORT_PER_MINUTE = 1 / 60
"""How often the hub reports that a host sends too many events."""


class Intake:
    """Admits requests and events; used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._events = Rates(hub.options.event_rate, BURST)
        self._requests = Rates(REQUESTS_PER_MINUTE, REQUEST_BURST)
        self._states = Rates(_STATE_PER_MINUTE, _STATE_BURST)
        self._reports = Rates(_REPORT_PER_MINUTE, 1)
        self._stored = 0
        self.crowded = asyncio.Event()
        """Set when so many events were stored that the total may be over its limit."""

    def admit_request(self, uid: str) -> None:
        """Count one request of a host that may change something; raises 429 for too many."""
        wait = self._requests.take(uid)
        if wait:
            raise Problem(
                429,
                protocol.E_TOO_MANY,
                f"The edge host '{uid}' sends more than {REQUESTS_PER_MINUTE:g} requests a minute; "
                f"wait {math.ceil(wait)} s.",
                {"Retry-After": str(math.ceil(wait))},
            )

    def admit(self, uid: str, count: int) -> None:
        """Take `count` events of a host; raises 429 with nothing taken when it sends too many."""
        wait = self._events.take(uid, count)
        if not wait:
            return
        rate = self._hub.options.event_rate
        self._report(uid, f"Edge host '{uid}' sends more than {rate:g} events a minute; further ones are refused.")
        raise Problem(
            429,
            protocol.E_TOO_MANY,
            f"The edge host '{uid}' sends more than {rate:g} events a minute; wait {math.ceil(wait)} s. "
            "Nothing of this request was stored.",
            {"Retry-After": str(math.ceil(wait))},
        )

    def admit_state(self, uid: str) -> bool:
        """Return whether a change of health that a host's own heartbeat made may become an event."""
        return self._states.take(uid) == 0.0

    def stored(self, count: int = 1) -> None:
        """Count events that became durable."""
        self._stored += count
        if self._stored >= max(500, self._hub.options.max_events // 20):
            self._stored = 0
            self.crowded.set()

    def _report(self, uid: str, message: str) -> None:
        hub = self._hub
        entry = hub.state.hosts.get(uid)
        if self._reports.take(uid) == 0.0 and entry is not None:
            event, project = host_event(uid, uid, "Warning", "EventsRefused", message), entry.record.project_uid
            hub.storage.deliver(lambda tx: store_event(hub.state, tx, event, project))
