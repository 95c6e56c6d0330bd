"""The verb that fetches the agent's log from a host, through the plane."""

from __future__ import annotations

from edgewright.commands.base import Command, Param, Target


class HostLogs(Command):
    """Fetch the last lines of the agent's log from a host; the host sends them at its next heartbeat."""

    name = "host logs"
    title = "logs"
    keys = ("l",)
    scope = "hosts"
    also = ("host",)
    target = Target("host", 1, 1)
    params = (Param("lines", "how many lines, at most 500", flag="--lines", kind="int", default=100, metavar="N"),)
    opens = "logs"


COMMANDS: tuple[type[Command], ...] = (HostLogs,)
