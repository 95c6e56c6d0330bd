"""The sentence for the user when an operation is over, made when its result is first seen."""

from __future__ import annotations

from collections.abc import Mapping

from edgewright.core.hosts.operations import EXPIRED, PENDING, kind_text
from edgewright.core.times import words
from edgewright.store.collections.rows import HostRow, OperationRow


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
        return "warn", f"{lead} is overdue: no answer within {words(max((row.deadline or row.at) - row.at, 0.0))}."
    took = "" if row.finished is None else f" after {words(max(row.finished - row.at, 0.0))}"
    said = f" {row.message.rstrip('.')}." if row.message else ""
    done = {"succeeded": ("ok", "done"), "refused": ("warn", "was refused"), "failed": ("bad", "failed")}
    level, verb = done.get(row.state, ("info", row.state))
    return level, f"{lead} {verb}{took}.{said}"
