"""One build: progress while it runs, and the result page that stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on

from edgewright.commands.kernel.base import Scope
from edgewright.store.engine import model as names
from tui.frame.builds_watch import WatchesBuilds, hosts_by_build
from tui.frame.facts_screen import FactsScreen
from tui.frame.links import open_key
from tui.screens.installers.content import installer_lines
from tui.screens.installers.screen import refused_verbs
from tui.verbs.bindings import working_on
from tui.widgets.line_view import LineView
from tui.widgets.lines import line


class InstallerScreen(FactsScreen, WatchesBuilds):
    """Shows the build `target`; leaving it stops nothing."""

    scope: ClassVar[Scope] = "installers"
    view = "installer"
    collections = frozenset({names.HOSTS})
    hints = (
        "installer-verify=verify",
        "installer-log=log",
        "installer-again=again",
        "installer-cancel",
        "installer-delete",
    )

    @property
    def crumb(self) -> str:
        """The name of the installer."""
        shown = (self.builds or {}).get(self.target)
        return shown.build.name or self.target if shown else self.target

    def count(self) -> str:
        """Return the id of the build."""
        return self.target

    def targets(self) -> tuple[str, ...]:
        """Return this build."""
        return (self.target,)

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on this build, or without it when it is not there."""
        return working_on(self.hints, int(self.target in (self.builds or {})))

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what cannot be done to this build now."""
        return refused_verbs([(self.builds or {}).get(self.target)], self.session.read_only)

    def select(self) -> None:
        """Show the build as it is now."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#facts", LineView)
        width = min((view.room or self.size.width) - 1, 110)
        shown = (self.builds or {}).get(self.target)
        if shown is not None:
            arrived = hosts_by_build(self.session.store.model.hosts.values(), (self.builds or {}).values())
            view.set_lines(installer_lines(shown, arrived.get(self.target, ()), self.now, width))
        elif self.builds is None:
            view.set_lines([line(("► ", "work"), "Looking for the build ...")])
        else:
            view.set_lines([line(("○ ", "muted"), "This build is not there any more: it was forgotten.")])
        self.show_frame()

    def tick(self) -> None:
        """Update the ages."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        open_key(self.app, event.key)
