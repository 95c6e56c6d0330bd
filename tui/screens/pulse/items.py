"""From a problem of the store to a line of the start screen: its next step as a key, its detail, who handles it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgewright.commands.kernel.host_states import refusal_in_model
from edgewright.core.hosts.condition_text import deadline_text
from edgewright.core.problems import ATTENTION, WARNING, Problem
from edgewright.store.collections.alerts import AlertRow
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.clusters import CLUSTERS, nodes_text
from edgewright.store.collections.conditions import alert_condition
from edgewright.store.collections.handling import HANDLING
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.problems import alert_of, explain
from edgewright.store.engine.model import Model
from edgewright.store.every import of_noun
from tui.frame.exact_times import exact
from tui.screens.pulse.content import Handling, Item, Section, Step

NAMED = 12
"""Hosts of a group that the detail names."""


def items_of(model: Model, problems: Sequence[Problem], now: float) -> list[Item]:
    """Return the lines of problems. The hosts of their sites are looked up once for all of them."""
    rows = [
        model.hosts[problem.uids[0]]
        for problem in problems
        if len(problem.uids) == 1 and problem.uids[0] in model.hosts
    ]
    sites: dict[str, list[HostRow]] = {row.site: [] for row in rows if row.site}
    if sites:
        for row in model.hosts.values():
            if row.site in sites:
                sites[row.site].append(row)
    return [item_of(model, problem, now, sites) for problem in problems]


def item_of(model: Model, problem: Problem, now: float, sites: Mapping[str, Sequence[HostRow]]) -> Item:
    """Return the line of a problem; `sites` are the hosts of each site that a problem is at."""
    section: Section = "attention" if problem.section == ATTENTION else "unhealthy"
    alert = alert_of(model, problem.key)
    row = model.hosts.get(problem.uids[0]) if len(problem.uids) == 1 else None
    return Item(
        key=problem.key,
        section=section,
        name=problem.subject,
        sentence=problem.text,
        since=problem.since,
        owner=problem.owner,
        detail=_alert_detail(alert, now) if alert is not None else _detail(model, problem, now, sites),
        opens="/".join(problem.target),
        problem=problem.key,
        uids=problem.uids,
        mild=problem.section == WARNING,
        kind=problem.kind,
        site=row.site if row is not None else problem.subject if problem.kind == "link" else "",
        step=step_of(problem, row is not None and _is_illegal(model, row, problem.action)),
        handling=handling_of(model, problem.key),
    )


def step_of(problem: Problem, illegal: bool = False) -> Step:
    """Return the next step of a problem with what its key opens; the host, when its state makes the step `illegal`."""
    uid = problem.uids[0] if problem.uids else ""
    argument = problem.argument
    if illegal:
        return Step(problem.next_step, "host", f"host/{uid}")
    label, opens = {
        "host list": ("hosts", f"hosts/{argument}"),
        "host show": ("host", f"host/{uid}"),
        "host logs": (f"log of {argument}" if argument else "log", f"logs/{uid}/{argument}".rstrip("/")),
        "host disk": ("largest directories", f"disk/{uid}/{argument}"),
        "event list": ("events", f"events/{argument}"),
    }.get(problem.action, _shown(problem))
    if problem.action == "host list" and argument.startswith("tag.site:"):
        label = "hosts of the site"
    return Step(problem.next_step, label, opens)


def _shown(problem: Problem) -> tuple[str, str]:
    """Return label and view for the verb `NOUN show`."""
    noun, _, verb = problem.action.partition(" ")
    return (noun, f"{noun}/{problem.argument}") if verb == "show" else ("", "")


def handling_of(model: Model, key: str) -> Handling:
    """Return who handles a problem; a console alone may have acknowledged it where the plane stores nothing."""
    row = model.rows(HANDLING).get(key)
    here = key in model.acknowledged
    if row is None:
        return Handling(acknowledged=here)
    return Handling(
        assignee=row.assignee,
        acknowledged=here or row.acknowledged_at is not None,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        note=row.note,
        silenced_until=row.silenced_until,
        updated_by=row.updated_by,
    )


def _is_illegal(model: Model, row: HostRow, action: str) -> bool:
    return refusal_in_model(model, row, action) is not None


def _alert_detail(alert: AlertRow, now: float) -> tuple[str, ...]:
    """Return what an alert reports: the full sentence, how often and from where, and whether it is overdue."""
    count = f"Seen {alert.count:,} {'time' if alert.count == 1 else 'times'}"
    if alert.addresses:
        count += f", from {', '.join(alert.addresses)}"
    if alert.last is not None:
        count += f", last at {exact(alert.last)}"
    condition = alert_condition(alert, now)
    state = ""
    if condition is not None and condition.overdue > 0:
        state = f"{condition.state.label.capitalize()}, {deadline_text(condition, now)}"
    return tuple(part for part in (alert.message, f"{count}.", state) if part)


def _detail(model: Model, problem: Problem, now: float, sites: Mapping[str, Sequence[HostRow]]) -> tuple[str, ...]:
    rows = [model.hosts[uid] for uid in problem.uids if uid in model.hosts]
    cluster = model.rows(CLUSTERS).get(problem.target[1]) if problem.target[0] == "cluster" else None
    if cluster is not None:
        return _cluster_detail(cluster, rows)
    if len(rows) == 1:
        row = rows[0]
        where = "  ".join(part for part in (row.site, row.cluster, row.ip, row.os) if part)
        others = [other for other in sites.get(row.site, ()) if other.uid != row.uid]
        return tuple(part for part in (explain(model, row, now, others), where) if part and part != problem.text)
    if rows:
        names = sorted(row.name for row in rows)
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        hosts = f"Hosts: {', '.join(names[:NAMED])}{more}."
        if problem.kind == "link":
            return ("All hosts of the site are silent, so its link is the likely cause.", hosts)
        return (hosts,)
    collection = of_noun(problem.kind)
    if collection is not None and collection.ending is not None:
        return (collection.ending.before if problem.since is None else collection.ending.after,)
    return ()


def _cluster_detail(row: ClusterRow, hosts: Sequence[HostRow]) -> tuple[str, ...]:
    """Return what else is wrong with a cluster, its nodes, and the hosts behind the problem."""
    others = [f"{each.text[:1].upper()}{each.text[1:]}." for each in row.problems[1:4]]
    nodes = f"{nodes_text(row)} nodes ready, {row.distribution} {row.version}".strip()
    names = ", ".join(sorted(host.name for host in hosts)[:NAMED])
    return (*others, f"{nodes}{', simulated' if row.simulated else ''}.", *((f"Hosts: {names}.",) if names else ()))
