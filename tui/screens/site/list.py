"""The sites that are open by SSH: state, round trip, ages, likely cause; enter goes to one, a key closes it."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.api.same import hosts_of
from edgewright.commands.site.opened import Site
from edgewright.core.text import clean
from tui.frame.ages import age_of
from tui.frame.links import open_key
from tui.screens.doctor.title import milliseconds
from tui.screens.site.opens import MOST, cause_of, close
from tui.screens.site.rows import RowsScreen
from tui.widgets.lines import Line, Piece, Role, columns, cut, line, wrap, wrapped_facts

SIGNS: dict[str, tuple[str, Role, str]] = {
    "open": ("•", "ok", "open"),
    "lost": ("▬", "parked", "lost"),
    "connecting": ("►", "work", "connecting"),
    "new": ("○", "muted", "new"),
    "shut": ("‼", "warn", "needs you"),
}
CERTAINTY: dict[str, Role] = {"sure": "bad", "likely": "warn", "unsure": "muted", "ok": "muted"}
STATE, AGE = 10, 6


class SitesScreen(RowsScreen):
    """It shows the sites of the session; each follows its own connection."""

    scope: ClassVar[Scope] = "sites"
    view = "sites"

    @property
    def crumb(self) -> str:
        """The name of the view."""
        return "Sites"

    @property
    def shown_sites(self) -> tuple[Site, ...]:
        """The sites whose round trips are shown."""
        return tuple(self.session.sites.values())

    def count(self) -> str:
        """Return how many are open, of how many that may be."""
        return f"{len(self.session.sites)} of {MOST}"

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the rows."""
        return ("nav-open=open", "site-close", "retry=connect again") if self._site() is not None else ()

    def targets(self) -> tuple[str, ...]:
        """Return the site under the cursor."""
        site = self._site()
        return () if site is None else (site.target,)

    def _site(self) -> Site | None:
        site: Site | None = self.session.sites.get(self.pointed.removeprefix("doctor/"))
        return site

    def heads(self, width: int) -> list[Line]:
        """Return the titles of the columns."""
        cells: list[tuple[Piece, int]] = [
            ("", 1), (("HOST", "head"), self._host_width(width)), (("STATE", "head"), STATE), (("SINCE", "head"), -AGE),
            (("RTT", "head"), -7), (("READ", "head"), -AGE), (("LIKELY CAUSE", "head"), self._rest(width)),
        ]  # fmt: skip
        return [columns(cells)]

    def rows(self, width: int) -> list[Line]:
        """Return a row for each site, those that need the operator first."""
        order = ("shut", "lost", "connecting", "new", "open")
        sites = sorted(self.session.sites.values(), key=lambda site: (order.index(site.state), site.target))
        return [self._row(site, width) for site in sites]

    def _same_host(self, site: Site) -> list[str]:
        """Return the other targets that are proven to lead to the same host, those that were opened before in front."""
        group = next(group for group in hosts_of(tuple(self.session.sites.values())) if site in group)
        return [clean(other.target, 200) for other in group if other is not site]

    def _host_width(self, width: int) -> int:
        longest = max((len(site.target) for site in self.session.sites.values()), default=4)
        return max(8, min(longest, width // 3))

    def _rest(self, width: int) -> int:
        return max(8, width - 1 - self._host_width(width) - STATE - 2 * AGE - 7 - 12)

    def _row(self, site: Site, width: int) -> Line:
        sign, role, word = SIGNS[site.state]
        cause, certainty = cause_of(site)
        if same := self._same_host(site):
            cause = f"same host as {same[0]}: {cause}"
        room, rtt = self._host_width(width), "-" if site.rtt is None or not site.is_open else milliseconds(site.rtt)
        cells: list[tuple[Piece, int]] = [
            ((sign, role), 1), ((cut(clean(site.target, 200), room), "strong"), room), ((word, role), STATE),
            (age_of(site.since, self.now), -AGE), (rtt, -7), (age_of(site.read_at, self.now), -AGE),
            ((cut(cause, self._rest(width)), CERTAINTY.get(certainty, "muted")), self._rest(width)),
        ]  # fmt: skip
        return columns(cells, key=f"doctor/{site.target}")

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the connection of a site, and its likely cause in full."""
        site: Site | None = self.session.sites.get(key.removeprefix("doctor/"))
        if site is None:
            return []
        cause, certainty = cause_of(site)
        rows = wrap(clean(site.name, 200), width, role="strong")
        if site.reached is not None:
            way = " → ".join([*site.reached.via, site.reached.host])
            pairs = [("way", way), ("address", site.reached.address), ("user", site.reached.user)]
            rows += wrapped_facts([(label, clean(text, 200)) for label, text in pairs], 9, width)
        if same := self._same_host(site):
            text = f"The same host as {', '.join(same)}, by host key, boot and system: one row of Hosts."
            rows += [Line(), *wrap(text, width)]
        if site.problem and not site.is_open:
            rows += [Line(), *wrap(clean(site.problem, 600), width, "▲ ", "  ", "warn")]
        return [*rows, Line(), *wrap(cause, width, role=CERTAINTY.get(certainty, "muted"))]

    def empty(self, width: int) -> list[Line]:
        """Return how one is opened."""
        return [
            *wrap("No site is open.", width, role="muted"),
            line(("open one", "accent"), ("  s on a host, or :site open user@host", "muted"), key="doctor/"),
        ]

    def choose(self, key: str) -> None:
        """Go to the site."""
        open_key(self.app, key)

    def action_site_close(self) -> None:
        """End the connection under the cursor."""
        site = self._site()
        if site is None:
            return
        close(self.app, self.session, site)
        self.session.store.message(f"The connection to {clean(site.target, 200)} is closed.", "info")
        self.select()
        self.show_frame()

    def action_retry(self) -> None:
        """Connect again at once; where the operator must answer, on the page of the site."""
        site = self._site()
        if site is not None and site.is_lost():
            site.try_now()
        elif site is not None and not site.is_open:
            open_key(self.app, f"doctor/{site.target}")
