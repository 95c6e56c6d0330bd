"""The `.arg` file of CanvOS: `KEY=value` lines that Earthly reads as build arguments and a shell script sources.

Both readings are stored for each line, since they differ where quotes, spaces, `$` and `#` are; both fill in variables
that a line above sets. A file that was read and not changed is written back byte for byte.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional

from edgewright.core.cloudconfig.args.readers import earthly_value, shell_value
from edgewright.core.errors import InvalidInput

MAX_SIZE = 256 * 1024
_SET = re.compile(
    r"(?P<lead>[ \t]*(?:export[ \t]+)?)(?P<key>[A-Za-z_][A-Za-z0-9_]*)(?P<sign>[ \t]*=[ \t]*)(?P<rest>.*)", re.DOTALL
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


class Line(NamedTuple):
    """One line: its own text with its end, and for a setting its key and both readings.

    `shell` is None where a shell would not set the key to a text that is known here; `trouble` has the reason.
    """

    raw: str
    key: str = ""
    value: str = ""
    shell: Optional[str] = ""
    trouble: str = ""
    lead: str = ""
    tail: str = ""
    """What follows the value: spaces and a comment."""


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
            raise InvalidInput(f"{key[:60]!r} is not a key of a .arg file.", "Use letters, digits and '_'.")
        written = quoted(value)
        at = self.line_of(key)
        if at:
            old = self.lines[at - 1]
            if old.value == value and old.shell == value:
                return
            end = old.raw[len(old.raw.rstrip("\r\n")) :]
            self.lines[at - 1] = old._replace(raw=f"{old.lead}{key}={written}{old.tail}{end}")
            self.lines = _read(self.text())
            return
        if self.lines and not self.lines[-1].raw.endswith("\n"):
            self.lines[-1] = self.lines[-1]._replace(raw=self.lines[-1].raw + "\n")
        self.lines = _read(f"{self.text()}{key}={written}\n")

    def unset(self, key: str) -> None:
        """Take out every line that sets a key; comments stay."""
        self.lines = _read("".join(line.raw for line in self.lines if line.key != key))


def read_args(text: str) -> ArgFile:
    """Return a `.arg` file. Raises `InvalidInput` when it is too long or contains NUL."""
    if len(text) > MAX_SIZE:
        raise InvalidInput("The .arg file is longer than 256 kB.", "Is this the right file?", "TooBig")
    if "\0" in text:
        raise InvalidInput("The .arg file contains a NUL character.", "Save it as plain text in UTF-8.", "NotText")
    return ArgFile(_read(text))


def _read(text: str) -> List[Line]:
    lines: List[Line] = []
    earthly: Dict[str, str] = {}
    shell: Dict[str, Optional[str]] = {}
    for raw in re.findall(r"[^\n]*\n|[^\n]+", text):
        line = read_line(raw, earthly, shell)
        if line.key:
            earthly[line.key], shell[line.key] = line.value, line.shell
        lines.append(line)
    return lines


def read_line(
    raw: str, earthly: Optional[Dict[str, str]] = None, shell: Optional[Dict[str, Optional[str]]] = None
) -> Line:
    """Return one line with its two readings; `earthly` and `shell` are what the lines above set for each reader."""
    body = raw.rstrip("\r\n")
    bare = body.strip()
    if not bare or bare.startswith("#"):
        return Line(raw)
    if body.startswith("\ufeff"):
        return Line(
            raw, trouble="begins with a byte order mark, at which both readers fail: save it as UTF-8 without BOM"
        )
    match = _SET.fullmatch(body)
    if match is None:
        return Line(raw, trouble="is not a KEY=value")
    read = earthly_value(match.group("rest"), earthly or {})
    by_shell = shell_value(match.group("rest"), shell or {})
    value, trouble = by_shell.value, by_shell.trouble
    if match.group("sign") != "=":
        value, trouble = None, "has spaces around '=', at which a shell takes the key for a command"
    if read.trouble:
        value, trouble = None, read.trouble
    if raw.endswith("\r\n") or body.endswith("\r"):
        trouble = trouble or "ends with a carriage return (Windows), which a shell takes into the value"
    return Line(raw, match.group("key"), read.value, value, trouble, match.group("lead"), read.tail)


def quoted(value: str) -> str:
    """Return a value so that Earthly and a shell read the same. Raises `InvalidInput` when there is no such way."""
    if _PLAIN.fullmatch(value):
        return value
    if not re.search(r"[\n\r\0]", value):
        if "'" not in value and not value.endswith("\\"):  # godotenv takes \' for a quote that continues
            return f"'{value}'"
        if not re.search(r'[$`"\\]', value):
            return f'"{value}"'
    raise InvalidInput(
        "The value cannot be written so that Earthly and a shell read the same.",
        "Use one line, without both kinds of quotes and without a backslash at its end.",
    )
