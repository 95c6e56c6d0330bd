"""Opening what a line names (`host/<uid>`, `token/<uid>`, `hosts/<filter>`, `events`, ...), and leaving a screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.app import App
from textual.screen import Screen

from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.kernel.registry import console_verb, works_over_ssh
from edgewright.store.collections.selectors import open_by_ssh, way_to
from tui.navigation.views import OBJECTS
from tui.terminal import toolkit


def open_key(app: App[Any], key: str, start: bool = False) -> None:
    """Open what a line's key names, with `start` on a path of its own; a key that names no view opens nothing."""
    view, _, target = key.partition("/")
    opener = getattr(app, "open_view", None)
    if opener is not None and view in VIEWS:
        opener(view, target, start)


def is_ready(screen: Screen[Any]) -> bool:
    """Whether the widgets of a screen can be looked up: it is mounted, and neither it nor the console is ending."""
    return screen.is_mounted and screen.is_running and screen.is_attached and not toolkit.is_removed(screen)


def leave(screen: Screen[Any], view: str = "", target: str = "") -> None:
    """Leave a screen, for `view` if one is named. The app does it in its queue; the caller never waits for it."""
    leave_screen = getattr(screen.app, "leave_screen", None)
    if leave_screen is not None:
        leave_screen(screen, view, target)


VIEWS = frozenset(
    {
        *OBJECTS,
        *OBJECTS.values(),
        *("events", "audit", "entry", "raw", "logs", "disk", "preflight", "doctor", "site-log", "sites", "first-steps"),
        *("site-shell", "pods", "workload", "workload-logs", "workload-yaml", "site-api"),
        *("site-files", "site-file", "site-boot", "site-network"),
        *("profile-layer", "profile-variable", "profile-preview", "profile-diff", "profile-yaml"),
    }
)
"""Views that a line may lead to."""


class OpensSite(Screen[None]):
    """A screen that points at hosts: the key opens the one under the cursor by its name."""

    _undialled: frozenset[str] = frozenset()

    def site_uids(self) -> tuple[str, ...]:
        """Return the uids of the hosts that are pointed at."""
        return tuple(self.targets())  # type: ignore[attr-defined]

    def read_again(self) -> tuple[str, ...]:
        """Return the uids of what is read again where SSH alone knows it."""
        return tuple(self.targets())  # type: ignore[attr-defined]

    def way(self, uid: str) -> str:
        """Return the uid of a connection to a host that is up, where that of its row is not."""
        return way_to(self.session.store.model.site_hosts, uid) if uid.startswith(BY_HOST) else uid  # type: ignore[attr-defined]

    def undialled(self) -> frozenset[str]:
        """Return the ids of verbs that do nothing here: a simulated host has no SSH, another one perhaps no plane."""
        uids, hosts = self.site_uids(), self.session.store.model.hosts  # type: ignore[attr-defined]
        lone = hosts.get(uids[0]) if len(uids) == 1 else None
        useless = frozenset({"site-open", "open-site"}) if lone is not None and lone.simulated else frozenset()
        self._undialled = useless | without_a_plane(self.hints, self.targets())  # type: ignore[attr-defined]
        return self._undialled

    def pointed_elsewhere(self) -> None:
        """Show other keys where a site can, or cannot, be opened now."""
        before = self._undialled
        if self.undialled() != before:
            self.show_keys()  # type: ignore[attr-defined]

    def action_retry(self) -> None:
        """Read again what is known by SSH alone, or connect again at once; else ask the plane."""
        app: Any = self.app
        targets = [self.way(uid).removeprefix(BY_HOST) for uid in self.read_again() if uid.startswith(BY_HOST)]
        for target in targets:
            site = self.session.sites.get(target)  # type: ignore[attr-defined]
            if site is not None and site.is_open:
                app.run_worker(site.read(), group=f"site:read:{target}", exit_on_error=False)
            elif site is not None:
                site.try_now()
        if not targets:
            app.action_retry()

    def action_site_open(self, target: str = "") -> None:
        """Open Doctor on what was named, or on the host that the screen points at."""
        app: Any = self.app
        if not target:
            chosen = self.site_uids()
            if len(chosen) != 1:
                app.refuse("Choose one host: a site is opened one at a time.")
                return
            hosts = self.session.store.model.hosts  # type: ignore[attr-defined]
            if chosen[0] in hosts and hosts[chosen[0]].simulated:
                app.refuse("This host is simulated: its address may be that of another machine, so it is not dialled.")
                return
            known = open_by_ssh(self.session.store.model, chosen[0])  # type: ignore[attr-defined]
            target = site_target(hosts, self.way(chosen[0] if known is None else known.uid))
        open_key(self.app, f"doctor/{target}")


def without_a_plane(entries: Iterable[str], targets: Iterable[str]) -> frozenset[str]:
    """Return the ids of verbs that do nothing where one of the targets is known by SSH alone."""
    if not any(target.startswith(BY_HOST) for target in targets):
        return frozenset()
    verbs = {name: console_verb(name) for name in (entry.partition("=")[0] for entry in entries)}
    return frozenset(name for name, verb in verbs.items() if verb is not None and not works_over_ssh(verb))


def site_target(hosts: Any, uid: str) -> str:
    """Return what `site open` takes for a host: its name, or its uid where others have that name."""
    if uid.startswith(BY_HOST):
        return uid.removeprefix(BY_HOST)
    row = hosts.get(uid)
    if row is None or not row.name or sum(1 for other in hosts.values() if other.name == row.name) > 1:
        return uid
    return str(row.name)
