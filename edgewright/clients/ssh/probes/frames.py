"""From the output of a script of probes to one reading for each probe, whatever the host printed.

A frame is a line that begins with the marker of the run, which the client made and no output can know. Frames count in
order only: a result for a probe that was not begun, and a second one for the same probe, are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from edgewright.clients.ssh.probes.probe import Probe
from edgewright.clients.ssh.probes.shell import FRAME
from edgewright.core.text import clean, integer

State = Literal["read", "cut", "hung", "needs-root", "late", "lost"]
"""`late`: the time of the run was over; `lost`: the connection or the shell ended before it."""
Way = Literal["root", "sudo", "refused", "missing", "unknown"]
"""How the probes became root: `refused` by `sudo -n`, `missing` without sudo."""
MOST_LINES = 4000
MOST_LETTERS = 2000
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;:?<=>!]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -~])"
)
_SECRETS = re.compile(
    r"(?i)((?:password|passwd|token|secret|api[-_]?key|authorization|credential)\b[\"']?\s*[:=]\s*[\"']?"
    r"(?:bearer\s+|basic\s+)?)[^\s\"',;]{4,}"
)
_BARE = re.compile(
    r"\bew[khst]_[A-Za-z0-9_-]{6,}|\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9._-]+"
    r"|\b[a-z0-9]{6}\.[a-z0-9]{16}\b|\b(?:[a-z]+://)[^\s/@:]+:[^\s/@]+@"
)


class Reading(NamedTuple):
    """What one probe gave: clean lines, exit status and seconds where they are known, and whether it ran as root."""

    state: State
    lines: tuple[str, ...] = ()
    status: int | None = None
    seconds: float | None = None
    root: bool = False

    @property
    def usable(self) -> bool:
        """Return whether its lines may be believed, as far as they go."""
        return self.state in ("read", "cut")


class Run(NamedTuple):
    """All readings of one run by id of the probe; `complete` when the script came to its end."""

    readings: dict[str, Reading]
    way: Way
    complete: bool


def parse(output: bytes, marker: str, probes: Sequence[Probe]) -> Run:
    """Return what the host printed, by probe. Every probe has a reading; one without a frame is `lost`."""
    known = {probe.id: probe for probe in probes}
    readings: dict[str, Reading] = {}
    way: Way = "unknown"
    complete = False
    open_id, began, body = "", "", b""
    status: int | None = None
    killed = False
    for chunk in (b"\n" + output).split(b"\n" + marker.encode() + b" ")[1:]:
        head, _, rest = chunk.partition(b"\n")
        verb, *parts = head.decode("ascii", "replace").split()[:4] or [""]
        first = parts[0] if parts else ""
        if verb == "host" and way == "unknown":
            way = _way(first)
        elif verb == "begin" and first in known and first not in readings:
            open_id, began, body = first, parts[1] if len(parts) > 1 else "", rest
            status, killed = None, False
        elif verb == "rc" and open_id and status is None:
            status = int(first) if first.isdecimal() and len(first) < 4 else None
            killed = parts[1:2] == ["9"]
        elif verb == "end" and first == open_id and open_id:
            ended, by_signal = (parts[1], (integer(parts[2]) or 0) > 128) if len(parts) == 3 else ("", False)
            seconds = _seconds(began, ended)
            hung = killed or by_signal
            readings[open_id] = _reading(known[open_id], body, status, seconds, hung, way in ("root", "sudo"))
            open_id = ""
        elif verb == "skip" and first in known and first not in readings:
            readings[first] = Reading("needs-root" if parts[1:2] == ["root"] else "late")
        elif verb == "done":
            complete = True
    for probe in probes:
        readings.setdefault(probe.id, Reading("lost"))
    return Run(readings, way, complete)


def _reading(probe: Probe, body: bytes, status: int | None, seconds: float | None, killed: bool, root: bool) -> Reading:
    cut = (status is None and not killed) or len(body) > probe.size
    state: State = "hung" if killed else "cut" if cut else "read"
    return Reading(state, lines_of(body[: probe.size + FRAME]), status, seconds, root)


def lines_of(body: bytes) -> tuple[str, ...]:
    """Return bytes as lines without escapes, control characters and secrets; what is not UTF-8 becomes U+FFFD."""
    text = _ESCAPES.sub("", body.decode("utf-8", "replace"))
    lines = [line.rstrip("\r ") for line in text.split("\n", MOST_LINES)[:MOST_LINES]]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(masked(clean(line, MOST_LETTERS)) for line in lines)


def masked(line: str) -> str:
    """Return a line without what looks like a secret; the catalogue reads none, a log may contain one."""
    return _BARE.sub("***", _SECRETS.sub(r"\1***", line))


def _way(word: str) -> Way:
    for way in ("root", "sudo", "refused", "missing"):
        if word == way:
            return way
    return "unknown"


def _seconds(began: str, ended: str) -> float | None:
    try:
        seconds = float(ended) - float(began)
    except ValueError:
        return None
    return round(seconds, 2) if 0 <= seconds < 1e6 else None
