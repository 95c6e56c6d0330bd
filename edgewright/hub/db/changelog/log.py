"""The tables `changes` and `change_head`: numbers without gaps, in the order of the commits.

The head is one row. A batch raises it as its last act before the commit, which locks the row until then: the next batch
(of this process or of another one) gets its numbers only after this one is visible. So a follower that has read up to a
number has missed nothing below it. On SQLite there is one writer, and the same statements do the same.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, inspect, select, text

from edgewright.hub.db.changelog import tables
from edgewright.hub.db.changelog.entry import LogRow

if TYPE_CHECKING:
    from edgewright.hub.db.changelog.entry import Entry

CHANNEL = "edgewright_changes"
"""The channel of PostgreSQL's NOTIFY; its payload is the newest number and the process that wrote it."""
_CHANGES, _HEAD = tables.changes, tables.change_head
_INSERT = _CHANGES.insert()
_RAISE = (
    _HEAD.update().where(_HEAD.c.id == 1).values(seq=_HEAD.c.seq + bindparam("count")).returning(_HEAD.c.seq)
)  # fmt: skip
HEAD = "SELECT seq FROM change_head WHERE id = 1"
"""Returns the newest number, to the driver itself: followers ask for it once a second."""
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


def append(
    connection: Connection, entries: Sequence[Entry], origin: str, now: float, documents: Container[str] = ()
) -> int:
    """Write entries with their numbers, as the last act of a transaction; return the last number.

    Of kinds in `documents` a table has the document, so it is not stored here again.
    """
    last = connection.execute(_RAISE, {"count": len(entries)}).scalar()
    if last is None:  # a database whose tables were made without the migrations
        last = len(entries)
        connection.execute(_HEAD.insert().values(id=1, seq=last))
    first = int(last) - len(entries)
    rows: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, first + 1):
        entry.seq = number
        rows.append(
            {
                "seq": number,
                "at": now,
                "kind": entry.kind,
                "op": entry.op,
                "uid": entry.uid,
                "project": entry.project_uid,
                "origin": origin,
                "doc": None if entry.doc is None or entry.kind in documents else entry.doc.decode(),
            }
        )
    connection.execute(_INSERT, rows)
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": f"{int(last)} {origin}"})
    return int(last)


def head(connection: Connection) -> int:
    """Return the newest number; 0 for a log that has none."""
    return int(connection.execute(select(_HEAD.c.seq).where(_HEAD.c.id == 1)).scalar() or 0)


def floor(connection: Connection) -> int:
    """Return the number from which a reader can continue at the earliest: all later changes are in the log."""
    oldest = connection.execute(select(func.min(_CHANGES.c.seq))).scalar()
    return head(connection) if oldest is None else int(oldest) - 1


def after(connection: Connection, seq: int, most: int) -> list[LogRow]:
    """Return the rows after a number, oldest first."""
    query = select(_CHANGES).where(_CHANGES.c.seq > seq).order_by(_CHANGES.c.seq).limit(most)
    return [
        LogRow(row.seq, row.at, row.kind, row.op, row.uid, row.project, row.origin, row.doc)
        for row in connection.execute(query)
    ]


def begin_again(connection: Connection, now: float) -> None:
    """Continue with numbers that were never given, since the database was set back: older readers get `resync`.

    Numbers given after the backup are unknown here; milliseconds since the epoch are beyond all of them, unless a hub
    wrote a thousand changes a second for its entire life.
    """
    if not inspect(connection).has_table(_HEAD.name):
        return  # of an older hub: the migration begins there too
    seq = max(head(connection) + 1, int(now * 1000))
    connection.execute(_CHANGES.delete())
    if not connection.execute(_HEAD.update().where(_HEAD.c.id == 1).values(seq=seq)).rowcount:
        connection.execute(_HEAD.insert().values(id=1, seq=seq))
