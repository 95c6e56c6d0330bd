"""`site check`: whether hosts are reached over SSH, and how."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command
from edgewright.commands.site.page_verbs import HOSTS


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
