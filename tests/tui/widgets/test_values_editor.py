"""The values editor: paths and colours of lines, indentation, marks, and lines that are painted once for their text."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widgets import TextArea

from tests.tui.driving import wait_until
from tui.widgets.values_editor.editor import ValuesEditor
from tui.widgets.values_editor.highlight import MAX_COLUMNS, parts_of
from tui.widgets.values_editor.places import indent_after, path_at

TEXT = """\
pack:
  content:
    images:
      - image: a/b:c
        tag: 1
      -
        image: d
  # a note
"charts":
  web:
    ports:
    - name: http
      port: 80

    host: "{{.spectro.var.x}}.example"
list:
- one
"""
PATHS = [
    "pack", "pack.content", "pack.content.images", "pack.content.images[].image", "pack.content.images[].tag",
    "pack.content.images[]", "pack.content.images[].image", "pack", "charts", "charts.web", "charts.web.ports",
    "charts.web.ports[].name", "charts.web.ports[].port", "", "charts.web.host", "list", "list[]", "",
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(PATHS)))
def test_the_path_of_a_line_follows_from_its_indentation(row: int) -> None:
    lines = TEXT.split("\n")
    assert path_at(row, lines.__getitem__) == PATHS[row]


@pytest.mark.parametrize(
    "text", ["\t\ta: 1", "a:\n\tb", "- - - x: 1", "{a: [1", "'", '"', ": :", "? x", "\x00", "-" * 5000]
)
def test_no_text_stops_the_path(text: str) -> None:
    lines = text.split("\n")
    for row in range(len(lines)):
        path_at(row, lines.__getitem__)
        parts_of(lines[row])


@pytest.mark.parametrize(
    ("line", "coloured"),
    [
        ("replicas: 3 # many", {"replicas": "accent", "3": "info", "# many": "muted"}),
        ('  "a b": true', {'"a b"': "accent", "true": "info"}),
        ('host: "x-{{.spectro.var.a}}"', {"host": "accent", "{{.spectro.var.a}}": "work"}),
        ("- image: nginx:1.0", {"image": "accent"}),
        ("url: http://x.example/#part", {"url": "accent"}),
        ("text: 'it is # not a comment'", {"text": "accent"}),
        ("---", {"---": "muted"}),
        ("a: &base [1, x2]", {"a": "accent", "&base": "muted", "1": "info"}),
        ("plain words 3", {}),
        ("", {}),
    ],
)
def test_parts_of_a_line_have_the_colour_of_their_meaning(line: str, coloured: dict[str, str]) -> None:
    parts = {line[part.start : part.end]: part.role for part in parts_of(line) if line[part.start : part.end] != "-"}
    assert parts == coloured


def test_a_long_line_is_looked_at_up_to_a_bound() -> None:
    line = "a: " + "1, " * 100_000
    assert all(part.end <= MAX_COLUMNS for part in parts_of(line))


@pytest.mark.parametrize(
    ("line", "indent"),
    [("a:", 2), ("  a:", 4), ("a: 1", 0), ("  - a: 1", 4), ("- a:", 4), ("  - one", 2), ("# a:", 0), ("", 0)],
)
def test_a_new_line_begins_below_the_one_before(line: str, indent: int) -> None:
    assert indent_after(line) == " " * indent


class Editing(App[None]):
    def __init__(self, text: str, most: int = 1_000) -> None:
        super().__init__()
        self.editor = ValuesEditor(text, most=most)
        self.reported: list[object] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        names = ("muted", "work", "info", "bad", "warn")
        return {**dict.fromkeys(names, "#808080"), "row-cursor-background": "#203040", "row-cursor-style": "none"}

    def compose(self) -> ComposeResult:
        yield self.editor

    def on_mount(self) -> None:
        self.editor.focus()

    def on_values_editor_too_large(self, event: ValuesEditor.TooLarge) -> None:
        self.reported.append(event)

    def on_values_editor_moved(self, event: ValuesEditor.Moved) -> None:
        self.reported.append(event.row)


async def test_keys_indent_begin_lines_and_are_taken_back() -> None:
    app = Editing("a:")
    async with app.run_test() as pilot:
        await pilot.press("end", "enter", *"b: 1")
        assert app.editor.text == "a:\n  b: 1"
        await pilot.press("shift+tab")
        assert app.editor.text == "a:\nb: 1"
        await pilot.press("ctrl+home", "shift+down", "shift+end", "tab")
        assert app.editor.text == "  a:\n  b: 1"
        await pilot.press("ctrl+end", "enter", "tab", "x")
        assert app.editor.text == "  a:\n  b: 1\n    x"
        app.editor.put("c: 2\n")
        await pilot.press("ctrl+z")
        assert app.editor.text == "  a:\n  b: 1\n    x"


async def test_a_text_that_is_pasted_has_no_tabs_and_is_bounded() -> None:
    app = Editing("")
    async with app.run_test() as pilot:
        app.editor.post_message(events.Paste("a:\r\n\tb: 1\n"))
        await wait_until(pilot, lambda: app.editor.text)
        assert app.editor.text == "a:\n  b: 1\n"
        app.editor.post_message(events.Paste("x" * 2_000))
        await wait_until(pilot, lambda: any(isinstance(each, ValuesEditor.TooLarge) for each in app.reported))
        assert app.editor.text == "a:\n  b: 1\n"


def painted(editor: ValuesEditor) -> list[Strip]:
    return [editor.render_line(row).simplify() for row in range(editor.size.height)]


async def test_lines_from_the_cache_are_those_that_would_be_painted() -> None:
    app = Editing(TEXT * 4)
    async with app.run_test(size=(40, 20)) as pilot:
        editor = app.editor
        for keys in (
            [],
            ["down"] * 8,
            [*"new"],
            ["enter"],
            ["shift+down", "shift+down"],
            ["left"] * 3,
            ["pagedown"],
            ["end"],
        ):
            await pilot.press(*keys)
            cached = painted(editor)
            editor._strips.clear()
            assert painted(editor) == cached, keys
        editor.set_marks({editor.scroll_offset.y: "error", editor.scroll_offset.y + 1: "warning"})
        await pilot.pause()
        shown = [strip.text for strip in painted(editor)]
        assert "▲" in shown[0] and "‼" in shown[1]
        editor.set_marks({})
        await pilot.pause()
        assert "▲" not in painted(editor)[0].text


async def test_the_editor_reports_another_line_and_shows_what_a_text_area_shows() -> None:
    app = Editing(TEXT)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "down")
        await wait_until(pilot, lambda: app.reported == [1, 2])
        app.editor.go_to(11)
        await wait_until(pilot, lambda: app.editor.path == "charts.web.ports[].name")
        stock = [TextArea.render_line(app.editor, row).text for row in range(18)]
        assert [app.editor.render_line(row).text for row in range(18)] == stock
