"""Rules about what systemd is still doing: starts and ends that hang, and a boot that did not come to its end."""

from __future__ import annotations

from typing import List, Optional

from edgewright.core import times
from edgewright.core.doctor.facts import Facts, Unit
from edgewright.core.doctor.findings import LIKELY, SAFE, UNSURE, Evidence, Finding, Fix
from edgewright.core.doctor.repairs import fix_of
from edgewright.core.doctor.rules.reasons import evidence
from edgewright.core.doctor.unit_names import CORE, NEEDED, REMOTE, TIMES

HANGS = 45.0
"""Seconds after which a start hangs: agents, kubelets and runtimes of a small host are there in less."""
SLOW = 10.0
"""Seconds from which a start is worth a word."""
_BUSY = frozenset({"start-pre", "start", "start-post", "condition", "reload", "stop", "stop-sigterm", "final-sigterm"})


def rules(facts: Facts) -> List[Finding]:
    """Return a start that hangs, by jobs and by units, and an emergency mode."""
    return [*(_jobs(facts) or _units(facts)), *_emergency(facts)]


def waits(facts: Facts, unit: Unit) -> Optional[float]:
    """Return for how many seconds a unit has been starting or stopping; `None` where it is not, or not known."""
    if unit.active not in ("activating", "deactivating", "reloading") or unit.sub not in _BUSY or facts.uptime is None:
        return None
    since = unit.began if unit.active == "activating" else unit.changed
    return None if since is None else max(0.0, facts.uptime - since)


def _units(facts: Facts) -> List[Finding]:
    """Return the unit that hosts need which has been starting for longest."""
    known = {**facts.other_units, **facts.units}
    hang = [
        (seconds, unit)
        for unit in known.values()
        for seconds in [waits(facts, unit)]
        if seconds is not None and seconds >= SLOW and unit.name in NEEDED | REMOTE | TIMES | CORE
    ]
    if not hang:
        return []
    seconds, unit = max(hang, key=lambda each: each[0])
    what = {"activating": "start", "reloading": "reload"}.get(unit.active, "stop")
    text = f"The {what} of {unit.name} has not ended for {times.duration(seconds)} ({unit.sub})."
    step = f"Look what {unit.name} waits for, end it, then start the unit."
    fixes = (
        Fix("see what runs in it", f"systemctl status --no-pager {unit.name}", SAFE),
        fix_of("job-end", f"{unit.name}.service"),
    )
    shown = (Evidence("units.state", f"{unit.name}: {unit.active} ({unit.sub})"),)
    certainty = LIKELY if seconds >= HANGS else UNSURE
    return [Finding("start-hangs", text, shown, step, certainty, unit.name, fixes)]


def _jobs(facts: Facts) -> List[Finding]:
    """Return a start chain that hangs: jobs wait behind one that runs, one of them for an agent or a kubelet."""
    jobs = facts.waiting_jobs or ()
    waiting = [job for job in jobs if job.endswith(" waiting")]
    running = [job.split()[0] for job in jobs if job.endswith(" running")]
    if not waiting or (facts.uptime or 0) < 300:
        return []
    names = [job.split()[0] for job in waiting]
    needed = [name for name in names if name.removesuffix(".service") in NEEDED]
    unit = facts.other_units.get(running[0]) if running else None
    seconds = waits(facts, unit) if unit is not None else None
    certainty = LIKELY if seconds is None or seconds >= SLOW else UNSURE
    if not needed:
        if not running or seconds is None or not any(name.endswith(".target") for name in names):
            return []
        needed = names
    cause = f" behind {running[0]}" if running else ""
    age = f" for {times.duration(seconds)}" if seconds is not None else ""
    text = f"A start chain hangs: {needed[0]} waits{cause}{age}."
    fix = Fix("see what runs", "systemctl list-jobs --no-pager", SAFE)
    end = fix_of("job-end", running[0]) if running else fix
    shown = (*(Evidence("units.jobs", job) for job in jobs[:4]), *(evidence(facts, running[0]) if running else ()))
    step = f"End what hangs{cause}, then start {needed[0]}."
    return [Finding("start-hangs", text, shown, step, certainty, needed[0], (fix, end))]


def _emergency(facts: Facts) -> List[Finding]:
    """Return that the boot ended in emergency or rescue mode."""
    if facts.system_state != "maintenance":
        return []
    failed = facts.failed_units or ()
    why = f" after {failed[0]} failed" if failed else ""
    text = f"The host is in emergency mode{why}: its boot did not come to its end."
    fix = Fix("see what failed", "systemctl --failed --no-pager; journalctl -b -p err -n 50 --no-pager", SAFE)
    step = "Correct what failed (often /etc/fstab or a disk), then: systemctl default."
    shown = (Evidence("units.state", "system maintenance"),)
    return [Finding("unit-failed", text, shown, step, LIKELY, "emergency", (fix,))]
