"""Verbs that show roles; the plane's roles are fixed."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, ShowVerb, Target, filtered_by


class RoleList(ListVerb):
    """List the roles that users can have, from the most rights to the least."""

    name = "role list"
    needs = ("CanListRoles",)
    title = "roles"
    no_key = "Roles rarely change; type :role."
    aliases = ("roles", "role")
    params = filtered_by("permission:edgehost.update")
    opens = "roles"


class RoleShow(ShowVerb):
    """Show the permissions of one role, for the tenant and in a project."""

    name = "role show"
    needs = ("CanListRoles",)
    scope = "roles"
    target = Target("role", 1, 1)
    opens = "role"


COMMANDS: tuple[type[Command], ...] = (RoleList, RoleShow)
