"""The cursor stays on its object, whatever happens to the rows around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.frame.lists.ordered_rows import OrderedRows
from tui.widgets.table_rows import TableRows

KEYS = st.lists(st.sampled_from([f"k{number}" for number in range(30)]), unique=True)


@given(st.lists(KEYS, min_size=1, max_size=12), st.integers(0, 40))
def test_cursor_stays_on_its_key(orders: list[list[str]], start: int) -> None:
    rows = TableRows()
    rows.replace(orders[0])
    rows.move_to(start)
    for order in orders[1:]:
        before, place_before = rows.cursor_key, rows.cursor
        rows.replace(order)
        if before in order:
            assert rows.cursor_key == before
            assert order[rows.cursor] == before
        elif order:
            assert rows.cursor == min(max(place_before, 0), len(order) - 1)
            assert rows.cursor_key == order[rows.cursor]
        else:
            assert (rows.cursor, rows.cursor_key) == (-1, "")


@given(KEYS, st.integers(0, 40), st.integers(0, 40))
def test_range_marks_all_between(keys: list[str], first: int, last: int) -> None:
    rows = TableRows()
    rows.replace(keys)
    rows.move_to(first)
    rows.mark()
    low = rows.cursor
    rows.move_to(last)
    rows.mark_range()
    if keys:
        span = sorted((low, rows.cursor))
        assert rows.marks == set(keys[span[0] : span[1] + 1]) or low == rows.cursor
    else:
        assert rows.marks == set()


@given(
    st.lists(st.tuples(st.integers(0, 15), st.one_of(st.none(), st.integers(0, 9))), max_size=60),
    st.booleans(),
)
def test_rows_stay_in_order_while_single_rows_change(changes: list[tuple[int, int | None]], reverse: bool) -> None:
    rows: OrderedRows[tuple[str, int]] = OrderedRows(
        lambda row: row[1] or None, lambda row: row[0], lambda row: row[1] != 9, reverse=reverse
    )
    known: dict[str, tuple[str, int]] = {}
    for number, value in changes:
        key = f"k{number}"
        if value is None:
            known.pop(key, None)
        else:
            known[key] = (key, value)
        rows.put(key, known.get(key))
    fresh: OrderedRows[tuple[str, int]] = OrderedRows(
        lambda row: row[1] or None, lambda row: row[0], lambda row: row[1] != 9, reverse=reverse
    )
    fresh.fill(known.items())
    assert rows.keys() == fresh.keys()
    values = [known[key][1] for key in rows.keys()]  # noqa: SIM118
    assert 9 not in values
    given = [value for value in values if value]
    assert given == sorted(given, reverse=reverse)
    assert values == given + [0] * (len(values) - len(given)), "unknown values come last either way"


@given(
    st.dictionaries(st.integers(0, 40), st.integers(0, 9), max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.one_of(st.none(), st.integers(0, 9))), max_size=20),
    st.integers(1, 7),
    st.booleans(),
)
def test_a_filter_in_pieces_finds_what_it_finds_at_once_while_rows_change(
    first: dict[int, int], changes: list[tuple[int, int | None]], size: int, narrower: bool
) -> None:
    known = {f"k{number}": (f"k{number}", value) for number, value in first.items()}
    rows: OrderedRows[tuple[str, int]] = OrderedRows(
        lambda row: row[1], lambda row: row[0], (lambda row: row[1] > 2) if narrower else None
    )
    rows.fill(known.items())
    shown, left, asked = rows.keys(), list(changes), 0

    def keep(row: tuple[str, int]) -> bool:
        nonlocal asked
        asked += 1
        return row[1] > 5

    for _ in rows.filter_in_pieces(keep, known.get, size, narrower):
        assert asked <= size, "a piece asks no more rows"
        assert rows.filtering and (changes or rows.keys() == shown), "the rows in sight stay until it is applied"
        if left:
            number, value = left.pop()
            key = f"k{number}"
            if value is None:
                known.pop(key, None)
            else:
                known[key] = (key, value)
            rows.put(key, known.get(key))
        asked = 0
    assert not rows.filtering and len(rows) == len(rows.keys())
    fresh: OrderedRows[tuple[str, int]] = OrderedRows(lambda row: row[1], lambda row: row[0], lambda row: row[1] > 5)
    fresh.fill(known.items())
    assert rows.keys() == fresh.keys()
