"""Rules about limits of the kernel: processes and threads, and connections that it tracks."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from edgewright.core.doctor.facts import Facts, LogLine
from edgewright.core.doctor.findings import LIKELY, MACHINE, SAFE, SURE, UNSURE, Evidence, Finding, Fix, word
from edgewright.core.doctor.rules.reading import match, quote, recent, telling
from edgewright.core.doctor.unit_names import AGENTS, KUBELETS, RUNTIMES
from edgewright.core.text import clip

NEAR = 95
"""Percent of a limit from which it counts as reached."""
NO_FORK = (
    r"(?:can't|cannot|could not|unable to|failed to) v?fork\b"
    r"|\bv?fork(?:\(\)|/exec [^:]{1,200})?: .{0,20}resource temporarily"
    r"|can't start new thread|failed to create new os thread|pthread_create.{0,40}(?:failed|resource temporarily)"
    r"|fork rejected by pids|unable to create (?:new )?native thread"
)
"""What programs write when they may not start another process or thread."""
_REJECTED = r"fork rejected by pids"
_MANY = Fix("list what has the most threads", "ps -eo nlwp,pid,args --sort=-nlwp | head -n 15", SAFE)
_TABLE = r"nf_conntrack: .*full"


def rules(facts: Facts) -> List[Finding]:
    """Return limits that are reached."""
    return [*_machine(facts), *_groups(facts), *_by_logs(facts), *_conntrack(facts)]


def _machine(facts: Facts) -> List[Finding]:
    """Return that the kernel has no room for a further process: by its count, or as the shell of the probes met it."""
    used, limit = facts.threads, facts.threads_limit
    full = used is not None and limit is not None and limit > 0 and used * 100 >= limit * NEAR
    if not full and not facts.fork_refused:
        return []
    rows = [Evidence("units.limits", f"{used} processes and threads of at most {limit}")] if full else []
    if facts.fork_refused:
        rows.append(Evidence("units.limits", f"the shell of the probes: {facts.fork_refused}"))
    text = (
        f"The kernel has {used} processes and threads, and allows {limit}: no program can be started."
        if full
        else "A limit of processes is reached: the shell of this connection could not start one."
    )
    step = "Find the program that makes so many and end it; a limit (TasksMax=) bounds it later."
    return [Finding("pids-full", text, tuple(rows), step, SURE, "", (_MANY,))]


def _groups(facts: Facts) -> List[Finding]:
    """Return units, slices and pods that have as many processes as they may."""
    findings: List[Finding] = []
    lines = [line for line in recent(facts, facts.kernel_log) if re.search(_REJECTED, line.text)]
    for path, now, limit, refused in facts.limited[:20]:
        name = _name(path)
        if not name or any(finding.object == name for finding in findings) or len(findings) == 3:
            continue
        line = next((line for line in lines if line.text.rstrip().endswith(path)), None)
        at_limit = now * 100 >= limit * NEAR
        times = f", refused {refused} times" if refused else ""
        rows = [Evidence("units.limits", f"{path}: {now} processes and threads of at most {limit}{times}")]
        rows += [quote("boot.kernel", line)] if line is not None else []
        text = f"{name} has {now} processes and threads, and may have {limit}: it can start no other."
        certainty = SURE if at_limit and refused else LIKELY if at_limit else UNSURE
        if not at_limit:  # a count has no time: it may be weeks old
            certainty = LIKELY if line is not None else UNSURE
            text = f"{name} wanted more processes and threads than it may have ({limit}) and was refused."
        show = f"systemctl show -p TasksCurrent,TasksMax {word(name)}" if "." in name else _MANY.command
        step = f"Find out what {name} starts so many of; then give it a higher limit (TasksMax=), or correct it."
        fixes = (Fix("show its limit", show, SAFE), _MANY)
        object_ = name.removesuffix(".service")
        findings.append(Finding("pids-full", text, tuple(rows), step, certainty, object_, fixes))
    if findings or not lines:
        return findings
    path = lines[0].text.rpartition(" in ")[2].strip()
    own = not facts.container
    text = "The kernel refused further processes to a control group"
    text += f", {_name(path) or clip(path, 60)}." if own else " of the machine that this container runs on."
    step = "Find out what starts so many processes; then give it a higher limit (TasksMax=), or correct it."
    certainty, object_ = (LIKELY, _name(path).removesuffix(".service")) if own else (UNSURE, MACHINE)
    return [Finding("pids-full", text, (quote("boot.kernel", lines[0]),), step, certainty, object_, (_MANY,))]


def _name(path: str) -> str:
    """Return the unit or slice that a control group is of, `a pod` for one of the kubelet's."""
    if "kubepods" in path:
        return "a pod"
    parts = [part for part in path.split("/") if re.search(r"\.(service|slice|scope)$", part)]
    return parts[-1] if parts else ("its own control group" if path.strip("/") in ("", "pids") else "")


def _by_logs(facts: Facts) -> List[Finding]:
    """Return a unit that may start no process or thread by its own word, where no limit shows it."""
    logs: List[Tuple[str, Sequence[LogLine]]] = [(n, list(reversed(rows))[:8]) for n, rows in facts.unit_logs.items()]
    for names, log in ((AGENTS, facts.agent_log), (KUBELETS, facts.kubelet_log), (RUNTIMES, facts.runtime_log)):
        name = next((each for each in sorted(names) if each in facts.units), "")
        logs += [(name, telling(facts, log, names))] if name else []
    findings: List[Finding] = []
    for name, lines in logs:
        line = match(lines, NO_FORK)
        name = name.removesuffix(".service")
        if line is None or any(finding.object == name for finding in findings):
            continue
        text = f"{name} can start no process or thread: {clip(line.text.strip().rstrip('.'), 110)}."
        limit = Fix("show its limits", f"systemctl show -p TasksCurrent,TasksMax,LimitNPROC {word(name)}", SAFE)
        step = f"Look at the limits of {name} (TasksMax=, LimitNPROC=), and what its user and the host run."
        findings.append(Finding("pids-full", text, (quote("units.errors", line),), step, LIKELY, name, (limit, _MANY)))
    return findings[:2]


def _conntrack(facts: Facts) -> List[Finding]:
    """Return that the kernel has no room for a further connection: it drops what is new."""
    line = match(recent(facts, facts.kernel_log), _TABLE)
    used, limit = facts.conntrack or (0, 0)
    full = limit > 0 and used * 100 >= limit * NEAR
    if not full and line is None:
        return []
    rows = [Evidence("units.limits", f"nf_conntrack: {used} connections of at most {limit}")] if limit else []
    rows += [quote("boot.kernel", line)] if line is not None else []
    fixes = (
        Fix("show the table's size", "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max", SAFE),
        Fix(
            "show who has the most",
            "conntrack -L 2>/dev/null | grep -o 'src=[^ ]*' | sort | uniq -c | sort -rn | head",
            SAFE,
        ),
    )
    step = "Find the machine or program with so many connections; then raise net.netfilter.nf_conntrack_max."
    if full:
        text = f"The kernel tracks {used} connections, and at most {limit}: it drops new ones, or forgets others."
        return [Finding("conntrack-full", text, tuple(rows), step, LIKELY if line is None else SURE, "", fixes)]
    if facts.container:  # the line is of its machine, and another container's table may be the full one
        text = "The kernel of the machine that this container runs on dropped connections: its table was full."
        return [Finding("conntrack-full", text, tuple(rows), step, UNSURE, MACHINE, fixes)]
    text = "The kernel dropped connections within the last minutes: its table of connections was full."
    return [Finding("conntrack-full", text, tuple(rows), step, LIKELY, "", fixes)]
