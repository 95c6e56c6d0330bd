"""Verbs about macros: list, show, set, remove."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, Target, filtered_by

_TENANT = Param("tenant", "macros of the tenant, also when a project is in use", flag="--tenant", kind="flag")


class MacroSet(Command):
    """Add a macro, or change its value, in the project in use, else in the tenant."""

    name = "macro set"
    role = "admin"
    implementation = "macro.actions"
    needs = ("CanCall",)
    title = "set"
    keys = ("plus",)
    scope = "macros"
    danger = "write"
    asks = "Set a macro"
    params = (
        Param("name", "name of the macro, e.g. site_code", required=True, metavar="NAME"),
        Param("value", "value; one that is a secret is read from a file", metavar="VALUE"),
        Param(
            "file", "read the value from a file, without the newline at its end; - is the standard input",
            flag="--file", metavar="FILE",
        ),
        Param(
            "masked", "the plane never shows the value from now on (it needs --file)", flag="--masked", kind="flag"
        ),
        Param("plain", "show the value again; it needs the value", flag="--plain", kind="flag"),
        _TENANT,
    )  # fmt: skip


class MacroList(ListVerb):
    """List macros of the tenant and of projects, without their values."""

    name = "macro list"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "macros"
    no_key = "Macros rarely change; type :macros."
    aliases = ("macros",)
    params = filtered_by("kind:masked text")
    opens = "macros"


class MacroShow(Command):
    """Show one macro with its value; that of a masked one is never shown."""

    name = "macro show"
    implementation = "macro.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "open"
    keys = ("d",)
    scope = "macros"
    target = Target("macro", 1, 1)
    opens = "macro"
    params = (_TENANT,)


class MacroRemove(Command):
    """Remove macros; a profile that refers to one can no longer be published or deployed."""

    name = "macro remove"
    role = "admin"
    implementation = "macro.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "remove"
    keys = ("ctrl+d",)
    scope = "macros"
    danger = "destructive"
    target = Target("macro")
    params = (_TENANT,)


COMMANDS: tuple[type[Command], ...] = (MacroSet, MacroList, MacroShow, MacroRemove)
