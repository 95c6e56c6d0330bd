"""What is in a line of a log: level, message, and the other fields of lines that are JSON, klog or `key=value`.

Known: zap, logrus, klog (text and JSON, as Kubernetes writes), slog, Bunyan, `key=value` (containerd). Everything else
is a message of the priority that its journal gives. Texts come out cleaned: what JSON had escaped is looked at again.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edgewright.core.text import clean

MOST_FIELDS, MOST_VALUE, MOST_MESSAGE = 40, 400, 4096
"""Fields behind a message, characters of one, and of a message, at most."""
EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG = range(8)
LEVELS: Tuple[str, ...] = ("error", "warn", "info", "debug")
"""Levels by which lines are chosen; each has all that are worse."""
_PRIORITIES: Dict[str, int] = {"error": ERROR, "warn": WARNING, "info": INFO, "debug": DEBUG}
_NAMES: Dict[str, int] = {
    **_PRIORITIES, "emerg": EMERGENCY, "panic": ALERT, "alert": ALERT, "fatal": CRITICAL, "dpanic": CRITICAL,
    "crit": CRITICAL, "critical": CRITICAL, "err": ERROR, "warning": WARNING, "notice": NOTICE, "information": INFO,
    "informational": INFO, "trace": DEBUG, "i": INFO, "w": WARNING, "e": ERROR, "f": CRITICAL, "d": DEBUG,
}  # fmt: skip
_LEVEL_KEYS = ("level", "lvl", "severity", "L", "loglevel")
_MESSAGE_KEYS = ("msg", "message", "M", "log")
_TIME_KEYS = ("ts", "time", "timestamp", "@timestamp", "T", "datetime")
_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?\s+\d{1,10} ([^\s\]]{1,120}:\d{1,6})\] ?(.*)", re.DOTALL)
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]{0,60})=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)')


class Readable(NamedTuple):
    """A line: its syslog priority (0 worst, 7 debug), its message, and further fields in order."""

    level: int
    message: str
    rest: Tuple[Tuple[str, str], ...] = ()


def priority_of(level: str) -> int:
    """Return the priority of one of `LEVELS`. Raises `KeyError`."""
    return _PRIORITIES[level]


def level_name(priority: int) -> str:
    """Return the word for a priority: `error` and what is worse are one level."""
    return "error" if priority <= ERROR else "warn" if priority == WARNING else "info" if priority <= INFO else "debug"


def read(text: str, priority: int = INFO) -> Readable:
    """Return what is in a line; `priority` is that of its journal, for lines that name no level."""
    if text.startswith("{"):
        result = _json(text, priority)
    elif text[:1] in "IWEF" and text[1:5].isdigit():
        result = _klog(text)
    else:
        result = _pairs(text, priority) if "level=" in text[:400] or "lvl=" in text[:400] else None
    return result or Readable(priority, text)


def level_of(text: str, priority: int = INFO) -> int:
    """Return the level that `read` gives; of JSON, as fast logs are, only the level is read."""
    if not text.startswith("{"):
        return read(text, priority).level
    document = _document(text)
    head = _head(document, priority) if document else None
    return priority if head is None else head[2]


def _document(text: str) -> Optional[Dict[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document else None


def _json(text: str, priority: int) -> Optional[Readable]:
    document = _document(text)
    return _of_fields(document, priority) if document else None


def _head(document: Dict[str, Any], priority: int) -> Optional[Tuple[str, str, int]]:
    """Return the keys of message and level, and the level; a document without a message has no known form."""
    message_key = next((key for key in _MESSAGE_KEYS if isinstance(document.get(key), (str, int, float))), None)
    if message_key is None:
        return None
    level_key = next((key for key in _LEVEL_KEYS if key in document), "")
    level = _level(document.get(level_key)) if level_key else None
    if level is None:
        level_key = ""
        level = priority if "v" in document or not document.get("err") else min(priority, ERROR)  # klog in JSON
    return message_key, level_key, level


def _of_fields(document: Dict[str, Any], priority: int) -> Optional[Readable]:
    """Return the message first."""
    head = _head(document, priority)
    if head is None:
        return None
    message_key, level_key, level = head
    time_key = next((key for key in _TIME_KEYS if key in document), "")
    rest: List[Tuple[str, str]] = []
    for key, value in document.items():
        if key in (message_key, level_key, time_key) or value in ("", None):
            continue
        if len(rest) == MOST_FIELDS:
            rest.append(("…", ""))
            break
        rest.append((clean(key, 60), clean(_value(value), MOST_VALUE)))
    return Readable(level, clean(str(document[message_key]).strip(), MOST_MESSAGE), tuple(rest))


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return "…"


def _level(value: Any) -> Optional[int]:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        if 0 <= value <= 7:
            return int(value)
        return DEBUG if value < 30 else INFO if value < 40 else WARNING if value < 50 else ERROR if value < 60 else 2
    return _NAMES.get(value.strip().lower()) if isinstance(value, str) else None


def _klog(text: str) -> Optional[Readable]:
    match = _KLOG.match(text)
    if match is None:
        return None
    level = _NAMES[match.group(1).lower()]
    return Readable(level, match.group(3).strip(), (("caller", match.group(2)),))


def _pairs(text: str, priority: int) -> Optional[Readable]:
    """Return a line that is `key=value` from begin to end."""
    fields: List[Tuple[str, str]] = []
    at = 0
    for match in _PAIR.finditer(text):
        if match.start() != at or len(fields) > MOST_FIELDS:
            return None
        at = match.end()
        value = match.group(2)
        if value[:1] == '"':
            try:
                value = str(json.loads(value))
            except ValueError:
                value = value[1:-1]
        fields.append((match.group(1), value))
    return _of_fields(dict(fields), priority) if at == len(text) else None
