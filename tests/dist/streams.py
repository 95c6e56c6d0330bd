"""Readers of the change stream: one of each hub and one that changes hubs; ids without gap or double (rules P33, P61).

What a reader got is compared with the change log itself, once the writers have ended: each change of the log that
readers get came with its number, unless a newer one of the same thing came behind it, and none came twice.
"""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Final, NamedTuple

import httpx

from edgewright.wire import protocol
from tests.dist.drive import Clients
from tests.dist.model import Deadline, Model
from tests.dist.plane import Member, Plane

SHOWN_AS: Final = {"user-roles": "user"}
"""Kinds of the log that readers get under another name."""
HIDDEN: Final = frozenset({"apikey", "revoked-credentials", "setting", "receiver"})
"""Kinds of the log that readers do not get."""
UNLOGGED: Final = frozenset({"host", "alert"})
"""Kinds that come without a change of the log as well, with the number of the newest change (rule P63)."""


class Event(NamedTuple):
    """What a reader got; `opened` counts its connections."""

    seq: int
    kind: str
    op: str
    uid: str
    opened: int


class StreamReader:
    """Reads in a thread from a number on, and reconnects with the last one: to its hub, or to a random one."""

    def __init__(self, plane: Plane, clients: Clients, since: int, chance: random.Random, own: Member | None) -> None:
        self.name = "the reader that changes hubs" if own is None else f"the reader of hub {own.number}"
        self.events: list[Event] = []
        self.last = since
        self.problems: list[str] = []
        self._plane, self._clients, self._chance, self._own = plane, clients, chance, own
        self._opened = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the reader."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            member = self._own or self._chance.choice(self._plane.members)
            try:
                self._read(member)
            except (httpx.HTTPError, OSError):
                pass  # this hub is down, or ended the stream
            except Exception as error:
                self.problems.append(f"{self.name} failed: {error!r}")
                return
            self._stop.wait(0.1)

    def _read(self, member: Member) -> None:
        until = float("inf") if self._own is not None else time.monotonic() + self._chance.uniform(0.3, 1.5)
        path = f"{protocol.CHANGES}?since={self.last}"
        with (
            self._clients.new(member) as client,
            client.stream("GET", path, headers=self._clients.admin, timeout=2.0) as answer,
        ):
            if answer.status_code != 200:
                if answer.status_code != 503:
                    self.problems.append(f"{self.name}: {answer.status_code} of hub {member.number}")
                return
            self._opened += 1
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if self._stop.is_set() or time.monotonic() > until:
                    return
                name, _, value = line.partition(": ")
                if line == "":
                    self._take(event, member)
                    event = {}
                elif name in ("event", "id", "data"):
                    event[name] = value

    def _take(self, event: dict[str, str], member: Member) -> None:
        if "event" not in event:
            return
        data, seq = json.loads(event["data"]), int(event["id"])
        if seq < self.last:
            self.problems.append(f"{self.name}: hub {member.number} sent {seq} after {self.last}")
        self.last = max(self.last, seq)
        if event["event"] == protocol.CHANGE_RESYNC:
            if data["doc"] is None:
                self.problems.append(f"{self.name}: hub {member.number} sent resync at {seq}, with all in the log")
            return
        self.events.append(Event(seq, event["event"], data["op"], data["uid"], self._opened))


class Row(NamedTuple):
    """A change of the log as readers get it."""

    seq: int
    kind: str
    op: str
    uid: str


def head(plane: Plane) -> int:
    """Return the newest number of the log."""
    return int(plane.server.psql(plane.database, "SELECT seq FROM change_head"))


def rows(plane: Plane, since: int) -> list[Row]:
    """Return the changes of the log after a number that readers get."""
    sql = f"SELECT seq, kind, op, uid FROM changes WHERE seq > {since} ORDER BY seq"
    shown = []
    for line in plane.server.psql(plane.database, sql).splitlines():
        seq, kind, op, uid = line.split("|", 3)
        kind = SHOWN_AS.get(kind, kind)
        if kind not in HIDDEN:
            assert kind in protocol.CHANGE_KINDS, f"'{kind}' of the log is not known to this test"
            shown.append(Row(int(seq), kind, op, uid))
    return shown


def compare(reader: StreamReader, wanted: list[Row]) -> list[str]:
    """Return where what a reader got differs from the log."""
    problems = list(reader.problems)
    got = {(event.seq, event.kind, event.op, event.uid) for event in reader.events}
    newest: dict[tuple[str, str], int] = {}
    for event in reader.events:
        newest[event.kind, event.uid] = max(newest.get((event.kind, event.uid), 0), event.seq)
    gone = {(row.kind, row.uid): row.seq for row in wanted if row.op == protocol.CHANGE_DELETE}
    for row in wanted:
        # A newer change of the same thing makes an older one needless; what was deleted meanwhile has no document.
        later = max(newest.get((row.kind, row.uid), 0), gone.get((row.kind, row.uid), 0))
        if row not in got and later <= row.seq:
            problems.append(f"{reader.name} missed {row}; it had {reader.last} at last")
    seen: set[tuple[int, str, str]] = set()
    for event in reader.events:
        key = (event.seq, event.kind, event.uid)
        if event.kind not in UNLOGGED and key in seen:
            problems.append(f"{reader.name} got {event} twice")
        seen.add(key)
    return problems


class Readers:
    """All readers of one schedule."""

    def __init__(self, plane: Plane, clients: Clients, seed: int) -> None:
        self._plane, self._began = plane, head(plane)
        chance = random.Random(f"{seed} streams")
        owners: list[Member | None] = [*plane.members, None]
        self._readers = [StreamReader(plane, clients, self._began, chance, owner) for owner in owners]

    def settle(self, model: Model) -> None:
        """Wait until every reader has all of the log, 5 s at most, and report to the model what is wrong."""
        wanted = rows(self._plane, self._began)
        last = wanted[-1].seq if wanted else self._began
        deadline = Deadline()
        while any(reader.last < last for reader in self._readers) and not deadline.over():
            time.sleep(0.05)
        for reader in self._readers:
            reader.end()
            for text in compare(reader, wanted)[:3]:
                model.wrong(text)
        model.counts["changes"] = len(wanted)
