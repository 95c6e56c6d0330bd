"""Streams that wait for their host, in the memory of every hub. Used on the event loop only."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgewright.core import times
from edgewright.hub.relay.tables import ReachRecord, StreamRecord
from edgewright.wire.protocol import relay


def _nothing(_uid: str) -> None:
    pass


class Waiting:
    """By host. `asked` is called with the uid of a host when a stream begins to wait for it."""

    def __init__(self, records: Iterable[StreamRecord] = ()) -> None:
        self.by_uid: dict[str, StreamRecord] = {}
        self._of_host: dict[str, dict[str, StreamRecord]] = {}
        self._named: set[str] = set()
        """Streams that an answer on the idle connection has named: it is not answered for them again."""
        self.asked: Callable[[str], None] = _nothing
        for record in records:
            self.put(record)

    def put(self, record: StreamRecord) -> None:
        """Take a stream that waits."""
        self.by_uid[record.uid] = record
        self._of_host.setdefault(record.host_uid, {})[record.uid] = record
        self.asked(record.host_uid)

    def drop(self, uid: str) -> None:
        """Forget a stream that waits no more."""
        record = self.by_uid.pop(uid, None)
        self._named.discard(uid)
        if record is not None:
            streams = self._of_host.get(record.host_uid, {})
            streams.pop(uid, None)
            if not streams:
                self._of_host.pop(record.host_uid, None)

    def of_host(self, host_uid: str) -> list[relay.Asked]:
        """Return the streams that wait for a host, the oldest first."""
        streams = self._of_host.get(host_uid)
        if not streams:
            return []
        now = times.now()
        return [relay.Asked(record.uid, record.port) for record in streams.values() if record.until > now]

    def header(self, host_uid: str) -> str:
        """Return the value of the header for a host; empty when nothing waits, as nearly always."""
        return relay.header(self.of_host(host_uid)) if self._of_host else ""

    def unnamed(self, host_uid: str) -> bool:
        """Return whether a stream waits that no answer on the host's idle connection has named yet."""
        return any(asked.id not in self._named for asked in self.of_host(host_uid))

    def name(self, host_uid: str) -> None:
        """Note that an answer on the idle connection named what waits for a host."""
        self._named.update(asked.id for asked in self.of_host(host_uid)[: relay.MAX_ASKED])


class Reaches:
    """How the API of each cluster was reached last through the relay."""

    def __init__(self, records: Iterable[ReachRecord] = ()) -> None:
        self.by_cluster = {record.cluster_uid: record for record in records}

    def put(self, record: ReachRecord) -> None:
        """Take a result that differs from the one before."""
        self.by_cluster[record.cluster_uid] = record

    def drop(self, uid: str) -> None:
        """Forget a cluster that was removed."""
        self.by_cluster.pop(uid, None)

    def document(self, cluster_uid: str) -> dict[str, dict[str, str]]:
        """Return `status.reach`: what is not measured is unknown. Direct and SSH depend on where a client is."""
        unknown = {"state": "unknown", "error": "measured by each client: edgewright kube reach"}
        record = self.by_cluster.get(cluster_uid)
        measured = {"state": "unknown", "error": "no stream was opened yet"}
        if record is not None:
            measured = {"state": record.state, "since": times.rfc3339(record.since), "error": record.error}
        return {"direct": dict(unknown), "ssh": dict(unknown), "relay": measured}
