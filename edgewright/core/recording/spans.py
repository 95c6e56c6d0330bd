"""Where the secrets are in the plain text of a terminal, by the rules of `core.redaction`.

The rules replace a secret by a text of another length. A recording needs its place instead: what is around it, and
the escape sequences in it, stay as they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from edgewright.core.redaction.rules import _BY_FORM, _BY_NAME, COVER, lines_with_names
from edgewright.core.redaction.stream import _KEY_BEGIN, _KEY_END, Redactor, _is_base64, _spans_lines

is_base64 = _is_base64
Span = tuple[int, int]
"""First byte and one past the last one."""
FILL = b"*"
LEARNED, SHORTEST, LONGEST = 256, 6, 1024
"""Values that are known from before at most, and how many bytes one has."""
_WORD = re.compile(rb"[A-Za-z]+\Z")


class SecretSpans:
    """Finds secrets in lines that come one after the other; what spans lines (a private key) is remembered.

    A value that was found by its name is a secret wherever it is seen later, without the name too.
    """

    def __init__(self) -> None:
        self._walker = Redactor()
        self._learned: dict[bytes, None] = {}
        self._before = b""

    @property
    def count(self) -> int:
        """Number of different values that were found by name or form."""
        return len(self._learned)

    def find(self, text: bytes) -> list[Span]:
        """Return the places in lines that belong together and end with a line end (but for the last), in order.

        They may touch, never overlap.
        """
        spans = [*self._walked(text), *by_rules(text)]
        for start, end in spans:
            self._learn(text[start:end])
        for value in self._learned:
            at = text.find(value)
            while at >= 0:
                spans.append((at, at + len(value)))
                at = text.find(value, at + len(value))
        return merged(spans)

    def _learn(self, value: bytes) -> None:
        value = value.strip(b" \t\r\n\"';,)]}")
        if not SHORTEST <= len(value) <= LONGEST or b"\n" in value or value.strip(FILL) == b"":
            return
        if _WORD.match(value) and len(value) < 16:  # `token: required`: a word of a sentence
            return
        self._learned.pop(value, None)
        self._learned[value] = None
        if len(self._learned) > LEARNED:
            del self._learned[next(iter(self._learned))]

    def _walked(self, text: bytes) -> list[Span]:
        """Return what belongs to something of several lines: a private key, a block under a secret's name."""
        if not (self.busy or b"PRIVATE KEY" in text or b"Private-" in text or _spans_lines(text)):
            self._before = text[text.rfind(b"\n", 0, -1) + 1 :]
            return []
        spans: list[Span] = []
        at = 0
        for line in text.splitlines(keepends=True):
            body = line.rstrip(b"\r\n")
            if _KEY_END.search(body) and not _KEY_BEGIN.search(body) and at and _is_base64(self._before):
                spans.append((at - len(self._before), at))  # the last line of a key whose begin was not shown
            result = self._walker._line(body, b"\n")[:-1]
            if result != body:
                start = next((i for i, (a, b) in enumerate(zip(body, result)) if a != b), len(result))
                if start < len(body):
                    spans.append((at + start, at + len(body)))
            self._before = line
            at += len(line)
        return spans

    @property
    def busy(self) -> bool:
        """Whether the lines before began something that has not ended."""
        walker = self._walker
        return walker._key_lines is not None or walker._indent is not None or walker._cover_next


def by_rules(text: bytes, *, names: bool = True) -> list[Span]:
    """Return the places of the values that one of the rules takes out; without `names` by their form alone."""
    spans: list[Span] = []
    text = _apply(_BY_FORM, text, 0, spans)
    if names:
        for start, end in lines_with_names(text):
            _apply(_BY_NAME, text[start:end], start, spans)
    return spans


def _apply(
    rules: Sequence[tuple[str, re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]]],
    text: bytes,
    at: int,
    spans: list[Span],
) -> bytes:
    """Add the places that rules find in a part of a text that begins `at`; return the part with these covered."""
    for _, pattern, replace in rules:
        covered: bytearray | None = None
        for match in pattern.finditer(text):
            place = _replaced(match, replace(match))
            if place is not None:
                spans.append((at + place[0], at + place[1]))
                covered = bytearray(text) if covered is None else covered
                covered[place[0] : place[1]] = FILL * (place[1] - place[0])
        text = text if covered is None else bytes(covered)
    return text


def _replaced(match: re.Match[bytes], result: bytes) -> Span | None:
    """Return which part of a match was covered: what is before and after the cover is as it was."""
    text = match.group()
    if result == text:
        return None
    at = result.find(COVER)
    while at >= 0:
        after = result[at + len(COVER) :]
        if text.startswith(result[:at]) and text.endswith(after) and at + len(after) <= len(text):
            return match.start() + at, match.end() - len(after)
        at = result.find(COVER, at + 1)
    return match.start(), match.end()


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the spans in order, overlapping ones as one; empty ones are left out."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
