"""The document of a registration token (`v1EdgeToken`)."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core import times
from edgewright.hub.db.records import TokenRecord
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.services import Services


def document(hub: Services, record: TokenRecord, *, secret: bool, now: float | None = None) -> dict[str, Any]:
    """Return a registration token; its text only with `secret`."""
    moment = times.now() if now is None else now
    document: dict[str, Any] = msgspec.json.decode(record.doc)
    stored = document.get("metadata") or {}
    project = hub.state.projects.get(record.project_uid or "")
    spec = {key: value for key, value in (document.get("spec") or {}).items() if key != "defaultProjectUid"}
    spec["expiry"] = times.rfc3339(record.expiry)
    if project is not None:
        spec["defaultProject"] = {"uid": project.uid, "name": project.name}
    if secret:
        spec["token"] = hub.box.unseal(record.secret_encrypted)
    expired = record.expiry is not None and record.expiry <= moment
    document["metadata"] = hub.renderer.meta(stored, record.uid, record.name, record.created, record.modified)
    document["spec"] = spec
    document["status"] = {
        "isActive": record.active,
        "edgewright": {
            "hosts": len(hub.state.hosts_by_token.get(record.uid, ())),
            "expired": expired,
            "usable": record.active and not expired,
        },
    }
    return document


def change(hub: Services, uid: str) -> dict[str, Any] | None:
    """Return what readers of the change stream get of a token: never its text."""
    record = hub.part(Tokens).by_uid.get(uid)
    return None if record is None else document(hub, record, secret=False)
