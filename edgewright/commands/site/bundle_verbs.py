"""`site bundle`: logs, settings and state of a host over SSH, in one file for whoever supports it."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.site.open_verbs import HOSTS


class SiteBundle(Command):
    """Read a support bundle from hosts over SSH: logs, units, network, disks, agents, Kubernetes; secrets are left out.

    Needs sshd and a POSIX shell on the host, and writes nothing there. What cannot be read is listed in the index with
    its reason. A bundle that was cut continues with --resume. --plan prints everything that will be read.
    """

    name = "site bundle"
    implementation = "site.bundle"
    title = "bundle"
    role = "operator"
    journalled = True
    online = False
    console = False
    shows_progress = True
    params = (
        HOSTS,
        Param("out", "file to write, or folder for several hosts", "--out", metavar="FILE"),
        Param("since", "how far back journals are read, e.g. 2h, 7d", "--since", kind="span", default="24h"),
        Param("rate", "bytes in a second at most, e.g. 16K, 2M", "--rate", metavar="RATE"),
        Param(
            "recipients",
            "encrypt it to this age or SSH public key; may be given again",
            "--recipient",
            many=True,
            metavar="KEY",
        ),
        Param(
            "resume", "continue in this folder (NAME.partial) of a bundle that was cut", "--resume", metavar="FOLDER"
        ),
    )


COMMANDS: tuple[type[Command], ...] = (SiteBundle,)
