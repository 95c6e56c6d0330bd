"""Which class shows which view and which dialog, imported when it is first opened: the first frame pays for one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

VIEWS: dict[str, str] = {
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
    "first-run": "tui.screens.first_run.screen:FirstRunScreen",
    "first-steps": "tui.screens.first_run.steps:FirstStepsScreen",
    "replay": "tui.screens.replay.screen:ReplayScreen",
    "messages": "tui.frame.messages:MessagesScreen",
    "help": "tui.frame.help:HelpScreen",
    "raw": "tui.frame.pager.raw:RawScreen",
    "entry": "tui.screens.feed.entry:EntryScreen",
    "logs": "tui.screens.host.logs:LogsScreen",
    "hub-log": "tui.screens.hub.log:HubLogScreen",
    "users": "tui.screens.users.screen:UsersScreen",
    "user": "tui.screens.users.detail:UserScreen",
    "roles": "tui.screens.roles.screen:RolesScreen",
    "role": "tui.screens.roles.detail:RoleScreen",
    "keys": "tui.screens.keys.screen:KeysScreen",
    "key": "tui.screens.keys.detail:KeyScreen",
    "disk": "tui.screens.host.disk:DiskScreen",
}
"""View name (`Command.opens`) to `module:class`; the class is made with (session, target)."""
MAIN = frozenset(
    {
        "pulse",
        "hosts",
        "tokens",
        "events",
        "audit",
        "installers",
        "users",
        "roles",
        "keys",
        "replay",
    }
)
"""Views that start a new path wherever they are opened by key or by name."""
KINDS = {
    "hosts": "host",
    "host": "host",
    "pulse": "host",
    "tokens": "token",
    "installers": "build",
    "users": "user",
    "roles": "role",
    "keys": "key",
}
"""Kind of the objects (`Target.kind`) on the screens of a scope."""
OBJECTS = {f"{view}s": view for view in VIEWS if f"{view}s" in VIEWS}
"""Each list with the view of one of its objects: hosts -> host."""
DIALOGS = "tui.navigation.dialogs:open_dialog"
"""What opens any other name: a dialog."""


def load(place: str) -> Callable[..., Any]:
    """Return the class of `module:class`."""
    module, _, name = place.partition(":")
    result: Callable[..., Any] = getattr(import_module(module), name)
    return result
