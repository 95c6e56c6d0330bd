"""What is on its way: operations that hosts were asked for, on the start screen and on the screen of one host."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Condition
from edgewright.core.hosts.condition_text import evidence_text, next_check_text
from edgewright.core.hosts.operations import kind_text, operation_status
from edgewright.store.collections.conditions import operation_condition
from edgewright.store.collections.operations import OperationRow
from edgewright.store.collections.selectors import waiting_operations
from edgewright.store.engine.model import Model
from tui.screens.pulse.content import Handling, Item

FOLD_OVER = 5
"""More waiting operations of one kind than this are one line: a verb on many marked hosts is one thing to a user."""


def working_items(model: Model, now: float) -> tuple[Item, ...]:
    """Return what is waited for, the overdue first; many of one kind that are in time are one line."""
    items: list[Item] = []
    calm: dict[str, list[OperationRow]] = {}
    for row in waiting_operations(model, now):
        if operation_status(now, row.state, row.deadline).overdue:
            items.append(_item(model, row, now))
        else:
            calm.setdefault(row.kind, []).append(row)
    for kind, rows in calm.items():
        items += [_many(model, kind, rows)] if len(rows) > FOLD_OVER else [_item(model, row, now) for row in rows]
    return tuple(items)


def _item(model: Model, row: OperationRow, now: float) -> Item:
    condition = operation_condition(model, row, now)
    late = condition.overdue > 0 or condition.state.key == states.OPERATION_OVERDUE
    key = f"operation/{row.uid}"
    by = f", asked by {row.actor}" if row.actor else ""
    sentence = f"{kind_text(row.kind)}{by}"
    if late:
        sentence = f"{kind_text(row.kind)} did not answer in time{by}"
    return Item(
        key=key,
        section="working",
        name=model.hosts[row.host_uid].name,
        sentence=sentence,
        since=row.at or None,
        deadline=row.deadline,
        detail=_detail(condition, now),
        handling=Handling(acknowledged=key in model.acknowledged),
        opens=f"host/{row.host_uid}",
        problem=key if late else "",
        uids=(row.host_uid,),
    )


def _detail(condition: Condition, now: float) -> tuple[str, ...]:
    texts = [evidence_text(each, now) for each in condition.evidence]
    texts.append(f"next check {next_check_text(condition, now)}")
    sentences = [f"{text[:1].upper()}{text[1:]}." for text in texts]
    return tuple(filter(None, (condition.state.meaning, condition.cause, *sentences)))


def _many(model: Model, kind: str, rows: Sequence[OperationRow]) -> Item:
    names = sorted(model.hosts[row.host_uid].name for row in rows)
    more = f" and {len(names) - 12:,} more" if len(names) > 12 else ""
    actors = sorted({row.actor for row in rows if row.actor})
    return Item(
        key=f"operations/{kind}",
        section="working",
        name=f"{len(rows):,} hosts",
        sentence=f"{kind_text(kind)}{', asked by ' + ', '.join(actors[:3]) if actors else ''}",
        since=min(row.at for row in rows) or None,
        deadline=min((row.deadline for row in rows if row.deadline is not None), default=None),
        detail=(f"Waiting for {', '.join(names[:12])}{more}.",),
        opens="hosts/",
        uids=tuple(sorted(row.host_uid for row in rows)),
    )
