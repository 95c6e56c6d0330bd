"""Verbs of the pages of an open site: its own API, the host's page, files, boot slots, network.

`open_verbs`, which has the others, lists them with its own.
"""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Param, Scope

TARGET = "[user@]host[:port], or a name of ~/.ssh/config or of the management plane; A,B is B through A"
HOSTS = Param("hosts", TARGET, required=True, many=True, metavar="TARGET")
"""Hosts over SSH, the same for every verb of `site` that takes several; here, since this module is loaded first."""


class OnSite(Command):
    """What the keys of an open site share: they need no plane, and a console."""

    scope: ClassVar[Scope] = "site"
    online = False
    cli = False


class SiteApi(OnSite):
    """Show what the host's own API (Palette's Local Management API, port 5080) knows; a user of its system logs in."""

    name = "site api"
    title = "local API"
    keys = ("a",)
    action = "site_page"
    preset = (("view", "site-api"),)
    no_cli = "It asks for a password, and shows a page."


class SiteHostPage(OnSite):
    """Show the host as one of the plane is shown, by what the probes and its own API know, with the age of each."""

    name = "site host"
    title = "host"
    keys = ("h",)
    action = "site_host"
    no_cli = "The command line has site doctor and site local-api."


class SiteLogin(OnSite):
    """Log in to the local API of the host, again or as another user of its system."""

    name = "site login"
    title = "log in"
    keys = ("L",)
    scope = "site-api"
    action = "site_login"
    no_cli = "It asks for a password, and shows a page."


class SiteFiles(OnSite):
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


class SiteBoot(OnSite):
    """Show the boot slots of the host: which one runs and why, and what can be done about it."""

    name = "site boot"
    title = "boot"
    keys = ("b",)
    action = "site_page"
    preset = (("view", "site-boot"),)
    no_cli = "The command line has site doctor."


class _OnBoot(OnSite):
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
