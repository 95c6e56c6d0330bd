"""Operation `collect-logs`: the last lines of the host's journal, sent to the plane in pieces (P29)."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Callable, Dict, Iterator, List, Mapping

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.operations import Outcome
from edgewright.core.errors import Failed
from edgewright.core.text import clean
from edgewright.wire import protocol

DEFAULT_LINES = 200
SECONDS = 30
"""Seconds that `journalctl` may take."""
_PIECE_BYTES = protocol.MAX_BODY // 2
"""Bytes of the lines of one request; lines in other scripts than Latin take up to twelve for a character."""
LATEST = 253_402_300_799
"""The end of the year 9999, the latest moment that `journalctl` understands."""
_FILES = ("/var/log/syslog", "/var/log/messages")


def read_journal(root: Root, lines: int, unit: str = "", since: int = 0) -> List[str]:
    """Return the last lines of the journal, or of the system log file where there is no journal. Raises `Failed`.

    `unit` may be a pattern of units, or `kernel`: then the kernel's command line comes first, unless `since` is set.
    `since` is epoch seconds, 0 for no limit; a log file is sent without that limit.
    """
    if root.real:
        command = ["journalctl", "--no-pager", "--quiet", "-o", "short-iso", "-n", str(lines)]
        if unit:
            command += ["-k"] if unit == protocol.LOG_OF_KERNEL else ["-u", unit]
        if since:
            command += ["--since", f"@{since}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failed(f"journalctl did not end within {SECONDS} s.") from None
        except OSError:
            done = None
        if done is not None and done.returncode == 0:
            first = [root.text("/proc/cmdline", 8192)] if unit == protocol.LOG_OF_KERNEL and not since else []
            return [*first, *done.stdout.decode("utf-8", "replace").splitlines()[len(first) - lines :]][:lines]
    for name in _FILES:
        if root.has(name):
            return root.lines(name)[-lines:]
    raise Failed("This host has neither journalctl nor a system log file that the agent may read.")


def _piece(lines: List[str], offset: int) -> List[str]:
    """Return the next lines that fit into one request (P1, P29), at least one while there are any."""
    size = 0
    for end in range(offset, min(len(lines), offset + protocol.MAX_LOG_CHUNK)):
        size += len(json.dumps(lines[end])) + 1
        if size > _PIECE_BYTES and end > offset:
            return lines[offset:end]
    return lines[offset : offset + protocol.MAX_LOG_CHUNK]


def pieces(operation: str, lines: List[str]) -> Iterator[Dict[str, Any]]:
    """Give the bodies of P29 for the lines of an operation, in order; one without lines when there are none."""
    offset = 0
    while offset < len(lines) or not offset:
        part = _piece(lines, offset)
        yield {"operationId": operation, "offset": offset, "lines": part, "last": offset + len(part) >= len(lines)}
        offset += len(part) or 1


def collector(root: Root, send: Callable[[Dict[str, Any]], bool]) -> Callable[[str, Mapping[str, Any]], Outcome]:
    """Return the handler of `collect-logs`; `send` posts one piece and returns whether the plane accepted it."""

    def collect(operation: str, params: Mapping[str, Any]) -> Outcome:
        asked = params.get("lines", DEFAULT_LINES)
        unit = params.get("unit", "")
        if isinstance(asked, bool) or not isinstance(asked, int) or not 1 <= asked <= protocol.MAX_LOG_LINES:
            return Outcome(protocol.OP_REFUSED, f"The number of lines must be 1 to {protocol.MAX_LOG_LINES}.")
        if not isinstance(unit, str) or unit.startswith("-") or len(unit) > 255:
            return Outcome(protocol.OP_REFUSED, "The name of the unit is not valid.")
        since = params.get("since", 0)
        if isinstance(since, bool) or not isinstance(since, int) or not 0 <= since <= LATEST:
            return Outcome(protocol.OP_REFUSED, "The moment since when is not a number of epoch seconds.")
        lines = [clean(line, protocol.MAX_LOG_LINE) for line in read_journal(root, asked, unit, since)]
        for piece in pieces(operation, lines):
            if not send(piece):
                return Outcome(protocol.OP_FAILED, "The plane does not know this operation any more.")
        return Outcome(protocol.OP_SUCCEEDED, f"{len(lines)} lines sent.")

    return collect
