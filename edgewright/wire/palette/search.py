"""Search bodies: build `v1SearchFilterSummarySpec` and read the schema that a plane answers with.

What a search means is decided in `core.search.search`; this module only knows how the request is spelled. Palette's own
Go client sends the same shape.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from edgewright.wire.document import Document, each, flag, text, texts

NAME = "name"
TAGS = "tags"
STATE = "state"
HEALTH = "healthState"
ARCHITECTURE = "architecture"

SORT_FIELDS: Tuple[str, ...] = ("name", "state", "healthState", "creationTimestamp", "lastModifiedTimestamp")


def string_filter(
    property_: str, values: Sequence[str], operator: str = "eq", *, negation: bool = False, ignore_case: bool = False
) -> Dict[str, Any]:
    """Return one filter item: the property has any of `values` by `operator` (eq, contains, beginsWith)."""
    condition: Dict[str, Any] = {"match": {"conjunction": "or", "values": list(values)}, "operator": operator}
    if negation:
        condition["negation"] = True
    if ignore_case:
        condition["ignoreCase"] = True
    return {"property": property_, "type": "string", "condition": {"string": condition}}


def spec(
    filters: Sequence[Dict[str, Any]] = (),
    sort: Sequence[Tuple[str, str]] = (),
    conjunction: str = "and",
) -> Dict[str, Any]:
    """Return a complete search body; `sort` is (field, asc|desc) pairs. Without filters everything is found."""
    body: Dict[str, Any] = {}
    if filters:
        group = {"conjunction": conjunction, "filters": list(filters)}
        body["filter"] = {"conjunction": "and", "filterGroups": [group]}
    body["sort"] = [{"field": field, "order": order} for field, order in sort] or None
    return body


def hosts_by(
    name: Optional[str] = None,
    tags: Sequence[str] = (),
    states: Sequence[str] = (),
    health: Sequence[str] = (),
    architectures: Sequence[str] = (),
    sort: Sequence[Tuple[str, str]] = (),
) -> Dict[str, Any]:
    """Return the search that Palette's clients make: by exact name, tags, states, health, architectures."""
    items: List[Dict[str, Any]] = []
    if name is not None:
        items.append(string_filter(NAME, [name]))
    for property_, values in ((TAGS, tags), (STATE, states), (HEALTH, health), (ARCHITECTURE, architectures)):
        if values:
            items.append(string_filter(property_, values))
    return spec(items, sort)


def newest_first() -> Dict[str, Any]:
    """Return the search for everything, newest change first; how a console without a change stream stays current."""
    return spec(sort=[("lastModifiedTimestamp", "desc")])


class SchemaProperty(Document):
    """One property that a plane can search by."""

    name = text("name")
    display = text("displayName")
    type = text("type")
    values = texts("enum")
    hidden = flag("hideDisplay")
    deprecated = flag("isDeprecated")


class SearchSchema(Document):
    """The answer of `GET .../search/schema` (`v1SearchFilterSchemaSpec`)."""

    properties = each("schema.properties", SchemaProperty)
