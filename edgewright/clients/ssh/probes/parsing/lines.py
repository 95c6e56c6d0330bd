"""What all parsers share: lines by their first word, numbers, and logs with times."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgewright.core.doctor.facts import LogLine
from edgewright.core.redaction.rules import redact

_LINE = re.compile(r"(?P<at>\d{9,11})(?:\.\d+)? \S+ (?P<unit>[^\s:\[]+)(?:\[\d+\])?: (?P<text>.*)")


def integer_of(text: str) -> int | None:
    """Return a number of plain digits, `None` for anything else and for more than 18 of them."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def number(text: str) -> float | None:
    """Return a plain decimal number, `None` for anything else."""
    return float(text) if re.fullmatch(r"-?\d{1,15}(?:\.\d{1,9})?", text, re.ASCII) else None


def percent(text: str) -> int | None:
    """Return `97%` as 97; `None` for what `df` writes where it does not know."""
    value = integer_of(text.removesuffix("%")) if text.endswith("%") else None
    return value if value is not None and value <= 100 else None


def with_word(lines: Iterable[str], word: str) -> list[str]:
    """Return the rest of all lines that begin with `word` and a space."""
    start = word + " "
    return [line[len(start) :] for line in lines if line.startswith(start)]


def first(lines: Iterable[str], word: str) -> str:
    """Return the rest of the first such line, stripped; empty without one."""
    return next((rest.strip() for rest in with_word(lines, word)), "")


def log(lines: Iterable[str]) -> tuple[LogLine, ...]:
    """Return the lines of `journalctl -o short-unix` without secrets; a line of another form has no time."""
    results = (_log_line(line) for line in lines if line.strip())
    return tuple(line._replace(text=without_secrets(line.text)) for line in results)


def without_secrets(text: str) -> str:
    """Return a line of a log without secrets, by the rules of bundles."""
    return redact(text.encode("utf-8", "replace"), {}).decode("utf-8", "replace")


def _log_line(line: str) -> LogLine:
    match = _LINE.fullmatch(line)
    return LogLine(None, "", line) if match is None else LogLine(float(match["at"]), match["unit"], match["text"])
