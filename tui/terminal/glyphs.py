"""Line filters: every glyph that the terminal's font lacks becomes one that it has, of the same width."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

CP437 = frozenset(
    "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼⌂"
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■"
)
"""What the Linux console's font has beyond ASCII."""
STATE_ASCII = {"•": ".", "▲": "!", "○": "?", "►": ">", "‼": "@", "▬": "=", "■": "#", "√": "v"}
"""The signs of the states, as drawn where only ASCII is sure."""
_TO_ASCII = {
    **STATE_ASCII,
    **dict.fromkeys("─━═╌╍┄┅┈┉╴╶▔", "-"),
    **dict.fromkeys("│┃║▏▕▎▍▌▐╎╏┆┇┊┋", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬╭╮╰╯┏┓┗┛┣┫┳┻╋╒╓╕╖╘╙╛╜╞╡╢╟╤╧╨╥╪╫", "+"),
    **dict.fromkeys("█▉▊▋▇▆▓▒▀", "#"),
    **{"▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "="},  # the heights of a sparkline stay apart
    **{"░": ":"},
    **{"…": "~", "›": ">", "‹": "<", "»": ">", "«": "<", "→": ">", "←": "<", "↑": "^", "↓": "v", "▼": "v", "◄": "<"},
    **{
        "·": ".",
        "∙": ".",
        "–": "-",
        "—": "-",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "×": "x",
        "°": "o",
        "\u00a0": " ",
    },
    **{"▶": ">", "◀": "<", "●": "*", "◉": "*", "◆": "*", "✓": "v", "✗": "x", "✔": "v", "❯": ">", "▸": ">", "▾": "v"},
}
_TO_CONSOLE = {
    **dict.fromkeys("━╌╍┄┅┈┉╴╶", "─"),
    **dict.fromkeys("┃╎╏┆┇┊┋", "│"),
    **dict.fromkeys("╭┏", "┌"),
    **dict.fromkeys("╮┓", "┐"),
    **dict.fromkeys("╰┗", "└"),
    **dict.fromkeys("╯┛", "┘"),
    **{"┣": "├", "┫": "┤", "┳": "┬", "┻": "┴", "╋": "┼"},
    **dict.fromkeys("▇▆▉▊▋", "█"),
    **dict.fromkeys("▅▃▂", "▄"),
    **dict.fromkeys("▏▎▍", "▌"),
    **{"▁": "_", "▔": "▀", "▕": "▐", "…": "~", "›": ">", "‹": "<", "▶": "►", "◀": "◄", "●": "•", "✓": "√", "✔": "√"},
    **{
        "–": "-",
        "—": "-",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "×": "x",
        "\u00a0": " ",
        "▸": "►",
        "▾": "▼",
        "❯": ">",
    },
}


@lru_cache(4096)
def _ascii_of(character: str) -> str:
    return _fitting(character, _TO_ASCII, frozenset())


def _line_of(character: str) -> str:
    return " " if "\u2500" <= character <= "\u259f" else _ascii_of(character)


@lru_cache(4096)
def _console_of(character: str) -> str:
    return _fitting(character, _TO_CONSOLE, CP437)


def _fitting(character: str, table: dict[str, str], known: frozenset[str]) -> str:
    """Return what replaces a character: itself, its sign, its letter without accents, or a question mark."""
    if character < "\x7f" or character in known:
        return character
    if character in table:
        return table[character]
    width = cell_len(character)
    if width == 0:
        return ""
    plain = "".join(item for item in unicodedata.normalize("NFKD", character) if " " <= item < "\x7f")
    return plain if len(plain) == width else "?" * width


class AsciiFilter(LineFilter):
    """Leaves nothing but ASCII on the screen; widths stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with every other glyph replaced."""
        return [_replaced(segment, _ascii_of) for segment in segments]


class LinesFilter(LineFilter):
    """Leaves text alone, for a screen reader: box glyphs, rules and bars become spaces, signs become ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with every other glyph replaced."""
        return [_replaced(segment, _line_of) for segment in segments]


class ConsoleFilter(LineFilter):
    """Leaves only what the Linux console's CP437 font has."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with every other glyph replaced."""
        return [_replaced(segment, _console_of) for segment in segments]


def _replaced(segment: Segment, replace: Callable[[str], str]) -> Segment:
    text, style, control = segment
    if control or text.isascii():
        return segment
    return Segment("".join(map(replace, text)), style, control)
