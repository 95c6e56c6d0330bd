"""Tag filters of the plane, as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import part, text, when
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListFilters


class FilterRow(Row, frozen=True, array_like=True, gc=False):
    """One filter."""

    uid: str
    name: str = ""
    created: float | None = None
    modified: float | None = None


def filter_row(doc: Mapping[str, Any], _at: float = 0.0) -> FilterRow | None:
    """Return the row of a filter (`v1FilterSummary`); `None` when it names no uid."""
    meta = part(doc, "metadata")
    uid = text(meta, "uid")
    if not uid:
        return None
    return FilterRow(uid, text(meta, "name"), when(meta, "creationTimestamp"), when(meta, "lastModifiedTimestamp"))


async def _read(filters: CanListFilters, _page: int) -> Documents:
    return await filters.all()


FILTERS = Collection(
    "filters",
    FilterRow,
    filter_row,
    noun="filter",
    change_kind="filter",
    cached=False,
    reading=Reading(_read, "filters", "CanListFilters", hub_only=True, quiet=NOT_FOR_ALL),
)
