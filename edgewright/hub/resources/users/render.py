"""Users as clients see them (`v1User`, `v1UserSummary`), and their roles with names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from edgewright.core import roles, times
from edgewright.hub.db.records import UserRecord
from edgewright.hub.readmodel.state import State


def display_name(record: UserRecord) -> str:
    """Return first and last name, else the email address."""
    return f"{record.first_name} {record.last_name}".strip() or record.email


def role_references(names: Iterable[str]) -> list[dict[str, str]]:
    """Return roles as `v1UidSummary`."""
    return [{"uid": roles.uid(name), "name": name} for name in names]


def user(record: UserRecord, state: State, link: str = "") -> dict[str, Any]:
    """Return a user (`v1User`); `link` is shown to admins only."""
    stored: dict[str, Any] = (msgspec.json.decode(record.doc)).get("metadata") or {}
    modified = record.created if record.modified is None else record.modified
    projects = state.project_roles.get(record.uid) or {}
    return {
        "metadata": {
            **stored,
            "uid": record.uid,
            "name": display_name(record),
            "labels": stored.get("labels") or {},
            "annotations": stored.get("annotations") or {},
            "creationTimestamp": times.rfc3339(record.created),
            "lastModifiedTimestamp": times.rfc3339(modified),
        },
        "spec": {
            "emailId": record.email,
            "firstName": record.first_name,
            "lastName": record.last_name,
            "roles": [roles.uid(role) for role in record.roles],
            "edgewright": {
                "tenantRole": roles.highest(record.roles),
                "projectRoles": {uid: roles.highest(mine) for uid, mine in sorted(projects.items())},
                "keys": len(state.keys_by_user.get(record.uid, ())),
            },
        },
        "status": {
            "activationLink": link,
            "isActive": record.active,
            "isPasswordResetting": record.active and record.activation_hash is not None,
            "lastSignIn": times.rfc3339(record.last_sign_in),
            "edgewright": {"pending": not record.active and record.activation_hash is not None},
        },
    }


def summary(record: UserRecord, state: State, link: str = "") -> dict[str, Any]:
    """Return a user as the summary lists it (`v1UserSummary`)."""
    document = user(record, state, link)
    mine = project_roles(record, state)
    document["spec"] |= {
        "roles": role_references(record.roles),
        "teams": [],
        "projects": [{"uid": entry["uid"], "name": entry["name"]} for entry in mine],
        "projectsCount": len(mine),
    }
    return document


def project_roles(record: UserRecord, state: State) -> list[dict[str, Any]]:
    """Return the roles of a user in projects (`v1UidRoleSummary`)."""
    matches = []
    for uid, mine in (state.project_roles.get(record.uid) or {}).items():
        project = state.projects.get(uid)
        if project is not None:
            roles_of = role_references(mine)
            matches.append({"uid": uid, "name": project.name, "roles": roles_of, "inheritedRoles": []})
    return sorted(matches, key=lambda entry: (entry["name"], entry["uid"]))
