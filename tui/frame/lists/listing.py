"""What all lists but the hosts share: a table, a filter of the session, a stored order and columns, a detail."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult

from edgewright.core.filters.fields import FilterField
from edgewright.core.filters.filters import Filter
from edgewright.store.engine.model import Patch
from tui.frame.document_values import UNKNOWN
from tui.frame.links import open_key
from tui.frame.lists.export import ExportsTable, Table, Value, moment
from tui.frame.lists.filter import completions, judged, parsed, wrong_with
from tui.modals.columns import ColumnsModal
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line
from tui.widgets.prompt import Asking
from tui.widgets.table_layout import Column, longest_text
from tui.widgets.virtual_table import Cells, VirtualTable

WIDE = 120
LEAST_DETAIL = 34
"""Cells that the detail has beside a table whose sentences need room."""
SORTED_AS: dict[str, tuple[str, ...]] = {
    "since": ("created", "when", "time"),
    "last_seen": ("created", "when", "time"),
    "health": ("state", "sign"),
    "name": ("name", "about", "who"),
}
"""What a sort key means in a list that has no column of that name."""


class Listed(NamedTuple):
    """One row, ready to be shown, sorted and filtered."""

    key: str
    cells: Cells
    order: tuple[Any, ...]
    """Values to sort by, one for each column; None sorts last."""
    get: Callable[[str], object]
    """Gives the values that a filter asks for, by the names of `filter_fields`."""


class ListingScreen(ExportsTable):
    """A table with a filter. Subclasses define their columns, rows, detail and what is shown when there is nothing."""

    table_columns: ClassVar[tuple[Column, ...]] = ()
    frozen: ClassVar[int] = 2
    filter_fields: ClassVar[tuple[FilterField, ...]] = ()
    """What the rows can be filtered by."""
    filter_example: ClassVar[str] = ""
    moments: ClassVar[dict[str, str]] = {}
    """Columns that show a time or an age, and the name under which a row gives the moment itself."""
    default_sort: ClassVar[tuple[str, bool]] = ("", False)
    BINDINGS = move_bindings({"nav-back": "back"})
    DEFAULT_CSS = """
    ListingScreen {
        & #table { width: 1fr; }
        & #empty { width: 1fr; display: none; }
        & #detail { width: 50; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wall #detail { width: 64; }
        &.-wide #detail, &.-wall #detail { display: block; }
    }
    """

    def compose_body(self) -> ComposeResult:
        """Yield the table, the text that is in its place when it is empty, and the detail."""
        yield VirtualTable(self.table_columns, self._cells, frozen=self.frozen, longest=self._longest, id="table")
        yield LineView(id="empty")
        yield LineView(id="detail")

    @abstractmethod
    def listed(self) -> list[Listed]:
        """Return all rows of the model, in their natural order."""

    @abstractmethod
    def detail(self, key: str, width: int) -> list[Line]:
        """Return the lines of the pane beside the table."""

    @abstractmethod
    def empty(self) -> list[Line]:
        """Return why there is nothing to show."""

    def begin(self) -> None:
        """Take the order and the columns that were stored, and the filter of this session."""
        super().begin()
        stored = self.session.views.load(self.view)
        self.filter_text = ""
        self._filter: Filter | None = None
        asked = self.fixed_filter or self.session.filters.get(self.filter_place, "")
        if wrong := wrong_with(asked, self.filter_fields):
            self.session.store.message(f"The filter {asked} is left out: {wrong}", "warn")
        else:
            self._take_filter(asked)
        self.sort_by: tuple[str, bool] = (
            str(stored.get("sort") or self.default_sort[0]),
            bool(stored.get("reverse", self.default_sort[1])),
        )
        self._filter_before = self._pressed = ""
        self._detail_room = 0
        """Cells of a line of the detail after it gave way; 0 when it did not."""
        self._rows: dict[str, Listed] = {}
        self._listed: list[Listed] = []
        self._measured: frozenset[str] = frozenset()
        self._all = 0
        self._history: list[str] = []
        self._take_columns([str(item) for item in stored.get("columns") or ()])
        self.table.set_sort(*self.sort_by)
        self.table.focus()

    @property
    def fixed_filter(self) -> str:
        """The filter that the screen was opened with; Escape leaves the screen with it."""
        return self.target

    @property
    def filter_place(self) -> str:
        """Under which name the session has the filter."""
        return self.view

    @property
    def table(self) -> VirtualTable:
        """The table."""
        return self.query_one("#table", VirtualTable)

    @property
    def can_filter(self) -> bool:
        """Whether there are rows, a filter, or rows still to come."""
        return bool(self._all or self.filter_text) or not self.is_settled

    def count(self) -> str:
        """Return how many rows are marked and shown, of how many."""
        shown = f"{len(self._rows):,} of {self._all:,}" if self.filter_text else f"{len(self._rows):,}"
        marked = len(self.table.marks.intersection(self._rows)) if self.is_there else 0
        return f"{marked:,} marked · {shown}" if marked else shown

    @property
    def crumb(self) -> str:
        """The name of the list, and the filter behind it."""
        name = self.view.capitalize()
        return f"{name} › {self.filter_text}" if self.filter_text else name

    def targets(self) -> tuple[str, ...]:
        """Return the marked rows in their order, or the one under the cursor."""
        table = self.table
        marked = tuple(key for key in table.keys if key in table.marks)
        return marked or ((table.cursor_key,) if table.cursor_key else ())

    def select(self) -> None:
        """Show the list from the model: filtered, sorted, the cursor on its row."""
        if not self.is_there:
            return
        before = set(self._rows)
        result = self.listed()
        self._all = len(result)
        keys = frozenset(row.key for row in result)
        if keys != self._measured:
            self._measured, self._listed = keys, result
            self._fit_detail()
        wanted, now = self._filter, self.now
        stored = result if wanted is None else [row for row in result if wanted.matches(row.get, now)]
        self._rows = {row.key: row for row in self._sorted(stored)}
        table, empty = self.table, self.query_one("#empty", LineView)
        table.set_stale(*self.stale_rows())
        table.set_rows(tuple(self._rows), flash=[key for key in self._rows if before and key not in before])
        table.refresh_rows()
        empty.display = not self._rows
        table.display = bool(self._rows)
        if not self._rows:
            empty.set_lines(self.empty())
        self._show_detail()
        self.show_frame()

    def stale_rows(self) -> tuple[bool, frozenset[str]]:
        """Return whether what is listed is old, and the keys of which it is the other way round."""
        return self.session.store.model.source.away, frozenset()

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show the list again; the table paints only cells that differ."""
        self.select()

    def tick(self) -> None:
        """Update the ages."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Give the detail its usual width again, and show it in that."""
        self.query_one("#detail").styles.clear_rule("width")
        self._detail_room = 0
        self.call_after_refresh(self._fit_detail)
        self.call_after_refresh(self._show_detail)

    def _fit_detail(self) -> None:
        """Measure the columns; let the detail give way to sentences that would be cut, if that makes them complete."""
        lack = self.table.measure_again()
        detail = self.query_one("#detail", LineView)
        left = detail.outer_size.width - lack
        if lack and detail.display and left >= LEAST_DETAIL:  # a pane that gives way for nothing is only worse
            detail.styles.width = left
            self._detail_room = detail.room - lack
            self._show_detail()

    def _cells(self, key: str) -> Cells:
        row = self._rows.get(key)
        return tuple(row.cells[index] for index in self._in_sight) if row else ()

    def table_to_export(self, every_column: bool) -> Table:
        """Return the rows that are shown: cells as texts, times as moments; a sign is not a column."""
        rows = tuple(self._rows.values())
        order = range(len(self.table_columns)) if every_column else self._in_sight
        shown = [index for index in order if self.table_columns[index].title.strip()]
        return Table(
            view=self.view,
            columns=("uid", *(self.table_columns[index].id for index in shown)),
            rows=[(row.key, *(self._value(row, index) for index in shown)) for row in rows],
            filter=self.filter_text,
            sort=f"{self.sort_by[0]}{' reverse' if self.sort_by[1] else ''}",
            plane=self.session.peer,
            project=self.session.project,
            at=self.now,
        )

    def _value(self, row: Listed, index: int) -> Value:
        name = self.table_columns[index].id
        if name in self.moments:
            return moment(row.get(self.moments[name]))
        text = row.cells[index].text
        return None if text == UNKNOWN else text

    def _longest(self, column: str) -> int:
        index = next((at for at, item in enumerate(self.table_columns) if item.id == column), None)
        if index is None or not (self.table_columns[index].most or self.table_columns[index].weight):
            return 0
        return longest_text(row.cells[index].text for row in self._listed)

    def _sorted(self, rows: list[Listed]) -> list[Listed]:
        column, reverse = self.sort_by
        index = next((place for place, item in enumerate(self.table_columns) if item.id == column), None)
        if index is None:
            return rows
        known = [row for row in rows if row.order[index] is not None]
        unknown = [row for row in rows if row.order[index] is None]
        return sorted(known, key=lambda row: row.order[index], reverse=reverse) + unknown

    def _show_detail(self) -> None:
        if not self.is_there or self.size.width < WIDE:
            return
        view = self.query_one("#detail", LineView)
        key = self.table.cursor_key
        old, but = self.stale_rows()
        view.set_dimmed(old is not (key in but))
        room = view.room or self.size.width * 2 // 5
        room = min(room, self._detail_room or room)  # the layout follows a moment later
        view.set_lines(self.detail(key, room) if key else [])

    def save_view(self) -> None:
        """Store order and columns for the next time, and the filter for this session."""
        if not self.fixed_filter or self.filter_text != self.fixed_filter:
            self.session.filters[self.filter_place] = self.filter_text
        state: dict[str, object] = {"sort": self.sort_by[0], "reverse": self.sort_by[1]}
        if self._in_sight != tuple(range(len(self.table_columns))):
            state["columns"] = [self.table_columns[index].id for index in self._in_sight[self.frozen :]]
        self.session.views.save(self.view, state)

    def _take_columns(self, ids: Sequence[str]) -> None:
        """Show the first columns and those of `ids` in their order; all of them without ids."""
        places = {item.id: index for index, item in enumerate(self.table_columns)}
        wanted = [places[item] for item in ids if places.get(item, -1) >= self.frozen]
        self._in_sight = (*range(self.frozen), *(wanted or range(self.frozen, len(places))))
        self.table.set_columns([self.table_columns[index] for index in self._in_sight])

    def set_filter(self, text: str) -> None:
        """Show only what matches `text`; a filter that is wrong is reported, and the one before stays."""
        if wrong := wrong_with(text, self.filter_fields):
            self.session.store.message(wrong, "warn", reply=True)
        else:
            self._take_filter(text)
            self.select()

    def _take_filter(self, text: str) -> None:
        self.filter_text = text.strip()
        self._filter = parsed(self.filter_text, self.filter_fields)

    # Keys ---------------------------------------------------------------------------------------------------------

    def action_filter(self, filter: str = "") -> None:  # noqa: A002
        """Ask for a filter, or take the one that was given."""
        if filter:
            self.set_filter(filter)
            return
        self._filter_before = self.filter_text
        fields, example = self.filter_fields, self.filter_example
        judge, complete = partial(judged, fields=fields, example=example), partial(completions, fields=fields)
        wrong = partial(wrong_with, fields=fields)
        self.ask(Asking("filter", "/", self.filter_text, judge, complete, self._history, wrong))

    def prompt_changed(self, kind: str, text: str) -> None:
        """Filter while it is typed; what is not complete yet changes nothing."""
        if kind == "filter" and text.strip() != self.filter_text and not wrong_with(text, self.filter_fields):
            self.set_filter(text)

    def prompt_answered(self, kind: str, text: str) -> None:
        """Apply the filter."""
        if kind == "filter":
            self.set_filter(text)
            self.save_view()
            self._focus_list()

    def prompt_left(self, kind: str) -> None:
        """Go back to the filter from before."""
        if kind == "filter":
            self.set_filter(self._filter_before)
            self._focus_list()

    def _focus_list(self) -> None:
        (self.table if self._rows else self.query_one("#empty", LineView)).focus()

    def action_back(self) -> None:
        """Take the filter away first; then go back."""
        if self.filter_text and not self.fixed_filter:
            self.set_filter("")
            self.save_view()
            self._focus_list()
            return
        self.leave()

    def action_sort(self, field: str = "") -> None:
        """Sort by a column; the same again turns the order round. Without a column the next one is taken."""
        if not field:
            self.table.action_sort_column(1)
            return
        names = [column.id for column in self.table_columns]
        if field not in names:
            field = next((item for item in SORTED_AS.get(field, ()) if item in names), "")
        if not field:
            self.app.announce(f"{self.view.capitalize()} has no such column.", "warn")  # type: ignore[attr-defined]
            return
        self.sort_by = (field, not self.sort_by[1] if field == self._pressed else False)
        self._pressed = field
        self.table.set_sort(*self.sort_by)
        self.select()
        self.table.move_to(0)  # what is sorted to the top is what was looked for
        self.save_view()

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor and go one down."""
        table = self.table
        if table.cursor_key:
            table.mark()
            table.move_to(table.cursor_index + 1)

    def action_mark_range(self) -> None:
        """Mark every row from the last mark to the cursor."""
        self.table.mark_range()

    def action_columns(self) -> None:
        """Choose the columns; the choice is stored."""
        offered = [(column.id, column.title) for column in self.table_columns[self.frozen :]]
        every = [name for name, _ in offered]
        shown = [self.table_columns[index].id for index in self._in_sight[self.frozen :]]

        def take(ids: tuple[str, ...] | None) -> None:
            if ids is not None:
                self._take_columns(ids)
                self.table.set_sort(*self.sort_by)
                self.select()
                self.save_view()

        self.app.push_screen(ColumnsModal(offered, shown, every), take)

    def action_mark_clear(self) -> None:
        """Take all marks away."""
        self.table.set_marks(())

    @on(VirtualTable.SortAsked)
    def _sort_asked(self, event: VirtualTable.SortAsked) -> None:
        self.action_sort(event.key)

    @on(VirtualTable.MarksChanged)
    def _marked(self) -> None:
        self.show_crumb()
        self.show_keys()

    @on(VirtualTable.RowHighlighted)
    def _pointed(self) -> None:
        self._show_detail()
        self.show_keys()

    @on(LineView.Chosen, "#detail")
    def _chosen(self, event: LineView.Chosen) -> None:
        open_key(self.app, event.key)
