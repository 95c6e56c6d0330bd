"""Tag filters of the plane, as the store has them and as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.filters.fields import FilterField
from edgewright.core.filters.tag_filter import condition_text
from edgewright.core.text import clean
from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, part, parts, text, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, ago, or_dash, quote, stamp

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListFilters


class FilterRow(Row, frozen=True, array_like=True, gc=False):
    """One filter. `conditions` are texts as `filter create --tag` takes them: `site:berlin,bonn`, `!ring:3`, `gpu`.

    A Palette lists filters without their conditions; they are in the document of one filter.
    """

    uid: str
    name: str = ""
    created: float | None = None
    modified: float | None = None
    conditions: tuple[str, ...] = ()
    match: str = ""
    """`all` of the conditions, or `any`; empty while they are not known."""

    def get(self, field: str) -> object:
        """Return the value of `field`; the conditions as one text, for filters."""
        value = super().get(field)
        return ", ".join(value) if isinstance(value, tuple) else value


def filter_row(doc: Mapping[str, Any], _at: float = 0.0) -> FilterRow | None:
    """Return the row of a filter (`v1FilterSummary`, `v1TagFilterSummary`); `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    group = part(spec, "filterGroup") or part(part(spec, EXTENSION), "filterGroup")
    items = parts(group, "filters")
    match = ("any" if text(group, "conjunction") == "or" else "all") if items else ""
    return FilterRow(
        uid=uid,
        name=text(meta, "name"),
        created=when(meta, "creationTimestamp"),
        modified=when(meta, "lastModifiedTimestamp"),
        conditions=tuple(clean(condition_text(item)) for item in items),
        match=match,
    )


async def _read(filters: CanListFilters, _page: int) -> Documents:
    return await filters.all()


def _conditions(row: FilterRow, _look: Look) -> str:
    return (" or " if row.match == "any" else " and ").join(row.conditions)


def _facts(row: FilterRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("name", row.name),
        ("match", {"all": "all conditions", "any": "any condition"}.get(row.match, "-")),
        *(("condition", each) for each in row.conditions),
        ("changed", f"{stamp(row.modified)} ({ago(row.modified, look.now)} ago)"),
        ("created", stamp(row.created)),
        ("uid", row.uid),
        ("use", f"edgewright host list --filter {quote(row.name)}"),
    )
    return (("TAG FILTER", facts),)


TABLE: Table[FilterRow] = Table(
    "tag filter",
    columns=(
        Column("name", "FILTER", 10, most=40, tone="strong"),
        Column("match", "MATCH", 5),
        Column("conditions", "CONDITIONS", 20, weight=3, value=_conditions),
        Column("modified", "CHANGED", 7, right=True, age=True, tone="muted"),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
    ),
    listing=("name", "match", "conditions", "modified", "created"),
    fields=(
        FilterField("uid", "text", "uid of the filter", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the filter", searched=True),
        FilterField("condition", "text", "a condition, e.g. site:berlin", source="conditions", searched=True),
        FilterField("match", "word", "all or any"),
        FilterField("age", "age", "time since it was created", source="created"),
        FilterField("changed", "age", "time since it was changed", source="modified"),
    ),
    example="name:berlin  condition:site  changed<7d  free text",
    facts=_facts,
    headline=lambda row: f"{row.name}: {or_dash(_conditions(row, Look(0.0)))}",
    nothing="No tag filter yet. Press + to create one; `host list --filter NAME` uses it.",
    add="No tag filter yet; create one: edgewright filter create NAME --tag site:berlin",
    order=lambda row: (row.name.lower(), row.uid),
    sort="name",
)
FILTERS = Collection(
    "filters",
    FilterRow,
    filter_row,
    noun="filter",
    change_kind="filter",
    cached=False,
    reading=Reading(_read, "filters", "CanListFilters", hub_only=True, quiet=NOT_FOR_ALL),
    getter="CanListFilters",
    table=TABLE,
)
