"""The verbs that fetch text from a host through the plane: the agent's log or a unit's, and what fills a disk."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class HostLogs(Command):
    """Fetch the last lines of a host's log, or of one unit; the host sends them as soon as it is reached."""

    name = "host logs"
    implementation = "host.logs"
    needs = ("CanListHosts", "CanReadLogs")
    title = "logs"
    keys = ("l",)
    scope = "hosts"
    also = ("host",)
    target = Target("host", 1, 1)
    params = (
        Param("lines", "how many lines, at most 500", flag="--lines", kind="int", default=100, metavar="N"),
        Param("unit", "of this systemd unit alone", flag="--unit", metavar="UNIT"),
    )
    opens = "logs"
    role = "operator"


class HostDisk(Command):
    """List the largest directories and files of a host's file system, counted by its agent."""

    name = "host disk"
    implementation = "host.logs"
    needs = ("CanListHosts", "CanReadLogs")
    title = "disk usage"
    keys = ("U",)
    scope = "hosts"
    also = ("host",)
    target = Target("host", 1, 1)
    params = (Param("mount", "mount point of the file system", flag="--mount", default="/", metavar="DIR"),)
    opens = "disk"
    role = "operator"


COMMANDS: tuple[type[Command], ...] = (HostLogs, HostDisk)
