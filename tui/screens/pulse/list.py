"""The problem list of the start screen: three sections, the names in full, and one calm line when there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from edgewright.core import times
from tui.frame.ages import age_of
from tui.screens.pulse.content import TITLES, Handling, Item, Pulse, checked_text, owner_text, sign_of
from tui.widgets.lines import Line, Piece, Role, clip_line, columns, cut, line, pad, wrap

NARROW = 48
"""Below this many columns a problem is its name and sentence alone."""
TIGHT = 64
"""Below this many columns one space is between two columns, not two."""
SENTENCE, SHORT = 22, 12
"""Columns that a sentence has at least, beside a long name; `SHORT` below `TIGHT` columns."""
NAME_LEAST, NAME_USUAL = 13, 20
"""Columns of a name at least; and how much of one must be there before who handles it has a column."""
SINCE, OWNER = 5, 8
HANDLED_MOST = 22


class Widths:
    """Columns of the list: the name has its full width first, then who handles it, the sentence the rest."""

    def __init__(self, items: Sequence[Item], now: float, width: int) -> None:
        handled = max((cell_len(handled_text(item.handling, now)) for item in items), default=0)
        longest = max((cell_len(item.name) for item in items), default=0)
        wanted = max(longest, NAME_LEAST)
        self.gap, sentence = (1, SHORT) if width < TIGHT else (2, SENTENCE)
        self.handled = 0
        fixed = 2 + SINCE + OWNER + 3 * self.gap
        if handled:
            most = 12 if width < 100 else HANDLED_MOST
            handled = min(max(handled, cell_len("handled by")), most)
            if width - fixed - handled - self.gap - sentence >= min(wanted, NAME_USUAL):
                self.handled = handled
                fixed += handled + self.gap
        self.name = max(min(wanted, width - fixed - sentence), 8)
        self.sentence = max(width - fixed - self.name, 8)

    def line(self, cells: Sequence[Piece], key: str = "") -> Line:
        """Return a line of sign and name, sentence, since, owner and who handles it."""
        sizes = [self.name + 2, self.sentence, -SINCE, OWNER, *([self.handled] if self.handled else [])]
        return columns(list(zip(cells, sizes, strict=False)), gap=self.gap, key=key)

    def heading(self, title: str) -> Line:
        """Return the heading of the first section, with the names of the columns."""
        cells: list[tuple[Piece, int]] = [
            ((title, "head"), self.name + 2 + self.gap + self.sentence),
            (("since", "muted"), -SINCE),
            (("owner", "muted"), OWNER),
        ]
        if self.handled:
            cells.append((("handled by", "muted"), self.handled))
        return columns(cells, gap=self.gap)


def problem_lines(pulse: Pulse, width: int) -> list[Line]:
    """Return the sections, worst first, handled problems at the end of each; a calm line when there is nothing."""
    lines: list[Line] = []
    sizes = Widths(pulse.items, pulse.now, width)
    for section, title in TITLES.items():
        items = [item for item in pulse.items if item.section == section]
        if not items:
            continue
        if lines or width < NARROW:
            lines.append(line((title, "head")))
        else:
            lines.append(sizes.heading(title))
        lines.extend(
            _item_line(item, pulse.now, width, sizes)
            for item in sorted(items, key=lambda item: item.handling.handled(pulse.now))
        )
    if lines:
        return lines
    if pulse.filter and pulse.problems:
        none = (
            "The only problem does not match" if pulse.problems == 1 else f"None of {pulse.problems} problems matches"
        )
        return wrap(f"{none} {pulse.filter}; esc removes the filter.", width, "○ ", "  ", role="muted")
    return calm_lines(pulse, width)


def handled_text(handling: Handling, now: float) -> str:
    """Return who handles a problem, for a column: the assignee, else `seen admin`, else `silenced 3h`."""
    if handling.assignee:
        return handling.assignee
    if handling.silenced(now):
        left = (handling.silenced_until or now) - now
        return f"silenced {times.age(left + 60 if left > times.HOUR else left)}"
    if handling.acknowledged:
        return f"seen {handling.acknowledged_by.partition('@')[0] or 'here'}"
    return ""


def _item_line(item: Item, now: float, width: int, sizes: Widths) -> Line:
    glyph, role = sign_of(item, now)
    below = item.handling.handled(now)
    plain: Role = "muted" if below else ""
    if width < NARROW:
        lead = (f"{glyph} ", "muted" if below else role)
        return clip_line(line(lead, (item.name, plain or role), " ", (item.sentence, plain), key=item.key), width)
    return sizes.line(
        [
            (f"{glyph} {pad(item.name, sizes.name)}", "muted" if below else role),
            (cut(item.sentence, sizes.sentence), plain),
            (age_of(item.since, now), plain or "strong"),
            (owner_text(item, now), "muted"),
            (handled_text(item.handling, now), "muted" if below else "accent"),
        ],
        item.key,
    )


def calm_lines(pulse: Pulse, width: int) -> list[Line]:
    """Return what to show without a problem: all healthy, not known yet, or the first steps when no host is there."""
    checked = checked_text(pulse.checked, pulse.now)
    if pulse.lost:
        known = "No problem known" if pulse.total else "Nothing is known yet"
        text = f"{known}. Management plane unreachable: {pulse.lost}."
        return wrap(text, width, first="▬ ", rest="  ", role="parked")
    if pulse.loading and not pulse.total:
        return [line(("► ", "work"), (f"Loading the fleet: {pulse.loading}.", ""))]
    if pulse.checked is None and not pulse.total:
        return [line(("○ ", "muted"), "Nothing is known yet: the management plane has not responded.")]
    if not pulse.total:
        return _first_steps(pulse, checked)
    sentence = f"All {pulse.total:,} hosts healthy." if pulse.total > 1 else "The only host is healthy."
    sign: Piece = ("• ", "ok") if pulse.healthy else ("○ ", "muted")
    if pulse.unknown:
        sentence = f"No problem known. {pulse.healthy:,} healthy, {pulse.unknown:,} without a heartbeat yet."
    lines = [line(sign, (cut(sentence, max(width - len(checked) - 4, 8)), ""), (f"  {checked}", "muted"))]
    if pulse.total == 1 and not pulse.simulated:  # the machine of a hub that was started here
        lines += [line(), line("  The next hosts, step by step  ", (":first-steps", "accent"), key="first-steps/")]
    return lines


def _first_steps(pulse: Pulse, checked: str) -> list[Line]:
    stored = sum(each.stored for each in pulse.endings)
    there: Piece = (f"  {stored:,} there" if stored else "", "muted")
    return [
        line(("○ ", "muted"), ("No hosts registered yet.", "strong"), (f"  {checked}", "muted")),
        line(),
        line("  1  Create a registration token       ", (":token create", "accent"), there),
        line("  2  Build an installer for the site   ", (":installers", "accent"), "  then +"),
        line("     or, on a host that runs Linux     ", ("edgewright agent install", "accent")),
        line("  3  Start the host. It appears here within a minute."),
        line(),
        line("  All steps, one after the other       ", (":first-steps", "accent"), key="first-steps/"),
    ]
