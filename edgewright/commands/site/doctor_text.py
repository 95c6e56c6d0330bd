"""The page of Doctor as text: likely cause with evidence and next step, what else was seen, what is healthy."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.clients.ssh.target import short_name
from edgewright.core.text import amount, clean

WIDTH = 78
DANGER = {"safe": "safe", "confirm": "interrupts something", "destructive": "DESTRUCTIVE, removes data"}
ROOT = {
    "refused": "`sudo -n` needs a password for this user",
    "missing": "the host has no sudo",
    "unknown": "it is not known whether sudo is there",
}
Report = Mapping[str, Any]


def page(report: Report) -> str:
    """Return the text for one host, in lines of at most 78 cells apart from commands."""
    host, probes = report["host"], report["probes"]
    target, name = clean(report["target"], 60), clean(host["name"], 60)
    own = name if name != short_name(target) else ""
    title = "  ".join(filter(None, (target, own, clean(host["system"], 60))))
    run = f"{probes['read']} of {amount(probes['total'], 'probe')} in 1 round trip, {report['seconds']:.1f} s"
    lines = [_ends(title, run), "-" * WIDTH]
    first, others = cause_of(report)
    read = f"read {clean(report['readAt'])[:19]}Z"
    if first is not None:
        lines.append(_ends(f"LIKELY CAUSE    {first['certainty']}", read))
        lines += _wrapped(first["text"])
        for evidence in first["evidence"]:
            lines += _wrapped(f"{evidence['probe']}: {evidence['text']}", "  evidence      ")
        lines += _wrapped(first["nextStep"], "  NEXT          ")
        lines += [row for fix in first["fixes"] for row in _fix(fix, apply_with(report, first, fix))]
    else:
        lines.append(_ends("NO FAULT FOUND", read))
    if others:
        lines.append("ALSO SEEN")
        lines += [row for other in others for row in _also(report, other, first)]
    if report["healthy"]:
        lines += _wrapped(", ".join(clean(each) for each in report["healthy"]), "• ")
    for missing in report["notRead"]:
        reason = clean(missing["reason"])
        if "needs sudo" in reason and report["root"] in ROOT:
            reason += f" ({ROOT[report['root']]})"
        start = "" if reason.startswith("read in part") else "not read, "
        lines += _wrapped(f"{start}{reason}: {', '.join(missing['probes'])}", "○ ")
    answering, others_not = ways_of(report)
    lines += _wrapped(f"answers: {answering}", "• ") if answering else []
    lines += [row for text in others_not for row in _wrapped(text, "○ ")]
    lines += ["-" * WIDTH, "Nothing was changed on this host."]
    return "\n".join(lines)


def cause_of(report: Report) -> tuple[Report | None, Sequence[Report]]:
    """Return the likely cause and the other findings; of what is unsure alone there is no likely cause."""
    findings: Sequence[Report] = report["findings"]
    return (findings[0], findings[1:]) if report["fault"] else (None, findings)


def ways_of(report: Report) -> tuple[str, list[str]]:
    """Return which depths answer as one text, and why each of the others does not or is not known to."""
    depths: Sequence[Report] = report.get("depths") or ()
    names = {each["name"]: f"{each['name']} {each['port']}" if each["port"] else str(each["name"]) for each in depths}
    answering = " · ".join(names[each["name"]] for each in depths if each["answers"])
    others = []
    for each in depths:
        name, reason = names[each["name"]], clean(each["text"], 200)
        if each["answers"] is None:
            others.append(f"{name} not known: {reason}")
        elif not each["answers"]:
            others.append(f"no {name}: {reason}")
    return answering, others


def key_of(finding: Report) -> str:
    """Return the key of a finding, the same in each run."""
    return f"{finding['symptom']}:{finding['object']}" if finding["object"] else str(finding["symptom"])


def apply_with(report: Report, finding: Report, fix: Report) -> str:
    """Return the command line that applies a fix, "" for one that only an operator does."""
    if not fix["repair"]:
        return ""
    line = ("edgewright", "site", "fix", report["target"], key_of(finding), "--fix", fix["repair"])
    alone = [each["repair"] for each in finding["fixes"] if each["repair"]] == [fix["repair"]]
    return shlex.join(line[:-2] if alone else line)


def _also(report: Report, other: Report, first: Report | None) -> list[str]:
    lines = [
        *_wrapped(other["text"], "▲ " if other["certainty"] != "unsure" else "○ "),
        f"    {relation(other, first)}",
    ]
    for evidence in other["evidence"][:2]:
        lines += _wrapped(f"{evidence['probe']}: {evidence['text']}", "    evidence    ")
    if not other["followsFrom"]:
        lines += _wrapped(other["nextStep"], "    next        ")
        lines += [row for fix in other["fixes"][:1] for row in _fix(fix, apply_with(report, other, fix))]
    return lines


def relation(other: Report, first: Report | None) -> str:
    """Return what a finding has to do with the likely cause, if there is one."""
    if first is None:
        return str(other["certainty"])
    if key_of(first) in other["followsFrom"]:
        return "follows from the above"
    if other["followsFrom"]:
        return f"follows from {other['followsFrom'][0]}"
    return f"{other['certainty']}; apart from the above"


def _fix(fix: Report, apply: str) -> list[str]:
    undo = clean(fix["undo"])
    how = "no undo" if undo == "no undo" else f"undo: {undo}"
    return [
        *_wrapped(f"{clean(fix['title'])}  ({DANGER.get(fix['danger'], fix['danger'])}, {how})", "    "),
        f"      {clean(fix['command'], 400)}",
        *([f"      apply it: {clean(apply, 400)}"] if apply else []),
    ]


def _ends(left: str, right: str) -> str:
    """Return a line with a text at each end."""
    room = WIDTH - len(right) - 2
    return f"{left if len(left) <= room else left[: room - 1] + '…':<{max(0, room)}}  {right}"


def _wrapped(text: str, start: str = "") -> list[str]:
    """Return a text in lines; `start` is before the first one, the others are indented by as much."""
    rest = " " * len(start)
    return textwrap.wrap(clean(text, 2000), WIDTH, initial_indent=start, subsequent_indent=rest, break_long_words=False)
