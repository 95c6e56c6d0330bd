"""Users, roles and SSH keys of the tests' fleet, as a hub renders them."""

from __future__ import annotations

from typing import Any

from edgewright.core import roles as rules
from edgewright.core import times
from edgewright.hub.resources.roles.routes import role
from tests.hub.people import ssh_key
from tests.tui.samples import NOW


def user(uid: str, email: str, name: str, tenant: str, state: str, **projects: str) -> dict[str, Any]:
    """Return a user; `projects`: role by name of the project."""
    first, _, last = name.partition(" ")
    mine = [{"uid": f"p-{project}", "name": project} for project in projects]
    return {
        "metadata": {"uid": uid, "name": name or email, "creationTimestamp": times.rfc3339(NOW - 40 * 86_400)},
        "spec": {
            "emailId": email,
            "firstName": first,
            "lastName": last,
            "roles": [{"uid": rules.uid(tenant), "name": tenant}] if tenant else [],
            "projects": mine,
            "edgewright": {
                "tenantRole": tenant,
                "projectRoles": {f"p-{project}": held for project, held in projects.items()},
                "keys": 0 if state == "invited" else 2,
            },
        },
        "status": {
            "isActive": state == "active",
            "lastSignIn": times.rfc3339(NOW - 7_200 if state == "active" else None),
            "edgewright": {"pending": state == "invited"},
        },
    }


def users() -> list[dict[str, Any]]:
    """Return four users in different states."""
    return [
        user("u-admin", "admin@localhost", "Admin", rules.ADMIN, "active"),
        user("u-ana", "ana@example.com", "Ana Lee", rules.VIEWER, "active", shops=rules.OPERATOR),
        user("u-bo", "bo@example.com", "Bo", "", "invited", shops=rules.VIEWER, lab=rules.ADMIN),
        user("u-cy", "cy@example.com", "", rules.OPERATOR, "inactive"),
    ]


def roles() -> list[dict[str, Any]]:
    """Return the hub's roles."""
    return [role(name) for name in rules.ROLES]


def ssh_keys() -> list[dict[str, Any]]:
    """Return two keys, of the tenant and of a project."""
    made = {"creationTimestamp": times.rfc3339(NOW - 3 * 86_400)}
    return [
        {"metadata": {"uid": "k-1", "name": "field laptop", **made}, "spec": {"publicKey": ssh_key(1)}},
        {
            "metadata": {"uid": "k-2", "name": "noc", **made},
            "spec": {"publicKey": ssh_key(2, "noc"), "edgewright": {"projectUid": "p-shops"}},
        },
    ]


def filters() -> list[dict[str, Any]]:
    """Return two tag filters as a hub lists them."""
    groups: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
        ("stores-north", "and", [{"key": "site", "values": ["berlin", "bonn"]}, {"key": "ring", "values": ["3"]}]),
        ("gpu-or-lab", "or", [{"key": "gpu", "values": []}, {"key": "site", "values": ["lab"], "negation": True}]),
    )
    return [
        {
            "metadata": {
                "uid": f"f-{number}",
                "name": name,
                "creationTimestamp": "2026-11-01T08:00:00.000Z",
                "lastModifiedTimestamp": "2026-11-20T08:00:00.000Z",
            },
            "spec": {"filterType": "tag", "edgewright": {"filterGroup": {"conjunction": joined, "filters": items}}},
        }
        for number, (name, joined, items) in enumerate(groups, 1)
    ]
