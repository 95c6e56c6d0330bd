"""What the host reports about its own health with each heartbeat: `healthy`, or `unhealthy` and the worst reason."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence

from edgewright.agent.facts.device import Facts
from edgewright.core import times
from edgewright.core.certificate_clock import BUILT, clock_text
from edgewright.core.clusters.actions import with_titles
from edgewright.core.hosts.hosts import Health

DISK_FULL = 95
"""Percent of a file system from which a host calls itself unhealthy: a kubelet evicts from there."""
CLOCK_OFF = 60.0
"""Seconds between the clocks of host and plane from which it is a condition (P5)."""


MEMORY_FULL = 95
"""Percent of the memory in use from which it is a condition: the kernel is about to end processes."""
HOT = 90
"""Degrees Celsius from which it is a condition: processors slow down from there."""


class Report(NamedTuple):
    """The health that a heartbeat carries."""

    state: Health
    message: str


def clock_difference(host: float, plane: Optional[float], doubted: bool = False) -> float:
    """Return how far this host's clock is before the plane's, in seconds.

    0 when the plane's is not known, when the plane doubts it itself (`doubted`, P41), or when it shows a time before
    this version was built: a wrong clock of the plane is not a condition of every host.
    """
    return 0.0 if plane is None or doubted or plane < BUILT else host - plane


def judge(
    facts: Optional[Facts],
    state_trouble: str,
    clock_off: float,
    now: float,
    duplicate: str = "",
    memory_used_mb: int = 0,
    work_trouble: str = "",
    progress: Optional[Mapping[str, Any]] = None,
    offered: Sequence[str] = (),
) -> Report:
    """Return the health that a host reports, from its facts, its data directory and its clock.

    `work_trouble` is why the reconciler starts no step, `progress` where its work is;
    `offered` are uids of documents of another lineage that wait for an operator (P73).
    `duplicate` names other machines that report with its identity: what the plane shows may be their state. The texts
    are known to `core.problems.causes`, which gives each its next step.
    """
    problems: List[str] = []
    if facts is not None:
        mount, percent = facts.fullest
        if percent >= DISK_FULL:
            problems.append(f"disk {mount} {percent} %")
        problems += _strain(facts, memory_used_mb)
    if state_trouble:
        problems.append(f"the agent cannot save its state: {state_trouble}")
    if abs(clock_off) > CLOCK_OFF:
        side = "ahead of" if clock_off > 0 else "behind"
        problems.append(f"clock {times.duration(abs(clock_off))} {side} the plane's (it shows {clock_text(now)})")
    if duplicate:
        problems.append(f"another machine reports with this identity: {duplicate}")
    if work_trouble:
        problems.append(f"no step can start: {work_trouble.replace('; ', ', ')}")
    if progress is not None and progress.get("waitingFor") == "operator":
        reason = str(progress.get("error") or "").replace("; ", ", ") or progress.get("errorClass", "failed")
        problems.append(f"step {with_titles(str(progress['step']))} waits for an operator: {reason}")
    if offered:
        uids = ", ".join(offered[:4])
        problems.append(f"LineageChanged: the restored plane has another document {uids}, which waits for an operator")
    if problems:
        return Report(Health.UNHEALTHY, "; ".join(problems))
    return Report(Health.HEALTHY, "")


def _strain(facts: Facts, memory_used_mb: int) -> List[str]:
    """Return what is wrong with failed units, memory and temperature."""
    matches = []
    units = facts.extension.get("failedUnits")
    if isinstance(units, list) and units:
        matches.append(f"{'1 unit has' if len(units) == 1 else f'{len(units)} units have'} failed: {', '.join(units)}")
    total = int(facts.device.get("memory", {}).get("sizeInMB", 0))
    percent = 100 * memory_used_mb // total if total > 0 else 0
    if percent >= MEMORY_FULL:
        matches.append(f"memory {percent} % used")
    degrees = facts.extension.get("temperatureC")
    if isinstance(degrees, int) and degrees >= HOT:
        matches.append(f"temperature {degrees} °C")
    return matches
