"""Which hosts have an operation to run: their heartbeats come every 2 s until it has ended (rule P76).

Every operation has a deadline, so a host that never reports a result is not asked to hurry for ever.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.wire import protocol


class _Operation(msgspec.Struct):
    state: str = ""
    hostUid: str = ""


_decoder = msgspec.json.Decoder(_Operation)


class PendingWork:
    """Hosts and their pending operations. Used on the event loop only."""

    def __init__(self) -> None:
        self._host_of: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def has(self, uid: str) -> bool:
        """Return whether the host `uid` has an operation without a result."""
        return uid in self._count

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
        """Drop the operations of a host that was deleted."""
        for uid in [uid for uid, owner in self._host_of.items() if owner == host] if self.has(host) else ():
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
