"""The text of a crash file: where it happened, without values of variables, and messages without secrets.

A traceback shows no variables, yet libraries put what they could not use into the messages of their exceptions.
"""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

COVER = "[covered]"
SECRET_NAME = re.compile(r"passw|secret|token|credential|api_?key|private|kubeconfig|authori[sz]ation|cookie", re.I)
_PEM = re.compile(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", re.DOTALL)
_NAMED = re.compile(
    r"""((?:passw|secret|token|credential|api_?key|private|authori[sz]ation|cookie|-data)\w*["']?\s*[=:]\s*"""
    r"""(?:(?:bearer|basic)\s+)?|\bbearer\s+|\bbasic\s+)("[^"\n]*"|'[^'\n]*'|[^\s,;)}\]]+)""",
    re.I,
)
_USER = re.compile(r"(://[^/\s:@]+:)[^/\s@]+@")
_RANDOM = re.compile(r"(?<![\w/+-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{20,}")
_PLACE = re.compile(r'[\s|+-]*File "[^"\n]+", line \d+, in [^\s]+')
_LEAST = 4
"""Characters of a value from which it is taken out of messages wherever it is."""
_MOST = 200_000
"""Characters of a crash file at most."""
_LINE = 4_000
"""Characters of a line at most: the patterns above take longer than a line is long."""
_VALUES = 1_000
"""Values of one variable that are looked for."""


def text_of(error: BaseException) -> str:
    """Return the traceback of an exception and of those that led to it, with secrets covered."""
    text = "".join(traceback.format_exception(error))[-_MOST:]
    for value in sorted(set(_values(error)), key=len, reverse=True):
        text = text.replace(value, COVER).replace(repr(value)[1:-1], COVER)
    text = _PEM.sub(COVER, text)
    lines = (line if len(line) <= _LINE else _cut(line) for line in text.splitlines(True))
    return "".join(line if _PLACE.fullmatch(line.rstrip()) else covered(line) for line in lines)


def _cut(line: str) -> str:
    """Return begin and end of a long line, cut at spaces: half of a secret would not look like one."""
    half = _LINE // 2
    return f"{line[:half].rpartition(' ')[0]} [cut] {line[-half:].partition(' ')[2]}"


def covered(line: str) -> str:
    """Return a line without what looks like a secret: after such a name, in an address, or long and random."""
    return _RANDOM.sub(COVER, _NAMED.sub(rf"\1{COVER}", _USER.sub(rf"\1{COVER}@", line)))


def _values(error: BaseException) -> Iterator[str]:
    """Yield the texts of variables with the names of secrets, in all frames of an exception and those before it."""
    known: list[BaseException] = []
    waits: list[BaseException | None] = [error]
    while waits:
        now = waits.pop()
        if now is None or any(now is other for other in known):
            continue
        known.append(now)
        waits += [now.__cause__, now.__context__]
        if isinstance(now, BaseExceptionGroup):
            waits += now.exceptions
        for frame, _line in traceback.walk_tb(now.__traceback__):
            for name, value in list(frame.f_locals.items()):
                yield from _texts(name, value)


def _texts(name: str, value: Any) -> Iterator[str]:
    """Yield the secret texts of a variable; of a mapping those of its own secret names."""
    if type(value) is dict:
        for key, part in list(value.items())[:_VALUES]:
            if isinstance(key, str) and not isinstance(part, dict):
                yield from _texts(key, part)
    elif SECRET_NAME.search(name):
        for part in value[:_VALUES] if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, bytes):
                part = part.decode("utf-8", "replace")
            if isinstance(part, str) and len(part) >= _LEAST:
                yield part
