"""Line diffs: every line of both texts once, equal lines equal, and in bounded time."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.profiles import textdiff
from edgewright.core.profiles.textdiff import SAME, blocks, side_by_side, unified

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=30)


@given(LINES, LINES, st.sampled_from([0, 4, 90_000]))
@settings(max_examples=150, deadline=None)
def test_blocks_cover_both_texts_and_equal_ones_are_equal(old: list[str], new: list[str], small: int) -> None:
    before, textdiff.SMALL = textdiff.SMALL, small
    try:
        made = blocks(old, new)
    finally:
        textdiff.SMALL = before
    assert [line for _kind, low, high, _b, _e in made for line in old[low:high]] == old
    assert [line for _kind, _l, _h, begin, end in made for line in new[begin:end]] == new
    for kind, low, high, begin, end in made:
        assert kind != "equal" or old[low:high] == new[begin:end]
    rows = side_by_side("\n".join(old), "\n".join(new))
    assert all((row.before == row.after) or row.what != SAME for row in rows)
    numbers = (
        [row.number_before for row in rows if row.number_before],
        [row.number_after for row in rows if row.number_after],
    )
    assert numbers == (list(range(1, len(old) + 1)), list(range(1, len(new) + 1)))


def test_a_unified_diff_is_that_of_diff() -> None:
    before = "".join(f"{number}\n" for number in range(1, 21))
    after = before.replace("3\n4\n", "3\nfour\n", 1).replace("18\n", "")
    assert unified(before, after, "a", "b", 1) == [
        "--- a", "+++ b", "@@ -3,3 +3,3 @@", " 3", "-4", "+four", " 5", "@@ -17,3 +17,2 @@", " 17", "-18", " 19",
    ]  # fmt: skip
    assert unified(before, before, "a", "b") == []


def test_large_texts_of_repeated_lines_take_bounded_time() -> None:
    """`difflib` alone needs over a minute for these."""
    old = "\n".join(f"line {number % 250}" for number in range(20_000))
    new = "\n".join(f"line {number * 7 % 250}" for number in range(20_000))
    begin = time.process_time()
    assert len(side_by_side(old, new)) >= 20_000
    assert time.process_time() - begin < 5


def test_a_change_in_a_large_text_is_found_where_it_is() -> None:
    old = [f"line {number}" for number in range(5_000)]
    new = [*old[:1_000], "new", *old[1_000:3_000], *old[3_100:]]
    changed = [
        (row.number_before, row.number_after)
        for row in side_by_side("\n".join(old), "\n".join(new))
        if row.what != SAME
    ]
    assert changed == [(0, 1_001), *((number, 0) for number in range(3_001, 3_101))]
