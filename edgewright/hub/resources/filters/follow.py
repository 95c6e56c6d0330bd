"""How memory follows tag filters, and what readers of the change stream get of one."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db import schema
from edgewright.hub.db.records import FilterRecord
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resources.filters.render import summary


def follows(state: State) -> tuple[Follow, ...]:
    """Return how the records are followed."""

    def drop(uid: str) -> None:
        state.filters.pop(uid, None)

    return (Follow(FilterRecord, "filter", state.put_filter, drop, rows(schema.tag_filters, FilterRecord)),)


def document(state: State, uid: str) -> dict[str, Any] | None:
    """Return the present document of a filter; `None` for one that no longer exists."""
    record = state.filters.get(uid)
    return None if record is None else summary(record)
