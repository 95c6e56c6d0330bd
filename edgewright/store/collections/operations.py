"""What hosts are asked to do, as the store has it; only a hub reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from edgewright.core.hosts.operations import EXPIRED, PENDING, kind_text
from edgewright.core.times import duration
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import part, text, when
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListOperations

LIMIT: Final = 500
"""Newest finished operations that the model stores; those that are pending stay whatever their number."""


class OperationRow(Row, frozen=True, array_like=True, gc=False):
    """Something that a host was asked to do.

    `state` is pending, succeeded, failed, refused or expired; `finished` is when a result came, `message` its text.
    `at` is when it was asked.
    """

    uid: str
    at: float = 0.0
    host_uid: str = ""
    kind: str = ""
    state: str = ""
    deadline: float | None = None
    finished: float | None = None
    actor: str = ""
    message: str = ""


def finished_message(
    before: OperationRow | None, row: OperationRow, hosts: Mapping[str, HostRow]
) -> tuple[str, str] | None:
    """Return level and sentence when the operation was waited for and is over now; `None` otherwise.

    What was over when it was first seen is history: a console that starts does not report yesterday.
    """
    if before is None or before.state != PENDING or row.state == PENDING:
        return None
    host = hosts.get(row.host_uid)
    lead = f"{host.name if host else row.host_uid}: {kind_text(row.kind)}"
    if row.state == EXPIRED:
        return "warn", f"{lead} is overdue: no answer within {duration(max((row.deadline or row.at) - row.at, 0.0))}."
    took = "" if row.finished is None else f" after {duration(max(row.finished - row.at, 0.0))}"
    reason = f" {row.message.rstrip('.')}." if row.message else ""
    done = {"succeeded": ("ok", "done"), "refused": ("warn", "was refused"), "failed": ("bad", "failed")}
    level, verb = done.get(row.state, ("info", row.state))
    return level, f"{lead} {verb}{took}.{reason}"


def operation_row(doc: Mapping[str, Any], _at: float = 0.0) -> OperationRow | None:
    """Return the row of an operation on a host; `None` when it names no id or no host."""
    uid, host = text(doc, "id"), text(doc, "hostUid")
    if not uid or not host:
        return None
    return OperationRow(
        uid=uid,
        at=when(doc, "created") or 0.0,
        host_uid=host,
        kind=text(doc, "kind"),
        state=text(doc, "state").lower(),
        deadline=when(doc, "deadline"),
        finished=when(doc, "finished"),
        actor=text(doc, "actor"),
        message=text(part(doc, "result"), "message"),
    )


async def _read(operations: CanListOperations, _page: int) -> Documents:
    return await operations.all()


OPERATIONS = Collection(
    "operations",
    OperationRow,
    operation_row,
    noun="operation",
    change_kind="operation",
    limit=LIMIT,
    reading=Reading(_read, "operations", "CanListOperations"),
    pinned=lambda row: row.state == PENDING,
    hosts_of=lambda row: (row.host_uid,),
    ends_with_host=True,
    message=finished_message,
)
