"""Verbs that show users, create one, and make the link by which a user gets the first API key."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by

ROLE_CHOICES = ("admin", "operator", "viewer", "none")
PROJECT_ROLE = Param(
    "project_roles",
    "role in a project, e.g. shop=operator (repeat)",
    flag="--project-role",
    many=True,
    metavar="PROJECT=ROLE",
    form="e.g. shop=operator; several with spaces between",
)


class UserCreate(Command):
    """Create a user and print the activation link: it gives the user the first API key, once, within 7 days."""

    name = "user create"
    role = "admin"
    implementation = "user.actions"
    needs = ("CanManageUsers",)
    uses = ("CanListProjects",)
    title = "create"
    keys = ("plus",)
    scope = "users"
    danger = "write"
    asks = "Create a user"
    params = (
        Param("email", "email address of the user", required=True, metavar="EMAIL"),
        Param("first_name", "first name", flag="--first-name", metavar="NAME"),
        Param("last_name", "last name", flag="--last-name", metavar="NAME"),
        Param("role", "role of the tenant, in every project", flag="--role", choices=ROLE_CHOICES, default="none"),
        PROJECT_ROLE,
    )


class UserList(ListVerb):
    """List users with their roles, state and keys."""

    name = "user list"
    needs = ("CanListUsers",)
    title = "users"
    keys = ("9",)
    aliases = ("users", "user")
    params = filtered_by("role:admin state:active")
    opens = "users"


class UserShow(ShowVerb):
    """Show one user: roles, state, keys."""

    name = "user show"
    needs = ("CanListUsers",)
    scope = "users"
    target = Target("user", 1, 1)
    opens = "user"


class UserInvite(Command):
    """Make a new activation link for a user and print it; an older one ends. Keys of the user stay valid."""

    name = "user invite"
    role = "admin"
    implementation = "user.actions"
    needs = ("CanListUsers", "CanManageUsers")
    title = "invite"
    keys = ("i",)
    scope = "users"
    danger = "write"
    target = Target("user", 1, 1)


COMMANDS: tuple[type[Command], ...] = (UserCreate, UserList, UserShow, UserInvite)
