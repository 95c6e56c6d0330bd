"""The start screen: problems worst first, since when, who owns and handles them, and the next step of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, ClassVar

from msgspec.structs import replace
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from edgewright.commands.kernel.base import Scope
from edgewright.core.errors import EdgewrightError
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.handling import HANDLING
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tui.frame.base import BaseScreen
from tui.frame.feed import feed_lines
from tui.frame.links import OpensSite, open_key
from tui.screens.pulse import handling as pulse_handling
from tui.screens.pulse.content import Item, Pulse, Step, checked_text
from tui.screens.pulse.counts import board_lines, fleet_lines
from tui.screens.pulse.detail import detail_lines, next_lines
from tui.screens.pulse.filter import ProblemFilter, for_hosts
from tui.screens.pulse.list import problem_lines
from tui.screens.pulse.select import aged, pulse_of
from tui.verbs.bindings import live_keys, move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, heading, rule

WIDE, WALL = 120, 180
PROBLEM_VERBS = ("acknowledge", "assign", "note", "silence")
"""Verbs that need a problem."""
NEXT_LINES = 2
"""Lines of the next step on a screen without the pane beside the list: always the same number, so nothing jumps."""
FORMING, SLOW_FORMING = 10.0, 60.0
"""Seconds between two questions about clusters that form; the second one is for a slow link."""
MOST_FORMING = 3
"""Clusters that are asked for each time."""
CHEAP = 0.01
"""Seconds that looking at the entire fleet may take to be done on every change."""


class PulseScreen(BaseScreen, OpensSite):
    """One pane at 80x24, list and detail with the feed from 120 columns, sites and tags as a third from 180."""

    scope: ClassVar[Scope] = "pulse"
    view = "pulse"
    collections = frozenset(
        {
            *(names.HOSTS, TOKENS.name, FEED.name, names.SOURCE, names.PULSE),
            *(names.ACKNOWLEDGED, HANDLING.name, OPERATIONS.name, ALERTS.name, CLUSTERS.name),
        }
    )
    hints = (
        *(
            "nav-open=open",
            "next",
            "acknowledge",
            "assign",
            "filter",
            "silence",
            "note",
            "open-site",
            "nav-next=next part",
        ),
        *("host-list", "token-list", "event-list"),
    )
    BINDINGS = move_bindings({"nav-next": "next_part(1)", "nav-previous": "next_part(-1)", "nav-back": "back"})
    DEFAULT_CSS = """
    PulseScreen {
        & #main { width: 3fr; }
        & #low { height: auto; scrollbar-gutter: auto; overflow-y: hidden; }
        & #side { width: 2fr; display: none; border-left: solid $muted; padding-left: 1; }
        & #detail { height: auto; max-height: 60%; }
        & #board { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wide #side, &.-wall #side { display: block; }
        &.-wall #board { display: block; }
    }
    """

    def compose_body(self) -> ComposeResult:
        """Yield the list with the counts below, the pane beside it, and the board of the wall."""
        with Vertical(id="main"):
            yield LineView(id="problems")
            yield LineView(id="low")
        with Vertical(id="side"):
            yield LineView(id="detail")
            yield LineView(id="feed")
        yield LineView(id="board")

    def begin(self) -> None:
        """Let only lists that can be pointed at take the focus."""
        super().begin()
        for name in ("#low", "#detail"):
            self.query_one(name).can_focus = False
        self._pulse, self._old = Pulse(self.now), False
        self._filter = ProblemFilter()
        self._cost, self._looked = 0.0, 0.0
        self.set_interval(SLOW_FORMING if self.session.terminal.low_bandwidth else FORMING, self.follow_forming)
        self.query_one("#problems").focus()

    @property
    def crumb(self) -> str:
        """The name of the view, and its filter."""
        text = self._filter.text if hasattr(self, "_filter") else ""
        return f"Pulse › {text}" if text else "Pulse"

    def count(self) -> str:
        """Return when the plane last responded; with a filter also how many problems it shows."""
        contact = self.session.store.model.source.contact
        checked = checked_text(contact, self.now)
        pulse = self._pulse
        return f"{len(pulse.items)} of {pulse.problems} · {checked}" if self._filter.text else checked

    def select(self) -> None:
        """Show the entire screen from the model."""
        began = time.perf_counter()
        wanted, text = self._filter.wanted, self._filter.text
        self._pulse = pulse_of(self.session.store.model, self.now, self.size.width >= WALL, wanted, text)
        self._looked = time.perf_counter()
        self._cost = self._looked - began
        self._old = False
        self._show()

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show what changed at once while that is cheap; a big fleet is looked at again with the next tick."""
        if self._cost < CHEAP:
            self.select()
        else:
            self._old = True

    @work(exclusive=True, group="pulse:forming", exit_on_error=False)
    async def follow_forming(self) -> None:
        """Ask for clusters that form: the plane does not report how far a step is."""
        model = self.session.store.model
        uids = [uid for uid, row in model.rows(CLUSTERS).items() if row.forms][:MOST_FORMING]
        if uids and self._shown and not model.source.away and self.session.replay is None:
            fetch = await asyncio.to_thread(import_module, "tui.frame.fetch")
            with suppress(EdgewrightError):  # the title shows a plane that does not answer
                await fetch.fetch_clusters(self.session, uids)

    def tick(self) -> None:
        """Update the ages; look at a big fleet again when that leaves most of the time to the keys."""
        if self._old and time.perf_counter() - self._looked > self._cost * 20:
            self.select()
            return
        contact = self.session.store.model.source.contact
        self._pulse = replace(aged(self._pulse, self.now), checked=contact)
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Show it in the new width."""
        self.call_after_refresh(self._show)

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the item under the cursor: without a problem there is nothing to handle."""
        item = self._item() if self.is_there else None
        useless = set() if item is not None and item.step.text else {"next"}
        if item is None or not item.problem:
            useless.update(PROBLEM_VERBS)
        if item is None or len(item.uids) != 1 or self.undialled():
            useless.add("open-site")
        if not self._pulse.problems and not self._filter.text:
            useless.add("filter")
        view = self.focused if self.is_there else None
        if not isinstance(view, LineView) or not view.cursor_key:
            useless.add("nav-open")
        return tuple(name for name in self.hints if name.partition("=")[0] not in useless)

    def targets(self) -> tuple[str, ...]:
        """Return the hosts behind the problem under the cursor."""
        item = self._item()
        return item.uids if item else ()

    def _show(self) -> None:
        if not self.is_there or not self.size.width:
            return
        pulse, size = self._pulse, self.size
        problems, low = self.query_one("#problems", LineView), self.query_one("#low", LineView)
        width = problems.room or size.width
        lost = bool(pulse.lost)
        problems.set_dimmed(lost)
        problems.set_lines(problem_lines(pulse, width))
        low.set_dimmed(lost)
        self._show_low()
        low.display = size.height >= 14
        if size.width >= WIDE:
            self._show_detail()
            feed = self.query_one("#feed", LineView)
            room = feed.room or size.width // 3
            feed.set_lines(
                [Line(), heading("EVENTS", room, "newest first"), *feed_lines(pulse.feed, room, None, self.now, 2)]
            )
        if size.width >= WALL:
            board = self.query_one("#board", LineView)
            board.set_lines(board_lines(pulse, board.room or 40, board.size.height or size.height - 6))

    def _low_lines(self, width: int) -> list[Line]:
        lines = [rule(width)]
        if self.size.width < WIDE and self.size.height >= 20:
            lines += next_lines(self._step(), width, NEXT_LINES, self._next_key())
        lines += fleet_lines(self._pulse, width)
        if self.size.width < WIDE and self.size.height >= 20:
            lines += [rule(width), *feed_lines(self._pulse.feed, width, max((self.size.height - 18) // 4, 2), self.now)]
        return lines

    def _show_detail(self) -> None:
        detail = self.query_one("#detail", LineView)
        detail.set_lines(detail_lines(self._item(), self._pulse, detail.room or self.size.width // 3, self._next_key()))

    def _show_low(self) -> None:
        low = self.query_one("#low", LineView)
        low.set_lines(self._low_lines(low.room or self.query_one("#problems", LineView).room or self.size.width))

    def _step(self) -> Step:
        item = self._item()
        return item.step if item is not None else Step()

    def _next_key(self) -> str:
        return live_keys(self).get("next", "") or "n"

    def _item(self) -> Item | None:
        key = self.query_one("#problems", LineView).cursor_key
        return next((item for item in self._pulse.items if item.key == key), None)

    @on(LineView.Pointed, "#problems")
    def _pointed(self) -> None:
        if self.size.width >= WIDE:
            self._show_detail()
        else:
            self._show_low()
        self.show_keys()

    @on(events.DescendantFocus)
    def _other_part(self) -> None:
        self.show_keys()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        item = next((item for item in self._pulse.items if item.key == event.key), None)
        open_key(self.app, item.opens if item else event.key)

    def action_next_part(self, step: int) -> None:
        """Go to the next list: the sections of the left one first, then the panes beside it."""
        problems = self.query_one("#problems", LineView)
        if problems.has_focus and problems.next_block(step):
            return
        views = [view for view in self.query(LineView) if view.can_focus and view.size.width and view.display]
        panes = [view for view in views if any(line.key for line in view.lines) or view is problems]
        if self.focused in panes:
            panes[(panes.index(self.focused) + step) % len(panes)].focus()
        if problems.has_focus:
            problems.action_edge(-1 if step > 0 else 1)

    def action_next_step(self) -> None:
        """Open what helps with the problem under the cursor."""
        item = self._item()
        if item is None:
            self.session.store.message(pulse_handling.NOTHING, "warn", reply=True)
        else:
            open_key(self.app, item.step.opens or item.opens)

    async def action_acknowledge(self) -> None:
        """Acknowledge the problem under the cursor, or take that back; it moves below the others."""
        await self._handle(pulse_handling.acknowledge)

    async def action_assign(self) -> None:
        """Assign the problem under the cursor to someone."""
        await self._handle(pulse_handling.assign)

    async def action_note(self) -> None:
        """Write a note on the problem under the cursor."""
        await self._handle(pulse_handling.note)

    async def action_silence(self) -> None:
        """Silence the problem under the cursor for a while."""
        await self._handle(pulse_handling.silence)

    async def _handle(self, change: Callable[[Any, Item], Awaitable[None]]) -> None:
        item = self._item()
        if item is None or not item.problem:
            self.session.store.message(pulse_handling.NOTHING, "warn", reply=True)
        else:
            await change(self.app, item)

    # Filter -------------------------------------------------------------------------------------------------------

    def action_filter(self, filter: str = "") -> None:  # noqa: A002
        """Ask for a filter of the problems, or take the one that is given."""
        if filter:
            self._filter_by(filter)
        else:
            self.ask(self._filter.asking())

    def prompt_changed(self, kind: str, text: str) -> None:
        """Filter while it is typed; an incomplete filter changes nothing."""
        if kind == "filter" and text.strip() != self._filter.text and self._filter.take(text):
            self.select()

    def prompt_answered(self, kind: str, text: str) -> None:
        """Show the problems that match; a filter of hosts opens Hosts with it."""
        if kind == "filter":
            self._filter_by(text)

    def prompt_left(self, kind: str) -> None:
        """Show all problems."""
        if kind == "filter":
            self._filter_by("")

    def action_back(self) -> None:
        """Remove the filter first; then go back."""
        if self._filter.text:
            self._filter_by("")
        else:
            self.leave()

    def _filter_by(self, text: str) -> None:
        if for_hosts(text):
            self._filter.take("")
            open_key(self.app, f"hosts/{text.strip()}")
        else:
            self._filter.take(text)
        self.select()
        self.show_frame()
