"""The audit log: who did what, to what, when, from where. Written in the same transaction as its subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.security.secretbox import new_uid

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.http.auth import Actor
    from edgewright.hub.readmodel.state import State


def write_audit(
    state: State,
    tx: Tx,
    actor: Actor,
    action: str,
    kind: str,
    uid: str,
    name: str,
    message: str,
    project_uid: str = "",
) -> str:
    """Add an audit entry; returns its uid. `action` is one of Palette's words (create, update, delete, action...)."""
    audit_uid = new_uid()
    project = state.projects.get(project_uid)
    actor_block: dict[str, Any] = {
        "actorType": "user" if actor.is_user else ("service" if actor.role else "system"),
        "project": {"uid": project_uid, "name": project.name if project else ""},
    }
    if actor.is_user:
        user = state.users.get(actor.uid)
        actor_block["user"] = {
            "uid": actor.uid,
            "emailId": user.email if user else actor.name,
            "firstName": user.first_name if user else "",
            "lastName": user.last_name if user else "",
            "org": state.settings.get("org", ""),
        }
    else:
        actor_block["serviceName"] = f"host {actor.uid}" if actor.role else "hub"
    document = {
        "metadata": {
            "uid": audit_uid,
            "name": audit_uid,
            "creationTimestamp": times.rfc3339(tx.now),
            "lastModifiedTimestamp": times.rfc3339(tx.now),
        },
        "spec": {
            "actionType": action,
            "actionMsg": message,
            "contentMsg": message,
            "actor": actor_block,
            "resource": {"kind": kind, "uid": uid, "name": name, "label": kind},
            "userMsg": "",
            "edgewright": {"address": actor.address, "via": actor.via},
        },
    }
    tx.run(
        schema.audits.insert().values(
            uid=audit_uid,
            project_uid=project_uid,
            user_uid=actor.uid,
            action_type=action,
            resource_kind=kind,
            resource_uid=uid,
            at=tx.now,
            doc=dump(document),
        )
    )
    tx.emit("audit", "put", audit_uid, project_uid, document)
    return audit_uid
