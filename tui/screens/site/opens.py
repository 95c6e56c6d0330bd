"""The sites that the console has open, at most a few: taken, followed while one looks at other screens, and closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.screen import ModalScreen

from edgewright.commands.site.api.listed import closed, listed, state_of
from edgewright.commands.site.opened import Site
from edgewright.commands.site.opening import site_of
from edgewright.core.errors import Conflict, UsageError
from edgewright.core.text import clean
from edgewright.store.engine.events import SITE_KNOWN
from edgewright.store.engine.model import SITE_HOSTS, Patch

if TYPE_CHECKING:
    from tui.session import Session

MOST = 8
"""Sites that are open at the same time: each measures its link and connects again by itself."""
FRESH = 60.0
"""Seconds in which what was read of a host is not read again only because its page is opened again."""
MOST_MESSAGE = 2000
CLOSING = 1.0
"""Seconds that one connection has to end when the console ends."""


def take(session: Session, target: str) -> Site:
    """Return the site of a target, a new one that is not connected yet where it is not open.

    Raises `UsageError` where none can be opened, `Conflict` where too many are, `InvalidInput`.
    """
    sites = session.sites
    if target not in sites:
        if len(sites) >= MOST:
            raise Conflict(f"{MOST} sites are open, and no more can be.", "Close one of them: :sites", "TooManySites")
        make: Callable[[str], Site] | None = session.make_site
        if make is None and session.make_context is None:
            raise UsageError("This only shows what was recorded: no site can be opened.", "Open: edgewright")
        sites[target] = make(target) if make is not None else site_of(target, _context_of(session))
    site: Site = sites[target]
    return site


def _context_of(session: Session) -> Callable[[], Any]:
    make = session.make_context
    assert make is not None
    return make


def follow(app: App[Any], session: Session, site: Site) -> None:
    """Measure its link, connect again when it breaks, read it again then, and report both; once for each site."""
    if site.followed:
        return
    site.followed = True
    list_site(session, site)
    before = site.state

    def changed() -> None:
        nonlocal before
        was, before = before, site.state
        if site.state == "lost" and was == "open":
            begin = f"The connection to {site.target}"
            lost = "" if site.problem.startswith(begin) else f"{begin} is lost. "
            _announce(session, f"{lost}{site.problem}", "warn")
        elif site.is_open and was == "lost":
            _announce(session, f"{site.target} is connected again.", "ok")

    site.listen(changed)
    site.returned = lambda: _run(app, site.read(), f"site:read:{site.target}")
    _run(app, site.watch(lambda: is_shown(app, site)), f"site:watch:{site.target}")


class SiteLists:
    """Shows the sites of a session in the lists of hosts and clusters, as they are known at each moment."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._states: list[tuple[Any, ...]] = []
        self._events: dict[str, dict[str, Any]] = {}
        session.store.subscribe({SITE_HOSTS}, self._taken)

    def report(self) -> None:
        """Report what differs from what was reported before: one site may change the row of another one."""
        sites = [site for site in self._session.sites.values() if site.followed]
        states = [state_of(site) for site in sites]
        if states == self._states:
            return
        before, self._states, self._events = self._events, states, listed(sites)
        changed = [event for uid, event in self._events.items() if before.get(uid) != event]
        for event in (*(closed(uid) for uid in before if uid not in self._events), *changed):
            self._session.store.emit("site", SITE_KNOWN, event)

    def _taken(self, patches: Sequence[Patch]) -> None:
        """Report all again where another plane's model was taken: it has no sites."""
        if self._states and any(patch.op == "reset" for patch in patches):
            self._states, self._events = [], {}
            self.report()


def list_site(session: Session, site: Site) -> None:
    """Show it in the lists of hosts and clusters from now on, until it is closed."""
    lists: SiteLists = session.site_lists or SiteLists(session)
    session.site_lists = lists
    stop = site.listen(lists.report)

    def unlist() -> None:
        stop()
        lists.report()

    site.unlist = unlist
    lists.report()


def is_shown(app: App[Any], site: Site) -> bool:
    """Return whether the screen in front is a page of a site, or shows it among others; a dialog hides none."""
    screen = next((each for each in reversed(app.screen_stack) if not isinstance(each, ModalScreen)), None)
    return getattr(screen, "site", None) is site or site in getattr(screen, "shown_sites", ())


def settle(app: App[Any], session: Session, site: Site) -> None:
    """Take a page of a site as left: one that never was connected, or was not read and is not, is open no more."""
    if not (site.is_open or site.is_lost()) and (site.report is None or site.state != "shut"):
        close(app, session, site)


def close(app: App[Any], session: Session, site: Site) -> None:
    """End a site: its connection, and what follows it."""
    if session.sites.get(site.target) is site:
        del session.sites[site.target]
    for worker in list(app.workers):
        if worker.group in {f"site:{work}:{site.target}" for work in ("watch", "read", "bundle")}:
            worker.cancel()
    site.followed = False
    site.unlist()
    _run(app, site.aclose(), "site:close")


async def close_all(session: Session) -> None:
    """End all connections: the console ends."""
    sites, session.sites = list(session.sites.values()), {}
    for site in sites:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(site.aclose(), CLOSING)


def _run(app: App[Any], work: Any, group: str) -> None:
    app.run_worker(work, group=group, exit_on_error=False)


def _announce(session: Session, text: str, level: str) -> None:
    session.store.message(clean(text, MOST_MESSAGE), level)


def cause_of(site: Site) -> tuple[str, str]:
    """Return the likely cause of what is wrong with a host and its certainty; texts for a host without one."""
    if site.report is None:
        return ("being read" if site.reading_since is not None else "not read yet"), ""
    findings: Sequence[Any] = site.report["findings"]
    if not findings:
        return "no fault found", "ok"
    return clean(findings[0]["text"], 300), str(findings[0]["certainty"])
