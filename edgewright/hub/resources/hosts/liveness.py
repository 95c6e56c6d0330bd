"""How a hub learns of the heartbeats that other hubs took: a look at the rows that were written since the last one.

Heartbeats are not in the change log: a fleet sends more of them than of everything else. They are read once a second
instead, each row that moved once, by the database's clock. A row has the time of its writing, and can be read only
after its commit: so a look begins where the oldest transaction began that was open at the look before.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Connection

from edgewright.core import times
from edgewright.hub.db.shared.sessions import driver_of
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.resources.hosts.heartbeat import Heartbeats
from edgewright.hub.resources.hosts.reported import Reported

if TYPE_CHECKING:
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
EVERY: Final = 1.0
"""Seconds between two looks."""
BACK: Final = 0.1
"""Seconds before that which are read again: the database's clock may be set back a little meanwhile."""
LONGEST: Final = 60.0
"""Seconds that a look goes back at most: no transaction that writes is open for longer."""
_OPEN: Final = """
SELECT extract(epoch FROM statement_timestamp())::float8, extract(epoch FROM min(xact_start))::float8
FROM pg_stat_activity
WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"""
"""The present, and when the oldest open transaction began. A statement of its own, before that of the rows: what is not
open any more is visible to them."""
_SLICE: Final = 200


_COLUMNS: Final[dict[str, Any]] = {
    "uid": str, "at": float | None, "count": int, "boot_id": str, "seq": int, "state": str, "message": str,
    "agent_version": str, "observed_generation": int, "vitals": str, "gone_boots": str, "health": str,
}  # fmt: skip
_Row: Any = msgspec.defstruct("_Row", list(_COLUMNS.items()), array_like=True, gc=False)
_ROWS: Final = f"""
SELECT json_agg(json_build_array({", ".join(_COLUMNS)}))::text FROM heartbeats
WHERE stored_at > %(since)s AND stored_by <> %(own)s"""  # noqa: S608 - constants of this module
"""All rows as one text: each row of its own would cost this process several times as much."""
_decode: Final = msgspec.json.Decoder(list[_Row]).decode


class Liveness:
    """Follows the heartbeats of other hubs."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._since: float | None = None
        self._failed = 0
        """Heartbeats that the writer had failed to store when this was last looked at."""

    async def look(self) -> int:
        """Take what other hubs stored since the last look; returns how many hosts moved."""
        if not self._hub.membership.others:
            self._since = None  # alone; when another one appears, the last minute is read
            return 0
        failed = self._hub.writer.beats_failed
        if failed == self._failed:
            self._since, rows = await self._hub.read(self._read)
        else:  # rows that this hub wrote without knowing it may count what it does not know
            self._since, rows = await self._hub.read(partial(self._read, everything=True))
        self._failed = failed
        beats, reported, moved = self._hub.part(Heartbeats), self._hub.part(Reported), 0
        for index, row in enumerate(rows):
            moved += beats.take_row(row, times.now())
            reported.doubt(row.uid, row.health)
            if index % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
        return moved

    def _read(self, connection: Connection, everything: bool = False) -> tuple[float, list[Any]]:
        """Return where the next look begins, and the rows that other hubs wrote since this one began.

        With `everything` it is all rows of the last `LONGEST` seconds, this hub's own among them.
        """
        with driver_of(connection) as driver:
            now, oldest = driver.execute(_OPEN).fetchone()
            known = None if everything else self._since
            since = now - LONGEST if known is None else max(known - BACK, now - LONGEST)
            own = "" if everything else self._hub.membership.id
            rows = driver.execute(_ROWS, {"since": since, "own": own}).fetchone()[0]
        return min(now, oldest or now), _decode(rows or "[]")


async def run(hub: Services) -> None:
    """Follow until cancelled; nothing on SQLite, where one process takes all heartbeats."""
    liveness = Liveness(hub)
    while hub.membership.shared:
        try:
            await liveness.look()
        except StorageProblem as problem:
            log.warning("the heartbeats of other hubs could not be read; they are read again: %s", problem.message)
        except Exception:
            log.exception("the heartbeats of other hubs could not be read; they are read again")
        await asyncio.sleep(EVERY)
