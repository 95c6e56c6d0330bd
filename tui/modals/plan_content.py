"""What the user reads before and after a verb does something: the plan, then the result for each target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from edgewright.commands.kernel.results import Listing
from edgewright.core.text import clean
from tui.widgets.lines import Line, Role, heading, line, pad, wrap, wrapped_facts

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Outcome, Plan

TOUCHES_SHOWN = 200
"""Targets listed by name; more than these are counted."""


def plan_lines(plan: Plan, width: int) -> list[Line]:
    """Return the plan: what happens, what it touches, what cannot be undone, the command line that does the same."""
    out: list[Line] = [heading("WHAT HAPPENS")]
    for sentence in plan.lines:
        shown = clean(sentence)
        if cell_len(shown) + 2 <= width:  # as it is: spaces mean something in the lines of a difference
            out.append(line("  ", shown))
        else:
            indent = shown[: min(len(shown) - len(shown.lstrip()), width // 3)]
            out += wrap(shown.lstrip(), width, first=f"  {indent}", rest=f"    {indent}")
    if plan.touches:
        count = len(plan.touches)
        out += [Line(), heading("TOUCHES", width, f"{count:,}" if count > 1 else "")]
        out += _names([plan.name_of(target) for target in plan.touches], width)
    if plan.cannot_undo:
        out += [Line(), line(("CANNOT BE UNDONE", "bad"))]
        for sentence in plan.cannot_undo:
            out += wrap(clean(sentence), width, first="  ", rest="    ")
    if plan.cli:
        out += [Line(), *wrap(clean(plan.cli, limit=4000), width, first="same as   ", rest="          ", role="accent")]
    return out


def _names(names: Sequence[str], width: int) -> list[Line]:
    shown = [clean(name) for name in names[:TOUCHES_SHOWN]]
    room = min(max((len(name) for name in shown), default=0) + 2, width - 2)
    across = max((width - 2) // max(room, 1), 1)
    if any(" " in name for name in shown) or len(shown) < 4:
        across = 1
    out: list[Line] = []
    for start in range(0, len(shown), across):
        row = shown[start : start + across]
        out += [line("  ", *(pad(name, room) for name in row))] if across > 1 else wrap(row[0], width, "  ", "    ")
    if len(names) > len(shown):
        out.append(line((f"  and {len(names) - len(shown):,} more", "muted")))
    return out


def progress_lines(reports: Sequence[str], width: int) -> list[Line]:
    """Return what a running verb reported so far, the newest last; what is wider than the dialog has more lines."""
    if not reports:
        return [line(("► ", "work"), "Starting ...")]
    last = len(reports) - 1
    out: list[Line] = []
    for index, report in enumerate(reports):
        sign: tuple[str, Role] = ("► ", "work") if index == last else ("• ", "muted")
        text = clean(report)
        if cell_len(text) <= width - 2:
            out.append(line(sign, text))
            continue
        first, *rest = wrap(text, width - 2)
        out += [line(sign, *first.spans), *(line("  ", *more.spans) for more in rest)]
    return out


def outcome_lines(outcome: Outcome, width: int, name_of: Callable[[str], str] = str) -> list[Line]:
    """Return what came of it: what failed first, each with its reason and the next step, then what was done."""
    out: list[Line] = []
    if outcome.failed:
        out.append(heading("NOT DONE", width, f"{len(outcome.failed):,}"))
        for target, error in outcome.failed:
            out.append(line(("▲ ", "bad"), (clean(name_of(target)), "strong")))
            out += wrap(clean(error.message), width, first="  ", rest="  ")
            if error.hint:
                out += wrap(clean(error.hint), width, first="  ", rest="  ", role="muted")
        out.append(Line())
    if outcome.message:
        out += wrap(clean(outcome.message), width, role="strong")
    text = getattr(outcome.result, "text", "")
    if isinstance(text, str) and text:
        out.append(Line())
        for part in text.splitlines():
            out += wrap(clean(part, 4096), width, role="accent")
        out.append(Line())
    listing = listing_of(outcome)
    if listing is not None:
        return [*out, *listing_lines(listing, width)]
    reported = (
        bool(outcome.message) and len(outcome.done) == 1 and not outcome.failed
    )  # the message names the one object
    if outcome.done and not reported:
        out.append(heading("DONE", width, f"{len(outcome.done):,}"))
        out += [line(("• ", "ok"), clean(name_of(target))) for target in outcome.done]
    return out or [line("Nothing had to be done.")]


def listing_of(outcome: Outcome) -> Listing | None:
    """Return the table that a verb made, None for another result."""
    return outcome.result if isinstance(outcome.result, Listing) else None


def listing_lines(listing: Listing, width: int) -> list[Line]:
    """Return a table for a dialog: one row that is too wide with a line for each column, several on more lines."""
    shown = [at for at, column in enumerate(listing.columns) if not column.wide]
    rows = [
        [column.title for column in listing.columns],
        *([clean(cell) for cell in item.cells] for item in listing.items),
    ]
    if len(rows) == 1:
        return wrap(listing.empty, width)
    room = {at: max(len(row[at]) for row in rows) for at in shown}
    fits = sum(room.values()) + 2 * (len(shown) - 1) <= width
    if not fits and len(rows) == 2:
        labels = max(cell_len(rows[0][at]) for at in shown)
        return wrapped_facts([(rows[0][at], rows[1][at]) for at in shown], labels, width)
    out: list[Line] = []
    for number, row in enumerate(rows):
        role: Role = "" if number else "muted"
        if fits:
            out.append(line(("  ".join(pad(row[at], room[at], listing.columns[at].right) for at in shown), role)))
        else:
            out += wrap("  ".join(row[at] for at in shown), width, "", "    ", role=role)
    return out


def error_lines(message: str, hint: str, width: int) -> list[Line]:
    """Return a failure as a sentence and the next step."""
    out = [line(("▲ ", "bad"), ("This did not work.", "strong")), *wrap(clean(message), width, "  ", "  ")]
    return [*out, *wrap(clean(hint), width, "  ", "  ", role="muted")] if hint else out
