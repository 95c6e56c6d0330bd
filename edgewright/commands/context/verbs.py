"""Verbs about contexts: which planes this user works with, and with which key."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class ContextAdd(Command):
    """Remember a plane under a name; its key goes into the system keyring, or into a file that only you can read."""

    name = "context add"
    implementation = "context.actions"
    title = "add"
    params = (
        Param("name", "short name for the plane", required=True, metavar="NAME"),
        Param(
            "url",
            "address of the plane; of several hubs with commas",
            flag="--url",
            required=True,
            metavar="URL",
        ),
        Param("api_key_file", "file with the API key (- for stdin)", flag="--api-key-file", kind="file"),
        Param(
            "activation_file",
            "file with the activation link of a new user (- for stdin)",
            flag="--activation-file",
            kind="file",
        ),
        Param("ca", "certificate authority of the plane (PEM)", flag="--ca", kind="file"),
        Param("default_project", "project to work in", flag="--default-project", metavar="PROJECT"),
        Param("guarded", "this context is always read-only", flag="--always-read-only", kind="flag"),
        Param("no_check", "do not speak to the plane first", flag="--no-check", kind="flag"),
        Param("no_keyring", "store the key in a file even where there is a keyring", flag="--no-keyring", kind="flag"),
    )
    online = False
    console = False


class ContextUse(Command):
    """Work with another plane from now on."""

    name = "context use"
    implementation = "context.actions"
    title = "context"
    no_key = "Changing the plane by a slip of one key would be a bad surprise; type :context use NAME."
    aliases = ("context", "ctx")
    target = Target("context", 1, 1)
    opens = "contexts"
    online = False


class ContextList(Command):
    """List the planes that you know, the one in use marked."""

    name = "context list"
    implementation = "context.actions"
    title = "contexts"
    no_key = "The switch (:context) shows the same list."
    aliases = ("contexts",)
    opens = "contexts"
    online = False


class ContextRemove(Command):
    """Forget a plane and its key here; nothing on the plane changes."""

    name = "context remove"
    implementation = "context.actions"
    title = "remove"
    target = Target("context", 1, 1)
    danger = "destructive"
    online = False
    console = False


COMMANDS: tuple[type[Command], ...] = (ContextAdd, ContextUse, ContextList, ContextRemove)
