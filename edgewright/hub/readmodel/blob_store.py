"""How a resource stores content as blobs without knowing the resource of blobs, which puts this part there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

Put = Callable[["Tx", str, str, bytes], None]
Read = Callable[[Connection, str, str], "bytes | None"]
Has = Callable[[Connection, str, str], bool]


class BlobStore:
    """Stores complete blobs within a transaction, and reads them."""

    def __init__(self, put: Put, read: Read, has: Has) -> None:
        self._put, self._read, self._has = put, read, has

    def has(self, connection: Connection, project: str, digest: str) -> bool:
        """Return whether a complete blob is there."""
        return self._has(connection, project, digest)

    def read(self, connection: Connection, project: str, digest: str) -> bytes | None:
        """Return a complete blob of a project; `None` for one that is not there."""
        return self._read(connection, project, digest)

    def put(self, tx: Tx, project: str, digest: str, data: bytes) -> None:
        """Store bytes under their digest (64 hexadecimal digits) in a project; what is there already stays.

        Raises `Problem` 413 beyond what a project may have. A blob stays for a day unless something names it.
        """
        self._put(tx, project, digest, data)
