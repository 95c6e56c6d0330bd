"""The condition of a host as lines: owner, deadline, cause, evidence with its age, next check, legal verbs."""

from __future__ import annotations

from edgewright.core.hosts.condition import Condition
from edgewright.core.hosts.condition_text import lines
from tui.widgets.lines import Line, Role, heading, line, pad, wrap

LABEL = 12
SHOWN_ABOVE = ("since", "owner")
"""Labels that the first lines of the screen show."""


def condition_lines(
    condition: Condition, now: float, width: int, known: str = "", absent: frozenset[str] = frozenset()
) -> list[Line]:
    """Return the block; a deadline that has passed is marked. A cause that is in `known`, the text above, is not.

    `absent` are verbs that this connection does not have.
    """
    late = condition.overdue > 0
    out = [heading("CONDITION", width, "overdue" if late else condition.state.label)]
    before = ""
    for label, text in lines(condition, now, absent):
        if label in SHOWN_ABOVE or (label == "cause" and text in known):
            continue
        role: Role = "warn" if label == "deadline" and late else ""
        for index, part in enumerate(wrap(text, max(width - LABEL - 2, 10), role=role)):
            shown = label if not index and label != before else ""
            out.append(line((pad(shown, LABEL), "muted"), "  ", *part.spans))
        before = label
    return out
