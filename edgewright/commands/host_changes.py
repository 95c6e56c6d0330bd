"""Verbs that change edge hosts: tags, reset, deletion."""

from __future__ import annotations

from edgewright.commands.base import Command, Param, Target


class HostTag(Command):
    """Put tags on hosts, e.g. --tag site:berlin; a tag of the same name is replaced."""

    name = "host tag"
    title = "tag"
    keys = ("t",)
    scope = "hosts"
    also = ("host",)
    danger = "write"
    target = Target("host")
    params = (Param("tags", "tag to put on, e.g. site:berlin (repeat)", flag="--tag", required=True, many=True),)


class HostUntag(Command):
    """Take tags off hosts; a bare name takes it off whatever its value is."""

    name = "host untag"
    title = "untag"
    keys = ("u",)
    scope = "hosts"
    also = ("host",)
    danger = "write"
    target = Target("host")
    params = (Param("tags", "tag to take off, e.g. site or site:berlin", flag="--tag", required=True, many=True),)


class HostReset(Command):
    """Make hosts forget their cluster and start anew as registered hosts."""

    name = "host reset"
    title = "reset"
    keys = ("R",)
    scope = "hosts"
    also = ("host",)
    danger = "destructive"
    target = Target("host")


class HostDelete(Command):
    """Take hosts out of the plane; the machines keep running, their credentials are refused from then on."""

    name = "host delete"
    title = "delete"
    keys = ("ctrl+d",)
    scope = "hosts"
    also = ("host",)
    danger = "destructive"
    target = Target("host")


COMMANDS: tuple[type[Command], ...] = (HostTag, HostUntag, HostReset, HostDelete)
