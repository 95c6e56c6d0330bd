"""The stack of a profile and two texts side by side, as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.profiles.textdiff import side_by_side
from tui.widgets.lines import cut_left, line, text_of
from tui.widgets.profiles.diff import diff_lines, side_by_side_lines, unified_lines
from tui.widgets.profiles.stack import StackLayer, stack_lines

LAYERS = (
    StackLayer("os", "edge-native-byoi", "1.0.0", "1 reference", "layer/os"),
    StackLayer("k8s", "edge-k8s", "1.36.3", "", "layer/k8s"),
    StackLayer("cni", "cni-flannel", "0.28.9", "", "layer/cni"),
    StackLayer("addon", "first", "1.0.0", "", "layer/first"),
    StackLayer("addon", "second", "2.0.0", "", "layer/second"),
)
BEFORE = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\ni: 9\n"
AFTER = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 9\nnew: 1\ni: 9\n"


def test_the_stack_has_the_operating_system_at_the_bottom_and_the_last_add_on_on_top() -> None:
    drawn = text_of(stack_lines(LAYERS, 60, ("os", "k8s", "cni", "csi")))
    assert drawn.splitlines() == [
        "┌──────────────────────────────────────────────────────────┐",
        "│   add-on     second            2.0.0                     │",
        "│              first             1.0.0                     │",
        "├──────────────────────────────────────────────────────────┤",
        "│   storage    none                               optional │",
        "├──────────────────────────────────────────────────────────┤",
        "│   network    cni-flannel       0.28.9                    │",
        "├──────────────────────────────────────────────────────────┤",
        "│   Kubernetes edge-k8s          1.36.3                    │",
        "├──────────────────────────────────────────────────────────┤",
        "│   OS         edge-native-byoi  1.0.0         1 reference │",
        "└──────────────────────────────────────────────────────────┘",
    ]
    assert "▲ network    no layer" in text_of(stack_lines(LAYERS[:2], 60, ("os", "k8s", "cni", "csi"))), "it is needed"
    low = stack_lines(LAYERS, 60, ("os", "k8s", "cni", "csi"), low=True)
    assert len(low) == 8 and [each.key for each in low if each.key][-1] == "layer/os"


@pytest.mark.parametrize("width", [24, 30, 40, 60, 79, 130])
def test_a_stack_is_as_wide_as_its_room(width: int) -> None:
    assert {each.width for each in stack_lines(LAYERS, width, ("csi",))} == {width}


@given(st.lists(st.text(st.characters(exclude_categories=["C", "M"], max_codepoint=0x4E40), max_size=30), max_size=4))
def test_any_name_of_a_layer_stays_in_its_box(names: list[str]) -> None:
    layers = [StackLayer("addon", name or "x", name, name) for name in names]
    assert all(each.width <= 50 for each in stack_lines(layers, 50))


def test_two_texts_are_side_by_side_with_what_is_equal_folded() -> None:
    lines = side_by_side_lines(side_by_side(BEFORE, AFTER), 44, "before", "after", context=1)
    assert text_of(lines).splitlines() == [
        "before                 after",
        "    6 equal lines",
        "  7   g: 7           │   7   g: 7",
        "  8 ~ h: 8           │   8 ~ h: 9",
        "                     │   9 + new: 1",
        "  9   i: 9           │  10   i: 9",
    ]


def test_a_narrow_comparison_has_what_was_above_what_is() -> None:
    lines = unified_lines(side_by_side(BEFORE, AFTER), 30, "before", "after", context=1, key="layer")
    assert text_of(lines).splitlines() == [
        "- before",
        "+ after",
        "    6 equal lines",
        "  7   g: 7",
        "  8 - h: 8",
        "  8 + h: 9",
        "  9 + new: 1",
        " 10   i: 9",
    ]
    assert [each.key for each in lines if each.key] == ["layer"] * 3


def test_equal_texts_have_no_comparison_and_every_line_can_be_shown() -> None:
    assert diff_lines(side_by_side(BEFORE, BEFORE), 120) == []
    assert len(diff_lines(side_by_side(BEFORE, AFTER), 120, context=-1)) == 10


@given(st.text(max_size=200), st.text(max_size=200), st.integers(20, 160))
def test_a_comparison_never_passes_its_width_nor_has_control_characters(old: str, new: str, width: int) -> None:
    for each in diff_lines(side_by_side(old, new), width):
        assert each.width <= width and each.plain.isprintable()


@given(st.text(st.characters(exclude_categories=["C", "M"], max_codepoint=0x4E40), max_size=40), st.integers(1, 30))
def test_the_end_of_a_path_stays(path: str, width: int) -> None:
    assert line(cut_left(path, width)).width <= width
    assert path.endswith(cut_left(path, width).removeprefix("…"))
