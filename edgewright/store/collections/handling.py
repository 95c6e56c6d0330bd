"""Who handles which problem, as the store has it; only a hub stores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import ExitCode
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import text, when
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanHandleProblems


class HandlingRow(Row, frozen=True, array_like=True, gc=False):
    """Who handles a problem, as the plane stores it for every console. `key` is that of the problem.

    Unset times are `None`, unset texts `""`; a silence has ended when `silenced_until` is in the past.
    """

    key: str
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    assignee: str = ""
    note: str = ""
    silenced_until: float | None = None
    updated_by: str = ""
    updated_at: float = 0.0

    def silenced(self, now: float) -> bool:
        """Whether the problem is silenced at `now` (epoch seconds)."""
        return self.silenced_until is not None and now < self.silenced_until


def handling_row(doc: Mapping[str, Any], _at: float = 0.0) -> HandlingRow | None:
    """Return the row of who handles a problem; `None` when it names no key."""
    key = text(doc, "key")
    if not key:
        return None
    return HandlingRow(
        key=key,
        acknowledged_by=text(doc, "acknowledgedBy"),
        acknowledged_at=when(doc, "acknowledgedAt"),
        assignee=text(doc, "assignee"),
        note=text(doc, "note"),
        silenced_until=when(doc, "silencedUntil"),
        updated_by=text(doc, "updatedBy"),
        updated_at=when(doc, "updatedAt") or 0.0,
    )


async def _read(problems: CanHandleProblems, _page: int) -> Documents:
    return await problems.all()


HANDLING = Collection(
    "handling",
    HandlingRow,
    handling_row,
    noun="handling",
    change_kind="handling",
    reading=Reading(_read, "handling", "CanHandleProblems", quiet=frozenset({ExitCode.NOT_FOUND}), judged=True),
    key="key",
    status={"handling": True},
)
