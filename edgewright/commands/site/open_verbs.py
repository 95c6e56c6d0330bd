"""`site open` and the verbs of the screens that show an open site."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param

TARGET = "[user@]host[:port], or a name of ~/.ssh/config or of the management plane"
HOSTS = Param("hosts", TARGET, required=True, many=True, metavar="TARGET")
"""Hosts over SSH, the same for every verb of `site` that takes several; here, since this module is loaded first."""


class SiteOpen(Command):
    """Open a host by SSH in the console, plane or not: Doctor first, with the likely cause of what is wrong.

    The connection opens in the terminal, with questions about host key, password and second factor, before the console
    does. Without a target those that were opened last are offered. Exit code 4: refused, 5: unreachable, 8: timeout.
    """

    name = "site open"
    title = "open by SSH"
    keys = ("s",)
    scope = "hosts"
    also = ("host", "nodes")
    on_rows = (1, 1)
    role = "viewer"
    online = False
    opens = "doctor"
    action = "site_open"
    outputs = ("table",)
    params = (Param("target", TARGET, metavar="TARGET"),)


class SiteAgain(Command):
    """Read the host again; without a connection: connect again."""

    name = "site again"
    title = "read again"
    keys = ("R",)
    scope = "site"
    online = False
    action = "site_again"
    cli = False
    no_cli = "The command line has site doctor."


class SiteShell(Command):
    """Open a shell on the host, in this terminal, over the connection that is there."""

    name = "site shell"
    implementation = "site.shell"
    title = "shell"
    keys = ("!",)
    scope = "site"
    danger = "write"
    online = False
    action = "site_shell"
    cli = False
    no_cli = "The command line has ssh."


class SiteLogs(Command):
    """Read the log of a unit of the host, or of its kernel; it is read again while it is followed."""

    name = "site logs"
    title = "logs"
    keys = ("l",)
    scope = "site"
    online = False
    action = "site_logs"
    cli = False
    no_cli = "The command line has ssh HOST journalctl."


class SiteWorkloads(Command):
    """Show the pods of the cluster of this host, by its own kubeconfig over the connection; no plane is asked."""

    name = "site workloads"
    title = "workloads"
    keys = ("w",)
    scope = "site"
    online = False
    action = "site_workloads"
    cli = False
    no_cli = "The command line has kube get ssh:TARGET."


class SiteFix(Command):
    """Apply a fix that Doctor offers to a host, read the host again, and report whether the symptom is still there.

    Only fixes of a fixed catalogue; none removes data. The plan has the exact command, what changes and the undo.
    FINDING is a symptom of site doctor, with its object where there are several: `unit-stopped:containerd`.
    """

    name = "site fix"
    implementation = "site.fix"
    title = "apply a fix"
    keys = ("x",)
    scope = "site"
    role = "operator"
    danger = "destructive"
    online = False
    action = "site_fix"
    shows_progress = True
    params = (
        Param("host", TARGET, required=True, metavar="TARGET"),
        Param("finding", "what site doctor found, e.g. swap-on", metavar="FINDING"),
        Param("fix", "which of several fixes (default: the first)", "--fix", metavar="FIX"),
        Param("undo", "take a fix back that was applied, e.g. swap-off", "--undo", metavar="FIX"),
    )


COMMANDS: tuple[type[Command], ...] = (SiteOpen, SiteAgain, SiteFix, SiteLogs, SiteShell, SiteWorkloads)
