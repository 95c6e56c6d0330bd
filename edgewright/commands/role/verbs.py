"""Verbs that show roles; the plane's roles are fixed."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class RoleList(Command):
    """List the roles that users can have, from the most rights to the least."""

    name = "role list"
    implementation = "role.actions"
    needs = ("CanListRoles",)
    title = "roles"
    no_key = "Roles rarely change; type :role."
    aliases = ("roles", "role")
    params = (Param("filter", "show only what matches: permission:edgehost.update", many=True, metavar="FILTER"),)
    opens = "roles"


class RoleShow(Command):
    """Show the permissions of one role, for the tenant and in a project."""

    name = "role show"
    implementation = "role.actions"
    needs = ("CanListRoles",)
    title = "open"
    keys = ("d",)
    scope = "roles"
    target = Target("role", 1, 1)
    opens = "role"


COMMANDS: tuple[type[Command], ...] = (RoleList, RoleShow)
