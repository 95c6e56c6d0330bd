"""`site check`: whether hosts are reached over SSH, and how."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param

TARGET = "[user@]host[:port], or a name of ~/.ssh/config or of the management plane"
HOSTS = Param("hosts", TARGET, required=True, many=True, metavar="TARGET")
"""Hosts over SSH, the same for every verb of `site` that takes several."""


class SiteCheck(Command):
    """Check the SSH connection to hosts: way, host key and what knows it, method, round trip, sudo.

    Reads ~/.ssh/config as ssh does. An unknown host key is shown and asked for at a terminal, and refused without one;
    a changed key is always refused. Changes nothing on the hosts; exit code 4: refused, 5: unreachable, 8: timeout.
    """

    name = "site check"
    implementation = "site.check"
    title = "check"
    role = "viewer"
    online = False
    console = False
    shows_progress = True
    params = (HOSTS,)


COMMANDS: tuple[type[Command], ...] = (SiteCheck,)
