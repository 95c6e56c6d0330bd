"""What the host's own API knows, over the connection of the site: logged in as a user of the host's system."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events, work
from textual.app import ComposeResult

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.api.rows import Section, sections
from edgewright.commands.site.api.session import SiteLocalApi
from edgewright.core.doctor.depths import LOCAL_API
from edgewright.core.text import clean
from tui.frame.ages import age_of
from tui.modals.form import Field, FormModal
from tui.screens.site.base import SiteScreen
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Role, blocks, line, spread, wrap

LABEL = 14
NARROW = 50


class LocalApiScreen(SiteScreen):
    """One column of sections, each with the age of its answer."""

    scope: ClassVar[Scope] = "site-api"
    view = "site-api"

    def compose_body(self) -> ComposeResult:
        """Yield the column."""
        yield LineView(id="facts")

    def begin(self) -> None:
        """Take the session of the site; without one ask for a user."""
        super().begin()
        self.query_one("#facts").focus()
        self._api: SiteLocalApi | None = None
        if self.site is not None:
            self._api = self.session.local_apis.setdefault(self.site_target, SiteLocalApi(self.site))
            self.site.at_end.append(self._drop)
            self._api.changed = self._changed
            self.call_after_refresh(self._first)

    async def _drop(self) -> None:
        self.session.local_apis.pop(self.site_target, None)

    def _first(self) -> None:
        api = self._api
        if api is None or self.stale:
            return
        if not api.user:
            if not self._silent():
                self.action_site_login()
        elif not api.values:
            self.read_again()

    def _silent(self) -> str:
        """Return why no password is asked for: the probes found no API on the host; "" where one may answer."""
        depths = (self.site.report or {}).get("depths", ()) if self.site is not None else ()
        return next((each["text"] for each in depths if each["name"] == LOCAL_API and each["answers"] is False), "")

    @property
    def crumb(self) -> str:
        """The name of the page."""
        return "Local API"

    def working_hints(self) -> tuple[str, ...]:
        """Return what works with the connection as it is."""
        return (*(() if self.stale else ("site-login",)), *self.again_hint)

    def count(self) -> str:
        """Return who is logged in, or what is under way."""
        api = self._api
        if api is None:
            return ""
        if api.reading:
            since = self.now if api.reading_since is None else api.reading_since
            return f"reading {int(max(self.now - since, 0))}s"
        return f"as {clean(api.user, 40)}" if api.user else "not logged in"

    def read_again(self) -> None:
        """Read everything again."""
        self._read()

    @work(group="site:local-api", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        if self._api is not None:
            await self._api.read()

    @work(group="site:local-login", exclusive=True, exit_on_error=False)
    async def action_site_login(self) -> None:
        """Ask for a user of the host's system and the password, which is stored nowhere, and read."""
        site, api = self.site, self._api
        if site is None or api is None or not site.is_open:
            self.refuse_here("There is no connection: the local API needs one.")
            return
        user = site.reached.user if site.reached is not None else ""
        fields = [
            Field("user", "user", "of the host's system", user, True),
            Field("password", "password", "5 wrong ones lock the API for 15 minutes", "", True, secret=True),
        ]
        app: Any = self.app
        answers = await app.ask(FormModal(f"Local API of {site.target}, port {api.port}", fields, go="Log in"))
        if answers:
            await api.login(answers["user"], answers["password"])

    def _changed(self) -> None:
        if self.is_there and self._shown:
            self.select()
            self.show_frame()

    def select(self) -> None:
        """Show what was read, or why nothing was."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#facts", LineView)
        view.set_dimmed(self.stale and bool(self._api is not None and self._api.values))
        view.set_lines(self.lines(view.room or self.size.width))

    def tick(self) -> None:
        """Show the ages as they are now."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def lines(self, width: int) -> list[Line]:
        """Return the page in lines of at most `width` cells."""
        api, site = self._api, self.site
        if api is None or site is None:
            return wrap(self.no_site, width, "‼ ", "  ", role="warn")
        parts: list[list[Line]] = []
        if not site.is_open:
            parts.append(wrap(clean(site.problem, 2000) or "There is no connection.", width, "▬ ", "  ", role="parked"))
        if api.problem:
            parts.append(wrap(clean(api.problem, 2000), width, "▲ ", "  ", role="bad"))
        if not api.values:
            waits = api.reading
            text = (
                "Asking the host. esc goes back."
                if waits
                else "Log in with a user of the host's system to read its local API."
            )
            if not waits and (silent := self._silent()):
                text = f"The probes found no local API {age_of(site.read_at, self.now)} ago: {clean(silent, 200)}."
            first, *more = wrap(text, width - 2)
            sign: tuple[str, Role] = ("► ", "work") if waits else ("○ ", "muted")
            parts.append([line(sign, *first.spans), *(line("  ", *row.spans) for row in more)])
        if api.first:
            parts.append(wrap("This user never logged in before: change the password.", width, "‼ ", "  ", role="warn"))
        parts += [section_lines(each, self.now, width) for each in sections(api.values)]
        if api.fingerprint:
            text = f"Certificate {api.fingerprint}, read over SSH"
            parts.append(wrap(text, width, role="muted"))
        return blocks(parts)


def section_lines(section: Section, now: float, width: int) -> list[Line]:
    """Return a section: its title with its age, its rows, or why there is none."""
    age = f"local API, {age_of(section.at, now)} ago"
    head = spread([(section.title, "head")], [(age, "muted")], width)
    if not section.rows:
        return [head, *wrap(section.reason or "nothing", width, "○ ", "  ", role="muted")]
    out = [head]
    for label, text in section.rows:
        if width < NARROW or len(label) >= LABEL:
            out += [line(("  ", ""), (label, "muted")), *wrap(text, width, "    ", "    ")]
        else:
            out += wrap(text, width, f"  {label:<{LABEL}}", " " * (LABEL + 2))
    return out
