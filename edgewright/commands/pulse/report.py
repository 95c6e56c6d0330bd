"""The pulse as text: problems worst first with their next step, the fleet's counts, tokens that end soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.alert.rows import document, model_of, state_of
from edgewright.commands.kernel.cells import ago, stamp
from edgewright.commands.kernel.results import Detail, Section
from edgewright.core import times
from edgewright.core.hosts.condition import condition_document
from edgewright.core.problems import ATTENTION, Problem, certificate_name
from edgewright.core.text import clean
from edgewright.store.collections.conditions import alert_condition
from edgewright.store.collections.handling import HANDLING
from edgewright.store.collections.problems import alert_of, problems
from edgewright.store.collections.selectors import Ends, by_health, by_state, ending
from edgewright.store.every import ENDING

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.engine.model import Model

MOST = 50
"""Problems of a section that are printed; the others are counted."""


async def pulse(ctx: CommandContext) -> Detail:
    """Return problems, counts and tokens that end soon. Raises `EdgewrightError` when the plane cannot be read."""
    model = await model_of(ctx)
    now = times.now()
    result = problems(model, now)
    attention = [problem for problem in result if problem.section == ATTENTION]
    unhealthy = [problem for problem in result if problem.section != ATTENTION]
    health, state = by_health(model), by_state(model)
    soon = [each for each in ending(model, now) if each.at > now]
    body: dict[str, Any] = {
        "checked": times.rfc3339(now),
        "hosts": len(model.hosts),
        "health": health,
        "state": state,
        "alerts": [_alert(model, problem, now) for problem in attention if alert_of(model, problem.key) is not None],
        "problems": [_problem(model, problem) for problem in result],
        **{f"{each.view}Ending": [_ends(end) for end in soon if end.collection is each] for each in ENDING},
        "certificates": [
            {"name": name, "ends": times.rfc3339(ends), "renewed": renewed}
            for name, ends, renewed in model.source.certificates
        ],
    }
    fleet = [
        ("health", f"• {health['healthy']} healthy  ▲ {health['unhealthy']} unhealthy  ○ {health['unknown']} unknown"),
        ("state", f"{state['in-use']} in use  {state['ready']} ready  {state['unpaired']} unpaired"),
    ]
    sections = [
        *_section("NEEDS ATTENTION", "‼", attention, model, now),
        *_section("UNHEALTHY", "▲", unhealthy, model, now),
        Section("FLEET", tuple(fleet)),
    ]
    for each in ENDING:
        lines = [(clean(end.row.name), f"ends in {times.age(end.at - now)}") for end in soon if end.collection is each]
        if lines:
            sections.append(Section(each.view.upper(), tuple(lines)))
    if model.source.certificates:
        ends = tuple(
            (certificate_name(name), f"ends in {times.age(end - now)}") for name, end, _ in model.source.certificates
        )
        sections.append(Section("CERTS", ends))
    return Detail("pulse", body, f"{_headline(model, attention, unhealthy)}, checked {stamp(now)}", tuple(sections))


def _ends(end: Ends) -> dict[str, Any]:
    return {"name": end.row.name, "uid": end.row.uid, "expiry": times.rfc3339(end.at)}


def _headline(model: Model, attention: list[Problem], unhealthy: list[Problem]) -> str:
    total, healthy = len(model.hosts), by_health(model)["healthy"]
    hosts = "1 host" if total == 1 else f"{total} hosts"
    if attention:
        needs = "1 problem needs attention" if len(attention) == 1 else f"{len(attention)} problems need attention"
        return f"{needs}; {healthy} of {hosts} healthy"
    if unhealthy:
        return f"{len(unhealthy)} {'problem' if len(unhealthy) == 1 else 'problems'}; {healthy} of {hosts} healthy"
    if not total:
        return "No hosts registered yet"
    if healthy == total:
        return f"All {hosts} healthy" if total > 1 else "The only host is healthy"
    return f"No problem known; {healthy} of {hosts} healthy"


def _section(title: str, sign: str, matches: list[Problem], model: Model, now: float) -> list[Section]:
    lines = [(f"{sign} {problem.subject}", _problem_text(model, problem, now)) for problem in matches[:MOST]]
    if len(matches) > MOST:
        lines.append(("", f"and {len(matches) - MOST} more: edgewright alert list"))
    return [Section(title, tuple(lines))] if lines else []


def _problem_text(model: Model, problem: Problem, now: float) -> str:
    """Return text, addresses, age, owner, who handles it, and the next step of a problem."""
    alert, row = alert_of(model, problem.key), model.rows(HANDLING).get(problem.key)
    where = f"(from {', '.join(alert.addresses)})" if alert is not None and alert.addresses else ""
    state = state_of(row, now)
    handled = row.assignee if row is not None and row.assignee else "" if state == "open" else state
    age = "" if problem.since is None else ago(problem.since, now)
    condition = None if alert is None else alert_condition(alert, now)
    late = f"overdue for {times.duration(condition.overdue)}" if condition is not None and condition.overdue > 0 else ""
    return "  ".join(filter(None, [problem.text, where, age, late, problem.owner, handled, problem.next_step]))


def _alert(model: Model, problem: Problem, now: float) -> dict[str, Any]:
    row = alert_of(model, problem.key)
    assert row is not None
    condition = alert_condition(row, now)
    return {
        **({} if condition is None else {"condition": condition_document(condition)}),
        "uid": row.uid,
        "kind": row.kind,
        "subject": row.subject,
        "text": row.text,
        "message": row.message,
        "hint": row.hint,
        "code": row.code,
        "hostUids": list(row.host_uids),
        "addresses": list(row.addresses),
        "since": times.rfc3339(row.since),
        "last": times.rfc3339(row.last),
        "count": row.count,
        "owner": row.owner,
    }


def _problem(model: Model, problem: Problem) -> dict[str, Any]:
    """Return a problem as `alert list -o json` prints it; of a single host also the fields of earlier versions."""
    body = document(problem, model.rows(HANDLING).get(problem.key))
    host = model.hosts.get(problem.uids[0]) if len(problem.uids) == 1 else None
    if host is not None:
        body |= {"uid": host.uid, "name": host.name, "site": host.site or "-", "reason": host.reason, "who": host.who}
    return body
