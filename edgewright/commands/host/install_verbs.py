"""`host install`: existing Linux hosts become edge hosts, over SSH."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class HostInstall(Command):
    """Put the agent on Linux hosts over SSH and wait until they register; a failure leaves its host as it was.

    Needs sshd, systemd and Python 3.9 there, and root or sudo without a password. A preflight reads each host first and
    changes nothing; --plan shows what would be written. Run again, it continues what was cut; --undo takes that back.
    Of several hosts each has a result; Ctrl-C lets no further host begin, again ends those that run and undoes them.
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
            "hosts",
            "[user@]host[:port], or a name of ~/.ssh/config; - reads them from stdin, one in a line",
            many=True,
            metavar="TARGET",
        ),
        Param("selector", "also hosts of the plane with these labels: site=berlin,env!=test", "--selector"),
        Param("where", "also hosts of the plane that match: health:unhealthy", "--where", many=True, metavar="FILTER"),
        Param(
            "token",
            "registration token: a file, or its name on the plane (default: one of this run, deleted at its end)",
            "--token",
            metavar="NAME|FILE",
        ),
        Param("user_data", "user-data of the host (default: the plane and the tags)", "--user-data", kind="file"),
        Param("tags", "tag of the host, e.g. site:berlin (repeat)", "--tag", many=True, metavar="TAG"),
        Param("program", "agent archive or binary to install (default: this program's)", "--program", kind="file"),
        Param("wait", "how long a host may take to register, e.g. 90s, 5m", "--wait", kind="span", default="3m"),
        Param("at_a_time", "hosts that work at once, up to 64", "--at-a-time", kind="int", default=8, metavar="N"),
        Param("stop_after", "begin no further host after so many failures", "--stop-after", kind="int", metavar="N"),
        Param("undo", "take back what an installation that was cut has made", "--undo", kind="flag"),
    )


COMMANDS: tuple[type[Command], ...] = (HostInstall,)
