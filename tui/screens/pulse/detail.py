"""The pane beside the problem list: the problem in sentences, its next step with its key, and who handles it."""

from __future__ import annotations

from edgewright.core import times
from tui.frame import ages
from tui.frame.exact_times import exact
from tui.screens.pulse.content import Item, Pulse, Step, owner_text, sign_of
from tui.widgets.lines import Line, Piece, clip_line, line, pad, spread, wrap

LABEL = 9


def detail_lines(item: Item | None, pulse: Pulse, width: int, key: str = "n") -> list[Line]:
    """Return the item under the cursor; `key` is the key of its next step."""
    if item is None:
        return [line(("Nothing selected.", "muted"))]
    glyph, role = sign_of(item, pulse.now)
    lines = [spread([(f"{glyph} {item.name}", role)], [(owner_text(item, pulse.now), "muted")], width)]
    repeated = bool(item.detail) and item.detail[0].startswith(item.sentence)
    first, rest = (item.detail[0], item.detail[1:]) if repeated else (item.sentence, item.detail)
    lines += wrap(first, width - 2, first="  ", rest="  ")
    if item.since is not None:
        age = times.duration(max(pulse.now - item.since, 0))
        lines.append(line("  ", (f"since {exact(item.since)}, {age}", "muted")))
    if item.deadline is not None:
        left = item.deadline - pulse.now
        text = f"until {exact(item.deadline)}, {times.duration(left)} left" if left > 0 else ""
        overdue = f"overdue for {times.duration(-left)}"
        lines.append(line("  ", (text or overdue, "muted" if left > 0 else "warn")))
    if item.step.text:  # before the details: they may be longer than the pane
        lines += [line(), *_labelled("NEXT", item.step.text, width)]
        if item.step.label:
            lines.append(line(" " * LABEL, (key, "accent"), f" {item.step.label}"))
    lines += _handling_lines(item, pulse.now, width)
    if rest and item.step.text:
        lines.append(line())
    for sentence in rest:
        lines += wrap(sentence, width - 2, first="  ", rest="  ")
    return lines


def next_lines(step: Step, width: int, height: int, key: str = "n") -> list[Line]:
    """Return the next step in exactly `height` lines, for screens without the pane beside the list."""
    if not step.text:
        return [line() for _ in range(height)]
    after: list[Piece] = [(key, "accent"), f" {step.label}"] if step.label else []
    room = width - (line(*after).width + 2 if after else 0)
    lines = _labelled("NEXT", step.text, room)[:height]
    lines += [line() for _ in range(height - len(lines))]
    lines[-1] = spread(list(lines[-1].spans), after, width) if after else clip_line(lines[-1], width)
    return lines


def _labelled(label: str, text: str, width: int) -> list[Line]:
    lines = wrap(text, max(width, LABEL + 8), first=" " * LABEL, rest=" " * LABEL)
    return [line((pad(label, LABEL), "head"), *lines[0].spans[1:]), *lines[1:]]


def _handling_lines(item: Item, now: float, width: int) -> list[Line]:
    handling = item.handling
    texts: list[str] = []
    if handling.assignee:
        texts.append(f"Assigned to {handling.assignee}.")
    if handling.acknowledged:
        at = handling.acknowledged_at
        age = "" if at is None else f" {ages.age(max(now - at, 0))} ago"
        texts.append(
            f"Acknowledged by {handling.acknowledged_by}{age}."
            if handling.acknowledged_by
            else "Acknowledged in this console only."
        )
    if handling.silenced_until is not None and handling.silenced(now):
        texts.append(
            f"Silenced until {exact(handling.silenced_until)} ({times.duration(handling.silenced_until - now)})."
        )
    lines: list[Line] = []
    for index, text in enumerate(texts):
        lines += _labelled("" if index else "HANDLED", text, width)
    if handling.note:
        by = f" ({handling.updated_by})" if handling.updated_by else ""
        lines += _labelled("NOTE", f"{handling.note}{by}", width)
    return [line(), *lines] if lines else []
