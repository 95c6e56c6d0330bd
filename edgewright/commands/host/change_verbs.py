"""Verbs that change edge hosts: tags, reset, deletion."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class HostTag(Command):
    """Add tags to hosts, e.g. --tag site:berlin; a tag of the same name is replaced."""

    name = "host tag"
    implementation = "host.changes"
    needs = ("CanListHosts", "CanTag")
    title = "tag"
    keys = ("t",)
    scope = "hosts"
    also = ("host",)
    danger = "write"
    target = Target("host")
    asks = "Add tags to {what}"
    params = (
        Param(
            "tags",
            "tag to add, e.g. site:berlin (repeat)",
            flag="--tag",
            required=True,
            many=True,
            form="name:value, e.g. site:berlin; several with spaces between. One with the same name is replaced.",
        ),
    )


class HostUntag(Command):
    """Remove tags from hosts; a bare name removes the tag whatever its value is."""

    name = "host untag"
    implementation = "host.changes"
    needs = ("CanListHosts", "CanTag")
    title = "untag"
    keys = ("u",)
    scope = "hosts"
    also = ("host",)
    danger = "write"
    target = Target("host")
    asks = "Remove tags from {what}"
    params = (
        Param(
            "tags",
            "tag to remove, e.g. site or site:berlin",
            flag="--tag",
            required=True,
            many=True,
            form="e.g. site:berlin, or site for any value; several with spaces between.",
        ),
    )


class HostReset(Command):
    """Reset hosts: remove the cluster state; the hosts stay registered."""

    name = "host reset"
    implementation = "host.changes"
    needs = ("CanListHosts", "CanReset")
    title = "reset"
    keys = ("R",)
    scope = "hosts"
    also = ("host",)
    danger = "destructive"
    target = Target("host")


class HostDelete(Command):
    """Delete hosts. The machines keep running; their credentials are revoked."""

    name = "host delete"
    role = "admin"
    implementation = "host.changes"
    needs = ("CanListHosts", "CanDeleteHosts")
    title = "delete"
    keys = ("ctrl+d",)
    scope = "hosts"
    also = ("host",)
    danger = "destructive"
    target = Target("host")


COMMANDS: tuple[type[Command], ...] = (HostTag, HostUntag, HostReset, HostDelete)
