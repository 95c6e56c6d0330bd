"""Why a unit fails, by its own last lines and by how systemd ended it."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence

from edgewright.core.doctor.facts import Facts, LogLine, Unit
from edgewright.core.doctor.findings import LIKELY, SAFE, Evidence, Finding, Fix, word
from edgewright.core.doctor.rules.reading import match, quote, telling
from edgewright.core.doctor.unit_names import AGENTS, KUBELETS, RUNTIMES
from edgewright.core.text import clip

PROBE = "units.errors"
SHOWN = 110
"""Letters of a unit's own line in the sentence of a finding; the evidence has more."""
_FAULTS = (
    r"error|fail|fatal|panic|denied|cannot|can't|could not|couldn't|unable|no such|not found|invalid|in use|refused"
    r"|missing|unknown|unrecogni|unexpected|bad |no space|read-only|exec format|too many|expired|not permitted"
    r"|no hostkeys|syntax|does not exist|unsupported|illegal|abort|exception"
)
_SYSTEMD = (
    r"Failed at step|Failed to (?!start\b)|Unable to locate|timed out|Refusing|start request repeated|has no"
    r"|status=\d+/[A-Z_]+|code=(killed|dumped)|mount.*(fail|error)"
)
_AFTER = (
    r"Failed with result|Scheduled restart job|Start request repeated|Failed to start|Main process exited"
    r"|Consumed .* CPU"
)
"""What systemd writes after each end: the reason is before it."""
STATUS: Dict[int, str] = {
    126: "its program may not be run",
    127: "its program, or one that it calls, is not there",
    200: "its working folder is not there",
    203: "its program cannot be started",
    209: "its output cannot be opened",
    216: "its group does not exist",
    217: "its user does not exist",
    226: "systemd cannot make its view of the file system",
    238: "its folder of state cannot be made",
    239: "its folder of cache cannot be made",
    240: "its folder of logs cannot be made",
    243: "its credentials cannot be read",
}
"""Exit statuses of systemd before a program runs (systemd.exec(5)), and two of shells."""


def log_of(facts: Facts, name: str) -> Sequence[LogLine]:
    """Return the last lines of a unit, the newest last; `name` without `.service`."""
    lines = facts.unit_logs.get(name if "." in name else name + ".service", ())
    for names, log in ((AGENTS, facts.agent_log), (KUBELETS, facts.kubelet_log), (RUNTIMES, facts.runtime_log)):
        if not lines and name in names:
            return tuple(reversed(telling(facts, log, names)))[-30:]
    return lines


def reason(facts: Facts, name: str) -> Optional[LogLine]:
    """Return the line that best shows why a unit ends: of its own lines the last one about a fault."""
    lines = list(reversed(log_of(facts, name)))
    own = [line for line in lines if line.unit not in ("systemd", "kernel")]
    systemd = [line for line in lines if line.unit == "systemd" and re.search(_AFTER, line.text) is None]
    setup = match(systemd, r"Failed at step|Unable to locate executable|Failed to (locate|set up|load env)")
    if setup is not None:
        return setup
    return match(own, _FAULTS) or match(systemd, _SYSTEMD) or (own[0] if own else None)


def because(facts: Facts, unit: Unit) -> str:
    """Return `: REASON` for the sentence of a finding, "" where nothing is known."""
    line = reason(facts, unit.name)
    status = STATUS.get(unit.exit_status or 0, "")
    message = clip(_plain(line.text), SHOWN) if line is not None else ""
    why = "; ".join(part for part in (status, message) if part)
    return f": {why}" if why else ""


def evidence(facts: Facts, name: str) -> "tuple[Evidence, ...]":
    """Return that line of a unit as evidence."""
    line = reason(facts, name)
    return () if line is None else (quote(PROBE, line),)


def _plain(text: str) -> str:
    """Return a line without the time and level that programs write before it, and without its last point."""
    text = re.sub(r"^(?:[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\] |time=\"[^\"]*\" )", "", text.strip())
    return text.rstrip(". ")


def rules(facts: Facts) -> List[Finding]:
    """Return faults of disks that units which fail have met, where the probes of disks see nothing."""
    findings: List[Finding] = []
    for name, lines in facts.unit_logs.items():
        newest = list(reversed(lines))[:8]
        full = match(newest, r"no space left on device|disk quota exceeded")
        fills = any((system.used or 0) >= 95 or (system.inodes_used or 0) >= 95 for system in facts.file_systems)
        if full is not None and not fills:
            text = f"{name} finds no space left, though no disk is full: a quota, inodes, or a limit of the kernel."
            findings.append(_met("disk-full", name, text, full, "Look at quotas, inodes and inotify limits."))
        broken = match(newest, r"input/output error|structure needs cleaning|bad superblock|superblock invalid")
        if broken is not None:
            text = f"{name} meets errors of a disk or file system: {clip(_plain(broken.text), SHOWN)}."
            findings.append(_met("io-errors", name, text, broken, "Check the disk and its file system, save its data."))
    return findings


def _met(symptom: str, name: str, text: str, line: LogLine, step: str) -> Finding:
    fix = Fix("read the log", f"journalctl -u {word(name)} -b -n 50 --no-pager", SAFE)
    return Finding(symptom, text, (quote(PROBE, line),), step, LIKELY, name, (fix,))
