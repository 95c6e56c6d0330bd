"""Verbs about SSH keys: list, show, create, delete."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by


class KeyCreate(Command):
    """Add an SSH public key from a file, to the project in use or to the tenant; it is offered for new hosts."""

    name = "key create"
    role = "admin"
    implementation = "key.actions"
    needs = ("CanManageKeys",)
    title = "create"
    keys = ("plus",)
    scope = "keys"
    danger = "write"
    asks = "Add an SSH key"
    params = (
        Param("name", "name of the key", required=True, metavar="NAME"),
        Param(
            "public_key_file",
            "file with the public key, e.g. ~/.ssh/id_ed25519.pub, or its line (- for stdin)",
            flag="--public-key-file",
            required=True,
            kind="file",
        ),
    )


class KeyList(ListVerb):
    """List SSH keys: type, size, project, comment."""

    name = "key list"
    needs = ("CanListKeys",)
    uses = ("CanListProjects",)
    title = "SSH keys"
    no_key = "Keys rarely change; type :key."
    aliases = ("key", "keys", "sshkeys")
    params = filtered_by("type:ssh-rsa project:shop")
    opens = "keys"


class KeyShow(ShowVerb):
    """Show one SSH key with its fingerprint."""

    name = "key show"
    needs = ("CanListKeys",)
    uses = ("CanListProjects",)
    scope = "keys"
    target = Target("key", 1, 1)
    opens = "key"


class KeyDelete(Command):
    """Delete SSH keys from the plane; hosts that have them do not change."""

    name = "key delete"
    role = "admin"
    implementation = "key.actions"
    needs = ("CanListKeys", "CanManageKeys")
    uses = ("CanListProjects",)
    title = "delete"
    keys = ("ctrl+d",)
    scope = "keys"
    danger = "destructive"
    target = Target("key")


COMMANDS: tuple[type[Command], ...] = (KeyCreate, KeyList, KeyShow, KeyDelete)
