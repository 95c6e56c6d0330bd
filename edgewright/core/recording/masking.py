"""The output of a terminal without the secrets that are known as such: the same bytes, stars in place of secrets.

Output arrives in pieces of any size, cut within a word or an escape sequence. It waits here until its line is
complete, so that it makes no difference where a piece ends; a recording is read later, and each piece has its own time.
Escape sequences between the letters of a secret (colours, a cursor that moves) do not hide it: the rules see the text
without them. What asks a terminal for something, or sets its title or clipboard, is left out: who plays a recording
wants to see it, not to run it.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from edgewright.core.recording.spans import SecretSpans, by_rules, is_base64, merged

MOST_WAITING = 16_384
"""Bytes that wait at most; a longer line is looked at in parts."""
OVERLAP = 2048
"""Bytes of a longer line that are looked at again with its next part."""
NAME = 512
"""Bytes before a value in which its name is."""
MOST_INDENT = 200
"""Spaces that are taken for the column of a cursor at most."""
LINE = b"\n"

_STRING_BEGIN = rb"\x1b[\]PX^_][^\x07\x18\x1a\x1b]*"
_STRINGS = _STRING_BEGIN + rb"(?:[\x07\x18\x1a]|\x1b\\|(?=\x1b)|\Z)"
_TOKEN = re.compile(
    rb"(?P<string>" + _STRINGS + rb")"
    rb"|(?P<csi>\x1b\[[0-?]{0,256}[ -/]{0,8}(?P<final>[@-~])?)"
    rb"|(?P<escape>\x1b(?:[ -/][ -~]?|[0-~])?)"
    rb"|(?P<return>\r(?!\n))"
    rb"|(?P<back>\x08)"
    rb"|(?P<control>[\x00-\x07\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f]|\r(?=\n)|\xc2[\x80-\x9f])"
    rb"|(?P<text>(?:[^\x00-\x08\x0b-\x1f\x7f\xc2]+|\xc2(?![\x80-\x9f]))+)"
)
_MOVES = frozenset(b"ABEFHJLMSTdfrsu")
"""Final bytes of sequences after which text is at another place: the text before and after is not one word."""
_ASKS = frozenset(b"cinpqtxy")
"""Final bytes of sequences that a terminal answers or that change more than its picture."""
_ESCAPE_MOVES = frozenset(b"DMEc78")
_SIMPLE = re.compile(rb"\x1b|\x08|\x05|\xc2[\x80-\x9f]|\r(?!\n)")
_COMPLETE_STRING = re.compile(
    rb"(?<!\x1b)\x1b*" + _STRING_BEGIN + rb"(?:[\x07\x18\x1a]|\x1b\\|(?=\x1b[^\\]))", re.DOTALL
)
_OPEN_STRING = re.compile(rb"(?<!\x1b)\x1b*(?:" + _STRING_BEGIN + rb")?\x1b?\Z")
_OPEN = re.compile(rb"(?:\x1b(?:\[[0-?]{0,256}[ -/]{0,8}|[ -/]?)|\xc2)\Z")


class Piece(NamedTuple):
    """Output with the seconds at which it came."""

    at: float
    data: bytes


class Masker:
    """One terminal; `feed` its output in order, `finish` at its end. Both return what can be stored now."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._times: list[tuple[int, float]] = []
        """Where in what waits each piece begins, and when it came."""
        self._spans = SecretSpans()
        self._open = b""
        """The begin of a title, a clipboard or the like whose end has not come, or of what may be one."""

    @property
    def masked(self) -> int:
        """Number of different values that were masked."""
        return self._spans.count

    def feed(self, at: float, data: bytes) -> list[Piece]:
        """Take output that came `at` these seconds."""
        if self._open or b"\x1b" in data:
            data = self._without_strings(data)
        if not data:
            return []
        self._times.append((len(self._waiting), at))
        self._waiting += data
        end = self._waiting.rfind(LINE) + 1 if LINE in data else 0
        if end:
            last = bytes(self._waiting[self._waiting.rfind(LINE, 0, end - 1) + 1 : end])
            if len(last) < 1024 and is_base64(_plain(last)[0]):  # the last line of a private key, as the next one shows
                end -= len(last)
        ready = self._give(end) if end else []
        while len(self._waiting) > MOST_WAITING and (part := self._give_part()):
            ready += part
        return ready

    def finish(self) -> list[Piece]:
        """Return the rest."""
        return self._give(len(self._waiting)) if self._waiting else []

    def _without_strings(self, data: bytes) -> bytes:
        """Return output without titles, clipboards and the like, which may have line ends in them and no end at all."""
        data = _COMPLETE_STRING.sub(b"", self._open + data)
        match = _OPEN_STRING.search(data)
        if match is None or not match.group():
            self._open = b""
            return data
        lone = match.group().strip(b"\x1b") == b""
        self._open = b"\x1b" if lone else b"\x1b]" + (b"\x1b" if match.group().endswith(b"\x1b") else b"")
        return data[: match.start()]

    def _give_part(self) -> list[Piece]:
        """Give out the begin of a line that is too long, up to where the cursor was moved, or all but its end."""
        output = bytes(self._waiting)
        move = max((m.start() for m in _TOKEN.finditer(output) if _is_move(m)), default=0)
        if move > OVERLAP:
            return self._give(move)
        plain, places = _plain(output)
        cut, before = len(output) - OVERLAP, 0
        for start, end in merged(by_rules(plain)):
            first, last = _place(places[start]), _place(places[end - 1]) + 1
            if first >= cut + NAME:
                break
            if last > len(output) - NAME and len(output) < 4 * MOST_WAITING:  # it may continue: it stays, with its name
                cut = min(cut, max(before, first - NAME))
                break
            cut, before = max(cut, last), last  # a name and its value are looked at together
        cut = open_end(output[:cut])
        return self._give(cut) if cut > 0 else []

    def _give(self, end: int) -> list[Piece]:
        output = bytes(self._waiting[:end])
        covered = self._covered(output)
        result: list[Piece] = []
        bounds = [start for start, _ in self._times if start < end] + [end]
        for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
            data = covered.slice(start, stop)
            if data:
                result.append(Piece(self._times[number][1], data))
        rest = [(start - end, at) for start, at in self._times if start > end]
        if end < len(self._waiting):
            last = [at for start, at in self._times if start <= end]
            rest.insert(0, (0, last[-1]))
        self._times = rest
        del self._waiting[:end]
        return result

    def _covered(self, output: bytes) -> _Covered:
        if not _SIMPLE.search(output):
            spans = self._spans.find(output)
            return _Covered(output, [place for start, end in spans for place in range(start, end)], ())
        plain, places = _plain(output)
        hidden = {place for start, end in self._spans.find(plain) for place in range(start, end)}
        joined, joined_places = _plain(output, joined=True)
        cover = {places[each] for each in hidden if places[each] >= 0}
        for start, end in merged(by_rules(joined, names=False)):
            cover.update(joined_places[start:end])
        erased = _erased(output, cover)
        left_out = [match.span() for match in _TOKEN.finditer(output) if _is_left_out(match)]
        return _Covered(output, sorted(cover | erased), left_out)


class _Covered:
    """Bytes of which some are covered by stars and some are left out; `slice` gives a part of them."""

    def __init__(self, output: bytes, cover: list[int], parts: list[tuple[int, int]] | tuple[()]) -> None:
        data = bytearray(output)
        self._left_out = bytearray(len(output)) if cover or parts else b""
        for place in cover:
            byte = data[place]
            if byte in b"\r\n\t":
                continue
            if 0x80 <= byte < 0xC0:
                self._left_out[place] = 1  # type: ignore[index]
            else:
                data[place] = ord("*")
        for start, end in parts:
            self._left_out[start:end] = b"\1" * (end - start)  # type: ignore[index]
        self._data = bytes(data)

    def slice(self, start: int, end: int) -> bytes:
        part = self._data[start:end]
        if not self._left_out:
            return part
        left_out = self._left_out[start:end]
        return part if not any(left_out) else bytes(b for b, out in zip(part, left_out) if not out)


def plain_text(data: bytes) -> bytes:
    """Return what a terminal was shown as lines, without colours; a cursor that moves begins a new line."""
    return _plain(data, placed=False)[0]


def without_requests(data: bytes) -> bytes:
    """Return output without what asks the terminal for something or sets its title or clipboard.

    A sequence without its end is left out too: a terminal would end it with what is written next.
    """
    return _TOKEN.sub(lambda match: b"" if _is_left_out(match) or _is_open(match) else match.group(), data)


def open_end(data: bytes) -> int:
    """Return where a sequence begins that the end of the data cuts; the length of the data without one."""
    match = _OPEN.search(data, max(len(data) - 300, 0))
    return match.start() if match is not None else len(data)


def _plain(output: bytes, joined: bool = False, placed: bool = True) -> tuple[bytes, list[int]]:
    """Return the text that is shown, with the place of each of its bytes in `output`.

    A cursor that moves begins a new line, with the spaces before its column (their place is negative, see `_place`);
    `joined`: it does not, as in a text that is wrapped by the program. Without `placed` no place is given: a list of
    them has some 40 times the size of the text.
    """
    text = bytearray()
    places: list[int] = []

    def add(data: bytes, at: int) -> None:
        text.extend(data)
        if placed:
            places.extend(range(at, at + len(data)))

    for match in _TOKEN.finditer(output):
        kind, at = match.lastgroup, match.start()
        if kind == "text":
            add(match.group(), at)
        elif kind == "back":
            if text and text[-1] != 0x0A:
                text.pop()
                del places[-1:]
        elif kind == "control":
            continue
        elif kind == "return":
            if text[-1:] == b" ":  # how a shell wraps a long line that is typed
                text.pop()
                del places[-1:]
            elif not joined and text[-1:] != LINE:
                add(LINE, at)
        elif _is_move(match):
            if not joined:
                if text[-1:] != LINE:
                    add(LINE, at)
                indent = _column(match)
                text.extend(b" " * indent)
                places.extend([-1 - at] * indent if placed else ())
        elif match.group("final") in (b"C", b"G", b"a", b"`") and text[-1:] not in (b" ", LINE):
            add(b" ", at)
    return bytes(text), places


def _erased(output: bytes, cover: set[int]) -> set[int]:
    """Return the letters that were typed and erased again right behind something that is covered."""
    erased: set[int] = set()
    shown: list[int] = []
    for match in _TOKEN.finditer(output):
        if match.lastgroup == "text":
            shown.extend(range(match.start(), match.end()))
        elif match.lastgroup == "back" and shown:
            left = shown.pop()
            if left not in cover and shown and (shown[-1] in cover or shown[-1] in erased):
                erased.add(left)
    return erased


def _column(match: re.Match[bytes]) -> int:
    """Return how many cells are before the place where a sequence puts the cursor."""
    if match.group("final") not in (b"H", b"f"):
        return 0
    column = match.group()[2:-1].partition(b";")[2]
    return min(int(column[:4]) - 1, MOST_INDENT) if column[:4].isdigit() and int(column[:4]) else 0


def _place(place: int) -> int:
    """Return where in the output a byte of the plain text comes from; a negative place is that of a sequence."""
    return place if place >= 0 else -1 - place


def _is_move(match: re.Match[bytes]) -> bool:
    final = match.group("final")
    if final:
        return final[0] in _MOVES and not match.group().startswith(b"\x1b[?")
    return match.lastgroup == "escape" and match.group()[1:2] != b"" and match.group()[1] in _ESCAPE_MOVES


def _is_left_out(match: re.Match[bytes]) -> bool:
    kind, text, final = match.lastgroup, match.group(), match.group("final")
    if kind == "control":
        return text == b"\x05" or len(text) == 2  # a question, or what begins a sequence in one letter (C1)
    if kind == "escape":
        return text == b"\x1bZ"  # a question
    if match.group("string") is not None:
        return True
    return bool(final) and (
        final[0] in _ASKS or text[2:3] in (b">", b"=", b"<") or (final == b"u" and text[2:3] == b"?")
    )


def _is_open(match: re.Match[bytes]) -> bool:
    if match.lastgroup == "escape":
        return not b"0" <= match.group()[-1:] <= b"~"
    return match.group("csi") is not None and not match.group("final")
