"""Logs of hosts that are open by SSH: followed over their connections, merged by time, in bounded memory.

The target is that of a site, a slash, and units with commas between (`all` for everything in the journal). Other open
sites are added by a key. Lines are stored as they arrive, and drawn when they come into sight.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.logs.documents import plain_line
from edgewright.commands.site.logs.file import save
from edgewright.commands.site.logs.following import Request, SiteFollowing
from edgewright.commands.site.opened import LOGS, Site
from edgewright.config.locations import shown
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.core.logs.entry import Entry
from edgewright.core.logs.readable import LEVELS, priority_of
from edgewright.core.logs.ring import LogRing
from edgewright.core.logs.wanted import Wanted, unit_name
from edgewright.core.text import amount
from tui.frame.pager.log_entries import Looks
from tui.frame.pager.log_pager import SIGNS, SPANS, LogReaderScreen
from tui.frame.pager.pager import number_of_lines
from tui.modals.choose import ChooseModal
from tui.screens.doctor.log_state import states_of
from tui.screens.doctor.title import site_title
from tui.session import Session
from tui.verbs.bindings import move_bindings
from tui.verbs.copy import Copyable
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Role, line, wrap
from tui.widgets.log_view import LogView

EVERY = 0.15
"""Seconds between two times that what arrived is shown, at least."""
REST, MOST_REST = 2.0, 1.0
"""After lines were painted none are for so many times as long as that took, and seconds of that at most."""
MOST_HOSTS = 8
MOST_WIDTH = 18
"""Cells of the names of hosts, and of units, at most."""
ALL = "all"


class SiteLogScreen(LogReaderScreen):
    """`s` reads on or stops, `L` chooses the level, `u` the units, `m` adds open sites, `S` saves."""

    scope: ClassVar[Scope] = "global"
    view = "site-log"
    hints: ClassVar[tuple[str, ...]] = (
        "log-follow=follow", "log-level=level", "log-units=units", "filter=search", "log-hits=only hits",
        "log-since=since", "log-hosts=add hosts", "log-wrap=wrap", "log-save=save", "nav-search-next=next hit",
    )  # fmt: skip
    BINDINGS = move_bindings({"log-level": "level", "log-units": "units", "log-hosts": "hosts", "log-save": "save"})

    def __init__(self, session: Session, target: str = "") -> None:
        """Make the screen; it follows nothing before `begin`."""
        super().__init__(session, target)
        self._followed: list[SiteFollowing] = []
        self._stops: list[Callable[[], None]] = []

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        yield LogView(self._draw, self._rows, self._is_hit, id="text")

    def begin(self) -> None:
        """Follow the units of the site."""
        super().begin()
        self.wrapped, self.following = False, True
        self.ring = LogRing()
        self.wanted = Wanted()
        self._shown_items: list[Entry] = []
        self._shown_for: tuple[object, ...] = ()
        self._looks = Looks()
        self._below_was: object = None
        self._rest_until = 0.0
        target = self.target.rpartition("/")[0]
        site: Site | None = self.session.sites.get(target)
        self._units = tuple(name for name in self.target.rpartition("/")[2].split(",") if name and name != ALL)
        self._refused = "" if site is not None else f"{target} is not open any more. Open it: :site open {target}"
        if site is not None:
            self._add(site)
        self.set_interval(EVERY, self._show_new)

    def _add(self, site: Site) -> None:
        try:
            request = Request(tuple(unit_name(unit) for unit in self._units))
            followed = SiteFollowing(
                site, request, self._take, self._state_changed, lambda: self.session.store.deferred
            )
        except EdgewrightError as error:
            self._refused = f"{error.message} {error.hint}".strip()
            return
        self._followed.append(followed)
        self._stops.append(site.listen(self._site_changed))
        if self.following:
            followed.start()

    def on_unmount(self) -> None:
        """Read no more."""
        self._stop_all()

    def _stop_all(self) -> None:
        for stop in (*self._stops, *(followed.stop for followed in self._followed)):
            stop()
        self._stops, self._followed = [], []

    def _site_changed(self) -> None:
        if self.is_there and self._shown:
            self.select()
            self.show_frame()

    def _take(self, entries: list[Entry]) -> None:
        self.ring.add(entries)

    def _state_changed(self) -> None:
        self._below_was = None

    # What it shows ------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> LogView:
        """The view of the lines."""
        return self.query_one("#text", LogView)

    @property
    def text(self) -> LineView:
        """The same view, as all readers call it."""
        return self.entries

    @property
    def crumb(self) -> str:
        """Name the units."""
        units = ", ".join(self._units[:3]) + (" ..." if len(self._units) > 3 else "")
        where = f" on {amount(len(self._followed), 'host')}" if len(self._followed) > 1 else ""
        return f"log of {units}{where}" if units else f"log{where}"

    def head_line(self, width: int) -> Line:
        """Return which site this is and whether the connection is there."""
        if not self._followed:
            return super().head_line(width)
        return site_title(self._followed[0].site, self.now, width, self.session.read_only)

    def count(self) -> str:
        """Return how much is shown, how, and what is not there."""
        parts = ["following"] if self.following else ["paused"]
        if self.wanted.level < 7:
            parts.append(f"{next(name for name in LEVELS if priority_of(name) == self.wanted.level)} and worse")
        if self.since is not None:
            parts.append(f"since {times.age(self.since)}")
        if self._wanted:
            hits = sum(map(self._is_hit, self._shown_items)) if len(self._shown_items) < 50_000 else 0
            parts.append(f"only {self._wanted}" if self.hits_only else f"{self._wanted}: {amount(hits, 'hit')}")
        every, shown = len(self.ring.lines), len(self._shown_items)
        parts.append(f"{shown:,} of {number_of_lines(every)}" if shown != every else number_of_lines(every))
        if self.ring.dropped:
            parts.append(f"{self.ring.dropped:,} older dropped")
        return "  ".join(parts)

    def status(self) -> list[tuple[str, Role]]:
        """Return what is waited for, what failed, and what of each host is to be known."""
        if self._refused:
            return [(self._refused, "bad")]
        return states_of(self._followed, self.following, bool(self.ring.lines))

    def select(self) -> None:
        """Show the lines; at the end the view stays there."""
        if not self.is_there or not self.size.width:
            return
        newest = self.ring.lines[-1].at if self.ring.lines else self.now
        since = None if self.since is None else newest - self.since
        text = self._wanted.lower() if self.hits_only else ""
        if text != self.wanted.text:
            self.wanted = self.wanted._replace(text=text)
        made_of = (self.ring.version, self.wanted, since)
        if made_of != self._shown_for:
            self._shown_for = made_of
            lines = self.ring.lines if since is None else self.ring.since(since)
            self._shown_items = list(lines) if self.wanted.everything else self._chosen(lines)
            self._fit()
        width = self.entries.room or self.size.width
        below = [part for text, role in self.status() for part in wrap(text, width, SIGNS.get(role, ""), "  ", role)]
        self.entries.show_items(self._shown_items, below, self.wrapped, (self._looks.hosts, self._looks.units))

    def _chosen(self, lines: Sequence[Entry]) -> list[Entry]:
        """Return what is wanted; each line is looked at once, until something else is wanted."""
        wanted, chosen = self.wanted, []
        for entry in lines:
            before = entry.verdict
            if before is None or before[0] is not wanted:
                before = entry.verdict = (wanted, wanted.lets(entry))
            if before[1]:
                chosen.append(entry)
        return chosen

    def _fit(self) -> None:
        """Give the names of hosts and units as much room as those in sight need; it only grows."""
        looks, recent = self._looks, self._shown_items[-200:]
        hosts = max((len(entry.host) for entry in recent), default=0) if len(self._followed) > 1 else 0
        units = max((len(entry.unit.removesuffix(".service")) for entry in recent), default=0)
        single = len(self._units) == 1
        looks.hosts = min(max(looks.hosts, hosts), MOST_WIDTH)
        looks.units = 0 if single else min(max(looks.units, units), MOST_WIDTH)
        looks.day = times.rfc3339(int(self.now))[:10]

    def _draw(self, entry: Entry, width: int) -> list[Line]:
        return list(self._looks.draw(entry, width, self.wrapped))

    def _rows(self, entry: Entry, width: int) -> int:
        return self._looks.rows(entry, width)

    def _is_hit(self, entry: Entry) -> bool:
        low = self._low
        if not low or entry.gap:
            return False
        before = entry.hit
        if before is None or before[0] is not low:
            before = entry.hit = (low, low in entry.text.lower())
        return before[1]

    _low = ""

    def _show_new(self) -> None:
        """Show what arrived; called a few times a second. Lines wait for keys, and more where painting is slow."""
        now = time.monotonic()
        if not self.is_there or not self._shown:
            return
        state = (self.ring.version, tuple(followed.problem for followed in self._followed))
        if (now < self._rest_until or self.session.store.deferred) and self._below_was is not None:
            return
        if state != self._below_was:
            self._below_was = state
            self.select()
            self.show_crumb()
            self.call_after_refresh(self._painted, now)

    def _painted(self, began: float) -> None:
        now = time.monotonic()
        self._rest_until = now + min(REST * (now - began), MOST_REST)

    def tick(self) -> None:
        """Show the states as they are now."""
        self.select()

    # Search -------------------------------------------------------------------------------------------------------

    def _search(self, wanted: str) -> None:
        before, self._wanted = self._wanted, wanted.strip()
        if self._wanted != before:
            self._low = self._wanted.lower()
            self.select()
        self.entries.refresh()
        self.show_frame()

    def working_hints(self) -> tuple[str, ...]:
        """Return what works: no next hit without a search, no hosts to add without other open sites."""
        left_out = set() if self._wanted else {"nav-search-next=next hit"}
        if not self._others():
            left_out.add("log-hosts=add hosts")
        if self.following:
            return tuple(e.replace("=follow", "=pause") for e in self.hints if e not in left_out)
        return tuple(entry for entry in self.hints if entry not in left_out)

    def action_hit(self, step: int) -> None:
        """Go to the next hit, or the one before; round at the ends."""
        items = self._shown_items
        hits = [place for place, entry in enumerate(items) if self._is_hit(entry)]
        if not hits:
            return
        places = [items.index(self._at_hit)] if self._at_hit in items else [self.entries.place_in_sight() - (step > 0)]
        ahead = [place for place in hits if (place > places[0] if step > 0 else place < places[0])]
        place = (ahead[0] if step > 0 else ahead[-1]) if ahead else hits[0 if step > 0 else -1]
        self._at_hit = items[place]
        self.entries.bring(place)
        self.show_frame()

    _at_hit: Entry | None = None

    # What is done -------------------------------------------------------------------------------------------------

    def follow_changed(self) -> None:
        """Read on where it was stopped, or stop: the host ends its script."""
        for followed in self._followed:
            if self.following:
                followed.start()
            else:
                followed.stop()

    def action_since(self) -> None:
        """Show the lines of the last 5 minutes, 15 minutes, hour, day, or all that was read."""
        self.since = SPANS[(SPANS.index(self.since) + 1) % len(SPANS)]
        self.select()
        self.show_frame()

    def action_level(self) -> None:
        """Show all lines, then only those of `info`, `warn`, `error` and worse."""
        steps = [7, priority_of("info"), priority_of("warn"), priority_of("error")]
        at = steps.index(self.wanted.level) if self.wanted.level in steps else 0
        self.wanted = self.wanted._replace(level=steps[(at + 1) % len(steps)])
        self.select()
        self.show_frame()

    @work(exclusive=True, group="log:choose", exit_on_error=False)
    async def action_units(self) -> None:
        """Read other units: the lines begin again."""
        units = dict.fromkeys((ALL, *self._units, *LOGS))
        options = [line((unit, "strong" if unit in self._units else ""), key=unit) for unit in units]
        current = self._units[0] if self._units else ALL
        unit = await self.app.ask(ChooseModal("Logs of", options, current))  # type: ignore[attr-defined]
        if unit is None or not self.is_there:
            return
        self._units = () if unit == ALL else (unit,)
        self._begin_again()

    def _begin_again(self) -> None:
        sites = [followed.site for followed in self._followed]
        self._stop_all()
        self.ring.clear()
        self._looks = Looks()
        for site in sites:
            self._add(site)
        self.select()
        self.show_frame()

    @property
    def shown_sites(self) -> tuple[Site, ...]:
        """The sites whose logs are followed."""
        return tuple(followed.site for followed in self._followed)

    def _others(self) -> list[str]:
        followed = {each.site.target for each in self._followed}
        return [target for target in self.session.sites if target not in followed]

    @work(exclusive=True, group="log:choose", exit_on_error=False)
    async def action_hosts(self) -> None:
        """Add the logs of another open site."""
        others = self._others()
        if not others or len(self._followed) >= MOST_HOSTS:
            text = "No other site is open." if not others else f"{MOST_HOSTS} hosts at a time."
            self.session.store.message(text, "warn", reply=True)
            return
        options = [line(target, key=target) for target in others]
        target = await self.app.ask(ChooseModal("Add the log of", options))  # type: ignore[attr-defined]
        site = self.session.sites.get(target) if target else None
        if site is not None and self.is_there:
            self._add(site)
            self.select()
            self.show_frame()

    def copies(self) -> list[Copyable]:
        """Return the lines that are shown, at most the newest 1,000; secrets are masked."""
        items = self._shown_items[-1000:]
        if not items:
            return []
        return [Copyable(amount(len(items), "line"), "\n".join(self._plain(items)), self.crumb)]

    def _plain(self, items: list[Entry]) -> list[str]:
        several = len(self._followed) > 1
        return [plain_line(entry, several) for entry in items]

    @work(exclusive=True, group="log:save", exit_on_error=False)
    async def action_save(self) -> None:
        """Write the lines that are shown to a file that only this user can read; secrets are masked."""
        items = list(self._shown_items)
        if not items:
            self.session.store.message("There is no line to save.", "warn", reply=True)
            return
        try:
            path: Path = await asyncio.to_thread(lambda: save(self._plain(items), self._file_name(), self.now))
        except EdgewrightError as error:
            self.session.store.message(f"{error.message} {error.hint}".strip(), "bad")
            return
        self.session.store.message(f"{number_of_lines(len(items))} written to {shown(path)}, secrets masked.", "ok")

    def _file_name(self) -> str:
        return "-".join([*(followed.name for followed in self._followed[:2]), *(self._units[:1] or ("journal",))])
