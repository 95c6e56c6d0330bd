"""Verbs that show what happened: events of hosts, and the audit log of the plane."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class EventList(Command):
    """List what happened on the hosts, newest last; --follow continues with new ones."""

    name = "event list"
    implementation = "event.actions"
    needs = ("CanReadEvents",)
    uses = ("CanDescribe", "CanFollow", "CanListHosts")
    title = "events"
    keys = ("4",)
    aliases = ("events", "event", "ev")
    params = (
        Param("filter", "show only what matches: severity:error reason:x age<2h", many=True, metavar="FILTER"),
        Param("host", "only of this host", flag="--host", metavar="HOST"),
        Param("limit", "at most this many", flag="--limit", kind="int", default=100, metavar="N"),
        Param("follow", "continue with new ones", flag="--follow", kind="flag"),
    )
    opens = "events"


class AuditList(Command):
    """List who changed what, when and from where, newest last."""

    name = "audit list"
    implementation = "event.actions"
    needs = ("CanReadAudits",)
    title = "audit"
    keys = ("5",)
    aliases = ("audit", "audits")
    params = (
        Param("filter", "show only what matches: actor:ana action:delete age<2h", many=True, metavar="FILTER"),
        Param("limit", "at most this many", flag="--limit", kind="int", default=100, metavar="N"),
    )
    opens = "audit"


COMMANDS: tuple[type[Command], ...] = (EventList, AuditList)
