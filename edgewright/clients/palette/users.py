"""Users and roles over the plane's API. They belong to the tenant: no project header goes with these calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.clients.palette.pages import Resource, document, items_of, uid_of
from edgewright.core.errors import Failed
from edgewright.wire import protocol


class Users(Resource):
    """Calls about users. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return all users with their roles by name (`v1UserSummary`)."""
        return items_of((await self._call("POST", protocol.USERS_SUMMARY, "list of users", body={}, tenant=True)).data)

    async def get(self, uid: str) -> dict[str, Any]:
        """Return one user (`v1User`), with the activation link for an admin."""
        return document((await self._call("GET", protocol.path(protocol.USER, uid=uid), "user", tenant=True)).data)

    async def create(self, email: str, first: str = "", last: str = "", roles: Sequence[str] = ()) -> str:
        """Create a user with roles of the tenant (uids) and return the uid."""
        name = f"{first} {last}".strip() or email
        spec = {"emailId": email, "firstName": first, "lastName": last, "roles": list(roles)}
        body = {"metadata": {"name": name}, "spec": spec}
        uid = uid_of((await self._call("POST", protocol.USERS, f"user {email}", body=body, tenant=True)).data)
        if not uid:
            raise Failed(
                f"The plane at {self._transport.peer} created {email} but named no uid.", "Look at the list of users."
            )
        return uid

    async def update(self, uid: str, **properties: str) -> None:
        """Change `emailId`, `firstName` or `lastName` of a user."""
        path = protocol.path(protocol.USER, uid=uid)
        await self._call("PUT", path, "user", body={"spec": properties}, tenant=True)

    async def set_active(self, uid: str, active: bool) -> None:
        """Let a user in again, or end keys, sessions and streams of a user."""
        operations = [{"op": "replace", "path": "/status/isActive", "value": active}]
        await self._call("PATCH", protocol.path(protocol.USER, uid=uid), "user", body=operations, tenant=True)

    async def invite(self, uid: str) -> None:
        """Make a new activation link; `user` returns it."""
        await self._call("PATCH", protocol.path(protocol.USER_PASSWORD_RESET, uid=uid), "user", tenant=True)

    async def delete(self, uid: str) -> None:
        """Delete a user with the API keys."""
        await self._call("DELETE", protocol.path(protocol.USER, uid=uid), "user", tenant=True)

    async def set_tenant_roles(self, uid: str, roles: Sequence[str]) -> None:
        """Replace the roles (uids) of a user for the tenant."""
        path = protocol.path(protocol.USER_ROLES, uid=uid)
        await self._call("PUT", path, "roles of the user", body={"roles": list(roles)}, tenant=True)

    async def project_roles(self, uid: str) -> dict[str, list[str]]:
        """Return the roles (uids) of a user by uid of the project."""
        path = protocol.path(protocol.USER_PROJECTS, uid=uid)
        data = document((await self._call("GET", path, "roles of the user", tenant=True)).data)
        return {
            str(entry.get("uid")): [str(role.get("uid")) for role in entry.get("roles") or []]
            for entry in data.get("projects") or []
        }

    async def set_project_roles(self, uid: str, roles: Mapping[str, Sequence[str]]) -> None:
        """Replace the roles (uids) of a user in projects, by uid of the project."""
        body = {"projects": [{"projectUid": project, "roles": list(mine)} for project, mine in roles.items()]}
        await self._call(
            "PUT", protocol.path(protocol.USER_PROJECTS, uid=uid), "roles of the user", body=body, tenant=True
        )


class Roles(Resource):
    """Calls about roles. Each raises `EdgewrightError`."""

    async def all(self) -> list[dict[str, Any]]:
        """Return the roles (`v1Role`)."""
        return items_of((await self._call("GET", protocol.ROLES, "list of roles", tenant=True)).data)
