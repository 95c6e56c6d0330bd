"""Lines of a log where they are wrapped: how many rows each takes is asked for once."""

from __future__ import annotations

from typing import Any

from tui.widgets.log_view import LogView


class Asked:
    """A view, and the items whose rows it asked for."""

    def __init__(self) -> None:
        self.of: list[Any] = []
        self.view = LogView(lambda item, width: (), self._rows, lambda item: False)

    def _rows(self, item: Any, width: int) -> int:
        self.of.append(item)
        return int(item[0]) * width

    def sizes(self, items: list[Any], width: int = 1, look: object = None) -> list[int]:
        self.of.clear()
        return self.view._sizes_of(items, width, look)


def test_new_items_alone_are_asked_while_the_oldest_go_and_all_of_them_when_anything_else_changes() -> None:
    asked, items = Asked(), [[number] for number in range(10)]
    assert asked.sizes(items[:6]) == [0, 1, 2, 3, 4, 5]
    assert asked.sizes(items[2:9]) == [2, 3, 4, 5, 6, 7, 8] and asked.of == items[6:9]
    assert asked.sizes(items[2:9]) == [2, 3, 4, 5, 6, 7, 8] and not asked.of
    late = [*items[2:5], [40], *items[5:10]]
    assert asked.sizes(late) == [2, 3, 4, 40, 5, 6, 7, 8, 9] and len(asked.of) == 9
    assert asked.sizes(late, width=2) == [4, 6, 8, 80, 10, 12, 14, 16, 18]
    assert asked.sizes(late, 2, "wider names") == [4, 6, 8, 80, 10, 12, 14, 16, 18] and len(asked.of) == 9
    assert asked.sizes([]) == [] and asked.sizes(items[:2]) == [0, 1]
