from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.lines import beside, clip_line, columns, cut, facts, line, pad, spread, text_of, wrap

TEXT = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x4E40, exclude_categories=["C", "M", "Z"]))


@given(TEXT, st.integers(1, 60))
def test_cut_and_pad_keep_the_width(text: str, width: int) -> None:
    assert line(cut(text, width)).width <= width
    assert line(pad(text, width)).width == width


@given(TEXT, TEXT, st.integers(4, 80))
def test_spread_and_clip_never_pass_the_width(left: str, right: str, width: int) -> None:
    assert clip_line(line(left, (right, "bad")), width).width <= width
    if line(right).width < width:
        assert spread([left], [right], width).width <= width


@given(st.lists(TEXT, max_size=12), st.integers(12, 60))
def test_wrap_loses_no_word(words: list[str], width: int) -> None:
    lines = wrap(" ".join(words), width)
    assert all(one.width <= width for one in lines)
    assert "".join(one.plain for one in lines).replace(" ", "") == "".join("".join(words).split())


def test_columns_align_right_where_the_width_is_negative() -> None:
    assert columns((("name", 6), ("12", -4), (("bad", "bad"), 3)), gap=1).plain == "name     12 bad"


def test_facts_put_labels_in_one_column() -> None:
    assert text_of(facts([("site", "berlin"), ("cluster", ("none", "muted"))], 8)) == "site      berlin\ncluster   none"


def test_beside_keeps_the_key_of_the_left_block() -> None:
    both = beside([line("a", key="host/a")], [line("b"), line("c")], 4)
    assert text_of(both) == "a     b\n      c"
    assert both[0].key == "host/a"
