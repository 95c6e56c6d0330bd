"""What a host's state allows: the verbs of `core.hosts.states`, asked before a verb runs on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from edgewright.commands.kernel.base import Refusal
from edgewright.core import times
from edgewright.core.errors import Refused
from edgewright.core.hosts import states
from edgewright.store.collections.conditions import rejection_in, rejection_of, state_key

if TYPE_CHECKING:
    from edgewright.commands.kernel.lookup import FoundHost
    from edgewright.core.hosts.condition import Rejection
    from edgewright.store.collections.hosts import HostRow
    from edgewright.store.engine.model import Model


def refusal_in_model(model: Model, row: HostRow, verb: str) -> Refusal | None:
    """Return why a verb is refused on a host that the console knows, `None` when its state allows it."""
    return _refusal(row, verb, rejection_of(model, row.uid))


def illegal_verbs(model: Model, row: HostRow, ids: Iterable[str]) -> frozenset[str]:
    """Return those of the verbs (`host-logs`) that the state of a host does not allow."""
    return frozenset(each for each in ids if refusal_in_model(model, row, each.replace("-", " ", 1)) is not None)


def refuse_illegal(hosts: Sequence[FoundHost], verb: str) -> None:
    """Refuse a verb that the state of one of the hosts does not allow. Raises `Refused`."""
    for host in hosts:
        refused = _refusal(host.row, verb, rejection_in(host.document))
        if refused is not None:
            raise Refused(refused.reason, refused.hint)


def _refusal(row: HostRow, verb: str, rejection: Rejection | None) -> Refusal | None:
    reason, legal = states.refusal(state_key(row, times.now(), rejection), verb, row.name or row.uid)
    return Refusal(reason, legal) if reason else None
