"""`site open` and the verbs of the screens that show an open site."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Param, Scope

TARGET = "[user@]host[:port], or a name of ~/.ssh/config or of the management plane; A,B is B through A"
HOSTS = Param("hosts", TARGET, required=True, many=True, metavar="TARGET")
"""Hosts over SSH, the same for every verb of `site` that takes several; here, since this module is loaded first."""


class _OnSite(Command):
    """What the keys of an open site share: they need no plane, and a console."""

    scope: ClassVar[Scope] = "site"
    online = False
    cli = False


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


class SiteAgain(_OnSite):
    """Read the host again; without a connection: connect again."""

    name = "site again"
    title = "read again"
    keys = ("R",)
    also = ("site-api",)
    action = "site_again"
    no_cli = "The command line has site doctor."


class SiteShell(_OnSite):
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


class SiteWorkloads(_OnSite):
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


class SiteList(_OnSite):
    """List the sites that are open by SSH: state, round trip, age, likely cause; switch to one, or close it."""

    name = "site list"
    title = "sites"
    aliases = ("sites",)
    keys = ("o",)
    also = ("hosts", "host")
    opens = "sites"
    no_cli = "Connections are those of one console; the command line has site check and site ledger."


class SiteClose(_OnSite):
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


class SiteApi(_OnSite):
    """Show what the host's own API (Palette's Local Management API, port 5080) knows; a user of its system logs in."""

    name = "site api"
    title = "local API"
    keys = ("a",)
    action = "site_page"
    preset = (("view", "site-api"),)
    no_cli = "It asks for a password, and shows a page."


class SiteHostPage(_OnSite):
    """Show the host as one of the plane is shown, by what the probes and its own API know, with the age of each."""

    name = "site host"
    title = "host"
    keys = ("h",)
    action = "site_host"
    no_cli = "The command line has site doctor and site local-api."


class SiteLogin(_OnSite):
    """Log in to the local API of the host, again or as another user of its system."""

    name = "site login"
    title = "log in"
    keys = ("L",)
    scope = "site-api"
    action = "site_login"
    no_cli = "It asks for a password, and shows a page."


class SiteFiles(_OnSite):
    """Show files of the host: logs, configuration, content; copy them here, or replace them."""

    name = "site files"
    title = "files"
    keys = ("f",)
    action = "site_page"
    preset = (("view", "site-files"),)
    no_cli = "The command line has site get and site put."


class SiteGet(Command):
    """Copy a file of a host over SSH: continued after a cut link, compared by its hash.

    Files of the directories that the console shows: /var/log, /oem, those of the agent and of Kubernetes. The copy has
    mode 0600. A directory whose files may contain secrets needs --with-secrets.
    """

    name = "site get"
    implementation = "site.files.actions"
    title = "copy here"
    keys = ("D",)
    scope = "site-files"
    role = "operator"
    online = False
    shows_progress = True
    action = "site_get"
    params = (
        Param("target", TARGET, required=True, metavar="TARGET"),
        Param("path", "path of the file on the host", required=True, metavar="PATH"),
        Param("out", "file to write, or a directory", "--out", metavar="FILE"),
        Param("secrets", "copy a file that may contain secrets", "--with-secrets", kind="flag"),
    )


class SitePut(Command):
    """Put a file of this machine in the place of one of a host over SSH, or store a new one.

    It is sent beside the target and renamed when its hash is right on the host: until then the old file is as it was,
    also after a power cut. Mode and owner are retained. --plan shows both files with size and hash.
    """

    name = "site put"
    implementation = "site.files.actions"
    title = "replace"
    keys = ("U",)
    scope = "site-files"
    danger = "destructive"
    online = False
    shows_progress = True
    action = "site_put"
    params = (
        Param("target", TARGET, required=True, metavar="TARGET"),
        Param("file", "file of this machine", required=True, metavar="FILE"),
        Param("path", "path on the host: a file, or one of the shown directories", required=True, metavar="PATH"),
    )


class SiteBoot(_OnSite):
    """Show the boot slots of the host: which one runs and why, and what can be done about it."""

    name = "site boot"
    title = "boot"
    keys = ("b",)
    action = "site_page"
    preset = (("view", "site-boot"),)
    no_cli = "The command line has site doctor."


class _OnBoot(_OnSite):
    """What the verbs that restart a host into another system share."""

    implementation = "site.boot.actions"
    scope = "site-boot"
    danger = "destructive"
    no_cli = "It is a decision with the host in sight."


class SiteBootActive(_OnBoot):
    """Boot the active slot of the host again: for one boot, then a restart."""

    name = "site boot-active"
    title = "boot active slot"
    keys = ("A",)
    action = "site_boot_active"


class SiteBootPassive(_OnBoot):
    """Boot the passive slot of the host, the system from before its last upgrade: for one boot, then a restart."""

    name = "site boot-passive"
    title = "boot passive slot"
    keys = ("P",)
    action = "site_boot_passive"


class SiteReset(_OnBoot):
    """Reset the host: what is retained is shown, and the host's name is typed."""

    name = "site reset"
    title = "reset"
    keys = ("X",)
    action = "site_reset"


class SiteNetwork(Command):
    """Show the network settings of hosts over SSH: name, adapters, DNS, proxy, NTP, and what sets them.

    Changes nothing. A change that is not confirmed yet is shown with the time that it has left. Without sudo what
    anyone may read there is shown. `site network set` changes a setting, and so does the page of the console.
    """

    name = "site network"
    implementation = "site.network.show"
    title = "network"
    keys = ("n",)
    scope = "site"
    role = "viewer"
    online = False
    opens = "site-network"
    action = "site_page"
    preset = (("view", "site-network"),)
    shows_progress = True
    params = (HOSTS,)


COMMANDS: tuple[type[Command], ...] = (
    SiteOpen, SiteAgain, SiteShell, SiteLogs, SiteNetwork, SiteWorkloads, SiteApi, SiteHostPage, SiteLogin, SiteFix,
    SiteBundle, SiteList, SiteClose, SiteRun, SiteLedger, SiteFiles, SiteGet, SitePut, SiteBoot, SiteBootActive,
    SiteBootPassive, SiteReset,
)  # fmt: skip
