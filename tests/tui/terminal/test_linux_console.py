"""Colours of the Linux console, as its kernel computes them: every text can be read, and states look different."""

from __future__ import annotations

from itertools import product

import pytest
from rich.color import ColorSystem
from rich.style import Style

from benchmarks.lib.emulator import XtermStream
from benchmarks.lib.linux_console import LinuxConsole, Sgr, contrast
from tui.terminal.paint.pens import Pens
from tui.theme import files as theme_files
from tui.widgets.roles import role_style

LEAST = 4.5
"""The contrast that WCAG asks of text."""
COLOURS = (None, "red", "green", "yellow", "blue", "magenta", "cyan", "white")
TEXT_STYLES = tuple(
    Style(bold=bold or None, dim=dim or None, underline=underline or None, reverse=reverse or None)
    for bold, dim, underline, reverse in product((False, True), repeat=4)
)


def drawn(style: Style, *, console: bool = True) -> tuple[int, int]:
    """Return the colours, letter and background, in which the console shows a style."""
    pens = Pens(ColorSystem.STANDARD, console=console)
    screen = LinuxConsole(10, 2)
    XtermStream(screen).feed(f"{pens.change(0, pens.of(style))}x".encode())
    return screen.colours_at(0, 0)


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_every_style_can_be_read(colour: str | None) -> None:
    for style in TEXT_STYLES:
        wanted = style + Style(color=colour)
        least = 4.0 if colour == "blue" else LEAST  # no theme has text in it
        assert contrast(*drawn(wanted)) >= least, str(wanted)
        assert (drawn(wanted)[1] != 0) is bool(wanted.reverse), f"{wanted}: a row under the cursor has no holes"


def test_why_styles_are_not_left_to_the_console() -> None:
    """As `build_attr` of the kernel has it; other terminals draw these well."""
    assert drawn(Style(bold=True, reverse=True, color="red"), console=False) == (8, 1)
    assert drawn(Style(dim=True, reverse=True), console=False) == (8, 0), "not reversed at all"
    assert Sgr(1, 0, underline=True).colours() == (6, 0) and Sgr(1, 0, intensity=-1).colours() == (8, 0)
    assert contrast(8, 1) < 1.1 and contrast(8, 0) < 3


def test_red_amber_and_green_differ_also_under_the_cursor() -> None:
    read = theme_files.load([theme_files.builtin_dir()])
    variables = read.themes["ansi-dark"].variables
    assert variables["row-cursor-style"] == "reverse"
    for under in (Style(), Style(reverse=True)):
        seen = [drawn(role_style(role, {**variables, **colours()}) + under) for role in ("bad", "warn", "ok", "parked")]
        assert len(set(seen)) == len(seen) and all(contrast(*each) >= LEAST for each in seen)


def colours() -> dict[str, str]:
    return {"bad": "ansi_red", "warn": "ansi_yellow", "ok": "ansi_green", "parked": "ansi_magenta"}
