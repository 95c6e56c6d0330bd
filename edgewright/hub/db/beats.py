"""Heartbeats of one batch in one statement, which itself decides what is doubled or late (rule P17).

Several hubs may take heartbeats of one host, and each knows only those that it took. So the database compares: a row
moves only to a higher number of the same boot, or to a boot that was not replaced before. What was replaced is noted in
the same statement. A hub whose heartbeat was not taken reads the row and follows it; one whose heartbeat was taken
learns how many the database has counted.

A batch may count for several heartbeats of a host, of which another hub may have counted some. Their numbers rise, so a
row never counts more of one boot than its number rises by.

On SQLite the statement runs once for each heartbeat, prepared once; on PostgreSQL once for the batch, as JSON. There a
batch of heartbeats alone is mostly this one statement, without begin and end: see `is_repeatable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import astuple
from sqlalchemy import Connection, Engine, select

from edgewright.hub.db import schema
from edgewright.hub.db.shared.sessions import again, driver_of


class Beat(msgspec.Struct, gc=False):
    """A heartbeat as it is stored. The names are those of the columns, apart from `host` (its uid) and three others."""

    host: str
    at: float | None
    add: int
    """How many heartbeats it counts for."""
    boot_id: str
    seq: int
    over: int
    """Its number, or more than any for one without."""
    force: int
    """1 for one that counts whatever its number (`clones.py`)."""
    state: str
    message: str
    agent_version: str
    observed_generation: int
    vitals: str
    count: int
    """How many heartbeats of the host memory has counted."""


Key = tuple[str, str]
"""Host uid and boot id: two boots of one host in a batch are two rows, so that the first one is noted as replaced."""
ANY_NUMBER: Final = 2**63 - 1

_COLUMNS: Final = {
    "host": "text", "at": "float8", "add": "int", "boot_id": "text", "seq": "bigint", "over": "bigint", "force": "int",
    "state": "text", "message": "text", "agent_version": "text", "observed_generation": "int", "vitals": "text",
}  # fmt: skip
_SQLITE: Final = """
UPDATE heartbeats SET at = ?2, count = count + ?3, state = ?8, message = ?9,
    agent_version = ?10, observed_generation = ?11, vitals = ?12,
    seq = CASE WHEN boot_id = ?4 AND NOT ?7 THEN max(seq, ?5) ELSE ?5 END,
    gone_boots = CASE WHEN boot_id = ?4 THEN gone_boots ELSE (
        SELECT json_group_array(value) FROM (SELECT value FROM (
            SELECT value, key FROM json_each(gone_boots) WHERE value <> ?4
            UNION ALL SELECT boot_id, 9 WHERE boot_id <> '' ORDER BY key DESC LIMIT 4) ORDER BY key)) END,
    boot_id = ?4
WHERE uid = ?1 AND (?7 OR (boot_id = ?4 AND ?6 > seq)
    OR (boot_id <> ?4 AND NOT EXISTS (SELECT 1 FROM json_each(gone_boots) WHERE value = ?4)))
"""
"""Parameter `?n` is the n-th field of `Beat`, without the last one; found by name each would be looked up."""
_POSTGRESQL: Final = f"""
UPDATE heartbeats AS h SET at = CASE WHEN h.at > b.at AND h.at < b.at + 60 THEN h.at ELSE b.at END,
    stored_at = extract(epoch FROM clock_timestamp()), stored_by = %(origin)s,
    count = h.count + CASE WHEN h.boot_id = b.boot_id AND b.force = 0
        THEN least(b.add, b.over::numeric - h.seq) ELSE b.add END,
    state = b.state, message = b.message,
    agent_version = b.agent_version, observed_generation = b.observed_generation, vitals = b.vitals,
    seq = CASE WHEN h.boot_id = b.boot_id AND b.force = 0 THEN greatest(h.seq, b.seq) ELSE b.seq END,
    gone_boots = CASE WHEN h.boot_id = b.boot_id THEN h.gone_boots ELSE (
        SELECT coalesce(json_agg(value ORDER BY key), '[]')::text FROM (
            SELECT value, key FROM jsonb_array_elements_text(h.gone_boots::jsonb) WITH ORDINALITY AS gone (value, key)
            WHERE value <> b.boot_id
            UNION ALL SELECT h.boot_id, 9 WHERE h.boot_id <> '' ORDER BY key DESC LIMIT 4) AS newest) END,
    boot_id = b.boot_id
FROM json_to_recordset(%(beats)s::json) AS b ({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
WHERE (SELECT txid_current()) > 0 AND h.uid = b.host AND (b.force = 1 OR (h.boot_id = b.boot_id AND b.over > h.seq)
    OR (h.boot_id <> b.boot_id AND NOT h.gone_boots::jsonb ? b.boot_id))
RETURNING h.uid, h.boot_id, h.seq, h.count, h.health"""  # noqa: S608 - constants of this module
# `txid_current` gives the transaction its number before `stored_at` is read: a look of another hub (`liveness.py`)
# begins where the oldest transaction with a number began.
_MOST_VARIABLES: Final = 500


class Stored(NamedTuple):
    """What a row shows after its heartbeat was taken."""

    uid: str
    boot_id: str
    seq: int
    counted: int
    """Heartbeats of the host."""
    health: str


class Written(NamedTuple):
    """What memory has to follow after a batch."""

    refused: Sequence[Any] = ()
    """Rows of the hosts whose heartbeat was not taken."""
    other: Sequence[Stored] = ()
    """Rows that count another number of heartbeats than memory did, or whose reported health is not the state of the
    heartbeat."""


def write_beats(connection: Connection, beats: Sequence[Beat], origin: str = "") -> Written:
    """Store what is neither doubled nor late; returns what memory has to follow.

    Beats of one host are in the order of their arrival; `origin` names this process. Of SQLite nothing is returned:
    the memory of its one process has all heartbeats, and one that it sends again (`add` 0) changes nothing where it was
    stored.
    """
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(_SQLITE, [astuple(beat)[:-1] for beat in beats])
        return Written()
    refused: list[str] = []
    other: list[Stored] = []
    for layer in _layers(beats):
        late, differ = _compare(layer, connection.exec_driver_sql(_POSTGRESQL, _values(layer, origin)))
        refused += late
        other += differ
    return Written(_rows(connection, refused) if refused else (), other)


def is_repeatable(engine: Engine, beats: Sequence[Beat]) -> bool:
    """Return whether a batch may be stored by `write_alone`: a second time changes nothing that the first one stored.

    So it is when each host has one row in it, whose number the database compares. On SQLite a transaction costs little.
    """
    if engine.dialect.name != "postgresql" or len({beat.host for beat in beats}) < len(beats):
        return False
    return all(beat.over != ANY_NUMBER and not beat.force for beat in beats)


def write_alone(engine: Engine, beats: Sequence[Beat], origin: str) -> Written:
    """Store a repeatable batch: one question to the database instead of four, by the driver itself.

    Where its session ends before the answer, whether it was stored is unknown, so it is sent once more.
    """
    layer = sorted(beats, key=lambda beat: beat.host)

    def once() -> Written:
        with engine.connect() as connection:
            with driver_of(connection) as driver:
                rows = driver.execute(_POSTGRESQL, _values(layer, origin)).fetchall()
            refused, other = _compare(layer, rows)
            return Written(_rows(connection, refused) if refused else (), other)

    return again(once)


def _values(layer: Sequence[Beat], origin: str) -> dict[str, str]:
    return {"beats": msgspec.json.encode(layer).decode(), "origin": origin}


def _compare(layer: Sequence[Beat], rows: Iterable[Any]) -> tuple[list[str], list[Stored]]:
    """Return the hosts whose heartbeat was not taken, and the rows that differ from what memory has."""
    taken = {row[0]: Stored._make(row) for row in rows}
    refused = [beat.host for beat in layer if beat.add and beat.host not in taken]
    pairs = ((taken.get(beat.host), beat) for beat in layer)
    return refused, [row for row, beat in pairs if row and (row.counted, row.health) != (beat.count, beat.state)]


def _layers(beats: Sequence[Beat]) -> Iterable[Sequence[Beat]]:
    """Yield the beats so that each host comes once at a time, sorted: two hubs lock the rows in the same order."""
    rest = sorted(beats, key=lambda beat: beat.host)  # stable: of one host in order of arrival
    while rest:
        seen: set[str] = set()
        layer: list[Beat] = []
        later: list[Beat] = []
        for beat in rest:
            (later if beat.host in seen else layer).append(beat)
            seen.add(beat.host)
        yield layer
        rest = later


def _rows(connection: Connection, uids: Sequence[str]) -> list[Any]:
    table = schema.heartbeats
    rows: list[Any] = []
    for start in range(0, len(uids), _MOST_VARIABLES):
        some = table.c.uid.in_(uids[start : start + _MOST_VARIABLES])
        rows += connection.execute(select(table).where(some)).all()
    return rows


class PendingBeats:
    """Heartbeats that wait for the next batch: of one boot of a host the newest counts for all."""

    def __init__(self) -> None:
        self.rows: dict[Key, Beat] = {}
        self._owed: dict[str, int] = {}
        """Heartbeats of a host that were counted and not stored, since the storage failed."""

    def __bool__(self) -> bool:
        return bool(self.rows)

    def add(self, beat: Beat) -> None:
        """Queue a heartbeat."""
        key = (beat.host, beat.boot_id)
        older = self.rows.pop(key, None)
        if older is not None:
            beat.add += older.add
            beat.force |= older.force
        if self._owed:
            beat.add += self._owed.pop(beat.host, 0)
        self.rows[key] = beat

    def take(self) -> list[Beat]:
        """Return what waits, in order, and wait for more."""
        rows, self.rows = self.rows, {}
        return list(rows.values())

    def failed(self, beats: Iterable[Beat]) -> None:
        """Note heartbeats that were not stored: the next one of the host counts for them as well."""
        for beat in beats:
            if beat.add:
                self._owed[beat.host] = self._owed.get(beat.host, 0) + beat.add
