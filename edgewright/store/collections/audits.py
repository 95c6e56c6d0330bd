"""Audit entries, as the store has them: the newest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, part, text, when
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanReadAudits

LIMIT: Final = 2000
"""Newest audit entries in the model; older ones are requested from the plane."""


class AuditRow(Row, frozen=True, array_like=True, gc=False):
    """One audit entry: who did what to which thing, when and from where."""

    uid: str
    at: float = 0.0
    action: str = ""
    actor: str = ""
    actor_type: str = ""
    kind: str = ""
    resource_uid: str = ""
    resource: str = ""
    message: str = ""
    note: str = ""
    project_uid: str = ""
    project: str = ""
    address: str = ""


def audit_row(doc: Mapping[str, Any], _at: float = 0.0) -> AuditRow | None:
    """Return the row of an audit entry; `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    actor, resource = part(spec, "actor"), part(spec, "resource")
    user, project = part(actor, "user"), part(actor, "project")
    names = " ".join(filter(None, (text(user, "firstName"), text(user, "lastName"))))
    return AuditRow(
        uid=uid,
        at=when(meta, "creationTimestamp") or 0.0,
        action=text(spec, "actionType"),
        actor=text(user, "emailId") or names or text(actor, "serviceName") or text(user, "uid"),
        actor_type=text(actor, "actorType"),
        kind=text(resource, "kind"),
        resource_uid=text(resource, "uid"),
        resource=text(resource, "name") or text(resource, "label") or text(resource, "uid"),
        message=text(spec, "actionMsg") or text(spec, "contentMsg"),
        note=text(spec, "userMsg"),
        project_uid=text(project, "uid"),
        project=text(project, "name"),
        address=text(part(spec, EXTENSION), "address") or text(part(meta, EXTENSION), "address"),
    )


async def _read(audits: CanReadAudits, page: int) -> Documents:
    return (await audits.page(limit=page)).items


AUDITS = Collection(
    "audits",
    AuditRow,
    audit_row,
    noun="audit",
    change_kind="audit",
    limit=LIMIT,
    reading=Reading(_read, "audits", "CanReadAudits", entire=False, every=60.0),
    documents=True,
)
