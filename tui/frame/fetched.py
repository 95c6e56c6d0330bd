"""Lists that are asked of the plane while they are open: small, and shown as the command line shows them.

A list is fetched in a worker when it opens, when a dialog over it closes, when the plane is back, when its collection
of the store changes (a hub reports that), when the audit log has a change of its kind, and every `EVERY` seconds. What
was fetched stays on the screen, dimmed, while the plane cannot be asked.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work

from edgewright.core.errors import EdgewrightError
from edgewright.store.collections.audits import AUDITS
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tui.frame.base import BaseScreen
from tui.frame.facts_screen import FactsScreen
from tui.frame.fetch import sentence
from tui.frame.lists.listing import Listed, ListingScreen
from tui.verbs.bindings import working_on
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Piece, facts, heading, line, spread, wrap

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail

EVERY = 30.0
"""Seconds between two fetches of a list that is open."""
_QUIET = ("last_sign_in",)
"""What a row may change in every second without a fetch for it alone."""
_NO_PLANE = "There is no plane to ask: this shows what was recorded."


class Fetches(BaseScreen):
    """Fetches rows by uid and shows them through `select`. `_things` is None until the first answer."""

    audit_kind: ClassVar[str] = ""
    """Kind of the audit entries that name a change of what is shown."""
    collections = frozenset({AUDITS.name, names.SOURCE})
    _things: dict[str, Any] | None = None
    _error: str = ""

    @abstractmethod
    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return the rows by uid. Raises `EdgewrightError`."""

    def begin(self) -> None:
        """Fetch the first time."""
        super().begin()
        self.fetch()
        self.set_interval(EVERY, self.fetch)

    def on_screen_resume(self, event: events.ScreenResume | None = None) -> None:
        """Fetch again when a dialog closes: a verb may have changed what a plane without a stream never reports."""
        if self._resumed:  # the handler of the base runs after this one
            self.fetch()

    @work(exclusive=True, group="fetched", exit_on_error=False)
    async def fetch(self) -> None:
        """Ask the plane and show the answer, or why there is none."""
        if self.session.make_context is None:
            self._error = _NO_PLANE
        else:
            try:
                self._things = await self.fetched(self.session.make_context())
                self._error = ""
            except EdgewrightError as error:
                self._error = sentence(error)
        self.select()

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the thing that is shown, or without it while it is not there."""
        return working_on(self.hints, int(self.target.partition("/")[0] in (self._things or {})))

    def patched(self, patches: Sequence[Patch]) -> None:
        """Fetch again when what is shown was changed, or when the plane is back."""
        model = self.session.store.model
        audits = [
            model.rows(AUDITS).get(patch.key) for patch in patches if patch.collection == AUDITS.name and patch.new
        ]
        changed = any(row is not None and row.kind == self.audit_kind for row in audits)
        own = self.collections - Fetches.collections
        changed = changed or any(patch.collection in own and patch.fields != _QUIET for patch in patches)
        if changed or (self._error and not model.source.away):
            self.fetch()
        self.select()

    @property
    def is_settled(self) -> bool:
        """Whether the plane has answered: keys typed ahead wait for the rows that they are meant for."""
        return self._things is not None or bool(self._error)

    def problem(self, width: int) -> list[Line]:
        """Return why nothing could be fetched; empty when it was."""
        return wrap(self._error, width, first="▲ ", rest="  ", role="bad") if self._error else []


class FetchedListing(ListingScreen, Fetches):
    """A list of what is fetched; the list is the first base, since styles follow that one alone."""

    nothing: ClassVar[str] = ""
    """What is shown when the plane has none."""

    @abstractmethod
    def entry(self, row: Any) -> Listed:
        """Return a row of the table."""

    @abstractmethod
    def describe(self, row: Any) -> Detail:
        """Return a row in full."""

    def patched(self, patches: Sequence[Patch]) -> None:
        """Fetch again when it is due."""
        Fetches.patched(self, patches)

    def select(self) -> None:
        """Show the list; the first rows give the table its size, so its columns are measured once more after that."""
        had = bool(self.is_there and self.table.display)
        super().select()
        if self.is_there and self.table.display and not had:
            self._focus_list()
            self.call_after_refresh(self._fit_detail)

    def listed(self) -> list[Listed]:
        """Return what was fetched."""
        return [self.entry(row) for row in (self._things or {}).values()]

    def detail(self, key: str, width: int) -> list[Line]:
        """Return what is under the cursor."""
        row = (self._things or {}).get(key)
        return [*self.problem(width), *(detail_lines(self.describe(row), width) if row is not None else [])]

    def empty(self) -> list[Line]:
        """Return why there is nothing to show."""
        if self._error:
            return self.problem(self.size.width)
        if self._things is None:
            return [line(("► ", "work"), "Loading ...")]
        if self.filter_text:
            return [line(("○ ", "muted"), f"Nothing matches {self.filter_text}. ", ("esc removes the filter", "muted"))]
        return [line(("○ ", "muted"), self.nothing)]


class FetchedDetail(FactsScreen, Fetches):
    """One thing of what is fetched, in full."""

    missing: ClassVar[str] = ""
    """What is shown when it does not exist any more."""

    @abstractmethod
    def describe(self, row: Any) -> Detail:
        """Return it in full."""

    @property
    def crumb(self) -> str:
        """Its name."""
        row = (self._things or {}).get(self.target)
        return self.describe(row).name if row is not None else self.target

    def targets(self) -> tuple[str, ...]:
        """Return this one."""
        return (self.target,)

    def select(self) -> None:
        """Show it as it was fetched last."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#facts", LineView)
        view.set_dimmed(self.session.store.model.source.away)
        width = min(view.room or self.size.width, 110)
        row = (self._things or {}).get(self.target)
        if row is not None:
            view.set_lines([*self.problem(width), *detail_lines(self.describe(row), width)])
        elif self._things is None and not self._error:
            view.set_lines([line(("► ", "work"), "Loading ...")])
        else:
            view.set_lines(self.problem(width) or [line(("○ ", "muted"), self.missing)])
        self.show_frame()

    def on_resize(self, event: Any) -> None:
        """Show it in the new width."""
        super().on_resize(event)
        self.call_after_refresh(self.select)


def detail_lines(detail: Detail, width: int) -> list[Line]:
    """Return a thing as the command line shows it: a headline, then sections of labels and values."""
    out = [spread([(detail.headline, "strong")], [], width)]
    for section in detail.sections:
        out += [Line(), heading(section.title, width)]
        label = max((len(name) for name, _ in section.facts), default=0) + 1
        for name, value in section.facts:
            parts = [part.plain for part in wrap(value, max(width - label - 4, 10))] or ["-"]
            pairs: list[tuple[str, Piece]] = [(name if not index else "", part) for index, part in enumerate(parts)]
            out += facts(pairs, label, indent=2)
    return out
