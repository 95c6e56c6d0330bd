"""Trials: which blobs the newest trial of each host names, so that this host alone may read them (P80, P87)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import HostRecord
from edgewright.hub.http import problems
from edgewright.hub.services import Services
from edgewright.wire import protocol
from edgewright.wire.protocol import trial

_NAMING = (protocol.OP_PENDING, protocol.OP_SUCCEEDED)
"""States in which a trial is what its host is asked for; one that was refused, failed or expired asks for nothing."""


class _Trial(msgspec.Struct):
    """What is read of the document of an operation."""

    hostUid: str = ""
    kind: str = ""
    state: str = ""
    generation: int = 0
    params: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(_Trial)


class Trials:
    """Digests of the trials of hosts. Used on the event loop only."""

    def __init__(self, hub: Services, stored: Sequence[Row[Any]] = ()) -> None:
        self._hub = hub
        self._host_of: dict[str, str] = {}
        self._of_host: dict[str, dict[str, tuple[int, frozenset[str]]]] = {}
        for row in stored:
            self._add(row.id, row.host_uid, row.generation, msgspec.json.decode(row.params))

    def follow(self, op: str, uid: str, text: bytes | None) -> None:
        """Take a change of the operation `uid` that has become durable, with its document as JSON."""
        read = None if text is None or op != protocol.CHANGE_PUT else _decoder.decode(text)
        if read is not None and read.kind == protocol.OP_TRIAL and read.state in _NAMING:
            self._add(uid, read.hostUid, read.generation, read.params)
        else:
            self._drop(uid)

    def follow_host(self, op: str, uid: str, _text: bytes | None) -> None:
        """Forget the trials of a host that was deleted: another one may register with its UID."""
        if op != protocol.CHANGE_PUT:
            for operation in list(self._of_host.get(uid, ())):
                self._drop(operation)

    def digests(self, host: HostRecord) -> Collection[str]:
        """Return the digests that the newest trial of a host names."""
        trials = self._of_host.get(host.uid)
        return max(trials.values(), key=lambda entry: entry[0])[1] if trials else ()

    def everything(self) -> Iterable[tuple[str, str]]:
        """Return pairs of project and digest; a blob of the tenant is named for its hosts as well."""
        for uid in self._of_host:
            entry = self._hub.state.hosts.get(uid)
            if entry is not None:
                for digest in self.digests(entry.record):
                    yield entry.record.project_uid, digest
                    yield "", digest

    def _add(self, uid: str, host: str, generation: int, params: dict[str, Any]) -> None:
        digests = frozenset(item for item in params.get("blobs") or () if isinstance(item, str))
        self._host_of[uid] = host
        self._of_host.setdefault(host, {})[uid] = (generation, digests)

    def _drop(self, uid: str) -> None:
        host = self._host_of.pop(uid, None)
        if host is not None:
            self._of_host[host].pop(uid)
            if not self._of_host[host]:
                del self._of_host[host]


def load(connection: Connection) -> Sequence[Row[Any]]:
    """Return the rows of trials that are in force."""
    table = schema.operations
    return connection.execute(
        select(table).where(table.c.kind == protocol.OP_TRIAL, table.c.state.in_(_NAMING))
    ).fetchall()


def check_trial(params: dict[str, Any]) -> None:
    """Check the parameters of a trial. Raises 422."""
    problem = trial.problem(params)
    if problem:
        raise problems.invalid(problems.TYPE, f"params.{problem} in body")
