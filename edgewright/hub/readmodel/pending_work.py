"""Which hosts have work: their heartbeats come every 2 s while an operation has no result, or a cluster changes (P76).

Every operation has a deadline, and a host of a cluster hurries for some minutes after the last thing that moved, so a
host that never reports a result is not asked to hurry for ever.
"""

from __future__ import annotations

from time import monotonic

import msgspec
from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.wire import protocol

MOVING = 300.0
"""Seconds for which a host hurries after the document of its cluster, or the place in its work, has changed."""
ENDING = 30.0
"""Seconds for which it does after its work ended: the next step of a cluster often begins a moment later."""


class _Operation(msgspec.Struct):
    state: str = ""
    hostUid: str = ""


_decoder = msgspec.json.Decoder(_Operation)


class PendingWork:
    """Hosts and their pending operations. Used on the event loop only."""

    def __init__(self) -> None:
        self._host_of: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def has(self, uid: str) -> bool:
        """Return whether the host `uid` has an operation without a result, or something of its cluster moves."""
        if uid in self._count:
            return True
        until = self._until.get(uid)
        if until is None:
            return False
        if until <= monotonic():
            del self._until[uid]
            return False
        return True

    def moves(self, uid: str, seconds: float = MOVING) -> None:
        """Take note that the document of the host's cluster, or the place in its work, changed now."""
        self._until[uid] = monotonic() + seconds

    def rests(self, uid: str) -> None:
        """Take note that a host waits for an operator, or was deleted."""
        self._until.pop(uid, None)

    def load(self, connection: Connection) -> None:
        """Read what was pending when the hub stopped."""
        table = schema.operations
        statement = select(table.c.id, table.c.host_uid).where(table.c.state == protocol.OP_PENDING)
        for row in connection.execute(statement):
            self._add(row.id, row.host_uid)

    def follow(self, op: str, uid: str, text: bytes | None) -> None:
        """Take a change of the operation `uid` that has become durable, with its document as JSON."""
        operation = None if text is None else _decoder.decode(text)
        if op == protocol.CHANGE_PUT and operation is not None and operation.state == protocol.OP_PENDING:
            self._add(uid, operation.hostUid)
        else:
            self._drop(uid)

    def forget(self, host: str) -> None:
        """Drop the work of a host that was deleted."""
        self.rests(host)
        for uid in [uid for uid, owner in self._host_of.items() if owner == host] if host in self._count else ():
            self._drop(uid)

    def _add(self, uid: str, host: str) -> None:
        if uid not in self._host_of:
            self._host_of[uid] = host
            self._count[host] = self._count.get(host, 0) + 1

    def _drop(self, uid: str) -> None:
        host = self._host_of.pop(uid, None)
        if host is None:
            return
        self._count[host] -= 1
        if not self._count[host]:
            del self._count[host]
