"""The page of Doctor as text: likely cause with evidence and next step, what else was seen, what is healthy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.core.text import amount, clean

WIDTH = 78
LABEL = 16
_DANGER = {"safe": "safe", "confirm": "interrupts something", "destructive": "DESTRUCTIVE, removes data"}
_ROOT = {
    "refused": "`sudo -n` needs a password for this user",
    "missing": "the host has no sudo",
    "unknown": "it is not known whether sudo is there",
}
Report = Mapping[str, Any]


def page(report: Report) -> str:
    """Return the text for one host, in lines of at most 78 cells apart from commands."""
    host = report["host"]
    probes = report["probes"]
    title = f"{clean(report['target'])}  {clean(host['name'])}  {clean(host['system'])}".rstrip()
    run = f"{probes['read']} of {amount(probes['total'], 'probe')} in 1 round trip, {report['seconds']:.1f} s"
    lines = [_ends(title, run), "─" * WIDTH]
    findings: Sequence[Report] = report["findings"]
    if findings:
        first = findings[0]
        lines.append(_ends(f"LIKELY CAUSE    {first['certainty']}", f"read {clean(report['readAt'])}"))
        lines += _wrapped(first["text"])
        lines += [_row("  evidence", f"{line['probe']}: {line['text']}") for line in first["evidence"]]
        lines += _wrapped(first["nextStep"], "  NEXT          ")
        for fix in first["fixes"]:
            lines += _fix(fix)
    else:
        lines.append(_ends("NO FAULT FOUND", f"read {clean(report['readAt'])}"))
    if len(findings) > 1:
        lines.append("ALSO SEEN")
        for other in findings[1:]:
            lines.append(_row(f"▲ {other['text']}", _relation(other, findings[0])))
            lines += [_row("    evidence", f"{line['probe']}: {line['text']}") for line in other["evidence"][:2]]
            if not other["followsFrom"]:
                lines += _wrapped(other["nextStep"], "    next        ")
                lines += [row for fix in other["fixes"][:1] for row in _fix(fix)]
    if report["healthy"]:
        lines += _wrapped("• " + ", ".join(clean(each) for each in report["healthy"]), "", "  ")
    for missing in report["notRead"]:
        reason = clean(missing["reason"])
        if reason == "needs sudo" and report["root"] in _ROOT:
            reason += f" ({_ROOT[report['root']]})"
        lines += _wrapped(f"○ not read, {reason}: {', '.join(missing['probes'])}", "", "  ")
    lines += ["─" * WIDTH, "Nothing was changed on this host."]
    return "\n".join(lines)


def _relation(other: Report, first: Report) -> str:
    key = f"{first['symptom']}:{first['object']}" if first["object"] else first["symptom"]
    if key in other["followsFrom"]:
        return "follows from the above"
    if other["followsFrom"]:
        return f"follows from {other['followsFrom'][0]}"
    return f"{other['certainty']}; apart from the above"


def _fix(fix: Report) -> list[str]:
    undo = clean(fix["undo"])
    how = "no undo" if undo == "no undo" else f"undo: {undo}"
    return [
        *_wrapped(f"{clean(fix['title'])}  ({_DANGER.get(fix['danger'], fix['danger'])}, {how})", "    "),
        f"      {clean(fix['command'], 400)}",
    ]


def _ends(left: str, right: str) -> str:
    """Return a line with a text at each end."""
    room = WIDTH - len(right) - 2
    return f"{left if len(left) <= room else left[: room - 1] + '…':<{max(0, room)}}  {right}"


def _row(left: str, right: str) -> str:
    left = clean(left, 200)
    if left.startswith(("▲", "    evidence", "  evidence")) and len(left) <= LABEL:
        return f"{left:<{LABEL}}{clean(right, 300)}"
    return f"{left}\n    {clean(right, 300)}"


def _wrapped(text: str, start: str = "", then: str | None = None) -> list[str]:
    rest = " " * len(start) if then is None else then
    return textwrap.wrap(clean(text, 2000), WIDTH, initial_indent=start, subsequent_indent=rest, break_long_words=False)
