"""Sending what waits on disk: results (P25), intents (P28) and events (P21).

A plane that asks for a pause (429) gets one, for these deliveries only: heartbeats continue, and everything stays on
disk until it is taken. What the plane refuses for good is dropped one by one and reported, never an entire batch
because of one event.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List

from edgewright.agent.kernel import agent_log
from edgewright.agent.kernel.logs import pieces
from edgewright.agent.kernel.operations import Operations
from edgewright.agent.kernel.outbox import Outbox
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.refusals import PlaneRefusal
from edgewright.core import times
from edgewright.wire import protocol

WITH_LINES = (protocol.OP_COLLECT_LOGS, protocol.OP_DISK_USAGE)
PAUSE = 60.0
"""Seconds of a pause that the plane asked for without a number."""


class Delivery:
    """Delivers results, intents and events in this order, oldest first."""

    def __init__(self, operations: Operations, outbox: Outbox, console_log: agent_log.AgentLog) -> None:
        self._operations = operations
        self._outbox = outbox
        self._console_log = console_log
        self._not_before = 0.0

    def send(self, plane: Plane) -> None:
        """Send what waits, unless the plane asked for a pause. Raises as `Plane` does, but not for 429.

        The lines of a result go first (P29); a plane that does not know their operation takes no more of them.
        """
        for record in self._operations.unacknowledged():
            known = True
            if record.get("kind") in WITH_LINES and record.get("state") == protocol.OP_SUCCEEDED:
                for piece in pieces(str(record["id"]), self._operations.lines(record)):
                    known = known and plane.logs(piece)
            plane.result(record["id"], self._operations.result(record))
            self._operations.acknowledge(record["id"])
        if time.monotonic() < self._not_before:
            return
        try:
            self._send_intents(plane)
            self._send_events(plane)
        except PlaneRefusal as error:
            if error.status != 429:
                raise
            self._not_before = time.monotonic() + (error.at_least or PAUSE)
            self._console_log.once(
                "delivery", agent_log.NOTICE, f"{error.message} What waits stays on disk.", times.now()
            )
        else:
            self._console_log.over("delivery")

    def _send_intents(self, plane: Plane) -> None:
        for intent in self._outbox.intents():
            if not plane.intent(intent):
                self._console_log(
                    agent_log.WARNING, f"The plane refused the intent on {intent.get('field')}; it is dropped."
                )
            self._outbox.intent_taken(intent)

    def _send_events(self, plane: Plane) -> None:
        while True:
            batch = self._outbox.events()
            if not batch:
                return
            if not plane.events(batch):
                self._send_singly(plane, batch)
            self._outbox.events_taken(batch)

    def _send_singly(self, plane: Plane, batch: List[Dict[str, Any]]) -> None:
        """Send the events of a refused batch one by one, so that only those are lost that the plane never takes."""
        for event in batch:
            if len(batch) == 1 or not plane.events([event]):
                self._console_log(
                    agent_log.WARNING, f"The plane refused the event {event.get('reason')}; it is dropped."
                )
            self._outbox.events_taken([event])
