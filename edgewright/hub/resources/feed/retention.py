"""How long events and audit entries are retained.

Age is a statement of the clock, and what is deleted does not come back. So audit entries are deleted only when two
checks a day apart found them too old (rule P41).
"""

from __future__ import annotations

from edgewright.hub.db import schema
from edgewright.hub.db.pruning import DAY, delete_rows
from edgewright.hub.services import Services

CONFIRM = DAY
"""Seconds between the check that finds audit entries too old and the one that deletes them."""


async def prune(hub: Services, now: float) -> dict[str, int]:
    """Delete events and audit entries that are too old at `now`."""
    events = schema.events
    old = events.c.at < now - hub.options.event_days * DAY
    return {"events": await delete_rows(hub, events, events.c.id, old), "audits": await _prune_audits(hub, now)}


async def _prune_audits(hub: Services, now: float) -> int:
    """Delete the audit entries that were too old at an earlier check, a day ago or more, and note this check."""
    seen, audits = hub.clock.seen, schema.audits
    earlier, before = seen.audits_at, seen.audits_before
    if earlier is not None and before is not None and earlier <= now < earlier + CONFIRM:
        return 0
    seen.audits_at, seen.audits_before = now, now - hub.options.audit_days * DAY
    if earlier is None or before is None or now < earlier:
        return 0
    return await delete_rows(hub, audits, audits.c.id, audits.c.at < min(before, seen.audits_before))
