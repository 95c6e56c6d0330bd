"""From the bytes of a host to calls of an emulated terminal: a closed list of sequences, everything else does nothing.

Bounded: a sequence has at most 256 bytes, a number at most 9999, strings (titles, clipboards, device control) are
passed over without being stored. What is on the list moves, erases and colours within the emulated screen; only the
cursor's position and the kind of terminal are ever answered.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Any

MOST_SEQUENCE = 256
MOST_NUMBER, MOST_NUMBERS = 9999, 32
_SPECIAL = "\x00-\x1f\x7f\x80-\x9f"
_TEXT = re.compile(f"[^{_SPECIAL}]+")
_CSI = re.compile(r"\x1b\[([<-?]?)([0-9;:]*)([ -/]*)([@-~])")
_CSI_PART = re.compile(r"\x1b\[[<-?]?[0-9;:]*[ -/]*\Z")
_ESCAPE = re.compile(r"\x1b([ -/]*)([0-~])")
_ESCAPE_PART = re.compile(r"\x1b[ -/]*\Z")
_STRING_END = re.compile("[\x07\x1b\x18\x1a\x9c]")
_STRINGS = frozenset("]P_^X")

CSI: dict[str, str] = {
    "@": "insert_characters", "A": "cursor_up", "B": "cursor_down", "C": "cursor_forward", "D": "cursor_back",
    "E": "cursor_down1", "F": "cursor_up1", "G": "cursor_to_column", "H": "cursor_position", "L": "insert_lines",
    "M": "delete_lines", "P": "delete_characters", "S": "scroll_up", "T": "scroll_down", "X": "erase_characters",
    "`": "cursor_to_column", "a": "cursor_forward", "b": "repeat", "d": "cursor_to_line", "e": "cursor_down",
    "f": "cursor_position", "s": "save_cursor", "u": "restore_cursor", "I": "tabs_forward", "Z": "tabs_back",
}  # fmt: skip
"""Final byte to the call with its numbers, where nothing but numbers is in the sequence."""
ESCAPES: dict[str, str] = {
    "D": "index", "E": "next_line", "M": "reverse_index", "H": "set_tab_stop", "7": "save_cursor",
    "8": "restore_cursor", "c": "reset", "=": "keypad_on", ">": "keypad_off",
}  # fmt: skip
CONTROLS: dict[str, str] = {
    "\x08": "backspace", "\x09": "tab", "\x0a": "linefeed", "\x0b": "linefeed", "\x0c": "linefeed",
    "\x0d": "carriage_return", "\x0e": "shift_out", "\x0f": "shift_in", "\x07": "bell",
}  # fmt: skip


class Parser:
    """Feeds one emulated terminal (`emulator.Emulator`)."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._in_string = False
        self._csi: dict[str, Callable[..., None]] = {key: getattr(terminal, name) for key, name in CSI.items()}
        self._escapes: dict[str, Callable[[], None]] = {key: getattr(terminal, name) for key, name in ESCAPES.items()}
        self._controls: dict[str, Callable[[], None]] = {key: getattr(terminal, name) for key, name in CONTROLS.items()}

    def feed(self, data: bytes) -> None:
        """Work on bytes; what is cut at their end waits for the next ones."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        at, end = 0, len(text)
        draw, controls, text_at = self._terminal.draw, self._controls, _TEXT.match
        while at < end:
            if self._in_string:
                at = self._skip(text, at)
                continue
            match = text_at(text, at)
            if match is not None:
                draw(match.group())
                at = match.end()
                continue
            letter = text[at]
            if letter == "\x1b":
                after = self._sequence(text, at)
                if after == at:
                    return
                at = after
                continue
            call = controls.get(letter)
            if call is not None:
                call()
            at += 1

    def _skip(self, text: str, at: int) -> int:
        """Return where a string ends; without an end all of it is passed over."""
        match = _STRING_END.search(text, at)
        if match is None:
            return len(text)
        self._in_string = False
        if match.group() != "\x1b":
            return match.end()
        return match.start()  # ESC \ is a sequence that does nothing; another one begins there

    def _sequence(self, text: str, at: int) -> int:
        """Work on the sequence at `at`; return where it ends, `at` itself where it is not complete yet."""
        if text.startswith("\x1b[", at):
            match = _CSI.match(text, at)
            if match is not None:
                if match.end() - at <= MOST_SEQUENCE:
                    self._call(match.group(1), match.group(2), match.group(3), match.group(4))
                return match.end()
            if _CSI_PART.match(text, at) and len(text) - at <= MOST_SEQUENCE:
                self._rest = text[at:]
                return at
            return at + 2
        if text[at + 1 : at + 2] in _STRINGS and at + 1 < len(text):
            self._in_string = True
            return at + 2
        match = _ESCAPE.match(text, at)
        if match is not None:
            self._escape(match.group(1), match.group(2))
            return match.end()
        if _ESCAPE_PART.match(text, at) and len(text) - at <= 8:
            self._rest = text[at:]
            return at
        return at + 1

    def _escape(self, between: str, final: str) -> None:
        if between in ("(", ")"):
            self._terminal.define_charset(final, between)
        elif between == "#" and final == "8":
            self._terminal.alignment_display()
        elif not between and final in self._escapes:
            self._escapes[final]()

    def _call(self, private: str, numbers: str, between: str, final: str) -> None:
        terminal = self._terminal
        if between:
            return  # cursor shapes, soft resets, requests: none of them
        if final == "m":
            if not private:
                terminal.select_graphic_rendition(*_colours(numbers))
            return
        values = _numbers(numbers)
        if private == "?":
            if final in "hl":
                terminal.private_modes(values, final == "h")
            elif final in "JK":
                (terminal.erase_in_display if final == "J" else terminal.erase_in_line)(_how(values))
            return
        if private:
            if private == ">" and final == "c" and values[:1] in ([], [0]):
                terminal.answer("\x1b[>0;0;0c")
            return
        if final in self._csi:
            count = 2 if final in "Hf" else 0 if final in "su" else 1
            self._csi[final](*values[:count])
        elif final in "JK":
            (terminal.erase_in_display if final == "J" else terminal.erase_in_line)(_how(values))
        elif final == "r":
            terminal.set_margins(*values[:2])
        elif final in "hl":
            terminal.modes(values, final == "h")
        elif final == "g":
            terminal.clear_tab_stop(_how(values))
        elif final == "n" and values[:1] in ([5], [6]):
            terminal.report(values[0])
        elif final == "c" and values[:1] in ([], [0]):
            terminal.answer("\x1b[?6c")


def _numbers(text: str) -> list[int]:
    if not text:
        return []
    return [min(int(part[:6] or 0), MOST_NUMBER) if part[:6].isdigit() or not part else 0
            for part in text.split(";", MOST_NUMBERS)[:MOST_NUMBERS]]  # fmt: skip


def _how(values: list[int]) -> int:
    return values[0] if values else 0


def _colours(text: str) -> list[int]:
    """Return the numbers of SGR; of the form with colons (`38:2::1:2:3`, `4:3`) what the one with semicolons has."""
    if ":" not in text:
        return _numbers(text)
    result: list[int] = []
    for group in text.split(";", MOST_NUMBERS)[:MOST_NUMBERS]:
        parts = group.split(":")[:8]
        if parts[0] in ("38", "48") and len(parts) > 2:
            colour = [part for part in parts[2:] if part][-3:] if parts[1] == "2" else parts[2:3]
            result += _numbers(";".join([parts[0], parts[1], *colour]))
        elif parts[0] == "4":
            result.append(24 if parts[1:2] == ["0"] else 4)
        elif parts[0] not in ("58", "38", "48"):
            result += _numbers(parts[0])
    return result
