"""The streams of this hub: limits, what is stored of them, and what becomes of one that no host brings."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from time import monotonic
from typing import Any

from edgewright.core import times
from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.db import audits
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem
from edgewright.hub.relay.tables import ReachRecord, StreamRecord, relay_reach, relay_streams
from edgewright.hub.relay.waiting import Reaches, Waiting
from edgewright.hub.resources.relay.streams import FAREWELL, STOPS, Stream
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import relay

log = logging.getLogger("edgewright.hub")
LOOK = 1.0
"""Seconds between two looks at all streams."""


class Streams:
    """Those whose client is connected to this hub. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self.by_uid: dict[str, Stream] = {}
        self._of_user: Counter[str] = Counter()
        self._of_host: Counter[str] = Counter()

    def admit(self, user_uid: str, host_uid: str) -> None:
        """Raise `Problem` 429 when a user, a host or this hub has as many streams as it may."""
        for count, most, whose in (
            (self._of_user[user_uid], relay.USER_STREAMS, "You have"),
            (self._of_host[host_uid], relay.HOST_STREAMS, f"The host '{host_uid}' has"),
            (len(self.by_uid), relay.HUB_STREAMS, "This hub has"),
        ):
            if count >= most:
                raise Problem(
                    429, relay.E_LIMIT, f"{whose} {most} streams open, which is the limit; end some first.",
                    {"Retry-After": "5"},
                )  # fmt: skip

    def add(self, stream: Stream) -> None:
        """Count a stream."""
        self.by_uid[stream.record.uid] = stream
        self._of_user[stream.actor.uid] += 1
        self._of_host[stream.record.host_uid] += 1

    def ended(self, stream: Stream, reason: str) -> None:
        """Forget a stream and note in the audit log how much it carried."""
        record = stream.record
        if self.by_uid.pop(record.uid, None) is None:
            return
        for counter, key in ((self._of_user, stream.actor.uid), (self._of_host, record.host_uid)):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]
        self._hub.part(Waiting).drop(record.uid)
        took = monotonic() - (stream.opened or stream.began)
        if stream.opened is None:
            text = f"did not open within {took:.1f} s"
        else:
            text = f"ended after {took:.1f} s, {stream.sent} bytes sent, {stream.received} received"
        name, project = self._names(record.cluster_uid)
        message = f"Relay of the cluster '{name}' to port {record.port} of the host {record.host_uid} {text}: {reason}"

        def job(tx: Tx) -> None:
            if stream.opened is None:
                forget(tx, record)
            actor, state = stream.actor, self._hub.state
            audits.write_audit(state, tx, actor, "action", wire.KIND, record.cluster_uid, name, message, project)

        self._hub.storage.deliver(job, 0)
        if stream.opened is None and stream.code:
            self.measured(record, "no", reason)

    def opened(self, stream: Stream) -> None:
        """Note that the host has brought its end."""
        record = stream.record
        self._hub.part(Waiting).drop(record.uid)
        self._hub.write_later(lambda tx: forget(tx, record))
        self.measured(record, "yes", "")

    def measured(self, record: StreamRecord, state: str, error: str) -> None:
        """Store whether the API was reached, when that is new. A stream to another port shows nothing of the API."""
        before = self._hub.part(Reaches).by_cluster.get(record.cluster_uid)
        if record.port != relay.API or (before is not None and (before.state, before.error) == (state, error)):
            return
        now = times.now()
        since = before.since if before is not None and before.state == state else now
        made = ReachRecord(record.cluster_uid, state, since, error)

        def job(tx: Tx) -> None:
            values: dict[str, Any] = {"state": state, "since": since, "error": error}
            changed = relay_reach.update().where(relay_reach.c.cluster_uid == made.cluster_uid).values(**values)
            if not tx.run(changed):
                tx.run(relay_reach.insert().values(cluster_uid=made.cluster_uid, **values))
            tx.changed(made)

        self._hub.part(Reaches).put(made)
        self._hub.write_later(job)

    def forgotten(self, uid: str) -> None:
        """Note that the row of a stream is removed; another hub does that when the host cannot bring it."""
        stream = self.by_uid.get(uid)
        if stream is not None and stream.opened is None and not stream.taken:
            text = f"The host {stream.record.host_uid} cannot open port {stream.record.port}; see its journal."
            stream.fail(relay.E_REFUSED, text)

    def project_of(self, record: ReachRecord) -> str:
        """Return the project of the cluster of a result."""
        return self._names(record.cluster_uid)[1]

    def _names(self, cluster_uid: str) -> tuple[str, str]:
        item = self._hub.part(ClusterIndex).by_uid.get(cluster_uid)
        return ("", "") if item is None else (item.record.name, item.record.project_uid)

    def look(self) -> None:
        """End streams that no host brought in time, whose user or host lost its right, or that are idle or lost."""
        for stream in list(self.by_uid.values()):
            try:
                self._look_at(stream, times.now(), monotonic())
            except Exception:  # else no stream would end by itself any more
                log.exception("the look at a stream failed and is tried again")

    def stop(self) -> None:
        """End all streams: the hub stops, and the audit log still takes their ends."""
        for stream in list(self.by_uid.values()):
            stream.end(STOPS)

    def _look_at(self, stream: Stream, now: float, clock: float) -> None:
        late = now - stream.record.until
        if stream.opened is None and late > (FAREWELL if stream.taken else 0.0):
            # without the seconds, which the audit log has: a reason that differs each time is a change each time
            text = f"The host {stream.record.host_uid} did not bring the stream in time."
            stream.fail(relay.E_LATE, f"{text} Its agent may be older than the relay, or its link is down.")
        elif not self._hub.authenticator.may_continue(stream.actor):
            stream.end("the credential or the rights of the user ended")
        elif stream.record.host_uid not in self._hub.state.hosts:
            stream.end("the host was deleted")
        else:
            stream.look(clock)


def forget(tx: Tx, record: StreamRecord) -> None:
    """Remove the row of a stream that waits no more."""
    if tx.run(relay_streams.delete().where(relay_streams.c.uid == record.uid)):
        tx.removed(record)


def stop(hub: Services) -> None:
    """End the streams of a hub that stops."""
    hub.part(Streams).stop()


async def watch(hub: Services) -> None:
    """Look at all streams until the hub ends."""
    streams = hub.part(Streams)
    while True:
        await asyncio.sleep(LOOK)
        streams.look()
