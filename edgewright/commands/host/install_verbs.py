"""`host install`: an existing Linux host becomes an edge host, over SSH."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class HostInstall(Command):
    """Put the agent on a Linux host over SSH and wait until it has registered; a failure leaves the host as it was.

    Needs sshd, systemd and Python 3.9 there, and root or sudo without a password. A preflight reads the host first and
    changes nothing; --plan shows what would be written. Run again, it continues what was cut; --undo takes that back.
    """

    name = "host install"
    implementation = "host.install"
    title = "install"
    role = "admin"
    danger = "destructive"
    console = False
    shows_progress = True
    needs = ("CanListHosts", "CanManageTokens")
    uses = ("CanListTokens", "CanDeleteHosts", "CanListProjects")
    params = (
        Param(
            "host",
            "[user@]host[:port], or a name of ~/.ssh/config",
            required=True,
            metavar="TARGET",
        ),
        Param(
            "token",
            "registration token: a file, or its name on the plane (default: one of an hour, deleted at the end)",
            "--token",
            metavar="NAME|FILE",
        ),
        Param("user_data", "user-data of the host (default: the plane and the tags)", "--user-data", kind="file"),
        Param("tags", "tag of the host, e.g. site:berlin (repeat)", "--tag", many=True, metavar="TAG"),
        Param("program", "agent archive or binary to install (default: this program's)", "--program", kind="file"),
        Param("wait", "how long to wait for the registration, e.g. 90s, 5m", "--wait", kind="span", default="3m"),
        Param("undo", "take back what an installation that was cut has made", "--undo", kind="flag"),
    )


COMMANDS: tuple[type[Command], ...] = (HostInstall,)
