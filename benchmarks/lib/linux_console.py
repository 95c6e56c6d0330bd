"""What the Linux console makes of the escape sequences of a program: sixteen colours, by the rules of its kernel.

`drivers/tty/vt/vt.c`: bold is the bright half of the foreground, dim is always dark grey, underlined is always cyan and
italic always green (colour screens draw none of them), and reverse exchanges the colours *before* bold is applied: a
bold reversed cell has a dark grey letter, and a dim reversed one is not reversed at all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pyte.screens import Char

from benchmarks.lib.emulator import XtermScreen

PALETTE = (
    "#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa",
    "#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff",
)  # fmt: skip
"""Colours by their ANSI number, the bright ones from 8 on."""
GREY, ITALIC, UNDERLINED, HALF = 7, 2, 6, 8


class Sgr(NamedTuple):
    """What SGR sequences have set; `intensity` is -1 dim, 1 bold."""

    foreground: int = GREY
    background: int = 0
    intensity: int = 0
    italic: bool = False
    underline: bool = False
    reverse: bool = False

    def colours(self) -> tuple[int, int]:
        """Return foreground and background as the kernel computes them (`build_attr`)."""
        fore, back = self.foreground, self.background
        if self.italic:
            fore = ITALIC
        elif self.underline:
            fore = UNDERLINED
        elif self.intensity < 0:
            fore = HALF
        if self.reverse:
            fore, back = fore & 8 | back & 7, fore & 7
        return fore ^ 8 if self.intensity > 0 else fore, back


class LinuxConsole(XtermScreen):
    """A screen whose cells have the numbers of their two colours, as text in `fg` and `bg`."""

    def __init__(self, columns: int, lines: int) -> None:
        self._sgr = Sgr()
        super().__init__(columns, lines)

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        """Take colours and attributes; what the console does not know is ignored."""
        codes, sgr = list(attrs or (0,)), self._sgr
        while codes:
            code = codes.pop(0)
            if code == 0:
                sgr = Sgr()
            elif code in (1, 2, 22):
                sgr = sgr._replace(intensity={1: 1, 2: -1, 22: 0}[code])
            elif code in (3, 23):
                sgr = sgr._replace(italic=code == 3)
            elif code in (4, 21, 24):
                sgr = sgr._replace(underline=code != 24)
            elif code in (7, 27):
                sgr = sgr._replace(reverse=code == 7)
            elif 30 <= code <= 37:
                sgr = sgr._replace(foreground=code - 30)
            elif 90 <= code <= 97:
                sgr = sgr._replace(foreground=code - 90, intensity=1)
            elif code == 39:
                sgr = sgr._replace(foreground=GREY)
            elif 40 <= code <= 47 or 100 <= code <= 107:
                sgr = sgr._replace(background=code % 10)
            elif code == 49:
                sgr = sgr._replace(background=0)
            elif code in (38, 48):
                raise AssertionError("a colour beyond sixteen for a console that has no more")
        self._sgr = sgr
        fore, back = sgr.colours()
        self.cursor.attrs = Char(" ", str(fore), str(back))

    def colours_at(self, row: int, column: int) -> tuple[int, int]:
        """Return the numbers of the colours of a cell: letter and background."""
        cell = self.buffer[row][column]
        return GREY if cell.fg == "default" else int(cell.fg), 0 if cell.bg == "default" else int(cell.bg)

    def svg(self) -> str:
        """Return a picture of the screen."""
        width, height = 9, 18
        size = f'width="{self.columns * width}" height="{self.lines * height}"'
        font = 'font-family="DejaVu Sans Mono, monospace" font-size="15"'
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} xml:space="preserve">']
        for y in range(self.lines):
            for x in range(self.columns):
                fore, back = self.colours_at(y, x)
                out.append(
                    f'<rect x="{x * width}" y="{y * height}" width="{width}" height="{height}" fill="{PALETTE[back]}"/>'
                )
                if letter := self.buffer[y][x].data.strip():
                    letter = letter.replace("&", "&amp;").replace("<", "&lt;")
                    out.append(f'<text x="{x * width}" y="{y * height + 14}" fill="{PALETTE[fore]}">{letter}</text>')
        return "\n".join([*out, "</svg>"])


def contrast(one: int, other: int) -> float:
    """Return the contrast of two colours, 1.0 to 21.0, as WCAG computes it."""

    def light(number: int) -> float:
        parts = (int(PALETTE[number][at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)
