"""The hub's log: one JSON object a line, to `hub.log` and if asked to stderr. Secrets never get into it."""

from __future__ import annotations

import contextlib
import logging
import re
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.text import clean
from edgewright.hub.process.log_limit import LimitedHandler
from edgewright.hub.process.observe.stderr import StderrHandler

LOG_FILE = "hub.log"
_SIZE, _BACKUPS = 10_000_000, 3
_SECRETS = re.compile(r"(ew[khts]_|gAAAA)[A-Za-z0-9_\-]{8,}=*")
"""API keys, host credentials, registration tokens, keys that sign webhooks, and what `SecretBox` sealed."""


def hide(text: str) -> str:
    """Return a text without what looks like one of our secrets."""
    return _SECRETS.sub(r"\1[hidden]", text)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, control characters escaped or replaced."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": times.rfc3339(record.created),
            "level": record.levelname.lower(),
            "message": clean(hide(record.getMessage()), 2000),
        }
        for name in ("peer", "peers", "request"):
            if value := record.__dict__.get(name):
                line[name] = value
        if record.exc_info and record.exc_info[0] is not None:
            line["trace"] = hide("".join(traceback.format_exception(*record.exc_info)))[-6000:]
        return hide(msgspec.json.encode(line).decode())


class TextLines(logging.Formatter):
    """Formats a record as one line for a reader: time, level, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return f"{times.rfc3339(record.created)} {record.levelname.lower()} {clean(hide(record.getMessage()), 2000)}"


class _Calm(RotatingFileHandler):
    """A log file that cannot bring the hub down: a full disk costs lines, not the service."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the line."""


def set_up(data: Path, *, stderr: str) -> None:
    """Send the hub's and uvicorn's log to `hub.log`, and to stderr as `json` or `text` if one of these is given."""
    handlers: list[logging.Handler] = []
    with contextlib.suppress(OSError):
        (data / LOG_FILE).touch(mode=0o600)
        handlers.append(_Calm(data / LOG_FILE, maxBytes=_SIZE, backupCount=_BACKUPS, delay=True))
    if stderr:
        handlers.append(StderrHandler())
    for handler in handlers:
        is_text = stderr == "text" and handler is handlers[-1]
        handler.setFormatter(TextLines() if is_text else JsonLines())
    limited: list[logging.Handler] = [LimitedHandler(handlers)]
    for name in ("edgewright.hub", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = (list(limited) if name != "uvicorn.error" else []), name == "uvicorn.error"
        logger.setLevel(logging.INFO if name == "edgewright.hub" else logging.WARNING)
    # Every heartbeat of a stranger's port scan would be a line otherwise.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
