"""Component events of the plane, as the store has them: the newest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import part, text, when
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanReadEvents

LIMIT: Final = 2000
"""Newest component events (and as many audit entries) in the model; older ones are requested from the plane."""


class EventRow(Row, frozen=True, array_like=True, gc=False):
    """One component event as the plane sends it."""

    uid: str
    at: float = 0.0
    severity: str = ""
    reason: str = ""
    message: str = ""
    kind: str = ""
    object_uid: str = ""
    object_name: str = ""
    component: str = ""
    host: str = ""


def event_row(doc: Mapping[str, Any], _at: float = 0.0) -> EventRow | None:
    """Return the row of a component event; `None` when it names no uid."""
    meta, involved, source = part(doc, "metadata"), part(doc, "involvedObject"), part(doc, "source")
    uid = text(meta, "uid")
    if not uid:
        return None
    related = part(doc, "relatedObject")
    return EventRow(
        uid=uid,
        at=when(meta, "creationTimestamp") or when(meta, "lastModifiedTimestamp") or 0.0,
        severity=text(doc, "severity").lower(),
        reason=text(doc, "reason"),
        message=text(doc, "message"),
        kind=text(involved, "kind") or text(related, "kind"),
        object_uid=text(involved, "uid") or text(related, "uid"),
        object_name=text(involved, "name") or text(related, "name"),
        component=text(source, "component"),
        host=text(source, "host"),
    )


async def _read(events: CanReadEvents, page: int) -> Documents:
    return (await events.page(limit=page)).items


FEED = Collection(
    "feed",
    EventRow,
    event_row,
    noun="events",
    change_kind="event",
    limit=LIMIT,
    reading=Reading(_read, "events", "CanReadEvents", entire=False, every=15.0),
    documents=True,
    hosts_of=lambda row: (row.object_uid,),
)
