"""The alerting of one hub: looks at the fleet, queues messages, runs the couriers (rule P58)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.problems import Problem
from edgewright.hub.controllers.membership import ALERTS
from edgewright.hub.db import schema
from edgewright.hub.db.shared.lease import LeaseLost
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.clock import boottime
from edgewright.hub.resources.alerts import evaluate, stored
from edgewright.hub.resources.alerts.certificates import OwnCertificates
from edgewright.hub.resources.alerts.courier import Courier, alert_uid
from edgewright.hub.resources.alerts.handling import Handling
from edgewright.hub.resources.alerts.incidents import Incident, Incidents, ReceiverView, Rhythm, Step
from edgewright.hub.resources.alerts.message import document
from edgewright.hub.resources.alerts.receivers import Receiver, note
from edgewright.hub.security.secretbox import new_uid

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
PLANE_SETTLED = 60.0
"""Seconds after the start in which the hub's own trouble shows itself again."""
SHARE = 10
"""A look takes a tenth of the time at most: a large fleet with many problems is looked at more rarely."""
EVERY = 5.0
"""Seconds between two looks at the fleet at most; never more often than the hub judges silent hosts."""


class Alerting:
    """Receivers, incidents and handling over time. Used on the event loop only."""

    def __init__(self, hub: Services, receivers: list[Receiver], incidents: list[Incident]) -> None:
        options = hub.options
        self._hub = hub
        self.receivers = {receiver.uid: receiver for receiver in receivers}
        settle = options.heartbeat + 2 * min(EVERY, options.sweep)
        self.rhythm = Rhythm(wait=min(10.0, options.heartbeat), settle=settle, most=3 * settle)
        self.incidents = Incidents(incidents, self.rhythm)
        self._couriers: dict[str, Courier] = {}
        self.delivers = False
        """Whether this process delivers; it knows the receivers in any case."""
        self._settled = max(options.silence_limit + 3 * options.heartbeat, 10 * options.sweep)
        """Seconds after the start until what is absent counts as over, without a heartbeat."""
        self.seen: dict[str, dict[str, Problem]] = {}
        """The problems of the last look, by scope and key."""

    def start(self) -> None:
        """Begin to deliver what waits."""
        self.delivers = True
        for receiver in self.receivers.values():
            self._couriers[receiver.uid] = Courier(self._hub, receiver)

    async def begin(self) -> None:
        """Take the task from the hub that had it: read what receivers know of, then deliver what waits."""
        known = await self._hub.read(stored.load_incidents)
        self.incidents = Incidents(known, self.rhythm)
        self.start()

    def stop(self) -> None:
        """End every delivery."""
        self.delivers = False
        for courier in self._couriers.values():
            courier.stop()
        self._couriers.clear()

    def put(self, receiver: Receiver) -> None:
        """Take a receiver that became durable; its courier looks at the queue when its settings changed."""
        before = self.receivers.get(receiver.uid)
        self.receivers[receiver.uid] = receiver
        courier = self._couriers.get(receiver.uid)
        if courier is None:
            if self.delivers:
                self._couriers[receiver.uid] = Courier(self._hub, receiver)
        elif before is None or receiver.settings != before.settings:
            courier.poke(receiver)
        else:
            courier.receiver = receiver

    def drop(self, uid: str) -> None:
        """Forget a receiver that was deleted."""
        self.receivers.pop(uid, None)
        courier = self._couriers.pop(uid, None)
        if courier is not None:
            courier.stop()
        self._hub.alerts.drop(alert_uid(uid))

    def poke(self, uid: str, *, healthy: bool = False) -> None:
        """Let a receiver's courier look at its queue; `healthy`: the receiver has just taken a test message."""
        courier = self._couriers.get(uid)
        if courier is not None:
            courier.poke()
            if healthy:
                courier.healthy()

    async def look(self) -> None:
        """Look at the fleet once: age the handling records, and queue what is to be sent."""
        hub, now = self._hub, times.now()
        scopes = {receiver.project_uid for receiver in self.receivers.values() if receiver.active}
        scopes |= {incident.scope for incident in self.incidents.known.values()}
        if hub.part(Handling).records:
            scopes |= {""} | {record.project_uid for record in hub.part(Handling).records.values()}
        if not scopes:
            return
        result = await evaluate.look(hub, sorted(scopes), now)
        self.seen = {scope: findings.problems for scope, findings in result.items()}
        await self._age_handling()
        for findings in result.values():
            await self._step(findings, now)

    async def _age_handling(self) -> None:
        """End acknowledgements of what has ended; right after a start nothing counts as gone."""
        hub = self._hub
        if not hub.part(Handling).records or boottime_since(hub) < self._settled:
            return
        hub.look_at_clock()
        if not hub.clock.may_delete:
            return
        now = times.now()  # only now: the look began by a clock that may have been put right meanwhile
        keys = {key for problems in self.seen.values() for key in problems}
        changes = list(self._hub.part(Handling).outdated(keys.__contains__, now))

        def job(tx: Tx) -> None:
            hub.membership.fence(tx, ALERTS)
            for before, after in changes:
                current = self._hub.part(Handling).stored(tx, before.key)
                if current == before:  # it was not changed meanwhile
                    self._hub.part(Handling).store(tx, before, after)

        if changes:
            await self._hub.write(job)

    async def _step(self, findings: evaluate.Findings, now: float) -> None:
        scope, handling = findings.scope, self._hub.part(Handling)
        views = [
            ReceiverView(receiver.uid, receiver.project_uid, float(receiver.config.get("repeat", 0.0)), receiver.active)
            for receiver in self.receivers.values()
        ]

        def silenced(key: str) -> bool:
            record = handling.get(key)
            return record is not None and record.silenced(now)

        def acknowledged(key: str) -> bool:
            record = handling.get(key)
            return record is not None and bool(record.acknowledged_by)

        def calm(problem: Problem) -> bool:
            if problem.kind not in ("silent", "link"):
                return True
            entry = next((e for uid in problem.uids if (e := self._hub.state.hosts.get(uid)) is not None), None)
            site = "" if entry is None else entry.facts.site or ""
            return not findings.late_near(problem, site) and self.incidents.calm(scope, site, now)

        self.incidents.watch(scope, findings.silent, now)
        step = self.incidents.step(
            scope, findings.problems, views, now,
            calm=calm, over=self._over, gateway=findings.gateway, silenced=silenced, acknowledged=acknowledged,
        )  # fmt: skip
        if not step.empty:
            await self._store(step, now)

    def _over(self, incident: Incident) -> bool:
        """Whether an absent problem has ended: its hosts responded or were deleted since, not only judged mildly.

        After a start of the hub silence counts from then on (rule P18), and alerts come back with their cause.
        """
        hosts = [entry for uid in incident.uids if (entry := self._hub.state.hosts.get(uid)) is not None]
        since = incident.seen if incident.silence else self._hub.started
        responded = all(entry.live.at is not None and entry.live.at >= since for entry in hosts)
        uptime = boottime_since(self._hub)
        if incident.silence:
            return responded
        if incident.key.startswith("alert/plane/"):
            return uptime >= min(PLANE_SETTLED, self._settled)
        if incident.key.startswith("alert/"):
            return uptime >= self._settled
        return not incident.uids or responded or uptime >= self._settled

    async def _store(self, step: Step, now: float) -> None:
        """Store a step and its messages in one transaction, then let the couriers look."""
        hub = self._hub
        made: list[tuple[str, str, str, str, dict[str, Any]]] = []
        for message in step.messages:
            uid = new_uid()
            receiver = self.receivers[message.receiver]
            project = hub.state.projects.get(receiver.project_uid)
            named = (receiver.project_uid, project.name if project else "")
            doc = document(message, uid, named, hub.part(Handling).get(message.incident.key), now)
            made.append((message.receiver, uid, message.incident.key, message.event, doc))

        def job(tx: Tx) -> None:
            hub.membership.fence(tx, ALERTS)
            for incident in step.store:
                stored.store_incident(tx, incident)
            for incident in step.delete:
                stored.delete_incident(tx, incident)
            dropped: dict[str, int] = {}
            for receiver_uid, uid, key, event, doc in made:
                lost = stored.add_message(tx, receiver_uid, uid, key, event, doc)
                dropped[receiver_uid] = dropped.get(receiver_uid, 0) + lost
            for receiver_uid, count in dropped.items():
                if count and note(tx, receiver_uid, dropped=schema.alert_receivers.c.dropped + count):
                    tx.after(partial(self._dropped, receiver_uid, count))
            tx.after(lambda: self.incidents.take(step))

        await hub.write(job)
        for uid in {message.receiver for message in step.messages}:
            self.poke(uid)

    def _dropped(self, uid: str, count: int) -> None:
        receiver = self.receivers.get(uid)
        if receiver is not None:
            log.error("%d alerts for %s are dropped: too many wait", count, receiver.name)


def boottime_since(hub: Services) -> float:
    """Return the seconds since the hub started, whatever became of its clock."""
    return float(hub.clock.elapsed())


async def run(hub: Services) -> None:
    """Look at the fleet every few seconds until cancelled, while this process has the task."""
    alerting, took = hub.part(Alerting), 0.0
    if not hub.membership.shared:
        alerting.start()
    try:
        while True:
            await asyncio.sleep(max(min(EVERY, hub.options.sweep), SHARE * took))
            began = boottime()
            try:
                await hub.part(OwnCertificates).look(hub.data)
                if not hub.membership.has(ALERTS):
                    if alerting.delivers:
                        alerting.stop()
                    continue
                if not alerting.delivers:
                    await alerting.begin()
                await alerting.look()
            except LeaseLost:
                alerting.stop()  # another hub delivers
            except StorageProblem as problem:
                hub.storage.failed(problem)
            except Exception:
                log.exception("the look for problems failed and is tried again")
            took = boottime() - began
    finally:
        alerting.stop()
