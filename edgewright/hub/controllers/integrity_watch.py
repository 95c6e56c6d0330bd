"""The running hub's own look at its database: a damaged page may stay unread while every write succeeds."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.hub.db import integrity
from edgewright.hub.process.files import DATABASE
from edgewright.hub.readmodel.alert_board import Alert

if TYPE_CHECKING:
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")

ALERT = "plane/database"
WITHIN = 20.0
"""Seconds that one look may take; a larger database is looked at as far as that, and completely by a backup."""


async def check_database(hub: Services) -> None:
    """Look at the pages of a SQLite database; damage is an alert of kind `plane` until a look finds none."""
    if hub.engine.dialect.name != "sqlite":
        return
    try:
        problem = await asyncio.to_thread(integrity.damage, hub.data / DATABASE, seconds=WITHIN)
    except (integrity.NotFinished, OSError):
        return
    if not problem:
        hub.alerts.drop(ALERT)
        return
    log.error("the database %s is damaged: %s", hub.data / DATABASE, problem)
    now = times.now()
    hub.alerts.report(
        Alert(
            uid=ALERT, kind="plane", subject="management plane", text="database damaged",
            message=f"The database of the management plane is damaged ({problem}). Requests that meet the damage fail.",
            hint="Stop the hub and restore the last good backup into a new directory (edgewright hub restore).",
            code="DatabaseDamaged", project_uid="", host_uids=(), since=now, last=now, quiet=None,
        )
    )  # fmt: skip
