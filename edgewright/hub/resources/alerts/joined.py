"""Silence at several places as one problem: behind one address, at very many sites, what is left of it (rule P58)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgewright.core.problems import SILENT, Problem
from edgewright.hub.resources.alerts.incident import SILENCE, Incident


def incident_name(key: str) -> str:
    """Return the incident of a problem: silence of a site has one name, as one host, some hosts or the link."""
    return key.rsplit("/", 1)[0] if key.startswith("site/") else key


def storm(problems: Sequence[Problem], before: Incident | None = None) -> Problem:
    """Return silence at many places as one problem, together with what an open incident of this kind has already."""
    uids = {uid for problem in problems for uid in problem.uids} | set(before.uids if before else ())
    places = len(problems) + (int(str(before.problem["subject"]).split()[0].replace(",", "")) if before else 0)
    moments = [problem.since for problem in problems if problem.since is not None]
    return Problem(
        key="fleet/silent",
        kind="silent",
        harm=SILENT,
        subject=f"{places:,} places",
        text=f"{len(uids):,} hosts silent",
        since=before.problem["since"] if before else min(moments, default=None),
        owner="operator",
        uids=tuple(sorted(uids)),
        next_step="Check what these places share: provider, data center, the network of the plane itself.",
    )


def by_gateway(
    ready: list[tuple[str, Problem]], waiting: list[tuple[str, Problem]], gateway: Callable[[Problem], str]
) -> list[tuple[str, Problem]]:
    """Return what is to be opened, with silence of several sites behind one address as one problem."""
    groups: dict[str, list[Problem]] = {}
    for _, problem in ready:
        if problem.kind in SILENCE and (address := gateway(problem)):
            groups.setdefault(address, []).append(problem)
    for _, problem in waiting:
        if problem.kind in SILENCE and (address := gateway(problem)) in groups:
            groups[address].append(problem)
    groups = {address: problems for address, problems in groups.items() if len(problems) > 1}
    joined = {problem.key for problems in groups.values() for problem in problems}
    rest = [(name, problem) for name, problem in ready if problem.key not in joined]
    return [(f"gateway/{address}", behind(address, problems)) for address, problems in groups.items()] + rest


def behind(address: str, problems: Sequence[Problem]) -> Problem:
    """Return silence of several sites behind one address as one problem."""
    uids = {uid for problem in problems for uid in problem.uids}
    moments = [problem.since for problem in problems if problem.since is not None]
    return Problem(
        key=f"gateway/{address}/link",
        kind="link",
        harm=SILENT,
        subject=f"gateway {address}",
        text=f"link down, {len(uids)} hosts at {len(problems)} places behind it",
        since=max(moments, default=None),
        owner="operator",
        uids=tuple(sorted(uids)),
        next_step=f"Check router, power and provider at {address}; its hosts return by themselves.",
    )


def remaining(incident: Incident, uids: tuple[str, ...]) -> Problem:
    """Return the problem of a silence of which only these hosts are left."""
    stored, total = incident.problem, len(incident.uids)
    text = str(stored.get("text", ""))
    if len(uids) < total:
        text = f"{len(uids)} of {total} hosts still silent"
    return Problem(
        incident.key, stored["kind"], stored["harm"], stored["subject"], text, stored["since"], stored["owner"], uids,
        stored.get("nextStep", ""),
    )  # fmt: skip


def describe(problem: Problem) -> dict[str, Any]:
    """Return a problem as it is stored and sent."""
    return {
        "key": problem.key,
        "kind": problem.kind,
        "harm": problem.harm,
        "subject": problem.subject,
        "text": problem.text,
        "since": problem.since,
        "owner": problem.owner,
        "hosts": len(problem.uids),
        "nextStep": problem.next_step,
    }
