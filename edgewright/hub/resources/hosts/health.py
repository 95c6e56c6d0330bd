"""Health over time: what a heartbeat or its absence changes, and the events that report it (rules P18, P19)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.hosts.hosts import Health
from edgewright.core.times import duration
from edgewright.hub.controllers.membership import SWEEPS
from edgewright.hub.db.beats import ANY_NUMBER
from edgewright.hub.db.events import host_event
from edgewright.hub.db.health import Transition, begin_with, store_transitions
from edgewright.hub.db.hosts import LoadedHost
from edgewright.hub.db.records import HostEntry, HostRecord
from edgewright.hub.process.clock import boottime
from edgewright.hub.resources.hosts.duplicates import Duplicates
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
_SLICE = 250
WRITE_WITHIN = 5.0
"""Seconds that the sweep waits for its events to be durable before it continues."""


def settle(
    hub: Services,
    entry: HostEntry,
    now: float,
    events: list[Transition] | None = None,
    *,
    reports: bool = True,
    forced: bool = False,
) -> bool:
    """Judge a host again; on a change store it with its event, and notify the readers. Returns whether health changed.

    With `events` the change is added there, for the caller to store many at once. Without `reports` another hub stores
    it, since that one has the heartbeat. `forced`: by a heartbeat that counts whatever its number.
    """
    live = entry.live
    verdict = hub.renderer.verdict(entry, now)
    before, after = live.health, verdict.health.value
    if before == after:
        return False
    live.health = after
    uid, project = entry.record.uid, entry.record.project_uid
    hub.state.moved.add(uid)
    silent_since, live.deadline = live.deadline, (verdict.since if after == Health.UNHEALTHY else None)
    document = event_of(hub, entry, before, now, silent_since)
    if (before, after) == (Health.UNHEALTHY.value, Health.HEALTHY.value):
        live.since = now  # a silent host reports "healthy" as before; to the plane it is that since it is back
    if document is not None and events is None and not (reports and hub.intake.admit_state(uid)):
        document = None
    live.published = now
    seq = ANY_NUMBER if forced else live.seq
    transition = Transition(uid, after, live.at, events is not None, project, document, live.boot_id, seq)
    if events is not None:
        events.append(transition)
    elif reports:
        count = 0 if document is None else 1
        _share(hub, [transition], hub.storage.deliver(lambda tx: store_transitions(hub.state, tx, [transition]), count))
    else:
        publish(hub, entry, now)
    return True


def event_of(
    hub: Services, entry: HostEntry, before: str, now: float, silent_since: float | None = None
) -> dict[str, Any] | None:
    """Return the event of a change from a health to the one that is judged now; some changes have none."""
    uid, after = entry.record.uid, entry.live.health
    if after == Health.UNHEALTHY.value:
        return host_event(uid, uid, "Warning", "HostUnhealthy", hub.renderer.verdict(entry, now).reason)
    if after == Health.HEALTHY.value and before == Health.UNHEALTHY.value:
        lasted = f" after {duration(now - silent_since)}" if silent_since else ""
        return host_event(uid, uid, "Info", "HostRecovered", f"{uid} is back{lasted}.")
    if after == Health.HEALTHY.value and entry.live.count <= 1:
        return host_event(uid, uid, "Info", "HostHealthy", f"{uid} reports for the first time and is healthy.")
    return None


def _share(hub: Services, transitions: list[Transition], future: asyncio.Future[Any] | None) -> None:
    """Let readers have hosts whose health changed: by the change log, or at once where that does not have them.

    It does not while the storage fails, nor what another hub stored before.
    """

    def stored(done: asyncio.Future[Any] | None) -> None:
        failed = done is None or done.cancelled() or done.exception() is not None
        logged = set() if failed or done is None else done.result()
        for each in transitions:
            entry = hub.state.hosts.get(each.uid)
            if entry is not None and each.uid not in logged:
                publish(hub, entry, times.now())

    if future is None:
        stored(None)
    else:
        future.add_done_callback(stored)


def publish(hub: Services, entry: HostEntry, now: float) -> None:
    """Notify the readers that a host changed."""
    entry.live.published = now
    hub.state.moved.add(entry.record.uid)
    hub.changes.publish("host", protocol.CHANGE_PUT, entry.record.uid, entry.record.project_uid)


def follow(hub: Services, record: HostRecord) -> None:
    """Take a host's record that became durable: judge it, and let the readers have it (they get it once)."""
    entry = hub.state.put_host(record)
    now = times.now()
    settle(hub, entry, now)
    publish(hub, entry, now)


def follow_other(hub: Services, loaded: LoadedHost) -> None:
    """Take a host that another hub changed: judge it without an event, which that hub has stored."""
    entry = hub.state.put_host(loaded.record)
    live, row, now = entry.live, loaded.beat, times.now()
    if row is not None and row.at is not None and (live.at is None or row.at > live.at):
        live.follow(row)
    _judge_quietly(hub, entry, now)
    publish(hub, entry, now)


def _judge_quietly(hub: Services, entry: HostEntry, now: float) -> None:
    verdict = hub.renderer.verdict(entry, now)
    hub.state.moved.add(entry.record.uid)
    entry.live.health = verdict.health.value
    entry.live.deadline = verdict.since if verdict.health is Health.UNHEALTHY else None


def start_quietly(hub: Services, now: float) -> None:
    """Judge every host after a start without events: a restart of the hub is not an event of the hosts."""
    for entry in hub.state.hosts.values():
        _judge_quietly(hub, entry, now)
    if hub.membership.was_down:  # else what other hubs reported of them stays
        judged = {uid: entry.live.health for uid, entry in hub.state.hosts.items()}
        hub.storage.deliver(lambda tx: begin_with(tx, judged), events=0)


async def sweep(hub: Services) -> None:
    """Look at silent hosts every few seconds until cancelled; storage that fails or stalls does not delay it."""
    while True:
        await asyncio.sleep(hub.options.sweep)
        hub.meter.note(boottime(), hub.writer.beats_written)
        try:
            await judge_hosts(hub)
        except Exception:
            log.exception("the sweep failed and is tried again")


async def judge_hosts(hub: Services) -> None:
    """Judge every host whose silence may have changed it, and store the events of it."""
    hub.look_at_clock()
    if hub.membership.has(SWEEPS):
        hub.alerts.expire(times.now())
    await hub.part(Duplicates).look()
    messages: list[Transition] = []
    for index, entry in enumerate(list(hub.state.hosts.values())):
        if index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        if len(messages) >= _SLICE:
            # Waited for, so that an entire fleet that falls silent at once goes to disk in even steps.
            events, messages = messages, []
            await _stored(hub, events)
        now = times.now()
        live = entry.live
        silence, limit = hub.renderer.silence(entry, now), hub.renderer.host_limit(entry)
        doubtful = (silence >= limit) != (live.health == "unhealthy") or live.health == "unknown"
        if doubtful and settle(hub, entry, now, messages):
            continue
        late = 2 * hub.renderer.host_interval(entry) < silence < limit
        if late != entry.silent_mark:
            entry.silent_mark = late
            publish(hub, entry, now)
    if messages:
        await _stored(hub, messages)


async def _stored(hub: Services, events: list[Transition]) -> None:
    """Write changes, and wait for it for a while; what the storage does not take is written later.

    Of several hubs the one with the task stores what silence changed.
    """
    if not hub.membership.has(SWEEPS):
        _share(hub, events, None)
        return
    future = hub.storage.deliver(lambda tx: store_transitions(hub.state, tx, events), len(events))
    _share(hub, events, future)
    if future is not None:
        await asyncio.wait([future], timeout=WRITE_WITHIN)
