"""Pairing keys (rule P13): compared in the transaction of the registration; guesses are braked for all hubs."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from edgewright.hub.db import schema
from edgewright.hub.db.shared.rows import insert_new, locked
from edgewright.hub.http.problems import Problem
from edgewright.hub.security.secretbox import digest
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.http.auth import Authenticator

TRIES: Final = 10
"""Wrong pairing keys for one host within a minute, after which the rest of that minute takes none."""
_TABLE: Final = schema.brakes


def pair(tx: Tx, authenticator: Authenticator, uid: str, address: str, key: str, stored: str) -> Problem | None:
    """Compare a pairing key with the hash `stored`; returns the answer for a wrong one, to be raised after the commit.

    Raises `Problem` 429, with the key unread, after too many wrong ones for a host. People choose these keys, so
    guesses are braked by host: no number of addresses or hubs makes them faster. The caller has locked the host.
    """
    minute, name = int(tx.now // 60), f"pair/{uid}"
    row = tx.first(locked(select(_TABLE).where(_TABLE.c.name == name)))
    count = int(row.count) if row is not None and row.minute == minute else 0
    if count >= TRIES:
        wait = int((minute + 1) * 60 - tx.now) + 1
        raise Problem(
            429,
            protocol.E_TOO_MANY,
            f"Too many wrong pairing keys came for the host '{uid}'; wait {wait} s.",
            {"Retry-After": str(wait)},
        )
    if key and hmac.compare_digest(stored, digest(key)):
        return None
    if not insert_new(tx, _TABLE, {"name": name, "minute": minute, "count": 1}):
        tx.run(_TABLE.update().where(_TABLE.c.name == name).values(minute=minute, count=count + 1))
    return authenticator.fail(address, f"The pairing key of host '{uid}' is wrong.", protocol.E_INVALID_PAIRING_KEY)


def forget(tx: Tx, now: float) -> int:
    """Delete what no longer brakes; returns how many rows."""
    return tx.run(_TABLE.delete().where(_TABLE.c.minute < int(now // 60) - 1))
