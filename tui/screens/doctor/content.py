"""What the Doctor screen shows: likely cause, next step, what else was seen, what is healthy, what was not read.

All texts of a host are cleaned here once more: nothing in them can steer the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edgewright.commands.site.doctor_text import DANGER, ROOT, cause_of, key_of, relation, ways_of
from edgewright.commands.site.opened import Progress
from edgewright.commands.site.sizes import size_of
from edgewright.core.text import amount, clean
from tui.frame.ages import age_of
from tui.widgets.lines import Line, Piece, Role, blocks, line, spread, wrap

Report = Mapping[str, Any]
CERTAINTY: dict[str, Role] = {"sure": "bad", "likely": "warn", "unsure": "muted"}
SIGNS: dict[str, tuple[str, Role]] = {"sure": ("▲ ", "bad"), "likely": ("▲ ", "warn"), "unsure": ("○ ", "muted")}
UNCHANGED = "Nothing was changed on this host."
OLD = 60
"""Seconds after which an age of the reading is no longer one of now."""
NARROW = 40
"""Columns below which nothing is indented far."""
MOST_TEXT, MOST_COMMAND = 2000, 400


class SiteView(NamedTuple):
    """What is known of a site now. `unfolded`: keys of the findings whose evidence is shown."""

    report: Report | None
    now: float
    read_at: float | None = None
    reading_since: float | None = None
    problem: str = ""
    """Why the last run of the probes gave nothing."""
    state: str = "open"
    why: str = ""
    """Why there is no connection."""
    again: str = "R"
    """The key that connects again."""
    probes: int = 0
    progress: Progress = Progress(())
    """Of the run of the probes that is under way."""
    unfolded: frozenset[str] = frozenset()
    applied: tuple[str, ...] = ()
    """Titles of fixes that were applied from here and not taken back."""
    done: tuple[str, ...] = ()
    """What else was done on the host from here."""


def body(view: SiteView, width: int, *, folds: bool = True) -> list[Line]:
    """Return the page in lines of at most `width` cells; with `folds` evidence is below what is unfolded."""
    parts = [_connection(view, width)]
    report = view.report
    if report is None:
        parts.append(_nothing_yet(view, width))
        return blocks(parts)
    first, others = cause_of(report)
    age = f"read {age_of(view.read_at, view.now)} ago"
    if first is not None:
        parts.append(_cause(first, view, width, age, folds))
    else:
        read = report["probes"]
        rest = "; what was seen is unsure." if others else ", and none shows a fault."
        text = f"{read['read']} of {amount(read['total'], 'probe')} were read{rest}"
        parts.append([spread([("NO FAULT FOUND", "head")], [(age, "muted")], width), *wrap(text, width)])
    also = [row for other in others for row in _other(other, first, view, width, folds)]
    parts.append(([line(("ALSO SEEN", "head"))] if also else []) + also)
    parts.append([*_healthy(view, report, width), *_not_read(report, width)])
    parts.append(_ways(report, width))
    parts.append(wrap(_changed(view), width, role="muted"))
    return blocks(parts)


def _changed(view: SiteView) -> str:
    """Return what was done on the host from here."""
    parts = [f"Applied from here: {clean(', '.join(view.applied), MOST_COMMAND)}."] if view.applied else []
    if view.done:
        parts.append(f"Done from here: {clean(', '.join(view.done), MOST_COMMAND)}; :site ledger has all of it.")
    return " ".join(parts) or UNCHANGED


def _connection(view: SiteView, width: int) -> list[Line]:
    """Return what is wrong with the connection or the last run, where something is."""
    if view.state in ("lost", "shut") and view.why:
        rest = f" {view.again} connects again." if view.state == "shut" else ""
        sign: tuple[str, Role] = ("▬ ", "parked") if view.state == "lost" else ("‼ ", "warn")
        return _wrapped(clean(view.why, MOST_TEXT) + rest, width, *sign)
    return _wrapped(clean(view.problem, MOST_TEXT), width, "▲ ", "warn") if view.problem else []


def _nothing_yet(view: SiteView, width: int) -> list[Line]:
    if view.reading_since is not None:
        text = f"Reading {amount(view.probes, 'probe')} in one round trip. esc stops it."
        rows = _wrapped(text, width, "► ", "work")
        if view.progress.received:
            now = f", {view.progress.running} runs" if view.progress.running else ""
            rows += _wrapped(f"{answered(view.progress)} so far{now}.", width, "  ", "", "muted")
        return rows
    if view.state in ("connecting", "new"):
        return _wrapped("Connecting. The terminal asks what must be asked. esc stops it.", width, "► ", "work")
    return _wrapped("Nothing was read from this host yet.", width, "○ ", "muted", "muted")


def answered(progress: Progress) -> str:
    """Return how far a run is: `23 of 55 answered, 18.2 KB`."""
    return f"{progress.answered} of {progress.probes} answered, {size_of(progress.received)}"


def _cause(finding: Report, view: SiteView, width: int, age: str, folds: bool) -> list[Line]:
    certainty = str(finding["certainty"])
    head: list[Piece] = [("LIKELY CAUSE", "head"), "   ", (certainty, CERTAINTY.get(certainty, ""))]
    first, *more = wrap(clean(finding["text"], MOST_TEXT), width, role="strong")
    key = key_of(finding)
    rows = [spread(head, [(age, "muted")], width), first._replace(key=f"finding/{key}"), *more]
    unfolded = folds and key in view.unfolded
    if unfolded:
        rows += evidence(finding, width, "  ")
    return [*rows, *next_step(finding, width, "  ", most=None if unfolded else 1)]


def _other(finding: Report, cause: Report | None, view: SiteView, width: int, folds: bool) -> list[Line]:
    key = key_of(finding)
    sign, role = SIGNS.get(str(finding["certainty"]), ("○ ", "muted"))
    text, how = clean(finding["text"], MOST_TEXT), clean(relation(finding, cause), 80)
    room = width - len(how) - 4
    if len(text) <= room:
        rows = [spread([(sign, role), text], [(how, "muted")], width, key=f"finding/{key}")]
    else:
        first, *more = wrap(text, width, sign, "  ")
        rows = [first._replace(key=f"finding/{key}"), *more, *wrap(how, width, "  ", "  ", "muted")]
    if folds and key in view.unfolded:
        rows += [*evidence(finding, width, "    "), *next_step(finding, width, "    ")]
    return rows


def evidence(finding: Report, width: int, lead: str = "") -> list[Line]:
    """Return the lines behind a finding, each with its probe."""
    rows: list[Line] = []
    for each in finding["evidence"]:
        rows += wrap(f"{clean(each['probe'], 80)}: {clean(each['text'], MOST_TEXT)}", width, lead, lead + "  ", "muted")
    return rows


def next_step(finding: Report, width: int, lead: str = "", most: int | None = None) -> list[Line]:
    """Return the next step of a finding, and `most` of its fixes with their exact command; none of them is run."""
    rest = lead + "        " if width >= NARROW else "  "
    rows = wrap(clean(finding["nextStep"], MOST_TEXT), width, f"{lead}NEXT    ", rest)
    for fix in finding["fixes"][:most]:
        undo = clean(fix["undo"], MOST_COMMAND)
        how = f"{DANGER.get(str(fix['danger']), str(fix['danger']))}, {undo if undo == 'no undo' else f'undo: {undo}'}"
        rows += wrap(clean(fix["title"], MOST_TEXT), width, rest, rest)
        rows += wrap(clean(fix["command"], MOST_COMMAND), width, rest + "  ", rest + "  ", "accent")
        rows += wrap(how, width, rest + "  ", rest + "  ", "bad" if fix["danger"] == "destructive" else "muted")
    return rows


def _healthy(view: SiteView, report: Report, width: int) -> list[Line]:
    """Return what is fine; an age in it counts from the reading, and the text has that once it is some time ago."""
    healthy = ", ".join(clean(each, 200) for each in report["healthy"])
    if view.read_at is not None and view.now - view.read_at >= OLD:
        healthy = re.sub(r" ago\b", " before it was read", healthy)
    return _wrapped(healthy, width, "• ", "ok", "muted") if healthy else []


def _ways(report: Report, width: int) -> list[Line]:
    """Return which depths answer, and why the others do not."""
    answering, others = ways_of(report)
    rows = _wrapped(f"answers: {answering}", width, "• ", "ok") if answering else []
    return [*rows, *(row for text in others for row in _wrapped(text, width, "○ ", "muted", "muted"))]


def _not_read(report: Report, width: int) -> list[Line]:
    rows: list[Line] = []
    for missing in report["notRead"]:
        reason = clean(missing["reason"], 200)
        if "needs sudo" in reason and report["root"] in ROOT:
            reason += f" ({ROOT[report['root']]})"
        probes = ", ".join(clean(probe, 80) for probe in missing["probes"])
        start = "" if reason.startswith("read in part") else "not read, "
        rows += _wrapped(f"{start}{reason}: {probes}", width, "○ ", "muted", "muted")
    return rows


def detail(finding: Report | None, width: int) -> list[Line]:
    """Return a finding beside the list: evidence, next step, fixes."""
    if finding is None:
        return []
    rows = wrap(clean(finding["title"], 200), width, role="strong")
    shown = evidence(finding, width)
    return blocks([rows, [line(("EVIDENCE", "head")), *shown] if shown else [], next_step(finding, width)])


def about(view: SiteView, reached: Any, rtt: str, width: int) -> list[Line]:
    """Return the third column: the connection, the host, and how the run went."""
    pairs: list[tuple[str, str]] = []
    if reached is not None:
        way = " → ".join([*reached.via, reached.host])
        pairs += [
            ("way", way), ("address", reached.address), ("user", reached.user), ("method", reached.method),
            ("key by", reached.known_by), ("server", reached.server), ("rtt", rtt),
        ]  # fmt: skip
    out = [line(("CONNECTION", "head")), *_facts(pairs, width)] if pairs else []
    if reached is not None:
        out += [row for text in reached.warnings for row in _wrapped(clean(text, MOST_TEXT), width, "‼ ", "warn")]
    if view.report is None:
        return out
    host, probes = view.report["host"], view.report["probes"]
    facts = [
        ("name", host["name"]), ("system", host["system"]), ("kernel", host["kernel"]), ("slot", host["slot"]),
        ("up", age_of(0.0, host["uptimeSeconds"]) if host["uptimeSeconds"] is not None else ""),
        ("rights", view.report["root"]), ("read", f"{probes['read']} of {probes['total']}"),
    ]  # fmt: skip
    return blocks([out, [line(("HOST", "head")), *_facts([(k, str(v)) for k, v in facts], width)]])


def _facts(pairs: Sequence[tuple[str, str]], width: int) -> list[Line]:
    rows: list[Line] = []
    for label, value in pairs:
        rows += wrap(clean(value, 300) or "-", width, f"{label:<9}", " " * 9)
    return rows


def _wrapped(text: str, width: int, sign: str, role: Role, then: Role = "") -> list[Line]:
    first, *more = wrap(text, max(width - 2, 8), role=then)
    return [line((sign, role), *first.spans), *(line("  ", *row.spans) for row in more)]
