"""All hosts in one table: filtered, sorted, marked; from 120 columns with the host beside it, from 180 its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.timer import Timer

from edgewright.commands.kernel.base import Scope
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.selectors import listed_hosts
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tui.frame.base import WALL, WIDE
from tui.frame.links import OpensSite
from tui.frame.lists.export import ExportsTable, Table
from tui.frame.lists.filter import completions, judged, wrong_with
from tui.screens.hosts import columns
from tui.screens.hosts.choice import HostsChoice
from tui.screens.hosts.detail import empty_lines, event_lines, events_of, host_lines, stale_rows, total_text
from tui.screens.hosts.filter_run import PIECE, FilterRun
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Span, line
from tui.widgets.prompt import Asking
from tui.widgets.virtual_table import Cells, VirtualTable

if TYPE_CHECKING:
    from edgewright.store.collections.hosts import HostRow
    from tui.session import Session

TYPING_PAUSE = 0.12
"""Seconds without a key before a filter that is being typed is tried."""
REFILTER_TICKS = 15
"""Ticks after which a filter is tried again: terms like `age<2h` become untrue by themselves."""
MEASURED = frozenset(item.column.id for item in columns.COLUMNS if item.column.most)
"""Fields whose longest text makes a column wider."""
UNSEEN = Span("")
"""Shown in the cells of columns that are out of sight."""


class HostsScreen(ExportsTable, OpensSite):
    """The list of hosts. The target is a filter."""

    scope: ClassVar[Scope] = "hosts"
    view = "hosts"
    collections = frozenset({names.HOSTS, names.SITE_HOSTS, FEED.name, names.SOURCE})
    hints = (
        "nav-open=open", "filter", "mark", "site-open=site", "host-logs", "yaml", "host-tag", "copy", "sort", "columns",
        "host-reset", "host-delete",
    )  # fmt: skip
    BINDINGS = move_bindings({"nav-back": "back"})
    DEFAULT_CSS = """
    HostsScreen {
        & #table { width: 1fr; }
        & #empty { width: 1fr; display: none; }
        & #detail { width: 38; display: none; border-left: solid $muted; padding-left: 1; }
        & #events { width: 42; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wide #detail { display: block; }
        &.-wall #detail { width: 40; }
        &.-wall #events { display: block; }
    }
    """

    def __init__(self, session: Session, target: str = "") -> None:
        """Make the screen with what was stored of it; the filter that was asked for comes first."""
        super().__init__(session, target)
        self.choice = HostsChoice(session.views, session.filters, target, session.now)
        self._rows = self.choice.ordered()
        self._filter_history: list[str] = []
        self._filter_before = ""
        self._typing: Timer | None = None
        self._ticks = 0
        self._selected = False
        self._filter_run = FilterRun(self._filtered)

    def compose_body(self) -> ComposeResult:
        """Yield the table, what is in its place when it is empty, and the panes of wide terminals."""
        shown = [column.column for column in self.choice.columns]
        yield VirtualTable(shown, self._cells, frozen=columns.FROZEN, longest=self._longest, id="table")
        yield LineView(id="empty")
        yield LineView(id="detail")
        yield LineView(id="events")

    def begin(self) -> None:
        """Show the order; only the table takes the keyboard."""
        super().begin()
        for name in ("#empty", "#detail", "#events"):
            self.query_one(name).can_focus = False
        self.table.set_sort(*self.choice.arrow)
        self.table.focus()

    @property
    def table(self) -> VirtualTable:
        """The table."""
        return self.query_one("#table", VirtualTable)

    @property
    def can_filter(self) -> bool:
        """Whether there are hosts, a filter, or hosts still to come."""
        model = self.session.store.model
        return bool(model.tally.total or model.site_hosts or self.choice.filter_text) or not model.complete

    @property
    def crumb(self) -> str:
        """The name of the view, and its filter."""
        return f"Hosts › {self.choice.filter_text}" if self.choice.filter_text else "Hosts"

    def count(self) -> str:
        """Return how many are marked and shown, of how many."""
        model = self.session.store.model
        marked = len(self.table.marks) if self.is_there else 0
        counted = model.complete and not self._filter_run.running  # else most are on disk still
        result, total = f"{len(self._rows):,}" if counted else "…", total_text(model)
        shown = f"{result} of {total}" if self.choice.filter_text else total
        return f"{marked:,} marked · {shown}" if marked else shown

    def targets(self) -> tuple[str, ...]:
        """Return the marked hosts, or the one under the cursor."""
        if self.table.marks:
            return tuple(sorted(self.table.marks, key=lambda key: self._host_name(key)))
        return (self.table.cursor_key,) if self.table.cursor_key else ()

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what is refused now, and a site where the host is simulated."""
        return super().refused(entries) | self.undialled()

    # Data ---------------------------------------------------------------------------------------------------------

    def select(self) -> None:
        """Take all hosts from the model: filtered, sorted."""
        if not self.is_there:
            return
        self._filter_run.cancel()
        self._rows.fill(self._hosts.items())
        self._selected = True
        self.table.measure_again()
        self._show_rows()

    def patched(self, patches: Sequence[Patch]) -> None:
        """Take the hosts that changed; the others stay where they are."""
        hosts = [patch for patch in patches if patch.collection in (names.HOSTS, names.SITE_HOSTS)]
        if not self._selected or any(patch.op == "reset" for patch in hosts):
            self.select()
            return
        model = self.session.store.model
        listed = self._hosts
        alone = model.site_hosts if any(patch.new or patch.op == "delete" for patch in hosts) else ()
        moved = [self._rows.put(key, listed.get(key)) for key in (*(patch.key for patch in hosts), *alone)]
        named = {patch.key for patch in hosts if patch.new or MEASURED.intersection(patch.fields)}
        rows = [listed[key] for key in named if key in listed]
        if rows:
            self.table.measure_again(lambda column: columns.longest(rows, column))
        if any(moved):
            self._show_rows(flash=[patch.key for patch in hosts if patch.new])
        else:
            self.table.set_stale(*stale_rows(model))
            self.table.refresh_keys({patch.key for patch in hosts})
            self._show_detail()

    def keys_may_change(self, patches: Sequence[Patch]) -> bool:
        """Whether other keys may work after these patches: new values of hosts that were there change none."""
        hosts = (names.HOSTS, names.SITE_HOSTS)
        return any(patch.collection not in hosts or patch.op != "put" or patch.new for patch in patches)

    def tick(self) -> None:
        """Update the ages; now and then apply the filter again."""
        self._ticks += 1
        if self.choice.filtered and self._ticks % REFILTER_TICKS == 0 and not self._filter_run.running:
            self.choice.narrower = False  # the time has moved on, the filter has not
            self._refilter()
        else:
            self._show_changes()

    def _refilter(self) -> None:
        """Let the rows of the present filter through; nothing is sorted again."""
        if not self._selected:
            self._rows = self.choice.ordered()
            self.select()
            return
        rows, narrower = self._rows, self.choice.narrower and not self._rows.filtering
        hosts = len(rows) if narrower else len(self._hosts)
        pieces = rows.filter_in_pieces(self.choice.predicate(), self._host, PIECE, narrower)
        self._filter_run.start(pieces, hosts if self.choice.filtered else 0)

    @property
    def _hosts(self) -> Mapping[str, HostRow]:
        return listed_hosts(self.session.store.model)

    def _host(self, key: str) -> HostRow | None:
        model = self.session.store.model
        return model.hosts.get(key) or model.site_hosts.get(key)

    def _filtered(self) -> None:
        """Show the rows of the filter that was applied."""
        if self.is_there:
            self._show_rows()
            self.show_frame(keys=False)

    @property
    def is_settled(self) -> bool:
        """Whether the rows are those of the filter; the prompt takes keys meanwhile."""
        return not self._filter_run.running or self.prompt.is_open

    def _show_rows(self, flash: Sequence[str] = ()) -> None:
        table, listed = self.table, self._hosts
        removed = [key for key in table.marks if key not in listed]
        if removed:
            table.set_marks(table.marks.difference(removed))
        table.set_rows(self._rows.keys(), flash)
        empty = self.query_one("#empty", LineView)
        if bool(len(self._rows)) == empty.display:
            empty.display = not len(self._rows)
            table.display = bool(len(self._rows))
            self.show_keys()
        self._show_changes()

    def _show_changes(self) -> None:
        if not self.is_there:
            return
        model = self.session.store.model
        self.table.set_stale(*stale_rows(model))
        self.table.refresh_rows()
        if not len(self._rows):
            self.query_one("#empty", LineView).set_lines(
                empty_lines(model, self.choice.filter_text, self.now, self.session.no_plane)
            )
        self._show_detail()

    def _show_detail(self) -> None:
        if self.size.width < WIDE:
            return
        model, now = self.session.store.model, self.now
        row = self._host(self.table.cursor_key)
        detail, reported = self.query_one("#detail", LineView), self.query_one("#events", LineView)
        detail.set_dimmed(model.source.away if row is None or not row.link else row.link != "open")
        width = detail.room or 35
        detail.set_lines(host_lines(row, model, now, width) if row else [])
        if row is None:
            reported.set_lines([])
            return
        happened = events_of(model, row.uid)
        if self.size.width >= WALL:
            reported.set_lines(
                event_lines(happened, reported.room or 39, reported.size.height or self.size.height - 6, row.name)
            )
        elif happened:
            room = max((detail.size.height or self.size.height - 6) - len(detail.lines) - 1, 2)
            detail.set_lines([*detail.lines, line(), *event_lines(happened, width, room, row.name)])

    def _cells(self, key: str) -> Cells:
        row, now = self._host(key), self.now
        if row is None:
            return ()
        shown = self.table.shown
        return tuple(
            item.cell(row, now) if place in shown else UNSEEN for place, item in enumerate(self.choice.columns)
        )

    def table_to_export(self, every_column: bool) -> Table:
        """Return the hosts that are shown, with the values behind the cells."""
        hosts, choice = self._hosts, self.choice
        wanted = columns.COLUMNS if every_column else choice.columns
        fields = ("uid", *(item.column.id for item in wanted if item.column.id not in ("sign", "uid")))
        rows = [hosts[key] for key in tuple(self.table.keys) if key in hosts]
        return Table(
            view=self.view,
            columns=fields,
            rows=[tuple(columns.value(row, field) for field in fields) for row in rows],
            filter=choice.filter_text,
            sort=f"{choice.sort_by}{' reverse' if choice.reverse else ''}",
            plane=self.session.peer,
            project=self.session.project,
            at=self.now,
        )

    def _longest(self, column: str) -> int:
        return columns.longest(self._hosts.values(), column)

    def _host_name(self, key: str) -> str:
        row = self._host(key)
        return row.name if row else key

    @on(VirtualTable.RowHighlighted)
    def _pointed(self) -> None:
        self._show_detail()
        self.pointed_elsewhere()

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        self.app.open_view("host", event.key)  # type: ignore[attr-defined]

    @on(VirtualTable.SortAsked)
    def _sort_asked(self, event: VirtualTable.SortAsked) -> None:
        self.action_sort(event.key)

    def on_resize(self, event: events.Resize) -> None:
        """Draw the panes again in the new width."""
        self.call_after_refresh(self._show_changes)

    # Keys ---------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Take the filter away first; then go back."""
        if self.choice.filter_text and self.choice.filter_text != self.target:
            self._filter_by(self.target)
        else:
            self.leave()

    def action_filter(self, filter: str = "") -> None:  # noqa: A002
        """Ask for a filter, or take the one that is given."""
        if filter:
            self._filter_by(filter)
            return
        self._filter_before = before = self.choice.filter_text
        self.ask(Asking("filter", "/", before, judged, completions, self._filter_history, wrong_with))

    def prompt_changed(self, kind: str, text: str) -> None:
        """Try the filter when nothing was typed for a moment."""
        if kind == "filter":
            if self._typing is not None:
                self._typing.stop()
            self._typing = self.set_timer(TYPING_PAUSE, lambda: self._try_filter(text))

    def prompt_answered(self, kind: str, text: str) -> None:
        """Apply the filter."""
        if kind == "filter":
            self._filter_by(text)

    def prompt_left(self, kind: str) -> None:
        """Take the filter back that was there before."""
        if kind == "filter":
            self._try_filter(self._filter_before)

    def _try_filter(self, text: str) -> None:
        """Filter by `text`; a wrong one shows what was shown before it was typed, however slowly it was typed."""
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        if text and wrong_with(text):
            text = self._filter_before
        if text.strip() != self.choice.filter_text:
            self.choice.take_filter(text)
            self._refilter()
            self.show_frame(keys=False)

    def _filter_by(self, text: str) -> None:
        self._try_filter(text)
        self.choice.save_view()
        self.show_frame()

    def action_sort(self, field: str = "") -> None:
        """Sort by a column; the same again turns the order round. Without a column the next one is taken."""
        if not field:
            self.table.action_sort_column(1)
        elif self.choice.take_sort(field):
            self._rows = self.choice.ordered()
            self.table.set_sort(*self.choice.arrow)
            self.select()
            self.table.move_to(0)  # what is sorted to the top is what was looked for
            self.choice.save_view()

    def action_mark(self) -> None:
        """Mark or unmark the host under the cursor."""
        self.table.mark()
        self.show_crumb()

    def action_mark_range(self) -> None:
        """Mark every host from the last mark to the cursor."""
        self.table.mark_range()
        self.show_frame()

    def action_mark_clear(self) -> None:
        """Take all marks away."""
        self.table.set_marks(())
        self.show_frame()

    def action_columns(self) -> None:
        """Choose the columns; the choice is stored."""
        from tui.modals.columns import ColumnsModal  # not before the first frame

        offered = [(item.column.id, item.column.title) for item in columns.COLUMNS[columns.FROZEN :]]

        def take(ids: tuple[str, ...] | None) -> None:
            if ids is not None:
                self.choice.take_columns(ids)
                self.choice.save_view()
                self.table.set_columns([item.column for item in self.choice.columns])
                self.table.set_sort(*self.choice.arrow)

        self.app.push_screen(ColumnsModal(offered, self.choice.column_ids, columns.DEFAULT), take)

    def action_yaml(self) -> None:
        """Show the document of the host under the cursor as the plane sent it."""
        if self.table.cursor_key:
            self.app.open_view("raw", f"host/{self.table.cursor_key}")  # type: ignore[attr-defined]
