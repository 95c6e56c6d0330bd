"""What was reported of a host's health is brought in line with what the hubs judge (rule P67).

A change of health and its event are stored a moment after the heartbeat that caused them, by the hub that took it. That
hub may end in between, or not know yet that another one reported the opposite: the row would then show the older health
for ever, and the next change would be none. So the hub with the task looks again at hosts whose row showed another
health than its own judgement, and at all of them when it gets the task.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, select

from edgewright.core import times
from edgewright.hub.controllers.membership import SWEEPS
from edgewright.hub.db import schema
from edgewright.hub.db.health import Transition, store_transitions
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http.problems import Problem
from edgewright.hub.process.clock import boottime
from edgewright.hub.resources.hosts import health

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
EVERY: Final = 1.0
"""Seconds between two looks."""
LATER: Final = 2.5
"""Seconds after which the hub that took a heartbeat should have stored what it means for the host's health."""
_AT_ONCE, _SLICE = 500, 2_000
_TABLE: Final = schema.heartbeats
_COLUMNS: Final = (_TABLE.c.uid, _TABLE.c.boot_id, _TABLE.c.seq, _TABLE.c.health)


class Reported:
    """Hosts whose row may show another health than is judged here. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._doubtful: dict[str, float] = {}
        self._had_task = False

    def doubt(self, uid: str, shown: str) -> None:
        """Look at a host again whose row shows a health, unless that is the one judged here."""
        entry = self._hub.state.hosts.get(uid)
        if entry is not None and entry.live.health != shown and uid not in self._doubtful:
            self._doubtful[uid] = boottime()

    async def look(self) -> int:
        """Store changes of health that were not stored, with their events; returns how many."""
        if not self._hub.membership.has(SWEEPS):
            self._had_task = False
            self._doubtful.clear()
            return 0
        if not self._had_task:
            rows = await self._hub.read(lambda connection: connection.execute(select(*_COLUMNS)).all())
            for index, row in enumerate(rows):
                self.doubt(row.uid, row.health)
                if index % _SLICE == _SLICE - 1:
                    await asyncio.sleep(0)
            self._had_task = True
        before = boottime() - LATER
        due = [uid for uid, since in self._doubtful.items() if since <= before][:_AT_ONCE]
        for uid in due:
            del self._doubtful[uid]
        try:
            return await self._store(due) if due else 0
        except Exception:
            self._doubtful.update(dict.fromkeys(due, boottime()))
            raise

    async def _store(self, due: list[str]) -> int:
        def query(connection: Connection) -> list[Any]:
            return list(connection.execute(select(*_COLUMNS).where(_TABLE.c.uid.in_(due))).all())

        missed = [change for row in await self._hub.read(query) if (change := self._missed(row)) is not None]
        if not missed:
            return 0

        def job(tx: Tx) -> int:
            self._hub.membership.fence(tx, SWEEPS)
            return len(store_transitions(self._hub.state, tx, missed))

        return await self._hub.write(job)

    def _missed(self, row: Any) -> Transition | None:
        entry, now = self._hub.state.hosts.get(row.uid), times.now()
        if entry is None or entry.live.health == row.health:
            return None
        live = entry.live
        if (live.boot_id, live.seq) != (row.boot_id, row.seq):
            self.doubt(row.uid, row.health)  # heartbeats arrive; what they mean is seen later
            return None
        if self._hub.renderer.verdict(entry, now).health.value != live.health:
            return None  # the sweep is about to report it
        return _transition(self._hub, entry, row.health, now)


def _transition(hub: Services, entry: HostEntry, before: str, now: float) -> Transition:
    live = entry.live
    document = health.event_of(hub, entry, before, now)
    if document is not None and not hub.intake.admit_state(entry.record.uid):
        document = None
    # With its number: the next heartbeat may be stored meanwhile, some milliseconds after the one that is judged here.
    return Transition(
        entry.record.uid, live.health, live.at, False, entry.record.project_uid, document, live.boot_id, live.seq
    )


async def run(hub: Services) -> None:
    """Look every second until cancelled; nothing on SQLite, where the one process stores what it judges."""
    reported = hub.part(Reported)
    while hub.membership.shared:
        try:
            stored = await reported.look()
            if stored:
                log.info("%d changes of health were not stored by the hub that noticed them; they are now", stored)
        except Problem as problem:
            log.info("changes of health are looked at again: %s", problem.message)
        except Exception:
            log.exception("the health of hosts could not be compared; it is compared again")
        await asyncio.sleep(EVERY)
