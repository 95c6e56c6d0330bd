"""What rules share: shares of a number, ages, the lines of a log that still count."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple

from edgewright.core.doctor.facts import Facts, LogLine
from edgewright.core.doctor.findings import Evidence
from edgewright.core.doctor.unit_names import KUBELETS
from edgewright.core.text import clip

RECENT = 900.0
"""Seconds for which an error in a log is one of now: agents and kubelets repeat theirs within a few minutes."""
LAST_RUNS = 120.0
"""Seconds before the last line of a unit that does not run, where its log does not show its starts."""
_STARTS = ("Started ", "Starting ")
SHOWN = 160
MANIFEST = (
    r"could not process manifest file|can't process manifest file|couldn't parse as pod|invalid pod"
    r"|unable to process watch event.{0,200}manifest"
)
"""What the kubelet writes, every 20 s, about a static pod that it cannot read."""
REPEATED = 90.0
"""Seconds after which such a line is over."""
_FILE = re.compile(r"(/[\w./-]{1,160}?([\w.-]{1,60})\.(?:ya?ml|json))")


def size(kilobytes: Optional[int]) -> str:
    """Return KB as `22 GB`, `-` when unknown."""
    if kilobytes is None:
        return "-"
    value, units = float(kilobytes), ("KB", "MB", "GB", "TB")
    for unit in units:
        if value < 1000 or unit == units[-1]:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "KB" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def recent(facts: Facts, lines: Sequence[LogLine]) -> List[LogLine]:
    """Return the lines of a log of the last minutes, newest first. A line without a time does not count as recent."""
    now = facts.clock
    if now is None:
        return list(reversed(lines))
    return [line for line in reversed(lines) if line.at is not None and -60 <= now - line.at <= RECENT]


def telling(facts: Facts, lines: Sequence[LogLine], units: "frozenset[str]") -> List[LogLine]:
    """Return the lines of the log of units that are about their state now, newest first.

    Of a unit that runs: what it wrote in the last minutes and since it runs. Of one that failed or starts again and
    again: its last runs, however long ago. Of none or a stopped one: nothing, what it wrote is over.
    """
    present = [facts.units[name] for name in units if name in facts.units]
    if any(unit.active in ("failed", "activating") for unit in present):
        return list(reversed(_last_runs(lines)))
    running = [unit for unit in present if unit.active == "active"]
    if not running:
        return []
    since = [
        facts.clock - facts.uptime + unit.entered
        for unit in running
        if facts.clock is not None and facts.uptime is not None and unit.entered is not None
    ]
    start = min(since, default=0.0) - 2
    return [line for line in recent(facts, lines) if line.at is None or line.at >= start]


def _last_runs(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """Return what a unit wrote in its last two runs: the last one may have written nothing yet."""
    starts = [n for n, line in enumerate(lines) if line.unit == "systemd" and line.text.startswith(_STARTS)]
    if starts:
        return lines[starts[-2] if len(starts) > 1 else starts[-1] :]
    newest = max((line.at for line in lines if line.at is not None), default=0.0)
    return [line for line in lines if line.at is None or line.at >= newest - LAST_RUNS]


def match(lines: Sequence[LogLine], pattern: str) -> Optional[LogLine]:
    """Return the first line that a pattern is found in, in small letters too."""
    compiled = re.compile(pattern, re.IGNORECASE)
    return next((line for line in lines if compiled.search(line.text[:4000])), None)


def quote(probe: str, line: LogLine) -> Evidence:
    """Return a line of a log as evidence."""
    unit = f"{line.unit}: " if line.unit else ""
    return Evidence(probe, clip(unit + line.text.strip(), SHOWN))


def unread_manifests(facts: Facts) -> Dict[str, Tuple[LogLine, str]]:
    """Return the static pods that the kubelet cannot read: name ("" where it names no file) to line and path."""
    results: Dict[str, Tuple[LogLine, str]] = {}
    for line in telling(facts, facts.kubelet_log, KUBELETS):
        late = facts.clock is not None and line.at is not None and facts.clock - line.at > REPEATED
        if not late and match([line], MANIFEST) is not None:
            path = _FILE.search(line.text)
            results.setdefault(path[2] if path else "", (line, path[1] if path else ""))
    return results
