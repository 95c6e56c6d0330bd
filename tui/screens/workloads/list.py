"""A list of one kind of object of a cluster: it follows the API by watch, narrowed by namespace, filter and selector.

Rows of 5,000 pods change many times a second. What is shown is taken from them at most every `EVERY` seconds, cells are
made for the rows in sight alone, and sorting asks one column.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from typing import Any, ClassVar, cast

from textual import on

from edgewright.commands.kernel.results import Detail, Section
from edgewright.commands.kube.opened import Rows
from edgewright.core.text import amount
from edgewright.store.table import Column, Look, Table
from edgewright.store.workloads.kinds import BY_VIEW, PODS, WITH_REPLICAS, Kind
from edgewright.store.workloads.nodes import on_nodes, with_pods
from tui.frame.ages import age_of
from tui.frame.document_values import UNKNOWN
from tui.frame.fetched import detail_lines
from tui.frame.links import open_key
from tui.frame.lists.listing import Listed
from tui.modals.choose import ChooseModal
from tui.screens.workloads.following import age_text, trouble_lines
from tui.screens.workloads.forwards import ForwardsPorts
from tui.screens.workloads.hints import HINTS
from tui.screens.workloads.kinds_choice import ALL, kind_lines, namespace_lines
from tui.screens.workloads.narrow import Narrow, narrow_of, pods_of
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Role, Span, line, wrap
from tui.widgets.table_layout import Column as TableColumn
from tui.widgets.table_layout import longest_text
from tui.widgets.virtual_table import Cells, VirtualTable

EVERY, SLOW_EVERY = 0.25, 1.0
"""Seconds between two looks at what changed; on a slow link fewer."""
NOT_INSTALLED = "KubeVirt is not installed in this cluster: its API has no virtual machines."
MEASURED = frozenset({"pods", "nodes"})
"""Kinds whose CPU and memory in use are asked for."""
MANY = 1000
"""Rows from which the columns are not measured again with each new name."""


class WorkloadsScreen(ForwardsPorts):
    """Lists the objects of one kind; the plane is not asked, and need not be there on a direct route."""

    BINDINGS = move_bindings(
        {"namespace-all": "namespace(0)", **{f"namespace-{place}": f"namespace({place})" for place in range(1, 10)}}
    )
    kind: ClassVar[Kind]
    table_of: ClassVar[Table[Any]]
    collections = frozenset()

    def begin(self) -> None:
        """Begin with the watch, and show what it has so far."""
        self._narrow: Narrow = narrow_of(self.rest)
        self._changed_keys: set[str] | None = set()
        self._watched: Rows | None = None
        self._pods: Rows | None = None
        self._shown_rows: Mapping[str, Any] = {}
        self._known: frozenset[str] = frozenset()
        self._lost = self._loaded = False
        opened = self.enter_cluster()
        super().begin()
        self.namespace = self._narrow.namespace or self.session.filters.get(self._namespace_place, "")
        if opened is not None:
            self._watched = opened.follow(self.kind, self._rows_changed)
            if self.kind.name in MEASURED:
                opened.measure(self.kind)
            if self.kind.name == "nodes":
                self._pods = opened.follow(PODS, self._rows_changed)
        self.set_interval(SLOW_EVERY if self.session.terminal.low_bandwidth else EVERY, self._take_changes)
        self.select()

    def on_unmount(self) -> None:
        """Follow the lists no more."""
        if self._opened is not None:
            self._opened.unfollow(self.kind, self._rows_changed)
            self._opened.unfollow(PODS, self._rows_changed)

    @property
    def fixed_filter(self) -> str:
        """A target names a cluster here, not a filter."""
        return ""

    @property
    def filter_place(self) -> str:
        """A filter counts for one list of one cluster."""
        return f"{self.view}/{self.target}"

    @property
    def _namespace_place(self) -> str:
        return f"namespace/{self.cluster_uid}"

    @property
    def is_settled(self) -> bool:
        """Whether all rows are shown, or the reason why there are none."""
        watched, opened = self._watched, self._opened
        if watched is None or opened is None:
            return True
        return bool(self._loaded or watched.error or opened.error)

    # What is shown ------------------------------------------------------------------------------------------------

    @property
    def crumb(self) -> str:
        """The kind, what it is narrowed to, and the filter behind it."""
        parts = [self.kind.title]
        below = takewhile(lambda screen: screen is not self, self.app.screen_stack)
        named = any(getattr(screen, "target", "").partition("/")[0] == self.cluster_uid for screen in below)
        if not named and not self.reached:  # the title names a site
            parts[0] = f"{self.cluster_name} {self.kind.title}"
        if self._narrow.of:
            parts[0] += f" of {self._narrow.of}"
        elif self.namespace and self.kind.namespaced:
            parts[0] += f" in {self.namespace}"
        return " › ".join([*parts, *([self.filter_text] if self.filter_text else [])])

    def count(self) -> str:
        """Return how many rows are shown, and how old they are."""
        if self._watched is None:
            return "simulated"
        if self._watched.unknown and self.kind.optional:
            return "not installed"
        shown = age_text(self._watched.as_of, self._is_live, self.now)
        more = f" · {amount(self._watched.skipped, 'object')} not read" if self._watched.skipped else ""
        if not self._watched.complete:
            return f"{super().count()} · reading" if self._watched.rows else shown
        return f"{super().count()}{more}{self.limits(self.kind.name)} · {shown}"

    @property
    def _is_live(self) -> bool:
        return self._watched is not None and self._watched.live and self._opened is not None and not self._opened.error

    def _rows_changed(self, keys: set[str] | None) -> None:
        if keys is None or self._changed_keys is None:
            self._changed_keys = None
        else:
            self._changed_keys |= keys
        if self._watched is not None and self._watched.complete and not self._loaded and self._shown:
            self._take_changes()  # keys that were typed ahead wait for the rows

    def _take_changes(self) -> None:
        if self._shown and (self._changed_keys is None or self._changed_keys):
            self._changed_keys = set()
            self.select()

    def _look(self) -> Look:
        usage = self._opened.usage.get(self.kind.name) if self._opened is not None else None
        return Look(self.now, usage=usage)

    def _objects(self) -> Mapping[str, Any]:
        if self._watched is None:
            return {}
        rows = self._watched.rows
        if self._pods is not None and self._pods.complete:
            sums = on_nodes(cast("Any", self._pods.rows.values()))
            return {key: with_pods(cast("Any", row), sums) for key, row in rows.items()}
        return rows

    def listed(self) -> list[Listed]:
        """Return the rows of the namespace; cells and order are asked for when they are needed."""
        self._shown_rows = rows = self._objects()
        narrow = self._narrow
        if self.kind.namespaced and self.namespace:
            narrow = narrow._replace(namespace=self.namespace)
        lets = narrow.lets()
        return [Listed(key, (), (), row.get) for key, row in rows.items() if lets is None or lets(row)]

    def select(self) -> None:
        """Show the list; dim, and with the reason above it, while the API does not answer."""
        if not self.is_there:
            return
        result = self.listed()
        self._all = len(result)
        self._listed = result
        keys = frozenset(row.key for row in result)
        measure = len(keys) < MANY or abs(len(keys) - len(self._measured)) > MANY // 20
        wanted, now = self._filter, self.now
        stored = result if wanted is None else [row for row in result if wanted.matches(row.get, now)]
        self._rows = {row.key: row for row in self._sorted(stored)}
        table, empty = self.table, self.query_one("#empty", LineView)
        had = bool(table.display)
        complete = self._watched is not None and self._watched.complete
        table.set_stale(complete and not self._is_live)
        new = keys - self._known if self._known and complete else ()
        self._known = keys if complete else frozenset()
        at_top = table.cursor_index <= 0
        table.set_rows(tuple(self._rows), flash=[key for key in new if key in self._rows])
        if not self._loaded and at_top:  # pages that follow bring worse rows above the first one: show those
            table.move_to(0)
        self._loaded = complete
        if measure:
            self._measured = keys
            self._fit_detail()
        table.refresh_rows()
        empty.display = not self._rows
        table.display = bool(self._rows)
        if not self._rows:
            empty.set_lines(self.empty())
        if table.display and not had:
            self._focus_list()
            self.call_after_refresh(self._fit_detail)
        self._show_detail()
        self._report_link()
        self.show_frame()

    def _report_link(self) -> None:
        """Show on the message line that the API does not answer, and that it answers again."""
        watched, opened = self._watched, self._opened
        if watched is None or opened is None or not watched.complete:
            return
        error = opened.error or watched.error
        if bool(error) != self._lost:
            self._lost = bool(error)
            name = self.cluster_name
            text = f"{error} The rows are as they were." if error else f"The API of {name} answers again."
            self.app.announce(text, "bad" if error else "ok")  # type: ignore[attr-defined]

    def tick(self) -> None:
        """Update the ages of the rows in sight."""
        if not self.is_there:
            return
        if self._rows:
            self.table.refresh_rows()
            self._show_detail()
        else:
            self.query_one("#empty", LineView).set_lines(self.empty())

    def _sorted(self, rows: list[Listed]) -> list[Listed]:
        column = self.table_of.column(self.sort_by[0])
        if column is None:
            return rows
        look, shown = self._look(), self._shown_rows
        order = {row.key: column.sorted_by(shown[row.key], look) for row in rows}
        known = sorted((row for row in rows if order[row.key] is not None), key=lambda row: row.key)
        unknown = [row for row in rows if order[row.key] is None]
        return sorted(known, key=lambda row: order[row.key], reverse=self.sort_by[1]) + unknown

    def _cells(self, key: str) -> Cells:
        row = self._shown_rows.get(key)
        if row is None or key not in self._rows:
            return ()
        look, columns = self._look(), self.table_of.columns
        return tuple(cell(columns[index], row, look) for index in self._in_sight)

    def _value(self, row: Listed, index: int) -> Any:
        column, look = self.table_of.columns[index], self._look()
        thing = self._shown_rows.get(row.key)
        if thing is None:
            return None
        value = column.of(thing, look)
        if column.age:
            return super()._value(row._replace(cells=(Span(""),) * len(self.table_of.columns)), index)
        return None if value in (None, "", UNKNOWN) else str(value)

    def _longest(self, column: str) -> int:
        described = self.table_of.column(column)
        if described is None or described.age or not (described.most or described.weight):
            return 0
        look, rows = self._look(), self._shown_rows
        shown = (rows.get(row.key) for row in self._listed)
        return longest_text(str(described.of(row, look)) for row in shown if row is not None)

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the object under the cursor."""
        row = self._shown_rows.get(key)
        trouble = self.trouble(width)
        if row is None:
            return trouble
        look = self._look()
        sections = tuple(Section(title, facts) for title, facts in self.table_of.facts(row, look))
        return [*trouble, *detail_lines(Detail(row.name, {}, self.table_of.headline(row), sections), width)]

    def trouble(self, width: int) -> list[Line]:
        """Return why the rows do not follow the API; empty while they do."""
        watched = self._watched
        if watched is not None and watched.unknown and self.kind.optional:
            return wrap(NOT_INSTALLED, width, "○ ", "  ", role="muted")
        error, again = (watched.error, watched.retry_at) if watched is not None else ("", None)
        return trouble_lines(self._opened, error, again, self.now, width)

    def empty(self) -> list[Line]:
        """Return why there is nothing to show."""
        width = max(self.size.width, 20)
        trouble = self.trouble(width)
        if trouble:
            return trouble
        if self._watched is None or not self._watched.complete:
            return [line(("► ", "work"), f"Reading the {self.kind.title.lower()} of {self.cluster_name} ...")]
        if self.filter_text:
            return [line(("○ ", "muted"), f"Nothing matches {self.filter_text}. ", ("esc removes the filter", "muted"))]
        where = f" Namespace {self.namespace}: 0 shows all." if self.namespace else ""
        return [line(("○ ", "muted"), f"{self.table_of.nothing}{where}")]

    # Keys ---------------------------------------------------------------------------------------------------------

    def targets(self) -> tuple[str, ...]:
        """Return the cluster: verbs get the objects as arguments."""
        return (self.cluster_uid,)

    def action_namespace(self, place: int) -> None:
        """Show one namespace by its digit: 0 all, 1 the first one, ..."""
        names = self._opened.namespaces if self._opened is not None else ()
        if place > len(names):
            self.app.refuse(f"There is no namespace {place}: the cluster has {len(names)}.")  # type: ignore[attr-defined]
            return
        self.set_namespace(names[place - 1] if place else "")

    async def action_namespaces(self) -> None:
        """Choose the namespace."""
        names = self._opened.namespaces if self._opened is not None else ()
        dialog = ChooseModal("Namespace", namespace_lines(names), self.namespace or ALL)
        chosen = await self.app.ask(dialog)  # type: ignore[attr-defined]
        if chosen:
            self.set_namespace("" if chosen == ALL else chosen)

    async def action_kinds(self) -> None:
        """Choose what is shown of the cluster."""
        dialog = ChooseModal(f"Workloads of {self.cluster_name}", kind_lines(), self.view)
        chosen = await self.app.ask(dialog)  # type: ignore[attr-defined]
        if chosen and chosen != self.view:
            self.leave(chosen, self.cluster_uid)

    def set_namespace(self, name: str) -> None:
        """Show the objects of a namespace; of all of them for an empty name."""
        self.namespace = name
        if not self._narrow.namespace:
            self.session.filters[self._namespace_place] = name
        self.select()
        self.table.move_to(0)

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        row = self._shown_rows.get(event.key)
        narrow = pods_of(self.kind.single, row) if row is not None else None
        if narrow is not None:
            open_key(self.app, f"pods/{self.cluster_uid}/{narrow.query}")
        elif row is not None:
            self.action_describe()

    def action_describe(self) -> None:
        """Show everything about the object under the cursor."""
        if self.table.cursor_key:
            open_key(self.app, f"workload/{self.cluster_uid}/{self.kind.view}/{self.table.cursor_key}")

    def action_yaml(self) -> None:
        """Show the object under the cursor as the API has it."""
        if self.table.cursor_key:
            open_key(self.app, f"workload-yaml/{self.cluster_uid}/{self.kind.view}/{self.table.cursor_key}")


def cell(column: Column[Any], row: Any, look: Look) -> Span:
    """Return what a column shows of a row."""
    value = column.of(row, look)
    if column.age:
        text = age_of(None if isinstance(value, str) else value, look.now)
    else:
        text = UNKNOWN if value is None or value == "" else str(value)
    return Span(text, cast("Role", column.tone_of(row)))


def _scope(view: str) -> str:
    return "nodes" if view == "nodes" else "deployments" if view in WITH_REPLICAS else "workloads"


@cache
def workloads_screen(view: str) -> type[WorkloadsScreen]:
    """Return the screen of a kind."""
    kind = BY_VIEW[view]
    table = kind.table
    columns = tuple(
        TableColumn(each.id, each.title, each.least, "right" if each.right else "left", each.weight, each.most)
        for each in table.columns
    )
    parts = {
        "__doc__": f"All {kind.title.lower()} of a cluster.",
        "__module__": __name__,
        "scope": _scope(view),
        "view": view,
        "kind": kind,
        "table_of": table,
        "frozen": 2,
        "hints": HINTS[view],
        "filter_fields": table.fields,
        "filter_example": table.example,
        "moments": {each.id: each.field or each.id for each in table.columns if each.age},
        "default_sort": (table.sort, False),
        "table_columns": columns,
    }
    return type(f"{kind.title}Screen", (WorkloadsScreen,), parts)
