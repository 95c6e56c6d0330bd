"""`site open` and the verbs of the screens that show an open site."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.site.page_verbs import (
    HOSTS,
    TARGET,
    OnSite,
    SiteApi,
    SiteBoot,
    SiteBootActive,
    SiteBootPassive,
    SiteFiles,
    SiteGet,
    SiteHostPage,
    SiteLogin,
    SiteNetwork,
    SitePut,
    SiteReset,
)


class SiteOpen(Command):
    """Open a host by SSH in the console, plane or not: Doctor first, with the likely cause of what is wrong.

    The connection opens in the terminal, with questions about host key, password and second factor, before the console
    does. Without a target those that were opened last are offered. Exit code 4: refused, 5: unreachable, 8: timeout.
    """

    name = "site open"
    title = "open by SSH"
    keys = ("s",)
    scope = "hosts"
    also = ("host", "nodes", "clusters")
    on_rows = (1, 1)
    role = "viewer"
    online = False
    opens = "doctor"
    action = "site_open"
    outputs = ("table",)
    params = (Param("target", TARGET, metavar="TARGET"),)


class SiteAgain(OnSite):
    """Read the host again; without a connection: connect again."""

    name = "site again"
    title = "read again"
    keys = ("R",)
    also = ("site-api",)
    action = "site_again"
    no_cli = "The command line has site doctor."


class SiteShell(OnSite):
    """Open a shell on the host, in the console or in the full terminal, over the connection that is there; recorded."""

    name = "site shell"
    implementation = "site.shell"
    title = "shell"
    keys = ("!",)
    danger = "write"
    action = "site_shell"
    no_cli = "The command line has ssh."


LEVELS = ("error", "warn", "info", "debug")
"""As in `core.logs.readable`, which is not loaded here; a test compares them."""


class SiteLogs(Command):
    """Read logs of hosts over SSH, merged by time, and follow them: journal, kernel, or the file of syslog.

    Lines that are JSON (zap, logrus, klog) show level and message first; secrets are masked. Wrong clocks are taken out
    of the times. -o json with --follow prints a document a line. Exit code 4: refused, 5: unreachable.
    """

    name = "site logs"
    implementation = "site.logs.reading"
    title = "logs"
    keys = ("l",)
    scope = "site"
    role = "viewer"
    online = False
    action = "site_logs"
    shows_progress = True
    params = (
        HOSTS._replace(required=False),
        Param("unit", "only of this unit, or kernel; may be repeated", flag="--unit", many=True, metavar="UNIT"),
        Param("since", "only from then on: 10m, 2h, or 2026-11-29T08:00:00Z", flag="--since", metavar="TIME"),
        Param("until", "only until then: 10m, 2h, or 2026-11-29T08:00:00Z", flag="--until", metavar="TIME"),
        Param("level", "only lines of this level and worse", flag="--level", choices=LEVELS),
        Param("grep", "only lines with this text, small and capital letters alike", flag="--grep", metavar="TEXT"),
        Param("lines", "this many of each host at most (100; with --since 10,000)", "--lines", kind="int", metavar="N"),
        Param("follow", "continue with new lines", flag="--follow", kind="flag"),
    )


class SiteWorkloads(OnSite):
    """Show the pods of the cluster of this host, by its own kubeconfig over the connection; no plane is asked."""

    name = "site workloads"
    title = "workloads"
    keys = ("w",)
    action = "site_workloads"
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
    keys = ("B",)
    scope = "site"
    action = "site_bundle"
    shows_progress = True
    params = (
        HOSTS,
        Param("out", "file to write, or folder for several hosts", "--out", metavar="FILE"),
        Param("since", "how far back journals are read, e.g. 2h, 7d", "--since", kind="span", default="24h"),
        Param("rate", "bytes in a second at most, e.g. 16K, 2M", "--rate", metavar="RATE"),
        Param("recipients", "encrypt it to this age or SSH key; repeatable", "--recipient", many=True, metavar="KEY"),
        Param("resume", "continue in this folder (NAME.partial) of a cut bundle", "--resume", metavar="FOLDER"),
    )  # fmt: skip


class SiteList(OnSite):
    """List the sites that are open by SSH: state, round trip, age, likely cause; switch to one, or close it."""

    name = "site list"
    title = "sites"
    aliases = ("sites",)
    keys = ("o",)
    also = ("hosts", "host")
    opens = "sites"
    no_cli = "Connections are those of one console; the command line has site check and site ledger."


class SiteClose(OnSite):
    """End the connection to a site."""

    name = "site close"
    title = "close site"
    keys = ("ctrl+d",)
    scope = "sites"
    action = "site_close"
    no_cli = "A connection of the command line ends with its verb."


class SiteRun(Command):
    """Run one command on many hosts over SSH, some at a time, with exit code, output and time of each.

    The text after -- goes to the user's shell as ssh gives it there; with --sudo to a shell of root by `sudo -n`. The
    plan shows it with all hosts first. Ctrl-C lets no further host begin, again ends all. Exit code 0: it ended with 0
    on all hosts; else that of the failures where they agree (4: refused, 5: unreachable, 8: out of time), or 1.
    """

    name = "site run"
    implementation = "site.fleet.run"
    title = "run"
    keys = ("x",)
    scope = "hosts"
    on_rows = (1, 0)
    danger = "destructive"
    role = "operator"
    online = False
    action = "site_run"
    after_dashes = "command"
    shows_progress = True
    params = (
        Param("hosts", f"{TARGET}; - reads them from stdin, one in a line", many=True, metavar="TARGET"),
        Param("selector", "also hosts of the plane with these labels: site=berlin,env!=test", "--selector"),
        Param("where", "also hosts of the plane that match: health:unhealthy", "--where", many=True, metavar="FILTER"),
        Param("sudo", "run it as root by sudo -n", "--sudo", kind="flag"),
        Param("at_a_time", "hosts that work at once, up to 64", "--at-a-time", kind="int", default=8, metavar="N"),
        Param("stop_after", "begin no further host after so many failures", "--stop-after", kind="int", metavar="N"),
        Param("time_limit", "how long a host may take, e.g. 90s, 10m", "--time-limit", kind="span", default="5m"),
        Param("prefix", "print lines as they arrive, each behind its host", "--prefix", kind="flag"),
    )


class SiteLedger(Command):
    """List what was done over SSH from this machine: who, when, host, what, result; newest first.

    It is read from the user's journal: sites that were opened, shells, commands, fixes, files, networks, bundles,
    installations. Secrets in commands were covered when they were written.
    """

    name = "site ledger"
    implementation = "site.fleet.ledger"
    title = "ledger"
    aliases = ("ledger",)
    no_key = "It is looked at rarely."
    role = "viewer"
    online = False
    opens = "ledger"
    params = (
        Param("hosts", "only these hosts, with user and port or without", many=True, metavar="HOST"),
        Param("verb", "only this verb, e.g. run, shell", "--verb"),
        Param("since", "not before, e.g. 2h, 7d", "--since", kind="span"),
        Param("until", "not after so long ago, e.g. 1h", "--until", kind="span"),
        Param("limit", "rows at most, up to 1000", "--limit", kind="int", default=200, metavar="N"),
    )


COMMANDS: tuple[type[Command], ...] = (
    SiteOpen, SiteAgain, SiteShell, SiteLogs, SiteNetwork, SiteWorkloads, SiteApi, SiteHostPage, SiteLogin, SiteFix,
    SiteBundle, SiteList, SiteClose, SiteRun, SiteLedger, SiteFiles, SiteGet, SitePut, SiteBoot, SiteBootActive,
    SiteBootPassive, SiteReset,
)  # fmt: skip
