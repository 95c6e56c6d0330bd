"""An emulated terminal on a real one, and back: what a shell shows stays when it becomes full screen and returns."""

from __future__ import annotations

import re
from typing import Any

from pyte import modes as mo

from tui.screens.site.shell.emulator import BRACKETED, CURSOR_KEYS, Emulator

RESET = (
    b"\x1b[?1l\x1b>\x1b[?6l\x1b[?7h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[?1049l"
    b"\x1b[?25h\x1b[r\x1b[m\x1b(B\x0f\r\n"
)
"""Switches off what a program of the host may have left switched on in the real terminal."""
MOST_TAIL = 262_144
"""Bytes of output that are emulated when the console is back; of earlier ones only the modes are."""
_MODES = re.compile(rb"\x1b\[\?[\d;]{1,64}[hl]|\x1b\[[\d;]{0,16}r|\x1b[=>c78]|\x1b\([B0]")
_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")


def painted(emulator: Emulator) -> bytes:
    """Return what brings an empty real terminal of the same size to what the emulated one shows, modes included."""
    out = ["\x1b[m"]
    if emulator.alternate:
        out.append("\x1b[?1049h")
    out.append("\x1b[2J\x1b[H")
    before: tuple[Any, ...] = ()
    for y in range(emulator.lines):
        row = emulator.buffer[y]
        last = max((x for x in row if x < emulator.columns), default=-1)
        out.append(f"\x1b[{y + 1};1H")
        for x in range(last + 1):
            cell = row[x]
            if cell.data:
                if cell[1:] != before:
                    out.append(_colours(cell))
                    before = cell[1:]
                out.append(cell.data)
    out.append("\x1b[m")
    if emulator.margins is not None:
        out.append(f"\x1b[{emulator.margins.top + 1};{emulator.margins.bottom + 1}r")
    for mode, name in ((CURSOR_KEYS, "1"), (BRACKETED, "2004")):
        if mode in emulator.mode:
            out.append(f"\x1b[?{name}h")
    out.append("\x1b=" if emulator.keypad else "\x1b>")
    out.append(f"\x1b[{emulator.cursor.y + 1};{min(emulator.cursor.x, emulator.columns - 1) + 1}H")
    out.append("\x1b[?25h" if mo.DECTCEM in emulator.mode else "\x1b[?25l")
    out.append(_colours(emulator.cursor.attrs))
    return "".join(out).encode("utf-8", "replace")


def _colours(cell: Any) -> str:
    codes = ["0"]
    for name, code in (("bold", "1"), ("italics", "3"), ("underscore", "4"), ("blink", "5"), ("reverse", "7"),
                       ("strikethrough", "9")):  # fmt: skip
        if getattr(cell, name):
            codes.append(code)
    for value, base in ((cell.fg, 30), (cell.bg, 40)):
        bright = value.startswith("bright")
        name = value.removeprefix("bright").replace("yellow", "brown")
        if name in _NAMES:
            codes.append(str(_NAMES.index(name) + base + (60 if bright else 0)))
        elif re.fullmatch("[0-9a-fA-F]{6}", value):
            codes.append(f"{base + 8};2;{int(value[:2], 16)};{int(value[2:4], 16)};{int(value[4:], 16)}")
    return f"\x1b[{';'.join(codes)}m"


class Tail:
    """The end of what was shown in full screen, and the modes that were set before that end."""

    def __init__(self) -> None:
        self._modes = b""
        self._stored = bytearray()

    def add(self, data: bytes) -> None:
        """Store output; the older half goes when there is too much."""
        self._stored += data
        if len(self._stored) > 2 * MOST_TAIL:
            cut = self._stored.find(b"\n", len(self._stored) - MOST_TAIL) + 1 or len(self._stored) - MOST_TAIL
            self._modes = b"".join(_MODES.findall(self._modes + bytes(self._stored[:cut])))[-MOST_TAIL:]
            del self._stored[:cut]

    def take(self) -> bytes:
        """Return what brings the emulated terminal to where the real one is, once."""
        data = self._modes + bytes(self._stored)
        self._modes, self._stored = b"", bytearray()
        return data
