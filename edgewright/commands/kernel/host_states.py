"""What a host's state allows: the verbs of `core.hosts.states`, asked before a verb runs on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Refusal
from edgewright.core import times
from edgewright.core.hosts import states
from edgewright.store.collections.conditions import rejection_in, rejection_of, state_key

if TYPE_CHECKING:
    from edgewright.core.hosts.condition import Rejection
    from edgewright.store.collections.hosts import HostRow
    from edgewright.store.engine.model import Model


def refusal_in_model(model: Model, row: HostRow, verb: str, absent: frozenset[str] = frozenset()) -> Refusal | None:
    """Return why a verb is refused on a host that the console knows, `None` when its state allows it.

    `absent` are verbs that this connection does not have (`registry.absent`): they are not offered instead.
    """
    return _refusal(row, verb, rejection_of(model, row.uid), absent)


def illegal_verbs(model: Model, row: HostRow, ids: Iterable[str]) -> frozenset[str]:
    """Return those of the verbs (`host-logs`) that the state of a host does not allow."""
    return frozenset(each for each in ids if refusal_in_model(model, row, each.replace("-", " ", 1)) is not None)


def refusal_in_document(
    row: HostRow, document: Mapping[str, Any], verb: str, absent: frozenset[str] = frozenset()
) -> Refusal | None:
    """Return why a verb is refused on a host that was looked up, `None` when its state allows it."""
    return _refusal(row, verb, rejection_in(document), absent)


def _refusal(
    row: HostRow, verb: str, rejection: Rejection | None, absent: frozenset[str] = frozenset()
) -> Refusal | None:
    reason, legal = states.refusal(state_key(row, times.now(), rejection), verb, row.name or row.uid, absent)
    return Refusal(reason, legal) if reason else None
