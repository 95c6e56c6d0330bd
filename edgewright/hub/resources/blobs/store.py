"""Blobs in the database: pieces of 1 MiB, complete once their digest was checked. A blob belongs to one project."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, LargeBinary, Row, and_, func, select

from edgewright.hub.db.shared.rows import insert_new, queue, retain_project
from edgewright.hub.http.problems import Problem
from edgewright.hub.resources.blobs import tables
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

_BLOBS, _PIECES = tables.blobs, tables.blob_pieces
QUOTA = 1024 * 1024 * 1024
"""Bytes of one project, what is not complete yet counted in full."""
MOST = 10_000
"""Blobs of one project."""


def _is(project: str, digest: str) -> Any:
    return and_(_BLOBS.c.project_uid == project, _BLOBS.c.digest == digest)


def _pieces_of(project: str, digest: str) -> Any:
    return and_(_PIECES.c.project_uid == project, _PIECES.c.digest == digest)


def find(connection: Connection, digest: str) -> list[Row[Any]]:
    """Return the rows of a digest, one for each project that has it."""
    return list(connection.execute(select(_BLOBS).where(_BLOBS.c.digest == digest)))


def begin(tx: Tx, project: str, digest: str, size: int) -> Any:
    """Return the row of a blob, a new one unless it is there already; raises 409 and 413."""
    queue(tx, f"blobs {project}")
    row = tx.first(select(_BLOBS).where(_is(project, digest)))
    if row is not None:
        if row.size != size:
            raise Problem(409, "BlobSize", f"This blob was begun with {row.size} bytes and not {size}.")
        tx.run(_BLOBS.update().where(_is(project, digest)).values(touched=tx.now))
        return row
    retain_project(tx, project)
    mine = _BLOBS.c.project_uid == project
    count, used = tx.first(select(func.count(), func.coalesce(func.sum(_BLOBS.c.size), 0)).where(mine))
    if count >= MOST or used + size > QUOTA:
        text = f"{QUOTA // 1024**2} MiB in {MOST:,} blobs"
        raise Problem(
            413, "BlobQuota", f"The blobs of this project would be more than {text}; unused ones go after a day."
        )
    values = {"project_uid": project, "digest": digest, "size": size, "complete": False}
    tx.run(_BLOBS.insert().values(**values, created=tx.now, touched=tx.now))
    return tx.first(select(_BLOBS).where(_is(project, digest)))


def add_piece(tx: Tx, project: str, digest: str, number: int, data: bytes) -> None:
    """Store a piece; the first one of a number stays."""
    insert_new(tx, _PIECES, {"project_uid": project, "digest": digest, "number": number, "data": data})


def put_all(tx: Tx, project: str, digest: str, data: bytes) -> None:
    """Store a blob whose digest the caller has computed; what is there already stays. Raises 413."""
    if begin(tx, project, digest, len(data)).complete:
        return
    for number in range(pieces(len(data))):
        add_piece(tx, project, digest, number, data[number * protocol.BLOB_PIECE : (number + 1) * protocol.BLOB_PIECE])
    complete(tx, project, digest)


def missing(tx: Tx, project: str, digest: str, size: int) -> int | None:
    """Return the offset of the first piece that is not there; `None` when all are."""
    stored = {row.number for row in tx.all(select(_PIECES.c.number).where(_pieces_of(project, digest)))}
    count = pieces(size)
    return next((number * protocol.BLOB_PIECE for number in range(count) if number not in stored), None)


def pieces(size: int) -> int:
    """Return how many pieces a blob of a size has; an empty one has one, which is empty."""
    return max(1, -(-size // protocol.BLOB_PIECE))


def read_piece(connection: Connection, project: str, digest: str, number: int) -> bytes | None:
    """Return a piece; `None` for one that is not there."""
    query = select(_PIECES.c.data).where(_pieces_of(project, digest), _PIECES.c.number == number)
    data = connection.execute(query).scalar()
    return None if data is None else bytes(data)


def read_part(connection: Connection, project: str, digest: str, number: int, start: int, length: int) -> bytes | None:
    """Return up to `length` bytes of a piece from `start` on; `None` for a piece that is not there."""
    part = func.substr(_PIECES.c.data, start + 1, length, type_=LargeBinary)
    query = select(part).where(_pieces_of(project, digest), _PIECES.c.number == number)
    data = connection.execute(query).scalar()
    return None if data is None else bytes(data)


def read_all(connection: Connection, project: str, digest: str) -> bytes | None:
    """Return a complete blob; `None` for one that is not there. At most `protocol.MAX_BLOB` bytes."""
    row = connection.execute(select(_BLOBS).where(_is(project, digest), _BLOBS.c.complete.is_(True))).first()
    if row is None:
        return None
    return b"".join(read_piece(connection, project, digest, number) or b"" for number in range(pieces(row.size)))


def has(connection: Connection, project: str, digest: str) -> bool:
    """Return whether a complete blob is there."""
    query = select(_BLOBS.c.digest).where(_is(project, digest), _BLOBS.c.complete.is_(True))
    return connection.execute(query).first() is not None


def is_true(connection: Connection, project: str, digest: str, size: int) -> bool:
    """Return whether the stored pieces have the digest; reads one after the other."""
    sum_ = hashlib.sha256()
    for number in range(pieces(size)):
        sum_.update(read_piece(connection, project, digest, number) or b"")
    return sum_.hexdigest() == digest


def complete(tx: Tx, project: str, digest: str) -> bool:
    """Mark a blob whose digest was checked; returns whether it was not before."""
    return bool(tx.run(_BLOBS.update().where(_is(project, digest), _BLOBS.c.complete.is_(False)).values(complete=True)))


def remove(tx: Tx, project: str, digest: str, touched: float | None = None) -> bool:
    """Delete a blob; with `touched` only if it was not sent or named since. Returns whether it is deleted."""
    condition = _is(project, digest) if touched is None else and_(_is(project, digest), _BLOBS.c.touched == touched)
    if not tx.run(_BLOBS.delete().where(condition)):
        return False
    tx.run(_PIECES.delete().where(_pieces_of(project, digest)))
    return True
