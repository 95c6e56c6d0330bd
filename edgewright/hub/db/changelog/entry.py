"""One change: what a transaction hands to the log, and what memory and readers take from it."""

from __future__ import annotations

from typing import Any

import msgspec

PUT, DELETE = "put", "delete"


class Entry(msgspec.Struct):
    """One change. `seq` is 0 until the log has numbered it.

    `record` is the record that memory takes: the object of the transaction here, or one read from its table on another
    hub. `doc` is the JSON text that readers get where the change has one of its own.
    """

    kind: str
    op: str
    uid: str
    project_uid: str = ""
    record: Any = None
    doc: bytes | None = None
    seq: int = 0
    loaded: bool = False
    """Whether record and document were read from the database; without one the row no longer exists."""


class LogRow(msgspec.Struct, frozen=True):
    """A row of the log as it is stored; `doc` only where no table has the document."""

    seq: int
    at: float
    kind: str
    op: str
    uid: str
    project_uid: str
    origin: str
    doc: str | None
