"""Rules about units: masked, failed, stopped, restarting, and start chains that hang."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from edgewright.core.doctor.facts import Facts, Unit
from edgewright.core.doctor.findings import LIKELY, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.repairs import LATER, fix_of
from edgewright.core.doctor.unit_names import AGENTS, BUNDLED, KUBELETS, NEEDED, REMOTE, RUNTIMES, TIMES
from edgewright.core.text import amount

RESTARTS = 3
"""Restarts from which a unit that is not running steadily counts as restarting again and again."""
STEADY = 30.0
"""Seconds after which a unit that was restarted counts as running steadily."""
_ROLES = (
    (AGENTS, "the agent"),
    (RUNTIMES, "the container runtime"),
    (KUBELETS, "the kubelet"),
    (TIMES, "the time service"),
    (REMOTE, "the SSH server"),
)


RUNTIME_DATA = {"edgewright-containerd": "/var/lib/edgewright/containerd"}
"""Where a runtime has its data, if not in `/var/lib/containerd`."""


def fitted(facts: Facts, fix: Fix) -> Fix:
    """Return a fix with the units of this host in place of `{kubelet}`, `{runtime}` and `{runtime-data}`."""
    kubelet = _present(facts, ("kubelet", "rke2-server", "rke2-agent", "k3s", "k3s-agent")) or "kubelet"
    runtime = _present(facts, ("edgewright-containerd", "containerd", "crio", "docker"))
    runtime = runtime or (kubelet if kubelet in BUNDLED else "containerd")
    name, _, value = fix.repair.partition(":")
    if value in LATER:
        return fix_of(name, {"{kubelet}": kubelet, "{runtime}": runtime}[value], fix.title)
    command = fix.command.replace("{kubelet}", kubelet).replace("{runtime}", runtime)
    return fix._replace(command=command.replace("{runtime-data}", RUNTIME_DATA.get(runtime, "/var/lib/containerd")))


def _present(facts: Facts, names: Sequence[str]) -> str:
    """Return the first of some units that runs, or else that the host has."""
    present = [name for name in names if name in facts.units and facts.units[name].load != "masked"]
    return next((name for name in present if facts.units[name].active == "active"), present[0] if present else "")


def rules(facts: Facts) -> List[Finding]:
    """Return what is wrong with units, those that others need first."""
    findings = [finding for unit in facts.units.values() for finding in [_unit(facts, unit)] if finding is not None]
    findings += _others(facts)
    findings += _jobs(facts)
    findings += _var_tmp(facts)
    findings += _remote_shell(facts)
    return findings


def _unit(facts: Facts, unit: Unit) -> Optional[Finding]:
    name = unit.name
    role = next((f", {text}," for names, text in _ROLES if name in names), "")
    if unit.load == "masked":
        if name not in NEEDED | TIMES | REMOTE or _replaced(facts, name):
            return None
        fix = fix_of("unit-unmask", name)
        text = f"{name}{role} is masked: nothing can start it."
        step = f"Find out who masked {name}; then unmask and start it."
        return Finding("unit-masked", text, (_state(unit),), step, _mask_counts(facts, name), name, (fix,))
    logs = Fix(f"read the log of {name}", f"journalctl -u {word(name)} -b -n 50 --no-pager", SAFE)
    restart = fix_of("unit-restart", name)
    step = f"Read the log of {name}, fix the cause, then restart it."
    if unit.load in ("bad-setting", "error"):
        if name in REMOTE and any(facts.units[each].load == "masked" for each in REMOTE & facts.units.keys()):
            return None  # it is another name of the masked one
        text = f"The file of {name}{role} cannot be read by systemd."
        check = Fix("show what is wrong in it", f"systemd-analyze verify {word(name + '.service')}", SAFE)
        return Finding("unit-failed", text, (_state(unit),), f"Correct the file of {name}.", SURE, name, (check,))
    if _restarts(facts, unit):
        many = f" ({amount(unit.restarts, 'restart')})" if unit.restarts else ""
        text = f"{name}{role} ends and is restarted again and again{many}."
        return _finding("unit-restarts", unit, text, step, (logs, restart))
    if unit.active == "failed":
        why = f" ({unit.result})" if unit.result not in ("", "success", "exit-code") else ""
        text = f"{name}{role} has failed{why}."
        return _finding("unit-failed", unit, text, step, (logs, restart))
    if name in NEEDED and (_should_run(unit) or _only_agent(facts, unit)):
        start = fix_of("unit-start", name)
        never = ": it has not run since the boot" if unit.ever_active is False else ""
        text = f"{name}{role} is {unit.enabled or 'installed'} and does not run{never}."
        return Finding(
            "unit-stopped",
            text,
            (_state(unit),),
            f"Start {name}; its log shows why it ended.",
            UNSURE if _replaced(facts, name) else SURE,
            name,
            (start, logs),
        )
    return None


def _restarts(facts: Facts, unit: Unit) -> bool:
    """Return whether a unit ends and starts again and again: it waits for a start, or has run for moments only."""
    if unit.active == "activating":
        return unit.sub == "auto-restart" or (unit.restarts or 0) >= RESTARTS
    if unit.active != "active" or (unit.restarts or 0) < RESTARTS or facts.uptime is None or unit.entered is None:
        return False
    return facts.uptime - unit.entered < STEADY


def _should_run(unit: Unit) -> bool:
    """Return whether an inactive unit is one that should run: enabled, a service, its conditions met."""
    enabled = unit.enabled in ("enabled", "enabled-runtime") or (unit.enabled == "static" and unit.name == "kubelet")
    return unit.active == "inactive" and enabled and unit.type != "oneshot" and unit.condition is not False


def _only_agent(facts: Facts, unit: Unit) -> bool:
    """Return whether it is an agent that does not run, enabled or not, and no other agent runs: a host has one."""
    if unit.name not in AGENTS or unit.active != "inactive" or unit.type == "oneshot" or unit.condition is False:
        return False
    return not any(name in facts.units and facts.units[name].active == "active" for name in AGENTS)


def _mask_counts(facts: Facts, name: str) -> str:
    """Return how sure a masked unit is a fault: network, names and time may have another service, not asked for."""
    if name in AGENTS | RUNTIMES | KUBELETS:
        return SURE
    if name in TIMES:
        return UNSURE if facts.clock_off is not None and abs(facts.clock_off) < 60 else LIKELY
    if name in REMOTE:
        return LIKELY  # the next connection is refused, unless something else listens
    if name == "systemd-resolved":
        return UNSURE if any(server.state == "answers" for server in facts.servers) else LIKELY
    return UNSURE if facts.default_route and facts.default_route[1] and facts.gateway == "answers" else LIKELY


def _replaced(facts: Facts, name: str) -> bool:
    """Return whether a masked unit is masked since another one does its work."""
    if name in RUNTIMES and any(other in facts.units and facts.units[other].active == "active" for other in BUNDLED):
        return True
    groups = (RUNTIMES, KUBELETS, AGENTS, TIMES, REMOTE, frozenset({"systemd-networkd", "NetworkManager"}))
    group = next((names for names in groups if name in names), frozenset({name}))
    return any(other in facts.units and facts.units[other].active == "active" for other in group - {name})


def _finding(symptom: str, unit: Unit, text: str, step: str, fixes: "tuple[Fix, ...]") -> Finding:
    if unit.name in NEEDED | REMOTE:
        return Finding(symptom, text, (_state(unit),), step, SURE, unit.name, fixes)
    return Finding("unit-other-failed", text, (_state(unit),), step, UNSURE, unit.name, fixes)


def _state(unit: Unit) -> Evidence:
    parts = [f"{unit.name}: {unit.load}", unit.active]
    if unit.sub and unit.sub != unit.active:
        parts.append(f"({unit.sub})")
    if unit.enabled:
        parts.append(unit.enabled)
    if unit.result not in ("", "success"):
        parts.append(f"result {unit.result}")
    if unit.exit_status:
        parts.append(f"exit status {unit.exit_status}")
    if unit.restarts:
        parts.append(amount(unit.restarts, "restart"))
    return Evidence("units.state", " ".join(parts))


def _others(facts: Facts) -> List[Finding]:
    """Return failed units beyond the catalogue: shown, but they explain nothing."""
    names = [n for n in facts.failed_units or () if n.endswith(".service") and n[: -len(".service")] not in facts.units]
    names += [n for n in facts.failed_units or () if not n.endswith(".service")]
    if not names:
        return []
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    text = f"{amount(len(names), 'unit')} that the host can do without failed: {shown}."
    fix = Fix("read why", f"systemctl status --no-pager {word(names[0])}", SAFE)
    evidence = (Evidence("units.failed", shown),)
    return [Finding("unit-other-failed", text, evidence, f"Read the log of {names[0]}.", UNSURE, names[0], (fix,))]


def _jobs(facts: Facts) -> List[Finding]:
    """Return a start chain that hangs: jobs still wait long after the boot, one of them for an agent or a kubelet."""
    jobs = facts.waiting_jobs or ()
    waiting = [job for job in jobs if job.endswith(" waiting")]
    running = [job.split()[0] for job in jobs if job.endswith(" running")]
    if not waiting or (facts.uptime or 0) < 300:
        return []
    names = [job.split()[0] for job in waiting]
    if not any(name.removesuffix(".service") in NEEDED for name in names):
        return []
    cause = f" behind {running[0]}" if running else ""
    text = f"A start chain hangs: {names[0]} waits{cause}."
    fix = Fix("see what runs", "systemctl list-jobs --no-pager", SAFE)
    end = fix_of("job-end", running[0]) if running else fix
    evidence = tuple(Evidence("units.jobs", job) for job in jobs[:4])
    return [
        Finding(
            "start-hangs",
            text,
            evidence,
            f"End what hangs{cause}, then start {names[0]}.",
            LIKELY,
            names[0],
            (fix, end),
        )
    ]


def _remote_shell(facts: Facts) -> List[Finding]:
    """Return a remote shell that is still starting long after the boot."""
    unit = facts.units.get("remote-shell")
    if unit is None or unit.active != "activating" or (facts.uptime or 0) < 300 or _restarts(facts, unit):
        return []
    text = "The remote shell of Palette is still being configured."
    step = "Switch it off in Palette, wait a minute, and switch it on again."
    return [Finding("remote-shell", text, (_state(unit),), step, UNSURE, "", ())]


def _var_tmp(facts: Facts) -> List[Finding]:
    unit = facts.units.get("systemd-resolved")
    mode = facts.var_tmp_mode[:10]
    if len(mode) != 10 or (mode[8] == "w" and mode[9] in "tT"):
        return []
    text = f"/var/tmp has the rights {mode}: units cannot make their private folders there."
    fix = fix_of("var-tmp-rights")
    evidence: Tuple[Evidence, ...] = (Evidence("disk.mounts", f"/var/tmp {mode}"),)
    if unit is not None and unit.active != "active":
        text, evidence = text.replace("units", "systemd-resolved and others"), (*evidence, _state(unit))
    return [Finding("var-tmp-mode", text, evidence, "Set the rights of /var/tmp.", LIKELY, "", (fix,))]
