"""What a user's properties may be: email address, names, roles, and the changes of a PATCH."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from edgewright.core import roles
from edgewright.hub.http import problems
from edgewright.hub.http.problems import invalid, not_found

MOST = 5_000
"""Users of a plane."""
MAX_EMAIL = 254
"""Characters of an email address (RFC 5321, 4.5.3.1)."""
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_NAMES = {"firstName": "first_name", "lastName": "last_name"}
Roles = tuple[str, ...]


def check_email(text: object, where: str = "spec.emailId") -> str:
    """Return an email address; raises 422."""
    email = str(text or "").strip()
    if not email:
        raise invalid(problems.REQUIRED, f"{where} in body is required")
    if len(email) > MAX_EMAIL:
        raise invalid(problems.TOO_LONG, f"{where} in body should be at most {MAX_EMAIL} chars long")
    if not _EMAIL.fullmatch(email):
        raise invalid(problems.PATTERN, f"{where} in body is not an email address")
    return email


def read_roles(texts: Iterable[object], where: str) -> Roles:
    """Return the roles that uids or names mean, without doubles, from the most rights to the least; raises 422."""
    given = set()
    for text in texts:
        role = roles.parse(str(text or ""))
        if role is None:
            names = " ".join(roles.ROLES)
            raise invalid(problems.ENUM, f"{where} in body: {str(text)[:64]!r} is not the uid of a role [{names}]")
        given.add(role)
    return tuple(role for role in roles.ROLES if role in given)


def read_project_roles(body: Mapping[str, Any], projects: Mapping[str, Any]) -> dict[str, Roles]:
    """Return the roles by project of a `v1ProjectRolesPatch`; raises 422 for a role, 404 for a project."""
    matches: dict[str, Roles] = {}
    for entry in body.get("projects") or []:
        uid = str((entry or {}).get("projectUid") or "")
        if uid not in projects:
            raise not_found("project", uid)
        mine = read_roles((entry or {}).get("roles") or [], "projects.roles")
        matches[uid] = tuple(role for role in roles.ROLES if role in mine or role in matches.get(uid, ()))
    return {uid: mine for uid, mine in matches.items() if mine}


def refuse_teams(spec: Mapping[str, Any]) -> None:
    """Raise 422 for a user of a team: this hub has none, and the rights of the team would be missing."""
    if spec.get("teams"):
        raise invalid(problems.ENUM, "spec.teams in body should be empty: this hub has no teams")


def read_properties(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a user that a `v1UserUpdateSpecEntity` sends, and no others."""
    refuse_teams(spec)
    changes: dict[str, Any] = {}
    if "emailId" in spec:
        changes["email"] = check_email(spec["emailId"])
    for key, column in _NAMES.items():
        if key in spec:
            changes[column] = str(spec[key]).strip()
    if "roles" in spec:
        changes["role"] = " ".join(read_roles(spec["roles"], "spec.roles"))
    return changes


def read_patch(operations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the columns that a `v1UserPatch` changes; raises 422 for a path or an operation that does not exist here.

    The paths are those of the document: `/spec/firstName`, `/spec/lastName`, `/spec/emailId`, `/spec/roles` and
    `/status/isActive`.
    """
    changes: dict[str, Any] = {}
    for number, operation in enumerate(operations):
        path, value = str(operation["path"]), operation.get("value")
        if operation["op"] not in ("add", "replace"):
            raise invalid(problems.ENUM, f"{number}.op in body should be one of [add replace]")
        if path == "/status/isActive":
            if not isinstance(value, bool):
                raise invalid(problems.TYPE, f"{number}.value in body must be of type boolean")
            changes["active"] = value
            continue
        field = path.removeprefix("/spec/")
        if path == field or field not in (*_NAMES, "emailId", "roles"):
            raise invalid(problems.ENUM, f"{number}.path in body: {path[:64]!r} is not a property that can be changed")
        if field == "roles" and not isinstance(value, list):
            raise invalid(problems.TYPE, f"{number}.value in body must be of type array")
        if field != "roles" and (not isinstance(value, str) or len(value) > 253 or not value.isprintable()):
            raise invalid(problems.TYPE, f"{number}.value in body must be a text of at most 253 printable characters")
        changes |= read_properties({field: value})
    return changes
