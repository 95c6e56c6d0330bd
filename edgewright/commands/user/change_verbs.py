"""Verbs that change users: update, activate, deactivate, delete."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target
from edgewright.commands.user.verbs import PROJECT_ROLE, ROLE_CHOICES


class UserUpdate(Command):
    """Change names, email address or roles of a user. A role in a project is removed by PROJECT=none."""

    name = "user update"
    role = "admin"
    implementation = "user.changes"
    needs = ("CanListUsers", "CanManageUsers")
    uses = ("CanListProjects",)
    title = "update"
    keys = ("e",)
    scope = "users"
    danger = "write"
    target = Target("user", 1, 1)
    asks = "Change the user; what is empty stays as it is"
    params = (
        Param("email", "new email address", flag="--email", metavar="EMAIL"),
        Param("first_name", "first name", flag="--first-name", metavar="NAME"),
        Param("last_name", "last name", flag="--last-name", metavar="NAME"),
        Param("role", "role of the tenant, in every project", flag="--role", choices=ROLE_CHOICES),
        PROJECT_ROLE,
    )


class UserActivate(Command):
    """Make users active again: their API keys work as before."""

    name = "user activate"
    role = "admin"
    implementation = "user.changes"
    needs = ("CanListUsers", "CanManageUsers")
    title = "activate"
    keys = ("a",)
    scope = "users"
    danger = "write"
    target = Target("user")


class UserDeactivate(Command):
    """Deactivate users: their API keys, sessions and open consoles end at once; nothing is deleted."""

    name = "user deactivate"
    role = "admin"
    implementation = "user.changes"
    needs = ("CanListUsers", "CanManageUsers")
    title = "deactivate"
    keys = ("r",)
    scope = "users"
    danger = "destructive"
    target = Target("user")


class UserDelete(Command):
    """Delete users with their roles and API keys."""

    name = "user delete"
    role = "admin"
    implementation = "user.changes"
    needs = ("CanListUsers", "CanManageUsers")
    title = "delete"
    keys = ("ctrl+d",)
    scope = "users"
    danger = "destructive"
    target = Target("user")


COMMANDS: tuple[type[Command], ...] = (UserUpdate, UserActivate, UserDeactivate, UserDelete)
