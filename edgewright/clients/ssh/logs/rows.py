"""From a line of a journal (JSON) or of a syslog file to an entry."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec

from edgewright.core.logs.entry import Entry
from edgewright.core.logs.readable import INFO
from edgewright.core.logs.wanted import KERNEL
from edgewright.core.redaction.rules import COVER
from edgewright.core.redaction.stream import Redactor
from edgewright.core.text import clean

T = TypeVar("T")

MOST_TEXT, MOST_UNIT = 4096, 200
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[PX^_][^\x1b\n]*(?:\x1b\\)?|[ -~])"
)
_KEY_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_KEY_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY")
_MOST_KEY_LINES, _MOST_KEYS, _MOST_UNITS = 400, 64, 512
_DEEPER, _OPENS = (" ", "\t", "-"), (":", "|", ">", "+", "-", "\\", "{", "[", ",")
"""How a line begins that may belong to the one before it, and how that one ends."""
LATEST = 1e11
"""Epoch seconds before which every line was written."""
LEFT_OUT_KEY = "[left out: a private key]"
_TIME = re.compile(
    r"(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)(Z|[+-]\d\d:\d\d)?|"
    r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)) "
)
_SYSLOG = re.compile(r"(\S{1,255}) (?:([a-z0-9]+)\.([a-z]+) )?([^\s:\[\]]{1,200})(?:\[\d+\])?: ?(.*)", re.DOTALL)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SEVERITIES = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warn": 4, "warning": 4, "notice": 5, "info": 6,
               "debug": 7}  # fmt: skip


class Row(msgspec.Struct):
    """What is wanted of a line of `journalctl -o json`; a field may be there several times, or be bytes as numbers."""

    cursor: str = msgspec.field(name="__CURSOR")
    at: str = msgspec.field(name="__REALTIME_TIMESTAMP")
    message: Any = msgspec.field(name="MESSAGE", default=None)
    priority: Any = msgspec.field(name="PRIORITY", default=None)
    unit: Any = msgspec.field(name="_SYSTEMD_UNIT", default=None)
    about: Any = msgspec.field(name="UNIT", default=None)
    identifier: Any = msgspec.field(name="SYSLOG_IDENTIFIER", default=None)


_decode = msgspec.json.Decoder(Row).decode


class Keys:
    """Leaves out secrets of several lines: these arrive one by one, and a part of one does not look like a secret.

    A private key; and what is under a name of a secret: a block of YAML, a list, the value of an option. A line is
    looked at together with the one before it of the same unit when it is indented or an element of a list, or when
    that one ends where a value begins: all others cost a comparison.
    """

    def __init__(self) -> None:
        self._within: dict[str, int] = {}
        self._before: dict[str, str] = {}
        self._blocks: dict[str, Redactor] = {}

    def without(self, unit: str, text: str) -> str:
        """Return a line of a unit, or what is left of it."""
        if self._within or "PRIVATE KEY" in text:
            left = self._without_key(unit, text)
            if left is not text:
                return left
        before = self._before.get(unit, "")
        _remember(self._before, unit, text, _MOST_UNITS)
        if unit in self._blocks or text[:1] in _DEEPER or before[-1:] in _OPENS:
            return self._without_block(unit, before, text)
        return text

    def _without_key(self, unit: str, text: str) -> str:
        if unit in self._within:
            _remember(self._within, unit, self._within[unit] + 1, _MOST_KEYS)
            if _KEY_END.search(text) or self._within[unit] > _MOST_KEY_LINES:
                del self._within[unit]
            return LEFT_OUT_KEY
        begin = _KEY_BEGIN.search(text)
        if begin is None:
            return text
        if not _KEY_END.search(text, begin.end()):
            _remember(self._within, unit, 0, _MOST_KEYS)
        return text[: begin.start()] + LEFT_OUT_KEY

    def _without_block(self, unit: str, before: str, text: str) -> str:
        walker = self._blocks.get(unit)
        if walker is None:
            walker = Redactor()
            walker._line(before.encode("utf-8", "replace"), b"")
        busy = walker.state()["indent"] is not None or walker.state()["next"]
        if not busy:
            self._blocks.pop(unit, None)
            return text
        line = text.encode("utf-8", "replace")
        left = walker._line(line, b"")
        if walker.state()["indent"] is None and not walker.state()["next"]:
            self._blocks.pop(unit, None)
        else:
            _remember(self._blocks, unit, walker, _MOST_KEYS)
        return text if left == line else (left or COVER).decode("utf-8", "replace")


def _remember(table: dict[str, T], unit: str, value: T, most: int) -> None:
    """Store it; of too many units the one goes that had no line for the longest time."""
    table.pop(unit, None)
    table[unit] = value
    if len(table) > most:
        del table[next(iter(table))]


def tidy(text: str) -> str:
    """Return the text of a line without escapes and control characters, bounded."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return clean(text.rstrip(), MOST_TEXT)


def journal_entry(line: bytes, host: str, keys: Keys) -> tuple[Entry, str]:
    """Return the entry of a line, and its cursor. Raises `ValueError` for what is none."""
    try:
        row = _decode(line)
        at = int(row.at[:20]) / 1_000_000
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError("no line of a journal") from None
    if not 0 <= at < LATEST:
        raise ValueError("no moment")
    about, unit = _text(row.about), _text(row.unit)
    if about and unit in ("", "init.scope"):
        unit = about
    unit = clean(unit or _text(row.identifier), MOST_UNIT)
    priority = _text(row.priority)
    level = int(priority) if len(priority) == 1 and priority in "01234567" else INFO
    return Entry(at, at, host, unit, keys.without(unit, tidy(_text(row.message))), level), row.cursor


def _text(value: Any, within: bool = False) -> str:
    """Return a field as text: bytes come as numbers, and what is there several times as a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return bytes(value).decode("utf-8", "replace")
        return "" if within else " ".join(_text(each, True) for each in value[:20])
    return ""


class SyslogReader:
    """Entries of a syslog file; a line without a time has that of the line before it."""

    def __init__(self, host: str, now: float, zone: float) -> None:
        """Take the host's clock and the seconds that its zone is east of UTC."""
        self._host, self._zone, self._last = host, timezone(timedelta(seconds=zone)), now
        self._year = datetime.fromtimestamp(now, self._zone).year
        self._now = now

    def entry(self, line: bytes, keys: Keys) -> Entry:
        """Return the entry of a line."""
        text = line.decode("utf-8", "replace")
        match = _TIME.match(text)
        at, rest = self._last, text
        if match is not None:
            moment = self._moment(match)
            if moment is not None:
                at, rest = moment, text[match.end() :]
        self._last = at
        parts = _SYSLOG.match(rest) if rest is not text else None
        if parts is None:
            return Entry(at, at, self._host, "", keys.without("", tidy(rest)))
        unit = KERNEL if parts.group(4) == "kernel" else clean(parts.group(4), MOST_UNIT)
        level = _SEVERITIES.get(parts.group(3) or "", INFO)
        return Entry(at, at, self._host, unit, keys.without(unit, tidy(parts.group(5))), level)

    def _moment(self, match: re.Match[str]) -> float | None:
        try:
            if match[1]:
                moment = datetime.fromisoformat(match[1] + (match[2] or "").replace("Z", "+00:00"))
                return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp()
            month = _MONTHS.index(match[3]) + 1
            day, hour, minute, second = (int(match[place]) for place in (4, 5, 6, 7))
            at = datetime(self._year, month, day, hour, minute, second, tzinfo=self._zone).timestamp()
            if at > self._now + 86_400 * 180:  # December, read in January
                at = datetime(self._year - 1, month, day, hour, minute, second, tzinfo=self._zone).timestamp()
            return at
        except (ValueError, OverflowError):
            return None
