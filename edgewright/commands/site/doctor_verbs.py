"""`site doctor`: what is wrong with hosts, read over SSH."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.site.page_verbs import HOSTS

SETS: tuple[str, ...] = (
    "identity", "boot", "units", "time", "disk", "network", "dns", "agent", "userdata", "certificates", "kubernetes",
    "etcd", "images",
)  # fmt: skip
"""As in `clients.ssh.probes.sets`, which is not loaded for `--help`; a test compares them."""


class SiteDoctor(Command):
    """Find what is wrong with hosts over SSH: likely cause, evidence, next step. Changes nothing on them.

    A fixed catalogue of probes runs in one script; the host needs sshd and a POSIX shell, and sudo without a password
    for what only root may read. Exit code 0: no fault; 1: a fault was found; others: a host could not be read.
    """

    name = "site doctor"
    implementation = "site.doctor"
    title = "doctor"
    role = "viewer"
    online = False
    console = False
    shows_progress = True
    params = (
        HOSTS,
        Param("sets", "only these probe sets; may be repeated", flag="--set", many=True, choices=SETS, metavar="NAME"),
    )


COMMANDS: tuple[type[Command], ...] = (SiteDoctor,)
