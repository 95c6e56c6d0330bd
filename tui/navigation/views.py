"""Which class shows which view and which dialog, imported when it is first opened: the first frame pays for one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from edgewright.core.text import plural
from edgewright.store.every import COLLECTIONS

_DESCRIBED: Final = tuple(each for each in COLLECTIONS if each.table is not None)
"""Collections with a table: list and detail come from it (`tui.frame.lists.described`)."""
VIEWS: dict[str, str] = {
    **{each.view: f"tui.frame.lists.described:list_screen({each.noun})" for each in _DESCRIBED},
    **{each.noun: f"tui.frame.lists.described:detail_screen({each.noun})" for each in _DESCRIBED},
    "pulse": "tui.screens.pulse.screen:PulseScreen",
    "hosts": "tui.screens.hosts.screen:HostsScreen",
    "host": "tui.screens.host.screen:HostScreen",
    "tokens": "tui.screens.tokens.screen:TokensScreen",
    "token": "tui.screens.tokens.detail:TokenScreen",
    "events": "tui.screens.feed.events:EventsScreen",
    "audit": "tui.screens.feed.audit:AuditScreen",
    "installers": "tui.screens.installers.screen:InstallersScreen",
    "installer": "tui.screens.installers.detail:InstallerScreen",
    "installer-log": "tui.screens.installers.log:InstallerLogScreen",
    "installer-new": "tui.wizards.installer.wizard:InstallerWizard",
    "cluster-new": "tui.wizards.cluster.wizard:ClusterWizard",
    "profile-new": "tui.wizards.profile.wizard:ProfileWizard",
    "profile-edit": "tui.wizards.profile.wizard:ProfileEditor",
    "first-run": "tui.screens.first_run.screen:FirstRunScreen",
    "first-steps": "tui.screens.first_run.steps:FirstStepsScreen",
    "replay": "tui.screens.replay.screen:ReplayScreen",
    "messages": "tui.frame.messages:MessagesScreen",
    "help": "tui.frame.help:HelpScreen",
    "raw": "tui.frame.pager.raw:RawScreen",
    "entry": "tui.screens.feed.entry:EntryScreen",
    "logs": "tui.screens.host.logs:LogsScreen",
    "hub-log": "tui.screens.hub.log:HubLogScreen",
    "disk": "tui.screens.host.disk:DiskScreen",
    "doctor": "tui.screens.doctor.screen:DoctorScreen",
    "site-api": "tui.screens.site.local_api:LocalApiScreen",
    "site-network": "tui.screens.site.network.screen:NetworkScreen",
    "site-log": "tui.screens.doctor.logs:SiteLogScreen",
    "site-files": "tui.screens.site.files:SiteFilesScreen",
    "site-file": "tui.screens.site.file:SiteFileScreen",
    "site-boot": "tui.screens.site.boot:SiteBootScreen",
    "site-shell": "tui.screens.site.shell.screen:ShellScreen",
    "sites": "tui.screens.site.list:SitesScreen",
    "site-run": "tui.screens.site.run:SiteRunScreen",
    "ledger": "tui.screens.site.ledger:LedgerScreen",
    "preflight": "tui.screens.host.preflight:PreflightScreen",
    "clusters": "tui.screens.cluster.list:ClustersScreen",
    "cluster": "tui.screens.cluster.screen:ClusterScreen",
    **{
        view: f"tui.screens.workloads.list:workloads_screen({view})"
        for view in (
            "pods",
            "deployments",
            "statefulsets",
            "daemonsets",
            "services",
            "nodes",
            "cluster-events",
            "machines",
        )
    },
    "workload": "tui.screens.workloads.describe:DescribeScreen",
    "workload-logs": "tui.screens.workloads.logs:PodLogsScreen",
    "workload-yaml": "tui.screens.workloads.describe:WorkloadYamlScreen",
    "profiles": "tui.screens.profile.list:ProfilesScreen",
    "profile": "tui.screens.profile.screen:ProfileScreen",
    "profile-layer": "tui.screens.profile.layer:ProfileLayerScreen",
    "profile-variable": "tui.screens.profile.layer:ProfileVariablesScreen",
    "profile-preview": "tui.screens.profile.preview:ProfilePreviewScreen",
    "profile-diff": "tui.screens.profile.diff:ProfileDiffScreen",
    "profile-yaml": "tui.screens.profile.yaml:ProfileYamlScreen",
}
"""View name (`Command.opens`) to `module:class` or `module:function(noun)`, which returns the class; the class is made
with (session, target)."""
MAIN = frozenset(
    {
        "pulse",
        "hosts",
        "tokens",
        "events",
        "audit",
        "installers",
        "replay",
        *(each.view for each in _DESCRIBED),
    }
)
"""Views that start a new path wherever they are opened by key or by name."""
KINDS = {
    "hosts": "host",
    "host": "host",
    "pulse": "host",
    "tokens": "token",
    "installers": "build",
    **{each.view: each.noun for each in _DESCRIBED},
    "workloads": "cluster",
    "deployments": "cluster",
    "nodes": "cluster",
}
"""Kind of the objects (`Target.kind`) on the screens of a scope."""
OBJECTS = {plural(view): view for view in VIEWS if plural(view) in VIEWS}
"""Each list with the view of one of its objects: hosts -> host, registries -> registry."""
DIALOGS = "tui.navigation.dialogs:open_dialog"
"""What opens any other name: a dialog."""


def load(place: str) -> Callable[..., Any]:
    """Return the class of `module:class`, or the one that `module:function(noun)` returns."""
    module, _, called = place.partition(":")
    name, _, noun = called.rstrip(")").partition("(")
    result: Callable[..., Any] = getattr(import_module(module), name)
    return result(noun) if noun else result
