"""Which role a route needs, and where: the one place that decides whether a caller may use a route.

A route names the role (`Access`) and what its object belongs to (`On`). What a caller must not know of is answered as
what does not exist, so that no answer reveals hosts or projects of others. docs/hub.md has the rules as a table.
"""

from __future__ import annotations

import enum

from edgewright.core.roles import ADMIN, OPERATOR, VIEWER, covers
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http import problems
from edgewright.hub.http.auth import HOST, Actor
from edgewright.hub.http.problems import Problem, forbidden, not_found
from edgewright.hub.readmodel.state import State


class Access(enum.Enum):
    """Who may call a route."""

    OPEN = "anyone"
    READ = "users of role viewer"
    OPERATE = "users of role operator"
    WRITE = "users of role admin"
    HOST = "the host itself"
    HOST_OR_READ = "the host itself, or users of role viewer"
    HOST_OR_OPERATE = "the host itself, or users of role operator"
    ANY_HOST = "any registered host"
    ANY_HOST_OR_READ = "any registered host, or users of role viewer"
    ANY_HOST_OR_OPERATE = "any registered host, or users of role operator"


class On(enum.Enum):
    """Whose role counts: what the object of a route belongs to."""

    SCOPE = "the project of ProjectUid, else the tenant; reading without it covers the projects of the caller"
    HOST = "the project of the host in the path"
    PROJECT = "the project in the path"
    TENANT = "the tenant"
    OBJECT = "what the handler finds; it calls `Call.require`"


FOR_THE_HOST = (Access.HOST, Access.HOST_OR_READ, Access.HOST_OR_OPERATE)
FOR_ANY_HOST = (Access.ANY_HOST, Access.ANY_HOST_OR_READ, Access.ANY_HOST_OR_OPERATE)
_NEEDED = {
    Access.READ: VIEWER,
    Access.OPERATE: OPERATOR,
    Access.WRITE: ADMIN,
    Access.HOST_OR_READ: VIEWER,
    Access.HOST_OR_OPERATE: OPERATOR,
    Access.ANY_HOST_OR_READ: VIEWER,
    Access.ANY_HOST_OR_OPERATE: OPERATOR,
}
_LIMITS = {VIEWER: "which may only read", OPERATOR: "which may read, change hosts and handle problems"}


def needed_role(access: Access) -> str:
    """Return the role that a user needs; `""` where no user may call, or anyone may."""
    return _NEEDED.get(access, "")


def check_project(project_uid: str, actor: Actor, state: State) -> None:
    """Raise `Problem` for a `ProjectUid` that a user may not name: 404 when it does not exist (rule P53), else 403.

    A user with roles in single projects gets 403 in both cases. A host's project is in its record; its header is
    ignored.
    """
    if not project_uid or not actor.is_user:
        return
    if not actor.grants.sees(project_uid):
        raise no_role(actor, project_uid)
    if project_uid not in state.projects:
        raise not_found("project", project_uid[:64])


def check_access(
    access: Access, on: On, actor: Actor, uid: str, project_uid: str, state: State, *, guards_observed: bool = False
) -> None:
    """Raise `Problem` 401, 403 or 404 unless this caller may use a route; `uid` is that of the path."""
    if access is Access.OPEN:
        return
    if not actor.role:
        raise problems.unauthorized("Send an API key in the header ApiKey, or a session token in Authorization.")
    if actor.role == HOST:
        _check_host(access, actor, uid)
        return
    if access in (Access.HOST, Access.ANY_HOST):
        raise forbidden("Only the host itself may call this, with its own credential.")
    role = _role(on, actor, uid, project_uid, state, reading=_NEEDED[access] == VIEWER)
    if not covers(role, _NEEDED[access]):
        raise too_low(actor, role, _NEEDED[access], tenant_only=on is On.TENANT)
    entry = find_host(actor, uid, project_uid, state) if on is On.HOST else None
    if guards_observed and entry is not None and entry.observed:
        raise forbidden(
            f"The host '{uid}' is only observed: its agent runs without rights to change anything. "
            "Install the agent as a service to manage it."
        )


def _check_host(access: Access, actor: Actor, uid: str) -> None:
    if access in FOR_ANY_HOST:
        return
    if access not in FOR_THE_HOST:
        raise forbidden("A host credential opens this host's own calls only.")
    if actor.uid != uid:
        raise forbidden(f"The credential of host '{actor.uid}' does not open calls of '{uid[:128]}'.")


def _role(on: On, actor: Actor, uid: str, project_uid: str, state: State, *, reading: bool) -> str:
    """Return the caller's role for the object of a route; raises 403 for a project that the caller must not know of."""
    grants = actor.grants
    if on is On.HOST:
        entry = state.hosts.get(uid)
        seen = entry is not None and grants.sees(entry.record.project_uid)
        return grants.role(entry.record.project_uid) if entry is not None and seen else grants.highest
    if on is On.PROJECT:
        if not grants.sees(uid):
            raise no_role(actor, uid)
        return grants.role(uid)
    if on is On.TENANT:
        return grants.tenant
    if on is On.OBJECT or (reading and not project_uid):
        return grants.highest
    return grants.role(project_uid)


def find_host(actor: Actor, uid: str, project_uid: str, state: State) -> HostEntry:
    """Return a host that the caller may know of.

    Raises 404 `ResourceNotFound`, also for a host in a project where a user has no role, and 403 for one in another
    project than that of `ProjectUid`.
    """
    entry = state.hosts.get(uid)
    if entry is None or (actor.is_user and not actor.grants.sees(entry.record.project_uid)):
        raise not_found("edge host", uid)
    if project_uid and actor.role != HOST and entry.record.project_uid != project_uid:
        raise forbidden(f"The host '{uid[:128]}' belongs to another project than the one that was chosen.")
    return entry


def no_role(actor: Actor, project_uid: str) -> Problem:
    """Return the 403 of a user without a role in a project; the same whether the project exists or not."""
    return forbidden(f"The {actor.via} has no role in the project '{project_uid[:64]}'. An admin can assign one.")


def too_low(actor: Actor, role: str, needed: str, *, tenant_only: bool = False) -> Problem:
    """Return the 403 of a user whose `role` has fewer rights than the one that is `needed`."""
    if not role and tenant_only:
        return forbidden(f"The {actor.via} has no role of the tenant. This needs the role {needed} of the tenant.")
    if not role:
        return forbidden(
            f"The {actor.via} has roles in single projects only: name the project in the header ProjectUid, or use an "
            f"API key with the role {needed} of the tenant."
        )
    return forbidden(
        f"The {actor.via} has the role {role}, {_LIMITS[role]}. This needs an API key of the role {needed}."
    )
