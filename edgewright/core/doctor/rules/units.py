"""Rules about units: masked, failed, stopped, restarting, gone; and rights of the folders that they need."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple

from edgewright.core.doctor.facts import Facts, Unit
from edgewright.core.doctor.findings import CONFIRM, LIKELY, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.repairs import LATER, fix_of
from edgewright.core.doctor.rules.reasons import because, evidence
from edgewright.core.doctor.unit_names import (
    AGENTS,
    BUNDLED,
    CORE,
    KUBELETS,
    NEEDED,
    PARTS,
    REMOTE,
    RUNTIMES,
    TIMES,
)
from edgewright.core.text import amount, clean, clip

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
    findings += _removed(facts)
    findings += _sshd(facts)
    findings += _frozen(facts)
    findings += _entries(facts)
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
        text = f"{name}{role} ends and is restarted again and again{many}{because(facts, unit)}."
        return _finding("unit-restarts", facts, unit, text, step, (logs, restart))
    if unit.active == "failed":
        why = f" ({unit.result})" if unit.result not in ("", "success", "exit-code") else ""
        text = f"{name}{role} has failed{why}{because(facts, unit)}."
        return _finding("unit-failed", facts, unit, text, step, (logs, restart))
    if name in AGENTS | KUBELETS | RUNTIMES and unit.active == "inactive" and unit.condition is False:
        return _condition(facts, unit, role)
    if any(job.startswith((f"{name}.service start", f"{name}.service restart")) for job in facts.waiting_jobs or ()):
        return None  # its start waits: see `starts`
    if name in NEEDED | TIMES | {"systemd-journald"} and (_should_run(facts, unit) or _only_agent(facts, unit)):
        start = fix_of("unit-start", name)
        never = ": it has not run since the boot" if unit.ever_active is False else ""
        text = f"{name}{role} is {unit.enabled or 'installed'} and does not run{never}."
        return Finding(
            "unit-stopped",
            text,
            (_state(unit),),
            f"Start {name}; its log shows why it ended.",
            UNSURE if _replaced(facts, name) else SURE if name in NEEDED else LIKELY,
            name,
            (start, logs),
        )
    return None


def _condition(facts: Facts, unit: Unit, role: str) -> Optional[Finding]:
    """Return that a unit is enabled and does not run since a condition of it is not met: that may be meant."""
    if unit.enabled not in ("enabled", "enabled-runtime") or unit.type == "oneshot" or _replaced(facts, unit.name):
        return None
    name = unit.name
    text = f"{name}{role} is enabled and does not run: a condition of its unit is not met."
    show = Fix("show its conditions", f"systemctl cat {word(name)}; systemctl status --no-pager {word(name)}", SAFE)
    certainty = LIKELY if name in AGENTS else UNSURE
    step = "Look which condition it is, and make it true, or remove it."
    return Finding("unit-stopped", text, (_state(unit),), step, certainty, name, (show,))


def _restarts(facts: Facts, unit: Unit) -> bool:
    """Return whether a unit ends and starts again and again: it waits for a start, or has run for moments only."""
    if unit.active == "activating":
        return unit.sub == "auto-restart" or (unit.restarts or 0) >= RESTARTS
    if unit.active != "active" or (unit.restarts or 0) < RESTARTS or facts.uptime is None or unit.entered is None:
        return False
    return facts.uptime - unit.entered < STEADY


def _should_run(facts: Facts, unit: Unit) -> bool:
    """Return whether an inactive unit is one that should run: enabled or needed here, a service, its conditions met."""
    if unit.active != "inactive" or unit.type == "oneshot" or unit.condition is False:
        return False
    if unit.enabled in ("enabled", "enabled-runtime") or unit.name == "systemd-journald":
        return True
    files = facts.kube_files or frozenset()
    if unit.name == "kubelet":
        return unit.enabled == "static" or bool(
            files & {"/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml"}
        )
    kubelet = facts.units.get("kubelet")
    works = kubelet is not None and (kubelet.active in ("active", "activating") or kubelet.enabled == "enabled")
    return unit.name in ("containerd", "edgewright-containerd", "crio") and works and not _replaced(facts, unit.name)


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


def _finding(symptom: str, facts: Facts, unit: Unit, text: str, step: str, fixes: "tuple[Fix, ...]") -> Finding:
    shown = (_state(unit), *evidence(facts, unit.name))
    if unit.name in NEEDED | REMOTE | CORE | PARTS:
        return Finding(symptom, text, shown, step, SURE, unit.name, fixes)
    if unit.name in TIMES:
        return Finding(symptom, text, shown, step, LIKELY, unit.name, fixes)
    return Finding("unit-other-failed", text, shown, step, UNSURE, unit.name, fixes)


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
    """Return failed units beyond the catalogue: mounts count, the others are shown and explain nothing."""
    failed = facts.failed_units or ()
    names = [name for name in failed if name.removesuffix(".service") not in facts.units]
    mounts = [name for name in names if name.endswith(".mount")]
    names = [name for name in names if name not in mounts]
    findings = [_mount(facts, name) for name in mounts[:3]]
    if not names:
        return findings
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    why = because(facts, facts.other_units.get(names[0], Unit(names[0], "", "")))
    text = f"{amount(len(names), 'unit')} that the host can do without failed: {shown}{why}."
    fix = Fix("read why", f"systemctl status --no-pager {word(names[0])}", SAFE)
    rows = (Evidence("units.failed", shown), *evidence(facts, names[0]))
    step = f"Read the log of {names[0]}."
    return [*findings, Finding("unit-other-failed", text, rows, step, UNSURE, names[0], (fix,))]


def _mount(facts: Facts, name: str) -> Finding:
    path = "/" + re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), name[:-6].replace("-", "/"))
    text = f"{clean(path, 160)} could not be mounted{because(facts, Unit(name, '', ''))}."
    fix = Fix("show why, and its line in /etc/fstab", f"systemctl status --no-pager {word(name)}; cat /etc/fstab", SAFE)
    rows = (Evidence("units.failed", name), *evidence(facts, name))
    step = "Check the disk, and the line of /etc/fstab or the unit that names it; then mount it."
    return Finding("unit-failed", text, rows, step, LIKELY, name, (fix,))


def _entries(facts: Facts) -> List[Finding]:
    """Return a line of /etc/fstab that is not mounted, and whose unit did not fail either: it was unmounted."""
    failed = " ".join(facts.failed_units or ())
    for entry in facts.fstab:
        if entry.mounted or entry.kind in ("swap", "none") or entry.mount.strip("/").replace("/", "-") in failed:
            continue
        text = f"{entry.mount} is in /etc/fstab and is not mounted: what is written there goes to the disk below."
        fix = Fix("mount it", f"mount {word(entry.mount)}", CONFIRM, f"umount {word(entry.mount)}")
        rows = (Evidence("disk.mounts", f"fstab {entry.mount} {entry.kind}: not mounted"),)
        step = "Mount it, or correct its line in /etc/fstab."
        certainty = LIKELY if entry.needed else UNSURE
        return [Finding("unit-stopped", text, rows, step, certainty, f"mount {entry.mount}", (fix,))]
    return []


def _removed(facts: Facts) -> List[Finding]:
    """Return a kubelet or a runtime of a node whose unit was removed."""
    files = facts.kube_files or frozenset()
    if not facts.units or "kubernetes.files" not in facts.read:
        return []
    traces = [path for path in ("/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml") if path in files]
    if traces and not KUBELETS & facts.units.keys():
        text = f"The host has the settings of a kubelet ({traces[0]}), and no unit of one."
        rows = (Evidence("units.state", "kubelet, k3s, rke2: not found"),)
        certainty = LIKELY if traces[0].endswith("kubelet.conf") else UNSURE
        return [Finding("unit-failed", text, rows, "Install the kubelet again.", certainty, "kubelet")]
    kubelet = facts.units.get("kubelet")
    none = not RUNTIMES & facts.units.keys() and facts.runtime_sockets == ()
    if none and kubelet is not None and kubelet.active in ("activating", "failed"):  # one that runs has a runtime
        text = "The host has a kubelet and no container runtime: no unit of one, and no socket."
        rows = (Evidence("units.state", "containerd, crio, docker: not found"),)
        return [Finding("runtime-down", text, rows, "Install the container runtime again.", LIKELY)]
    return []


def _frozen(facts: Facts) -> List[Finding]:
    """Return units that count as running while a signal has stopped their process."""
    findings = []
    for name in facts.frozen_units:
        if name not in NEEDED | REMOTE | TIMES | CORE | PARTS:
            continue
        text = f"A process of {name} is stopped by a signal (STOP): the unit counts as running and does nothing."
        go_on = Fix("continue it", f"systemctl kill --signal=CONT {word(name)}", SAFE)
        rows = (Evidence("units.processes", f"{name}: state T (stopped)"),)
        step = "Find out who stopped it (a debugger, a script), then continue it."
        symptom = "runtime-down" if name in RUNTIMES else "unit-stopped"
        findings.append(Finding(symptom, text, rows, step, LIKELY, "" if name in RUNTIMES else name, (go_on,)))
    return findings


def _sshd(facts: Facts) -> List[Finding]:
    """Return settings of sshd with which it would not start again, while it runs."""
    faults = [line for line in facts.sshd_faults if "privilege separation" not in line]
    if not faults or not any(facts.units[name].active == "active" for name in REMOTE & facts.units.keys()):
        return []
    text = f"sshd would not start again: {clip(faults[0], 110)}."
    fix = Fix("check its settings", "sshd -t", SAFE)
    rows = (Evidence("units.errors", clip(faults[0], 160)),)
    return [Finding("unit-failed", text, rows, "Correct its settings before it is restarted.", UNSURE, "sshd", (fix,))]


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
        return _tmp(facts)
    text = f"/var/tmp has the rights {mode}: units cannot make their private folders there."
    fix = fix_of("var-tmp-rights")
    evidence: Tuple[Evidence, ...] = (Evidence("disk.mounts", f"/var/tmp {mode}"),)
    if unit is not None and unit.active != "active":
        text, evidence = text.replace("units", "systemd-resolved and others"), (*evidence, _state(unit))
    return [Finding("var-tmp-mode", text, evidence, "Set the rights of /var/tmp.", LIKELY, "", (fix,))]


def _tmp(facts: Facts) -> List[Finding]:
    mode = facts.tmp_mode[:10]
    if len(mode) != 10 or (mode[8] == "w" and mode[9] in "tT"):
        return []
    text = f"/tmp has the rights {mode}: programs that do not run as root cannot make files there."
    fix = Fix("set them", "chmod a+rwxt /tmp", SAFE)
    return [
        Finding("var-tmp-mode", text, (Evidence("disk.mounts", f"/tmp {mode}"),), "Set them.", LIKELY, "/tmp", (fix,))
    ]
