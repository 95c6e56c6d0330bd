"""Installers: builds that run and builds that are done, problems first, with proof and provenance beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from edgewright.commands.kernel.base import Scope
from edgewright.core.filters.fields import FilterField
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tui.frame.builds_watch import WatchesBuilds, hosts_by_build
from tui.frame.links import open_key
from tui.frame.lists.listing import Listed, ListingScreen
from tui.screens.installers.content import (
    KINDS,
    STATES,
    base_name,
    endpoint_of,
    installer_cells,
    installer_lines,
    state_of,
)
from tui.widgets.lines import Line, line
from tui.widgets.table_layout import Column
from tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from edgewright.commands.installer.view import Shown

FIELDS = (
    FilterField("name", "text", "name of the installer", searched=True),
    FilterField("kind", "word", "installer, base, image, sites or proof", searched=True),
    FilterField(
        "state", "word", "failed, fails, lost, runs, waits, proven, checked, unproven, done or stopped", searched=True
    ),
    FilterField("base", "text", "file of its base", searched=True),
    FilterField("plane", "text", "plane that it names", aliases=("endpoint",), searched=True),
    FilterField("hosts", "number", "hosts that came from it"),
    FilterField("age", "age", "time since it ended, or began", source="age"),
)


def refused_verbs(shown: Sequence[Shown | None], read_only: bool) -> frozenset[str]:
    """Return the ids of verbs that make no sense on these builds, or may not run in read-only mode."""
    if read_only:
        return frozenset({"installer-verify", "installer-cancel", "installer-delete"})
    known = [item.build for item in shown if item is not None]
    refused = set()
    if not known or any(build.over for build in known):
        refused.add("installer-cancel")
    if not known or any(not build.over for build in known):
        refused.add("installer-delete")
    if len(known) != 1 or known[0].state != "done" or known[0].iso is None:
        refused.add("installer-verify")
    return frozenset(refused)


def _values(shown: Shown, hosts: int) -> Callable[[str], object]:
    build = shown.build
    worked_out: dict[str, object] = {
        "name": build.name,
        "kind": KINDS.get(build.kind, build.kind),
        "state": STATES[state_of(shown)][1],
        "base": base_name(shown),
        "plane": endpoint_of(shown),
        "hosts": hosts,
        "age": build.ended or build.created,
    }
    return worked_out.get


class InstallersScreen(ListingScreen, WatchesBuilds):
    """All builds of this machine's user. Making, proving, stopping and forgetting are its verbs."""

    scope: ClassVar[Scope] = "installers"
    view = "installers"
    collections = frozenset({names.HOSTS})
    hints = (
        "nav-open=open",
        "installer-new=new",
        "installer-verify=verify",
        "installer-log=log",
        "installer-again=again",
        "filter",
        "installer-cancel",
        "installer-delete",
    )
    filter_fields = FIELDS
    filter_example = "state:failed  kind:installer  hosts>0  age<7d  /regex/  free text"
    moments: ClassVar[dict[str, str]] = {"when": "age"}
    default_sort = ("state", False)
    table_columns = (
        Column("sign", " ", 1),
        Column("name", "NAME", 8, most=40),
        Column("kind", "KIND", 9),
        Column("state", "STATE", 8),
        Column("when", "WHEN", 4, "right"),
        Column("tells", "DETAIL", 30, weight=3),
        Column("size", "SIZE", 7, "right"),
        Column("hosts", "HOSTS", 5, "right"),
        Column("base", "BASE", 10, most=32, optional=True),
        Column("plane", "PLANE", 10, most=32),
    )

    def begin(self) -> None:
        """Look for builds."""
        self._registered: dict[str, list[str]] = {}
        self._counted: tuple[int, int] = (0, -1)
        self._hosts_changed = 0
        super().begin()

    def listed(self) -> list[Listed]:
        """Return all builds, the newest first."""
        matches: list[Listed] = []
        now = self.now
        for key, shown in (self.builds or {}).items():
            hosts = len(self._registered.get(key, ()))
            build, state = shown.build, STATES[state_of(shown)]
            when = -(build.ended or build.created)
            kind, name = KINDS.get(build.kind, build.kind), build.name.lower()
            reported = (build.line, shown.size, hosts, base_name(shown), endpoint_of(shown))
            order = (state[3], name, kind, state[3], when, *reported)
            matches.append(Listed(key, installer_cells(shown, hosts, now), order, _values(shown, hosts)))
        return matches

    def select(self) -> None:
        """Show the builds; which host came from which is worked out again only when builds or hosts changed."""
        if self.is_there:
            known = (id(self.builds), self._hosts_changed)
            if known != self._counted:
                self._counted = known
                hosts = self.session.store.model.hosts.values()
                self._registered = hosts_by_build(hosts, (self.builds or {}).values())
        super().select()
        if self.is_there and self.focused is None and not self.prompt.is_open:
            self._focus_list()  # the table was hidden while it was empty, and lost the keyboard by that

    def patched(self, patches: Sequence[Patch]) -> None:
        """Count the hosts again."""
        self._hosts_changed += 1
        self.select()

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what cannot be done to these builds now."""
        return refused_verbs([(self.builds or {}).get(key) for key in self.targets()], self.session.read_only)

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the build under the cursor."""
        shown = (self.builds or {}).get(key)
        return installer_lines(shown, self._registered.get(key, ()), self.now, width) if shown else []

    def empty(self) -> list[Line]:
        """Return how to make the first installer, or why none is shown."""
        if self.trouble:
            return [line(("▲ ", "bad"), self.trouble)]
        if self.builds is None:
            return [line(("► ", "work"), "Looking for builds ...")]
        if self.filter_text:
            text = f"No build matches {self.filter_text}. "
            return [line(("○ ", "muted"), text, ("esc takes the filter away", "muted"))]
        return [
            line(("○ ", "muted"), ("No installer yet.", "strong")),
            line(),
            line("  Press ", ("+", "accent"), " to make one: some questions, a page each, and a preview of"),
            line("  what comes out. Nothing is built before you confirm it, and it can be booted"),
            line("  here before you ship it."),
        ]

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"installer/{event.key}")
