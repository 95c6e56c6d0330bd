"""A condition as text, the same for command line and console: label and text, ages relative to now."""

from __future__ import annotations

from typing import FrozenSet, List, Tuple

from edgewright.core.hosts.condition import Condition, Evidence
from edgewright.core.hosts.states import CHECKS, NEVER, STATES
from edgewright.core.text import clean
from edgewright.core.times import duration


def lines(condition: Condition, now: float, absent: FrozenSet[str] = frozenset()) -> List[Tuple[str, str]]:
    """Return the rows that show a condition: state, owner, since, deadline, cause, evidence, next check, verbs.

    `absent` are verbs that this connection does not have.
    """
    state = condition.state
    rows = [("condition", f"{state.label}. {state.meaning}"), ("owner", condition.owner or "-")]
    if condition.since is not None:
        rows.append(("since", f"{duration(max(now - condition.since, 0.0))} ago ({state.began})"))
    rows.append(("deadline", deadline_text(condition, now)))
    if condition.cause:
        rows.append(("cause", clean(condition.cause)))
    rows += [("evidence", evidence_text(each, now)) for each in condition.evidence]
    legal = ", ".join(action for action in state.actions if action not in absent)
    rows += [("next check", next_check_text(condition, now)), ("legal verbs", legal)]
    return rows


def deadline_text(condition: Condition, now: float) -> str:
    """Return whether and since when a condition is overdue, or until when it is not and what follows."""
    deadline, then = condition.state.deadline, STATES.get(condition.state.deadline.then)
    if condition.overdue > 0:
        return f"overdue for {duration(condition.overdue)}. {deadline.reason}"
    if condition.deadline is None:
        return deadline.reason if deadline.rule == NEVER else f"not known. {deadline.reason}"
    follows = f", then {then.label}" if then is not None else ""
    return f"in {duration(condition.deadline - now)}{follows}. {deadline.reason}"


def evidence_text(evidence: Evidence, now: float) -> str:
    """Return one piece of evidence with its age."""
    age = "" if evidence.at is None else f"{duration(max(now - evidence.at, 0.0))} ago"
    text = clean(evidence.text)
    return f"{evidence.label}: {text} ({age})" if text and age else f"{evidence.label}: {text or age}"


def next_check_text(condition: Condition, now: float) -> str:
    """Return what checks the state next, and when that is due."""
    check = CHECKS[condition.state.next_check]
    if condition.next_check is None:
        return check
    left = condition.next_check - now
    return f"{check}, due in {duration(left)}" if left > 0 else f"{check}, due {duration(-left)} ago"
