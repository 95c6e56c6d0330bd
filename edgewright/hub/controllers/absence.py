"""What the hub's own absence, or a change of its clock, means for hosts and operations: nothing (rule P42).

A hub that was stopped, swapped out or asleep received nothing, so that time is not silence of the hosts. What waited
for a moment by the clock of day moves with that clock when it is set.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import case

from edgewright.core import times
from edgewright.core.hosts.health import GRACE
from edgewright.core.times import duration
from edgewright.hub.controllers.membership import SWEEPS
from edgewright.hub.db import schema
from edgewright.hub.process.clock import Look
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")


def excuse(hub: Services, seen: Look) -> None:
    """Move what is counted by the clock of day with it, and take the hub's own absence out of every silence.

    A host that was unhealthy by silence before stays so, with the same `since`. The others get the time of the absence
    back; after one in which their requests were lost (`ANSWER_TIMEOUT`) also what an agent waits before it tries again.
    """
    now = times.now()
    credit = seen.absent
    if seen.jump:
        whose = hub.clock.whose
        log.warning("the clock of %s jumped by %.0f s; what is counted by it moved along", whose, seen.jump)
    if seen.absent:
        log.warning(
            "this hub did not run for %s; that time does not count as silence of the hosts", duration(seen.absent)
        )
        if seen.absent >= protocol.ANSWER_TIMEOUT:
            credit += max(GRACE * hub.options.heartbeat, protocol.BACKOFF_CAP)
    hub.renderer.started = min(hub.renderer.started + seen.jump, now)
    hub.state.moved.update(hub.state.hosts)
    for entry in hub.state.hosts.values():
        live = entry.live
        if seen.jump:
            live.clock_offset = None if live.clock_offset is None else live.clock_offset - seen.jump
            live.published = min(live.published + seen.jump, now)
            live.since = None if live.since is None else min(live.since + seen.jump, now)
            live.deadline = None if live.deadline is None else live.deadline + seen.jump
            if live.at is not None:
                live.at = min(live.at + seen.jump, now)
            else:
                live.excused += seen.jump  # it runs from the registration, a time that is stored and stays
        silence = hub.renderer.silence(entry, now)
        if credit and silence - seen.absent < hub.renderer.host_limit(entry):
            live.excused += max(0.0, min(credit, silence))
    others = bool(hub.membership.others)
    jump = seen.jump if hub.membership.has(SWEEPS) or not others else 0.0  # all see it, since they have one clock
    later = jump + (0.0 if others else credit)  # hosts could reach the others meanwhile
    if jump or later:
        hub.storage.deliver(lambda tx: _move_stored(tx, jump, later), events=0)


def settle_future(hub: Services, now: float) -> None:
    """At a start, bring times that a clock ahead of the present left behind back to now.

    Otherwise silence of those hosts, and the deadline of those operations, would begin only on that day.
    """
    hub.state.moved.update(hub.state.hosts)
    for entry in hub.state.hosts.values():
        live, registered = entry.live, entry.record.registered_at
        live.at = None if live.at is None else min(live.at, now)
        live.since = None if live.since is None else min(live.since, now)
        if live.at is None and registered is not None:
            live.excused = min(0.0, now - registered)
    hub.storage.deliver(lambda tx: _deadlines_from(tx, now), events=0)


def _deadlines_from(tx: Tx, now: float) -> None:
    table = schema.operations
    future = (table.c.state == protocol.OP_PENDING, table.c.created > now, table.c.deadline.is_not(None))
    tx.run(table.update().where(*future).values(deadline=table.c.deadline - table.c.created + now))


def _move_stored(tx: Tx, jump: float, seconds: float) -> None:
    """Move the times of heartbeats by the jump of the clock, and the deadlines of pending operations by `seconds`.

    A stored heartbeat that is later than the one in memory would prevent that silence is stored (rule P67).
    """
    if jump:
        at, now = schema.heartbeats.c.at, times.now()
        moved = case((at + jump > now, now), else_=at + jump)
        tx.run(schema.heartbeats.update().where(at.is_not(None)).values(at=moved))
    table = schema.operations
    pending = table.c.state == protocol.OP_PENDING
    tx.run(table.update().where(pending, table.c.deadline.is_not(None)).values(deadline=table.c.deadline + seconds))
