"""The rules on a stream: bytes in pieces of any size, text without secrets out, in bounded memory.

Lines are the unit: a piece is looked at up to its last line end. What spans lines (a private key, a block under
`password: |`, the data of a Secret) is a state between them, so that it makes no difference where a piece ends.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from edgewright.core.redaction.rules import COVER, NAMES, PREFIX, Counts, count, lines_with_names, redact

MAX_LINE = 262_144
"""Bytes of the longest line that is looked at; a longer one is left out."""
MAX_KEY_LINES = 400
"""Lines after which a private key without an end is over; RSA keys of 16,384 bits have 200."""
BLOCK = 262_144
"""Bytes of complete lines that are looked at together."""

_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[PX^_][^\x1b\n]*(?:\x1b\\)?|[ -~])"
)
_KEY_BEGIN = re.compile(
    rb"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|PuTTY-User-Key-File-\d:|Private-Lines: \d+"
)
_KEY_END = re.compile(rb"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-MAC: \w+")
_BLOCK_KEY = re.compile(
    rb"(?:"
    + NAMES
    + rb"|(?<![a-z])data|stringData|binaryData)[\"']?[ \t]*:[ \t]*(?:(?:[|>][-+\d]{0,3}|[{\[]|\r)[ \t\r]*)?$",
    re.IGNORECASE | re.MULTILINE,
)
_CONTINUES = re.compile(
    rb"[ \t]*(?:-[ \t]+)*[\"']?[\w.\-]{0,100}?"
    + NAMES
    + rb"[\"']?[ \t]*:[ \t]+(?!(?:null|none|~|\"\"|'')[ \t\r]*$)[^\s]",
    re.IGNORECASE | re.MULTILINE,
)
"""`password: value` as YAML has it: lines that are indented more belong to the value."""
_FLAG_AT_END = re.compile(
    rb"(?:(?<!-)--[a-z0-9\-]{0,40}?|name[\"']?[ \t]*:[ \t]*[\"']?[\w.\-]{0,100}?)"
    + NAMES
    + rb"[\"']?,?(?:[ \t]+\\)?[ \t\r]*$",
    re.IGNORECASE | re.MULTILINE,
)
"""`--token` as an argument of its own, `name: PASSWORD` of an environment: the value is in the next line."""
_BASE64_LINE = re.compile(rb"[ \t]*[A-Za-z0-9+/=]{1,76}\r?\n\Z")
_INDENT = re.compile(rb"[ \t]*(?:-[ \t]+)*")


class Redactor:
    """One text; `feed` its bytes in order, `finish` at its end. `counts`: how many secrets were taken out, by rule."""

    def __init__(self) -> None:
        self.counts: Counts = {}
        self._carry = b""
        self._too_long = 0
        self._key_lines: Optional[int] = None
        self._indent: Optional[int] = None
        self._cover_next = False

    def feed(self, data: bytes) -> bytes:
        """Return what can be given out now."""
        output: List[bytes] = []
        for start in range(0, len(data), BLOCK):
            output.append(self._piece(data[start : start + BLOCK]))
        return b"".join(output)

    def finish(self, cut: bool = False) -> bytes:
        """Return the rest: the last line. Where the text was `cut`, a line without an end is left out.

        Half a secret may not look like one.
        """
        rest, self._carry = self._carry, b""
        if cut:
            rest = rest[: rest.rfind(b"\n") + 1]
        output = self._lines(rest) if rest else b""
        if self._too_long:
            output += self._note_too_long(b"")
        return output

    def state(self) -> Dict[str, Any]:
        """Return what `restore` needs to continue `pending` bytes before what was fed; no secret is in it."""
        return {
            "counts": dict(self.counts), "key": self._key_lines, "indent": self._indent, "next": self._cover_next,
        }  # fmt: skip

    def restore(self, state: Dict[str, Any]) -> None:
        """Continue as after `state`. Raises `KeyError`, `TypeError`, `ValueError` for anything else."""
        self.counts = {str(rule): int(number) for rule, number in dict(state["counts"]).items()}
        key, indent = state["key"], state["indent"]
        self._key_lines = None if key is None else int(key)
        self._indent = None if indent is None else int(indent)
        self._cover_next = bool(state["next"])

    @property
    def pending(self) -> int:
        """Bytes that were fed and not given out yet."""
        return len(self._carry) + self._too_long

    def _piece(self, data: bytes) -> bytes:
        output = b""
        if self._too_long:
            end = data.find(b"\n")
            if end < 0:
                self._too_long += len(data)
                return b""
            self._too_long += end
            output, data = self._note_too_long(b"\n"), data[end + 1 :]
        text = self._carry + data
        end = text.rfind(b"\n") + 1
        complete, self._carry = text[:end], text[end:]
        if len(self._carry) > MAX_LINE:
            self._too_long, self._carry = len(self._carry), b""
        if not self._too_long:
            # The last line of a key whose begin is not in the text: it is recognised by the line after it.
            last = complete[complete.rfind(b"\n", 0, -1) + 1 :]
            if _is_base64(last):
                complete, self._carry = complete[: len(complete) - len(last)], last + self._carry
        return output + (self._lines(complete) if complete else b"")

    def _note_too_long(self, end: bytes) -> bytes:
        size, self._too_long = self._too_long, 0
        count(self.counts, "line too long to look at")
        return b"[left out: a line of %d bytes]" % size + end

    def _lines(self, text: bytes) -> bytes:
        if len(text) > MAX_LINE and any(len(line) > MAX_LINE for line in text.split(b"\n")):
            text = b"".join(self._short(line) for line in text.splitlines(keepends=True))
        text = _ESCAPES.sub(b"", text) if b"\x1b" in text else text
        text = text.replace(b"\0", b"") if b"\0" in text else text
        busy = self._key_lines is not None or self._indent is not None or self._cover_next
        if busy or b"PRIVATE KEY" in text or b"Private-" in text or _spans_lines(text):
            text = self._walk(text)
        return redact(text, self.counts)

    def _short(self, line: bytes) -> bytes:
        if len(line) <= MAX_LINE:
            return line
        self._too_long = len(line.rstrip(b"\n"))
        return self._note_too_long(line[len(line.rstrip(b"\n")) :])

    def _walk(self, text: bytes) -> bytes:
        """Return the lines without what spans several of them."""
        lines: List[bytes] = []
        for line in text.splitlines(keepends=True):
            end = b"\n" if line.endswith(b"\n") else b""
            stray = self._key_lines is None and _KEY_END.search(line) and not _KEY_BEGIN.search(line)
            if stray and lines and _is_base64(lines[-1]):
                lines.pop()
            lines.append(self._line(line[: len(line) - len(end)], end))
        return b"".join(lines)

    def _line(self, line: bytes, end: bytes) -> bytes:
        shown = b""
        begin = _KEY_BEGIN.search(line)
        while self._key_lines is not None or begin is not None:
            if self._key_lines is None and begin is not None:
                count(self.counts, "private key")
                self._key_lines = 0
                shown += line[: begin.start()] + b"[left out: a private key]"
                line, end = line[begin.end() :], end or b"\n"
            stop = _KEY_END.search(line)
            if stop is None:
                self._key_lines = (self._key_lines or 0) + 1
                if self._key_lines > MAX_KEY_LINES:
                    self._key_lines = None
                return shown
            self._key_lines, line = None, line[stop.end() :]
            begin = _KEY_BEGIN.search(line)
        return shown + self._outside_key(line, end)

    def _outside_key(self, line: bytes, end: bytes) -> bytes:
        stop = _KEY_END.search(line)
        if stop is not None:
            count(self.counts, "private key")
            return b"[left out: the end of a private key]" + line[stop.end() :] + end
        prefix = PREFIX.match(line)
        start = prefix.end() if prefix else 0
        if self._indent is not None:
            rest = line[start:]
            blank = not rest.strip()
            depth = len(rest) - len(rest.lstrip(b" \t"))
            if blank or depth > self._indent or (depth == self._indent and rest.lstrip().startswith(b"- ")):
                return b"" if not prefix else line[:start] + COVER + end
            self._indent = None
        if self._cover_next:
            self._cover_next = False
            count(self.counts, "option of a command")
            indent = _INDENT.match(line, start)
            return line[: indent.end() if indent else start] + COVER + end
        key = _BLOCK_KEY.search(line)
        if key is not None:
            indent = _INDENT.match(line, start)
            self._indent = (indent.end() if indent else start) - start
            count(self.counts, "block under a secret name")
            return line.rstrip(b"\r") + b" " + COVER + end if line[-1:] not in b"{[" else line + COVER + end
        if _CONTINUES.match(line, start):
            indent = _INDENT.match(line, start)
            self._indent = (indent.end() if indent else start) - start
        elif _FLAG_AT_END.search(line):
            self._cover_next = True
        return line + end


def _is_base64(line: bytes) -> bool:
    """Return whether a line may be the last one of a key, behind what a journal writes before it."""
    prefix = PREFIX.match(line)
    return _BASE64_LINE.match(line, prefix.end() if prefix else 0) is not None


def _spans_lines(text: bytes) -> bool:
    """Return whether a line has a name whose value is in the lines after it."""
    return any(
        _BLOCK_KEY.search(text, start, end) or _FLAG_AT_END.search(text, start, end) or _continues(text, start, end)
        for start, end in lines_with_names(text)
    )


def _continues(text: bytes, start: int, end: int) -> bool:
    prefix = PREFIX.match(text, start, end)
    return _CONTINUES.match(text, prefix.end() if prefix else start, end) is not None
