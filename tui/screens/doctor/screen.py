"""Doctor: a host that is open by SSH, what is wrong with it, and the next step; with the plane or without."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from textual import events, on, work

from edgewright.commands.kernel.base import Scope
from edgewright.commands.site.doctor_text import key_of
from edgewright.commands.site.opened import Site
from edgewright.commands.site.opening import problem_of
from edgewright.commands.site.recent import recent
from edgewright.core.doctor.depths import KUBECTL, LOCAL_API
from edgewright.core.doctor.repairs import repair
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from tui.frame.base import WALL, WIDE, BaseScreen
from tui.frame.links import open_key
from tui.frame.title import sites_pieces
from tui.screens.doctor.asking import LendingAsker
from tui.screens.doctor.content import MOST_TEXT, SiteView, about, answered, body, detail
from tui.screens.doctor.fixing import apply_fix, offers
from tui.screens.doctor.title import SILENT, milliseconds, site_title
from tui.screens.site.opens import FRESH, follow, settle, take
from tui.screens.site.pages import SitePages
from tui.verbs.bindings import live_keys, move_bindings
from tui.verbs.copy import Copyable
from tui.widgets.key_line import key_text
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line
from tui.widgets.prompt import Asking


class DoctorScreen(BaseScreen, SitePages):
    """Connects where that is not done yet, and reads the host. The connection stays when the screen is left."""

    scope: ClassVar[Scope] = "site"
    view = "doctor"
    BINDINGS = move_bindings({"nav-back": "back_or_stop"})
    DEFAULT_CSS = """
    DoctorScreen {
        & #facts { width: 1fr; }
        & #detail { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
        & #about { width: 44; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wide #detail, &.-wall #detail { display: block; }
        &.-wall #about { display: block; }
    }
    """

    def compose_body(self) -> Any:
        """Yield one column, and two more for wide terminals."""
        yield LineView(id="facts")
        yield LineView(id="detail")
        yield LineView(id="about")

    def begin(self) -> None:
        """Connect, or take the connection that is there; then read."""
        super().begin()
        self._unfolded: set[str] = set()
        self.site = None
        for name in ("#detail", "#about"):
            self.query_one(name).can_focus = False
        self.query_one("#facts").focus()
        if not self.target:
            self.list_recent()
            return
        try:
            self.site = take(self.session, self.target)
        except EdgewrightError as error:
            self._refused = f"{error.message} {error.hint}".strip()
            return
        self._unheard = self.site.listen(self._changed)
        follow(self.app, self.session, self.site)
        if not self.site.is_open:
            self.action_site_again()
        elif self.site.read_at is None or self.now - self.site.read_at > FRESH or self.site.read_problem:
            self.read()

    _refused = ""
    _unheard: Callable[[], None] = staticmethod(lambda: None)
    _recent: Sequence[str] = ()

    @work(group="site:recent", exclusive=True, exit_on_error=False)
    async def list_recent(self) -> None:
        """Offer the targets that were opened last."""
        self._recent = await asyncio.to_thread(recent)
        self.select()
        if self._recent:
            self.query_one("#facts", LineView).point_at(f"doctor/{self._recent[0]}")
        else:
            self._ask_target()

    def _ask_target(self) -> None:
        self.ask(Asking("target", "open by SSH: ", judge=_judged, wrong=problem_of))

    def prompt_answered(self, kind: str, text: str) -> None:
        """Open what was typed."""
        if kind == "target" and text:
            open_key(self.app, f"doctor/{text}")

    def on_unmount(self) -> None:
        """Leave the site to the console, which follows it; what was not connected ends here."""
        if self.site is not None:
            self._unheard()
            settle(self.app, self.session, self.site)

    # What it shows ------------------------------------------------------------------------------------------------

    @property
    def crumb(self) -> str:
        """The name of the view; the title has the host's."""
        return "Doctor" if self.target else "Sites"

    def head_line(self, width: int) -> Line:
        """Return which site this is and whether the connection is there."""
        if self.site is None:
            return super().head_line(width)
        others = sites_pieces(self.session, self.site)
        return site_title(self.site, self.now, width, self.session.read_only, others)

    def count(self) -> str:
        """Return how the last run of the probes went, or how long the present one takes."""
        site = self.site
        if site is None:
            return ""
        if site.reading_since is not None:
            seconds = f"{int(max(self.now - site.reading_since, 0))}s"
            progress = site.progress
            far = answered(progress) if progress.received else f"{site.probes} probes"
            silent = int(self.now - progress.last_at) if progress.received else 0
            return f"reading {far}, {seconds}" + (f", nothing for {silent}s" if silent >= SILENT else "")
        if site.report is None:
            return ""
        return f"{site.report['probes']['read']} probes in 1 round trip, {site.report['seconds']:.1f} s"

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on what is shown now."""
        site = self.site
        has_findings = bool(site is not None and site.report is not None and site.report["findings"])
        hints = ["nav-open=evidence"] if has_findings and self.size.width < WIDE else []
        if site is not None and site.is_open and site.reading_since is not None:
            hints.insert(0, "nav-back=stop reading")
        elif site is not None:
            hints.append("site-again=read again" if site.is_open else "site-again=connect again")
        hints += ["site-fix"] if site is not None and site.is_open and offers(site, self._pointed()) else []
        if site is not None and site.is_open:
            answers = {each["name"]: each["answers"] for each in (site.report or {}).get("depths", ())}
            hints += ["site-logs", "site-shell", "site-files", "site-network", "site-boot"]
            hints += [] if answers.get(KUBECTL) is False else ["site-workloads"]
            hints += ["site-api"] if answers.get(LOCAL_API) else []
        hints += ["copy"] if has_findings else []
        return tuple(hints)

    def view_of(self, site: Site) -> SiteView:
        """Return all that is shown."""
        return SiteView(
            report=site.report,
            now=self.now,
            read_at=site.read_at,
            reading_since=site.reading_since,
            problem=site.read_problem,
            state=site.state,
            why=site.problem,
            again=key_text(live_keys(self).get("site-again", "R")),
            probes=site.probes,
            progress=site.progress,
            unfolded=frozenset(self._unfolded),
            applied=tuple(repair(name).title for name in site.applied),
            done=tuple(site.done),
        )

    def select(self) -> None:
        """Show the site as it is now."""
        if not self.is_there or not self.size.width:
            return
        views = [self.query_one(f"#{name}", LineView) for name in ("facts", "detail", "about")]
        if self.site is None:
            views[0].set_lines(self._without())
            return
        view = self.view_of(self.site)
        for each in views:
            each.set_dimmed(self.site.state != "open" and self.site.report is not None)
        wide = self.size.width >= WIDE
        views[1].display = wide and bool(view.report and view.report["findings"])  # nothing to show beside else
        views[0].set_lines(body(view, views[0].room or self.size.width, folds=not wide))
        if wide:
            views[1].set_lines(detail(self._pointed(), views[1].room or self.size.width // 2))
        if self.size.width >= WALL:
            rtt = "-" if self.site.rtt is None else milliseconds(self.site.rtt)
            views[2].set_lines(about(view, self.site.reached, rtt, views[2].room or 40))

    def _without(self) -> list[Line]:
        """Return what is shown without a target: those that were opened last."""
        if self._refused:
            return [line(("‼ ", "warn"), self._refused)]
        rows = [line(clean(target), key=f"doctor/{target}") for target in self._recent]
        head = [line(("OPENED LAST", "head")), *rows, Line()] if rows else []
        what = "user@host, a name of ~/.ssh/config or of the plane"
        return [*head, line(("another host", "accent"), (f"  {what}", "muted"), key="ask")]

    def tick(self) -> None:
        """Show the ages as they are now."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def _changed(self) -> None:
        """Show a change of the site."""
        if self.is_there and self._shown:
            self.select()
            self.show_frame()

    def _pointed(self) -> Any:
        """Return the finding under the cursor, the likely cause where none is."""
        results = (self.site.report or {}).get("findings", ()) if self.site is not None else ()
        key = self.query_one("#facts", LineView).cursor_key.removeprefix("finding/")
        return next((each for each in results if key_of(each) == key), results[0] if results else None)

    def copies(self) -> list[Copyable]:
        """Return what can be copied: the command of the next step, its text, the finding."""
        finding = self._pointed()
        if finding is None:
            return []
        texts = [("command", fix["command"]) for fix in finding["fixes"]]
        texts += [("next step", finding["nextStep"]), ("finding", finding["text"])]
        seen: dict[str, str] = {}
        for label, text in texts:
            name = label if label not in seen else f"{label} {len(seen) + 1}"
            seen[name] = clean(text, MOST_TEXT)
        return [Copyable(label, text, clean(finding["title"], 80)) for label, text in seen.items()]

    # What is done -------------------------------------------------------------------------------------------------

    @work(group="site:connect", exclusive=True, exit_on_error=False)
    async def connect(self) -> None:
        """Connect; the terminal is lent for questions alone, from the first one until the connection is there."""
        assert self.site is not None
        try:
            with ExitStack() as lent:
                await self.site.connect(LendingAsker(self.app, lent, self._end_connecting))
        except EdgewrightError:
            return  # it is shown
        self.read()

    def _end_connecting(self) -> None:
        self.workers.cancel_group(self, "site:connect")

    @work(group="site:read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        """Run the probes."""
        assert self.site is not None
        await self.site.read()

    def action_site_again(self) -> None:
        """Read again; without a connection: connect again."""
        site = self.site
        if site is None:
            return
        if site.is_open:
            if site.reading_since is None:
                self.read()
        elif site.state == "lost":
            site.try_now()
        elif site.state != "connecting":
            self.connect()

    async def action_site_fix(self) -> None:
        """Apply a fix of the finding under the cursor, or take back what was applied."""
        await apply_fix(self, self._pointed())

    def action_retry(self) -> None:
        """Do the same for the key that asks again everywhere."""
        self.action_site_again()

    def action_back_or_stop(self) -> None:
        """Stop what is under way; otherwise go back."""
        site = self.site
        busy = {"site:read"} if site is not None and site.reading_since is not None else set()
        if site is not None and site.state == "connecting":
            busy.add("site:connect")
        if busy:
            for group in busy:
                self.workers.cancel_group(self, group)
            return
        self.leave()

    @on(LineView.Pointed)
    def _point(self) -> None:
        if self.size.width >= WIDE:
            self.select()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        if event.key.startswith("doctor/"):
            open_key(self.app, event.key)
            return
        if event.key == "ask":
            self._ask_target()
            return
        self._unfolded ^= {event.key.removeprefix("finding/")}
        self.select()


def _judged(text: str) -> Line:
    """Return why what is typed is not a target, or what one is."""
    problem = problem_of(text) if text else ""
    return line((problem, "warn")) if problem else line(("user@host, a name of ~/.ssh/config or of the plane", "muted"))
