"""A small write that proves that the database takes writes: an empty transaction would succeed on a full disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.hub.db import schema

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

_KEY = "storage_probe"


def probe(tx: Tx) -> None:
    """Write the time into the table `settings`."""
    table = schema.settings
    if not tx.run(table.update().where(table.c.key == _KEY).values(value=repr(tx.now))):
        tx.run(table.insert().values(key=_KEY, value=repr(tx.now)))
