"""The projects that a plan of sites names, against those of the plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.core.cloudconfig.findings import Finding, unknown
from edgewright.core.cloudconfig.look import shown
from edgewright.forge.sites.rows import Plan
from edgewright.forge.userdata.online_project import no_project

MOST = 100
"""Projects that are listed one by one."""


def check_projects(plan: Plan, projects: Sequence[Mapping[str, Any]] | None, why: str) -> list[Finding]:
    """Return one finding for each project that the plane does not have, with the first row that names it.

    `projects` is what the plane lists (None: it could not be asked, for the reason `why`, the end of a sentence).
    """
    rows: dict[str, list[int]] = {}
    for site in plan.sites:
        if site.project:
            rows.setdefault(site.project, []).append(site.line)
    if not rows:
        return []
    if projects is None:
        text = f"Whether the plane has the {len(rows)} projects of the plan is not known: {why}."
        if len(rows) == 1:
            text = f"Whether the plane has the project {shown(next(iter(rows)))} is not known: {why}."
        return [unknown("project", text, "", "ProjectUnknown")]
    matches = []
    for name, lines in list(rows.items())[:MOST]:
        missing = no_project("project", name, projects, key="name")
        if missing is not None:
            more = f" ({len(lines)} rows name it)" if len(lines) > 1 else ""
            message = missing.message.rstrip(".") + more + "."
            matches.append(missing._replace(message=message, line=lines[0]))
    return matches
