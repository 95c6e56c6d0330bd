"""Changes of the screen as cells: what an emulator shows after them is what a full repaint by Textual would show."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from benchmarks.lib.emulator import XtermScreen, XtermStream
from tui.terminal.paint.cell_writer import Abilities, CellWriter
from tui.terminal.paint.cells import Cells, cells_of
from tui.terminal.paint.pens import Pens

WIDTH, HEIGHT = 40, 6
STYLES = [
    Style.parse(words)
    for words in (
        "#c9ced6 on #12161c",
        "bold #c9ced6 on #12161c",
        "#ff5f5f on #12161c",
        "#c9ced6 on #30404f",
        "reverse #c9ced6 on #12161c",
        "underline italic #79828f on #12161c",
        "dim green",
        "none",
    )
]
TEXTS = [
    "edge-00017",
    "edge-00018",
    "        ",
    " ",
    "──────────────",
    "▲ ",
    "漢字",
    "e\u0301te\u0301",
    "a",
    "12s",
    "9" * 15,
]
ALL = Abilities(colour_erase=True, erase_cells=True, repeat=True)
NONE = Abilities(colour_erase=False, erase_cells=False, repeat=False)


def emulator() -> tuple[XtermScreen, XtermStream]:
    screen = XtermScreen(WIDTH, HEIGHT)
    screen.reset_mode(7, private=True)  # Textual switches line wrap off
    return screen, XtermStream(screen)


def looks(screen: pyte.Screen) -> list[tuple[object, ...]]:
    """Return what can be seen of each cell."""
    cells: list[tuple[object, ...]] = []
    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            plain = cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough)
            cells.append((y, x, " ", cell.bg) if plain else (y, x, *cell))
    return cells


Rows = list[Strip]


def rows(rng: random.Random) -> Rows:
    """Return a random screen."""
    return [row(rng) for _ in range(HEIGHT)]


def row(rng: random.Random, texts: Sequence[str] = TEXTS) -> Strip:
    segments = [Segment(rng.choice(texts), rng.choice(STYLES)) for _ in range(rng.randrange(1, 9))]
    return Strip(segments).adjust_cell_length(WIDTH, rng.choice(STYLES))


def full_repaint(screen: Rows) -> list[tuple[object, ...]]:
    """Return what an emulator shows after Textual painted everything."""
    shown, stream = emulator()
    console = Console(force_terminal=True, color_system="truecolor")
    update = LayoutUpdate([[strip] for strip in screen], Region(0, 0, WIDTH, HEIGHT))
    stream.feed(update.render_segments(console).replace("\n", "\r\n").encode())
    return looks(shown)


@pytest.mark.parametrize("abilities", [ALL, NONE, Abilities(), Abilities(repeat=True, colour_erase=False)])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_sequence_of_updates_shows_what_full_repaints_show(abilities: Abilities, seed: int) -> None:
    rng, pens = random.Random(seed), Pens()
    writer, wanted, shown = CellWriter(pens, abilities), Cells(WIDTH, HEIGHT), Cells(WIDTH, HEIGHT)
    screen, stream = emulator()
    stream.feed(b"left by another program " * 9)
    frame = rows(rng)
    for turn in range(6):
        for y, strip in enumerate(frame):
            wanted.put(y, 0, strip, pens)
        stream.feed(writer.update(shown, wanted).encode())
        assert looks(screen) == full_repaint(frame)
        for _ in range(rng.randrange(1, 4)):
            frame[rng.randrange(HEIGHT)] = row(rng)
        if turn == 3:  # the program was suspended: another one wrote on the screen
            shown = Cells(WIDTH, HEIGHT)
            stream.feed("\x1b[m\x1b[2;3Hgarbage 漢字\x1b[41m\x1b[K".encode())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_part_of_a_row_can_be_put_anywhere(seed: int) -> None:
    rng, pens = random.Random(seed), Pens()
    writer, wanted, shown = CellWriter(pens, Abilities()), Cells(WIDTH, HEIGHT), Cells(WIDTH, HEIGHT)
    screen, stream = emulator()
    texts = [text for text in TEXTS if len(text) == cell_len(text) or text == "漢字"]  # a crop tears accents off
    frame = [row(rng, texts) for _ in range(HEIGHT)]
    for y, strip in enumerate(frame):
        wanted.put(y, 0, strip, pens)
    stream.feed(writer.update(shown, wanted).encode())
    for _ in range(5):
        y, x = rng.randrange(HEIGHT), rng.randrange(WIDTH - 4)
        end = rng.randrange(x + 1, WIDTH)
        new = row(rng, texts)
        wanted.put(y, x, new.crop(x, end), pens)
        frame[y] = Strip.join([frame[y].crop(0, x), new.crop(x, end), frame[y].crop(end)])
        stream.feed(writer.update(shown, wanted).encode())
        assert looks(screen) == full_repaint(frame)


def cost(before: Sequence[Segment], after: Sequence[Segment], abilities: Abilities = NONE) -> str:
    """Return what leads from one line to another."""
    pens = Pens()
    writer, wanted, shown = CellWriter(pens, abilities), Cells(WIDTH, 1), Cells(WIDTH, 1)
    wanted.put(0, 0, Strip(before).adjust_cell_length(WIDTH, STYLES[0]), pens)
    writer.update(shown, wanted)
    wanted.put(0, 0, Strip(after).adjust_cell_length(WIDTH, STYLES[0]), pens)
    return writer.update(shown, wanted)


def test_only_changed_cells_are_sent() -> None:
    plain = STYLES[0]
    assert cost([Segment("edge-00017 healthy", plain)], [Segment("edge-00017 healthy", plain)]) == ""
    colours = "\x1b[38;2;201;206;214;48;2;18;22;28m"
    changed = cost([Segment("edge-00017 healthy", plain)], [Segment("edge-00018 healthy", plain)])
    assert changed == f"\x1b[1;10H{colours}8\x1b[m"


def test_a_pen_changes_by_what_differs() -> None:
    pens = Pens()
    plain, bold, red = (pens.of(style) for style in STYLES[:3])
    assert pens.change(plain, bold) == "\x1b[1m"
    assert pens.change(bold, plain) == "\x1b[22m"
    assert pens.change(plain, red) == "\x1b[38;2;255;95;95m"
    assert pens.change(red, 0) == "\x1b[m"


def test_the_blank_end_of_a_line_is_erased_where_the_terminal_keeps_the_background() -> None:
    before, after = [Segment("x" * 30, STYLES[0])], [Segment("x", STYLES[0])]
    assert "\x1b[K" in cost(before, after, Abilities())
    assert "\x1b[K" not in cost(before, after, NONE)
    assert len(cost(before, after, Abilities())) < len(cost(before, after, NONE))


def test_wide_characters_and_accents_have_their_cells() -> None:
    assert cells_of("a漢b") == ("a", "漢", "", "b")
    assert cells_of("e\u0301x") == ("e\u0301", "x")


def test_the_cursor_is_left_where_it_is_read_or_typed() -> None:
    pens = Pens()
    writer, wanted, shown = CellWriter(pens, NONE), Cells(WIDTH, 1, " "), Cells(WIDTH, 1)
    assert writer.update(shown, wanted, (3, 0)).endswith("\x1b[1;4H")
    assert writer.update(shown, wanted, (3, 0)) == ""
    assert writer.update(shown, wanted, (7, 0)) == "\x1b[1;8H", "it moved, though no cell changed"
