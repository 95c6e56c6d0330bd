"""What a user chose for the hosts table: columns and order (stored), filter (of this session), without a widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.store.collections.hosts import HostRow
from tui.frame.lists.filter import wrong_with
from tui.frame.lists.ordered_rows import OrderedRows
from tui.screens.hosts import columns

if TYPE_CHECKING:
    from edgewright.core.filters.filters import Filter
    from tui.session import ViewStates

VIEW = "hosts"
DEFAULT_SORT = "health"


class HostsChoice:
    """Columns, order and filter. A filter that the view was opened with does not replace the one that was typed."""

    def __init__(
        self, views: ViewStates, filters: dict[str, str], asked: str = "", now: Callable[[], float] = times.now
    ) -> None:
        self._views = views
        self._filters = filters
        self._now = now
        stored = views.load(VIEW)
        self.column_ids: tuple[str, ...] = tuple(str(item) for item in stored.get("columns") or columns.DEFAULT)
        self.sort_by = str(stored.get("sort") or DEFAULT_SORT)
        self.reverse = bool(stored.get("reverse", False))
        if self.sort_by not in columns.BY_ID:
            self.sort_by, self.reverse = DEFAULT_SORT, False
        self.filter_text = ""
        self.narrower = False
        """Whether the filter finds nothing that the one before it did not find."""
        self._filter: Filter | None = None
        self._asked = asked
        self._pressed = ""
        """Column that was chosen by a key or a click since the view was opened."""
        text = asked or filters.get(VIEW, "")
        if text and not wrong_with(text):
            self.take_filter(text)

    @property
    def columns(self) -> tuple[columns.HostColumn, ...]:
        """Return the columns that are shown."""
        return columns.chosen(self.column_ids)

    @property
    def filtered(self) -> bool:
        """Whether a filter is on."""
        return self._filter is not None

    def take_filter(self, text: str) -> None:
        """Take another filter, `""` for none. Raises `EdgewrightError` when it is wrong; the one before stays."""
        text = text.strip()
        if not text:
            self._filter, self.filter_text, self.narrower = None, "", False
            return
        from edgewright.core.filters.filters import parse

        before, self._filter, self.filter_text = self._filter, parse(text), text
        self.narrower = before is not None and self._filter.narrows(before)

    def take_sort(self, field: str) -> bool:
        """Sort by a column, the same again the other way round; return whether there is such a column.

        The first press shows the usual order, whatever was stored: who presses H wants to see the worst.
        """
        if field not in columns.BY_ID:
            return False
        self.reverse = not self.reverse if field == self._pressed else False
        self.sort_by = self._pressed = field
        return True

    @property
    def arrow(self) -> tuple[str, bool]:
        """Return the sorted column, and whether its values fall from the first row on."""
        return self.sort_by, self.reverse is not columns.BY_ID[self.sort_by].falls

    def take_columns(self, ids: Sequence[str]) -> None:
        """Show these columns."""
        self.column_ids = tuple(ids)

    def ordered(self) -> OrderedRows[HostRow]:
        """Return empty rows with this filter and order."""
        order = columns.BY_ID[self.sort_by].order
        return OrderedRows(order, attrgetter("name"), self.predicate(), reverse=self.reverse)

    def predicate(self) -> Callable[[HostRow], bool] | None:
        """Return the test of the filter at this moment, None without a filter."""
        if self._filter is None:
            return None
        matches, now = self._filter.matches, self._now()
        return lambda row: matches(partial(getattr, row), now)  # all fields of hosts are attributes of the row

    def save_view(self) -> None:
        """Store columns and order for the next time, and the filter for this session."""
        if not self._asked or self.filter_text != self._asked:
            self._filters[VIEW] = self.filter_text
        chosen = {"columns": list(self.column_ids), "sort": self.sort_by, "reverse": self.reverse}
        self._views.save(VIEW, chosen)
