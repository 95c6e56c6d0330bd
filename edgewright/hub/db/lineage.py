"""The lineage of this hub's database: which history its generations belong to (rules P36 to P38).

One text of 16 hex digits in the table `settings`. It is renewed by `hub restore`, and by the hub itself when a host
reports, within the present lineage, a generation that the hub never gave: then the database was set back (a
restored disk snapshot, a point-in-time recovery of PostgreSQL) without `hub restore`.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.hub.db import schema
from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.events import event_row, host_event, store_event
from edgewright.hub.db.hosts import get_host_or_404, save_host
from edgewright.hub.db.records import SettingRecord
from edgewright.wire.protocol.generations import LINEAGE_DIGITS, MAX_GENERATION, read_generation, read_lineage

if TYPE_CHECKING:
    from edgewright.hub.db.records import HostEntry
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")

SETTING, SINCE = "lineage", "lineage_since"
CHANGED = "LineageChanged"
"""Reason of the event about a renewal."""
RENEW_EVERY = 3600.0
"""Seconds between two renewals that reports of hosts cause: a host with false reports must not load a fleet."""
RAISE_LIMIT = 10**9
"""The highest generation to which a report of an agent v0.1.0 may raise a host: as many again remain above it."""
RETRY = 30.0
"""Seconds before a renewal that could not be written is tried again."""
_MOST_RAISED = 10_000
MEANING = (
    "Hosts take their settings and open operations from this database at once, whatever generation they had; an "
    "operation that a host ran already does not run again. What was changed after the backup is lost: check recent "
    "tokens, tags and registrations."
)


def ensure(engine: Engine, *, restored: bool = False) -> None:
    """Give a lineage to a database that has none yet (a new one, or one of v0.1.0).

    With `restored` it gets a new one: an operator restored it by other means than `hub restore`.
    """
    with engine.begin() as connection:
        if restored:
            _renew_reported(connection, "This hub was started with --new-lineage, after its database was restored.")
        elif not read_lineage(_setting(connection, SETTING)):
            _store(connection, times.now())


def renew(connection: Connection, now: float) -> str:
    """Store a new lineage; returns it."""
    return _store(connection, now)


def renew_restored(database: Path, source: str) -> str:
    """Renew the lineage of the SQLite file `database`, just restored from the backup `source`; returns it.

    The event that reports it is stored with it, so that readers see it from the first start. Raises `InvalidInput`.
    """
    engine = create_engine(f"sqlite:///{database}", poolclass=NullPool)
    try:
        with engine.begin() as connection:
            return _renew_reported(connection, f"This hub was restored from the backup {source}.")
    except DBAPIError as error:
        raise InvalidInput(
            f"The database in the backup {source} cannot be used: {error.orig}.", "Restore another backup."
        ) from None
    finally:
        engine.dispose()


def _renew_reported(connection: Connection, reason: str) -> str:
    """Store a new lineage together with the event that reports it, while no hub runs; returns it."""
    now = times.now()
    lineage = renew(connection, now)
    changelog.begin_again(connection, now)
    projects = schema.projects
    project = connection.execute(select(projects.c.uid).order_by(projects.c.created).limit(1)).scalar()
    event = _hub_event(_setting(connection, "tenant_uid"), f"{reason} {MEANING}")
    connection.execute(schema.events.insert().values(event_row(event, str(project or ""), now)))
    return lineage


def _hub_event(tenant: str, message: str) -> dict[str, Any]:
    event = host_event(tenant, "management plane", "Warning", CHANGED, message)
    for reference in ("involvedObject", "relatedObject"):
        event[reference]["kind"] = "hub"
    return event


def _setting(connection: Connection, key: str) -> str:
    table = schema.settings
    return str(connection.execute(select(table.c.value).where(table.c.key == key)).scalar() or "")


def _store(connection: Connection, now: float) -> str:
    table, lineage = schema.settings, secrets.token_hex(LINEAGE_DIGITS // 2)
    for key, value in ((SETTING, lineage), (SINCE, repr(now))):
        if not connection.execute(table.update().where(table.c.key == key).values(value=value)).rowcount:
            connection.execute(table.insert().values(key=key, value=value))
    return lineage


class Lineage:
    """The lineage that a running hub names to its hosts, and what it does about a host that is ahead of it."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._tried = float("-inf")
        self._raised: dict[str, float] = {}
        """Host uid -> when its generation was raised, or a report of it was not believed."""

    @property
    def value(self) -> str:
        """Return the present lineage."""
        return self._hub.state.settings.get(SETTING, "")

    @property
    def since(self) -> float:
        """Return when it began."""
        try:
            return float(self._hub.state.settings.get(SINCE, "0"))
        except ValueError:
            return 0.0

    def believes(self, lineage: str | None, generation: int, entry: HostEntry, now: float) -> bool:
        """Return whether a heartbeat's generation counts as applied (rule P37); acts when the host is ahead.

        A generation of another lineage means nothing for this one. `lineage` is `None` from an agent v0.1.0.
        """
        if read_generation(generation) is None or (lineage is not None and lineage != self.value):
            return False
        if generation <= entry.record.generation:
            return True
        if lineage is None:
            self._raise_generation(entry, generation, now)
        else:
            self._renew(entry, generation, now)
        return False

    def _renew(self, entry: HostEntry, generation: int, now: float) -> None:
        uid, own, project = entry.record.uid, entry.record.generation, entry.record.project_uid
        if 0 <= now - self.since < RENEW_EVERY:
            if self._once(uid, now):
                log.warning("host %s reports generation %d, ahead of %d; not believed", uid, generation, own)
            return
        if 0 <= now - self._tried < RETRY:
            return
        self._tried = now
        message = (
            f"{uid} reports generation {generation}, and this hub has given it {own} at most: the database of the hub "
            f"was set back to an earlier state without `hub restore`. {MEANING}"
        )
        event = host_event(uid, uid, "Warning", CHANGED, message)

        def job(tx: Tx) -> None:
            lineage = renew(tx.connection, tx.now)
            store_event(self._hub.state, tx, event, project)
            for key, value in ((SETTING, lineage), (SINCE, repr(tx.now))):
                tx.changed(SettingRecord(key, value))

        log.warning("%s", message)
        self._hub.write_later(job)

    def _raise_generation(self, entry: HostEntry, generation: int, now: float) -> None:
        """Lift a host over what its agent has: one of v0.1.0 orders by the number alone and would ignore this hub."""
        uid = entry.record.uid
        if generation >= min(RAISE_LIMIT, MAX_GENERATION) or not self._once(uid, now):
            return
        message = (
            f"{uid} reports generation {generation}, and this hub has given it {entry.record.generation} at most: the "
            "database of the hub was restored or set back. Its generation is raised, so that its agent (which knows "
            "no lineage) takes its settings and operations again."
        )

        def job(tx: Tx) -> None:
            record = get_host_or_404(tx, uid)
            if record.generation <= generation:
                save_host(tx, record, generation=generation + 1)
                store_event(self._hub.state, tx, host_event(uid, uid, "Warning", CHANGED, message), record.project_uid)

        self._hub.storage.deliver(job)

    def _once(self, uid: str, now: float) -> bool:
        """Return whether nothing was done about this host within the last hour, and note that now something is."""
        before = self._raised.pop(uid, None)
        if before is not None and 0 <= now - before < RENEW_EVERY:
            self._raised[uid] = before
            return False
        self._raised[uid] = now
        while len(self._raised) > _MOST_RAISED:
            del self._raised[next(iter(self._raised))]
        return True
