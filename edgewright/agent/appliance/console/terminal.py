"""A terminal by plain ANSI: raw keys in, complete frames out; works on the Linux console, vt100 and a serial line."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import tty
from typing import Any, List, Optional, Sequence

_KEYS = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "right", b"\x1b[D": "left", b"\x1bOA": "up", b"\x1bOB": "down",
    b"\x1bOC": "right", b"\x1bOD": "left", b"\x1b[Z": "backtab", b"\t": "tab", b"\r": "enter", b"\n": "enter",
    b"\x7f": "backspace", b"\x08": "backspace", b"\x15": "ctrl-u", b"\x0c": "redraw",
}  # fmt: skip
ESCAPE_WAIT = 0.3
"""Seconds in which the rest of an arrow key may follow its first byte; a serial line is slow."""


def split_keys(data: bytes) -> "tuple[List[str], bytes]":
    """Return the keys in some input and the beginning of a sequence that is not complete yet."""
    keys: List[str] = []
    while data:
        known = next((code for code in _KEYS if data.startswith(code)), None)
        if known is not None:
            keys.append(_KEYS[known])
            data = data[len(known) :]
        elif data[:1] == b"\x1b":
            if len(data) < 3 and (data[1:2] in (b"", b"[", b"O")):
                return keys, data
            end = 1
            if data[1:2] in (b"[", b"O"):
                end = 2
                while end < len(data) and not 0x40 <= data[end] <= 0x7E:
                    end += 1
                if end >= len(data) and len(data) < 12:
                    return keys, data
                end += 1
            else:
                keys.append("esc")
            data = data[end:]
        else:
            length = 1 if data[0] < 0x80 else 2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4
            if len(data) < length:
                return keys, data
            text = data[:length].decode("utf-8", "ignore")
            if len(text) == 1 and text.isprintable():
                keys.append(text)
            data = data[length:]
    return keys, b""


class Terminal:
    """Standard input and output as a screen. Use as a context: the line is put back as it was."""

    def __init__(self, source: int = 0, target: int = 1) -> None:
        self.source = source
        self.target = target
        self._before: Optional[List[Any]] = None
        self._shown: List[str] = []
        self._rest = b""

    def __enter__(self) -> "Terminal":
        try:
            self._before = termios.tcgetattr(self.source)
            tty.setraw(self.source)
            attributes = termios.tcgetattr(self.source)
            attributes[1] |= termios.OPOST | termios.ONLCR  # lines of the kernel come straight below each other
            termios.tcsetattr(self.source, termios.TCSANOW, attributes)
        except termios.error:
            self._before = None  # no terminal: frames are still written
        self._write("\x1b[?25l\x1b[2J")
        return self

    def __exit__(self, *what: object) -> None:
        self._write("\x1b[?25h\x1b[2J\x1b[H")
        if self._before is not None:
            termios.tcsetattr(self.source, termios.TCSADRAIN, self._before)

    def size(self) -> "tuple[int, int]":
        """Return width and height; a serial line has none and counts as 80x24."""
        try:
            rows, columns = struct.unpack("hh", fcntl.ioctl(self.target, termios.TIOCGWINSZ, b"\0" * 4))
        except OSError:
            rows, columns = 0, 0
        return (columns, rows) if columns >= 40 and rows >= 12 else (80, 24)

    def show(self, lines: Sequence[str], redraw: bool = False) -> None:
        """Draw a frame: what changed, or all of it. The last column stays free, so that no line wraps."""
        out = ["\x1b[2J"] if redraw else []
        for at, line in enumerate(lines):
            if redraw or at >= len(self._shown) or self._shown[at] != line:
                text = f"\x1b[7m{line}\x1b[K\x1b[0m" if at == 0 else line
                out.append(f"\x1b[{at + 1};1H{text}\x1b[K")
        if out:
            self._write("".join(out) + f"\x1b[{len(lines)};1H")
        self._shown = list(lines)

    def keys(self, seconds: float) -> List[str]:
        """Wait for keys; return them, empty after the time. Raises `EOFError` when the line is closed."""
        if self._rest:
            seconds = min(seconds, ESCAPE_WAIT)
        readable, _, _ = select.select([self.source], (), (), seconds)
        if not readable:
            rest, self._rest = self._rest, b""
            return ["esc"] if rest == b"\x1b" else []
        data = os.read(self.source, 256)
        if not data:
            raise EOFError
        keys, self._rest = split_keys(self._rest + data)
        return keys

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self.target, data) :]
