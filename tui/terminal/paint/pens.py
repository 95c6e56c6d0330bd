"""Styles of cells as small numbers, and the shortest escape sequence from one to the next.

A *pen* is what SGR sequences set: attributes, foreground, background, and the link of OSC 8. Pen 0 is the default.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.color import ColorSystem
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.style import Style

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"}
_OFF |= {"21": "24", "51": "54", "52": "54", "53": "55"}
_DRAWN_ON_SPACES = frozenset({"4", "7", "9", "21", "51", "52", "53"})
"""Attributes that are seen where there is no letter."""
_DARK = ("31", "33", "34", "35")


class Pen(NamedTuple):
    """The attributes of a cell; colours are SGR parameters, empty for the terminal's own."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""
    link: str = ""


class Pens:
    """Numbers for styles. `blank[pen]` is equal for pens that look alike on a space."""

    def __init__(self, colours: ColorSystem = ColorSystem.TRUECOLOR, *, console: bool = False) -> None:
        """`console`: the terminal is that of the Linux kernel."""
        self._colours, self._console = colours, console
        self._by_style: dict[tuple[str, str], int] = {("", ""): 0}
        self._by_pen: dict[Pen, int] = {Pen(): 0}
        self._changes: dict[tuple[int, int], str] = {}
        self.pens: list[Pen] = [Pen()]
        self.blank: list[int] = [0]

    def of(self, style: Style | None) -> int:
        """Return the number of a style."""
        if style is None:
            return 0
        codes = style._ansi
        if codes is None:
            codes = Strip.render_ansi(style, self._colours)
        key = (codes, style._link or "")
        number = self._by_style.get(key)
        if number is None:
            pen = _parsed(codes, key[1])
            number = self._by_style[key] = self._number(_readable(pen) if self._console else pen)
        return number

    def _number(self, pen: Pen) -> int:
        number = self._by_pen.get(pen)
        if number is None:
            number = self._by_pen[pen] = len(self.pens)
            self.pens.append(pen)
            self.blank.append(number)
            if not pen.link and not pen.attributes & _DRAWN_ON_SPACES:
                self.blank[number] = self._number(Pen(background=pen.background))
        return number

    def plain_background(self, number: int) -> bool:
        """Whether erasing with this pen gives the cell that a space would give."""
        return not self.pens[number].attributes and not self.pens[number].link

    def change(self, before: int, after: int) -> str:
        """Return the escape sequences that lead from one pen to another."""
        if before == after:
            return ""
        key = (before, after)
        sequence = self._changes.get(key)
        if sequence is None:
            sequence = self._changes[key] = _change(self.pens[before], self.pens[after])
        return sequence


def _parsed(codes: str, link: str) -> Pen:
    attributes: set[str] = set()
    foreground = background = ""
    left = iter(codes.split(";")) if codes else iter(())
    for code in left:
        if code in ("38", "48"):
            kind = next(left, "5")
            colour = ";".join((code, kind, *(next(left, "0") for _ in range(3 if kind == "2" else 1))))
            foreground, background = (colour, background) if code == "38" else (foreground, colour)
        elif code in ("39", "49"):
            foreground, background = ("", background) if code == "39" else (foreground, "")
        elif len(code) == 2 and code[0] in "39":
            foreground = code
        elif (code[:1] == "4" and len(code) == 2) or len(code) == 3:
            background = code
        elif code:
            attributes.add(code)
    return Pen(frozenset(attributes), foreground, background, link)


def _readable(pen: Pen) -> Pen:
    """Return a pen that the Linux console draws so that it can be read.

    Dim is dark grey there, whatever the colour was, underlined is cyan, and reverse exchanges the colours before bold
    makes the letter brighter: dark grey on red, dark grey on light grey. The dark half of red, brown, blue and magenta
    is hard to read on black; dark grey as a background does not exist.
    """
    attributes, fore = set(pen.attributes - {"2", "3"}), pen.foreground
    back = "44" if pen.background == "100" else pen.background
    if "7" in attributes and not fore and not back:
        attributes -= {"1", "4"}
    elif "7" in attributes:
        attributes -= {"1", "4", "7"}
        ground = fore[-1:] or "7"
        back = f"4{ground}"
        fore = "30" if ground in "267" else "37"
        attributes |= {"1"} if fore == "37" else set()
    elif not back:
        attributes -= {"4"} if fore else set()
        attributes |= {"1"} if fore in _DARK else set()
    return Pen(frozenset(attributes), fore, back, pen.link)


def _change(before: Pen, after: Pen) -> str:
    out = "" if before.link == after.link else f"\x1b]8;;{after.link}\x1b\\"
    if before[:3] == after[:3]:
        return out
    off = {_OFF[code] for code in before.attributes - after.attributes if code in _OFF}
    stay = {code for code in after.attributes & before.attributes if _OFF.get(code) in off}
    step = [*sorted(off), *_sorted(after.attributes - before.attributes | stay)]
    if before.foreground != after.foreground:
        step.append(after.foreground or "39")
    if before.background != after.background:
        step.append(after.background or "49")
    fresh = [*_sorted(after.attributes), *(part for part in after[1:3] if part)]
    short = ";".join(step)
    complete = ";".join(["0", *fresh]) if fresh else ""
    return f"{out}\x1b[{short if len(short) < len(complete) else complete}m"


def _sorted(codes: Iterable[str]) -> list[str]:
    return sorted(codes, key=int)
