"""The `.arg` file of CanvOS: `KEY=value` lines that Earthly reads as build arguments and a shell script sources.

Both readings are kept for each line, since they differ where quotes, spaces, `$` and `#` are. A file that was read and
not changed is written back byte for byte.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from edgewright.core.errors import InvalidInput

MAX_SIZE = 256 * 1024
_SET = re.compile(
    r"(?P<lead>[ \t]*(?:export[ \t]+)?)(?P<key>[A-Za-z_][A-Za-z0-9_]*)(?P<sign>[ \t]*=[ \t]*)(?P<rest>.*)", re.DOTALL
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class Line(NamedTuple):
    """One line: its own text with its end, and for a setting its key and both readings.

    `shell` is None where a shell would not set the key to a text that can be told here; `trouble` says why.
    """

    raw: str
    key: str = ""
    value: str = ""
    shell: Optional[str] = ""
    trouble: str = ""
    lead: str = ""
    tail: str = ""
    """What stands behind the value: spaces and a comment."""


class ArgFile:
    """A `.arg` file that can be looked at, changed and written back."""

    def __init__(self, lines: List[Line]) -> None:
        self.lines = lines

    def text(self) -> str:
        """Return the file as text."""
        return "".join(line.raw for line in self.lines)

    def values(self) -> Dict[str, str]:
        """Return each key with the value that Earthly takes; a later line of the same key wins."""
        return {line.key: line.value for line in self.lines if line.key}

    def line_of(self, key: str) -> int:
        """Return the line that sets a key, from 1 (0: none does)."""
        return next((at for at in range(len(self.lines), 0, -1) if self.lines[at - 1].key == key), 0)

    def set(self, key: str, value: str) -> None:
        """Set a key: in its line when there is one, else in a new line at the end. Comments stay.

        Raises `InvalidInput` for a key that is none, and for a value that the two readers cannot both read.
        """
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
            raise InvalidInput(f"{key[:60]!r} is no key of a .arg file.", "Use letters, digits and '_'.")
        written = quoted(value)
        at = self.line_of(key)
        if at:
            old = self.lines[at - 1]
            if old.value == value and old.shell == value:
                return
            end = old.raw[len(old.raw.rstrip("\r\n")) :]
            self.lines[at - 1] = read_line(f"{old.lead}{key}={written}{old.tail}{end}")
            return
        if self.lines and not self.lines[-1].raw.endswith("\n"):
            self.lines[-1] = self.lines[-1]._replace(raw=self.lines[-1].raw + "\n")
        self.lines.append(read_line(f"{key}={written}\n"))

    def unset(self, key: str) -> None:
        """Take out every line that sets a key; comments stay."""
        self.lines = [line for line in self.lines if line.key != key]


def read_args(text: str) -> ArgFile:
    """Return a `.arg` file. Raises `InvalidInput` when it is too long or holds NUL."""
    if len(text) > MAX_SIZE:
        raise InvalidInput("The .arg file is longer than 256 kB.", "Is this the right file?", "TooBig")
    if "\0" in text:
        raise InvalidInput("The .arg file holds a NUL character.", "Save it as plain text.", "NotText")
    return ArgFile([read_line(line) for line in re.findall(r"[^\n]*\n|[^\n]+", text)])


def read_line(raw: str) -> Line:
    """Return one line with its two readings."""
    body = raw.rstrip("\r\n")
    bare = body.strip()
    if not bare or bare.startswith("#"):
        return Line(raw)
    found = _SET.fullmatch(body)
    if found is None:
        return Line(raw, trouble="is no KEY=value")
    rest = found.group("rest")
    value, tail, closed = _earthly(rest)
    shell, trouble = _shell(rest)
    if found.group("sign") != "=":
        shell, trouble = None, "has spaces around '=', at which a shell takes the key for a command"
    if not closed:
        shell, trouble = None, "has a quote that does not end"
    if raw.endswith("\r\n") or body.endswith("\r"):
        trouble = trouble or "ends with a carriage return (Windows), which a shell takes into the value"
    return Line(raw, found.group("key"), value, shell, trouble, found.group("lead"), tail)


def _earthly(rest: str) -> Tuple[str, str, bool]:
    """Return (value, what stands behind it, whether its quote ends) as Earthly reads it."""
    if rest[:1] in ("'", '"'):
        quote = rest[0]
        end = _end_of_quote(rest, quote)
        if end < 0:
            return rest, "", False
        inside = rest[1:end]
        if quote == '"':
            inside = re.sub(r"\\(.)", lambda part: _ESCAPES.get(part.group(1), part.group()), inside, flags=re.DOTALL)
        return inside, rest[end + 1 :], True
    comment = re.search(r"(?:^|[ \t])#", rest)
    word = rest if comment is None else rest[: comment.start()]
    stripped = word.rstrip()
    return stripped, rest[len(stripped) :], True


def _end_of_quote(rest: str, quote: str, begin: int = 0) -> int:
    at = begin + 1
    while at < len(rest):
        if rest[at] == "\\" and quote == '"':
            at += 1
        elif rest[at] == quote:
            return at
        at += 1
    return -1


def _shell(rest: str) -> Tuple[Optional[str], str]:
    """Return (value, trouble) as `source` takes it; the value is None when it cannot be told or is not set at all."""
    parts: List[str] = []
    at = 0
    while at < len(rest):
        letter = rest[at]
        if letter in " \t":
            behind = rest[at:].strip()
            if behind and not behind.startswith("#"):
                return None, "has a space outside of quotes: a shell runs what stands behind it as a command"
            break
        if letter in "'\"":
            end = _end_of_quote(rest, letter, at)
            if end < 0:
                return None, "has a quote that does not end"
            inside = rest[at + 1 : end]
            if letter == '"':
                if re.search(r"(?<!\\)[$`]", inside):
                    return None, "has $ or ` in double quotes, which a shell fills in"
                inside = re.sub(r'\\([$`"\\])', r"\1", inside)
            parts.append(inside)
            at = end + 1
            continue
        if letter in "$`":
            return None, "has $ or ` in it, which a shell fills in"
        if letter in ";&|<>()":
            return None, f"has {letter} outside of quotes, which a shell takes for the end of the value"
        if letter == "\\":
            at += 1
            letter = rest[at : at + 1]
        parts.append(letter)
        at += 1
    return "".join(parts), ""


def quoted(value: str) -> str:
    """Return a value so that Earthly and a shell read the same. Raises `InvalidInput` when there is no such way."""
    if _PLAIN.fullmatch(value):
        return value
    if not re.search(r"[\n\r\0]", value):
        if "'" not in value:
            return f"'{value}'"
        if not re.search(r'[$`"\\]', value):
            return f'"{value}"'
    raise InvalidInput(
        "The value cannot be written so that Earthly and a shell read the same.",
        "Use one line, without both kinds of quotes.",
    )
