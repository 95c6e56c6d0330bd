"""Which class shows which view and which dialog, imported when it is first opened: the first frame pays for one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

VIEWS: dict[str, str] = {
    "pulse": "tui.screens.pulse:PulseScreen",
    "hosts": "tui.screens.hosts:HostsScreen",
    "host": "tui.screens.host:HostScreen",
    "tokens": "tui.screens.tokens:TokensScreen",
    "token": "tui.screens.token:TokenScreen",
    "events": "tui.screens.events:EventsScreen",
    "audit": "tui.screens.audit:AuditScreen",
    "installers": "tui.screens.installers:InstallersScreen",
    "installer": "tui.screens.installer:InstallerScreen",
    "installer-log": "tui.screens.installer_log:InstallerLogScreen",
    "installer-new": "tui.wizards.installer.wizard:InstallerWizard",
    "first-run": "tui.screens.first_run:FirstRunScreen",
    "first-steps": "tui.screens.first_steps:FirstStepsScreen",
    "replay": "tui.screens.replay:ReplayScreen",
    "messages": "tui.screens.messages:MessagesScreen",
    "help": "tui.screens.help:HelpScreen",
    "raw": "tui.screens.raw:RawScreen",
    "entry": "tui.screens.entry:EntryScreen",
    "logs": "tui.screens.logs:LogsScreen",
    "hub-log": "tui.screens.hub_log:HubLogScreen",
    "disk": "tui.screens.disk:DiskScreen",
}
"""View name (`Command.opens`) to `module:class`; the class is made with (session, target)."""


def load(place: str) -> Callable[..., Any]:
    """Return the class of `module:class`."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
