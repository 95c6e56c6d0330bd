"""Line diffs of two texts in bounded time: side by side, and unified.

Lines that are unique in both texts are matched first (patience), what is between them by `difflib` where it is small
and as replaced where it is not. `difflib` alone needs minutes for some texts of 20,000 lines.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

ADDED = "added"
REMOVED = "removed"
CHANGED = "changed"
SAME = "same"

MAX_LINES = 50_000
"""Lines of a text; what is beyond is compared as one piece."""
SMALL = 90_000
"""Product of two numbers of lines up to which all pairs are compared."""

Block = Tuple[str, int, int, int, int]
"""`equal` or `replace`, and the lines of both sides: begin and end."""


class Row(NamedTuple):
    """A line of a side-by-side diff: numbers from 1 (0: no line on this side), texts, `what` it is."""

    number_before: int
    before: str
    number_after: int
    after: str
    what: str


def blocks(old: Sequence[str], new: Sequence[str]) -> List[Block]:
    """Return the blocks of two lists of lines, in order and without gaps."""
    result: List[Block] = []
    for kind, low, high, begin, end in _blocks(old, new, 0, len(old), 0, len(new)):
        if low == high and begin == end:
            continue
        if result and result[-1][0] == kind:
            result[-1] = (kind, result[-1][1], high, result[-1][3], end)
        else:
            result.append((kind, low, high, begin, end))
    return result


def _blocks(old: Sequence[str], new: Sequence[str], low: int, high: int, begin: int, end: int) -> Iterator[Block]:
    pending: List[Tuple[int, int, int, int, bool]] = [(low, high, begin, end, True)]
    while pending:
        low, high, begin, end, divide = pending.pop()
        start = 0
        while low + start < high and begin + start < end and old[low + start] == new[begin + start]:
            start += 1
        yield "equal", low, low + start, begin, begin + start
        low, begin = low + start, begin + start
        tail = 0
        while high - tail > low and end - tail > begin and old[high - tail - 1] == new[end - tail - 1]:
            tail += 1
        if tail:
            pending.append((high - tail, high, end - tail, end, False))
            high, end = high - tail, end - tail
        if (high - low) * (end - begin) <= SMALL:
            yield from _small(old, new, low, high, begin, end)
            continue
        anchors = _unique_pairs(old, new, low, high, begin, end) if divide and high - low <= MAX_LINES else []
        if not anchors:
            yield "replace", low, high, begin, end
            continue
        edges = [(low, begin), *anchors, (high, end)]
        for number in range(len(edges) - 1, 0, -1):
            (left, right), (next_left, next_right) = edges[number - 1], edges[number]
            pending.append((left, next_left, right, next_right, False))


def _small(old: Sequence[str], new: Sequence[str], low: int, high: int, begin: int, end: int) -> Iterator[Block]:
    matcher = difflib.SequenceMatcher(None, old[low:high], new[begin:end], autojunk=False)
    for kind, left, left_end, right, right_end in matcher.get_opcodes():
        yield "equal" if kind == "equal" else "replace", low + left, low + left_end, begin + right, begin + right_end


def _unique_pairs(
    old: Sequence[str], new: Sequence[str], low: int, high: int, begin: int, end: int
) -> List[Tuple[int, int]]:
    """Return the longest rising row of pairs of lines that are unique in both parts."""
    places: Dict[str, int] = {}
    for place in range(begin, end):
        places[new[place]] = -1 if new[place] in places else place
    seen: Dict[str, int] = {}
    for place in range(low, high):
        seen[old[place]] = -1 if old[place] in seen else place
    pairs = [(place, places[line]) for line, place in seen.items() if place >= 0 and places.get(line, -1) >= 0]
    return _rising(sorted(pairs))


def _rising(pairs: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Return the longest row of pairs whose second numbers rise too."""
    tops: List[int] = []
    indexes: List[int] = []
    before: List[int] = []
    for number, (_left, right) in enumerate(pairs):
        place = bisect_left(tops, right)
        before.append(indexes[place - 1] if place else -1)
        if place == len(tops):
            tops.append(right)
            indexes.append(number)
        else:
            tops[place], indexes[place] = right, number
    result: List[Tuple[int, int]] = []
    number = indexes[-1] if indexes else -1
    while number >= 0:
        result.append(pairs[number])
        number = before[number]
    return result[::-1]


def side_by_side(before: str, after: str) -> List[Row]:
    """Return the lines of two texts side by side."""
    old, new = before.splitlines(), after.splitlines()
    rows: List[Row] = []
    for kind, low, high, begin, end in blocks(old, new):
        for place in range(max(high - low, end - begin)):
            left, right = low + place, begin + place
            left_text, right_text = old[left] if left < high else "", new[right] if right < end else ""
            what = SAME if kind == "equal" else CHANGED
            if left >= high or right >= end:
                what = REMOVED if left < high else ADDED
            numbers = (left + 1 if left < high else 0, right + 1 if right < end else 0)
            rows.append(Row(numbers[0], left_text, numbers[1], right_text, what))
    return rows


def unified(before: str, after: str, name_before: str, name_after: str, context: int = 3) -> List[str]:
    """Return a unified diff, lines without their ends; empty for equal texts."""
    rows = side_by_side(before, after)
    differ = [place for place, row in enumerate(rows) if row.what != SAME]
    lines = [f"--- {name_before}", f"+++ {name_after}"] if differ else []
    place = 0
    while place < len(differ):
        begin = max(differ[place] - context, 0)
        end = differ[place]
        while place < len(differ) and differ[place] <= end + 2 * context + 1:
            end = differ[place]
            place += 1
        lines += _hunk(rows[begin : min(end + context + 1, len(rows))])
    return lines


def _hunk(rows: Sequence[Row]) -> List[str]:
    sides = [
        [row.number_before for row in rows if row.number_before],
        [row.number_after for row in rows if row.number_after],
    ]
    ranges = [f"{side[0] if side else 0},{len(side)}" for side in sides]
    lines = [f"@@ -{ranges[0]} +{ranges[1]} @@"]
    removed: List[str] = []
    added: List[str] = []
    for row in [*rows, Row(0, "", 0, "", SAME)]:
        if row.what == SAME:
            lines += [*removed, *added]
            removed, added = [], []
            if row.number_before:
                lines.append(f" {row.before}")
            continue
        removed += [f"-{row.before}"] if row.number_before else []
        added += [f"+{row.after}"] if row.number_after else []
    return lines
