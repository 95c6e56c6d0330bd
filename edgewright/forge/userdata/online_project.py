"""The project of a user-data, asked at the plane: a host that names one which is not there does not register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.config.nearest import suggestion
from edgewright.core.cloudconfig.findings import Finding, error
from edgewright.core.cloudconfig.look import at, mapping, shown, text
from edgewright.core.cloudconfig.schema.model import is_template


def check_project(document: Mapping[str, Any], projects: Sequence[Mapping[str, Any]] | None) -> list[Finding]:
    """Return whether the plane has the project that the site names; `projects` as the plane lists them (None: unknown).

    The uid counts where both are given.
    """
    site = mapping(at(document, "stylus", "site"))
    key = "projectUid" if text(site.get("projectUid")) else "projectName"
    value = text(site.get(key))
    if projects is None or not value or is_template(value):
        return []
    missing = no_project(f"stylus.site.{key}", value, projects, key="uid" if key == "projectUid" else "name")
    return [missing] if missing is not None else []


def no_project(path: str, value: str, projects: Sequence[Mapping[str, Any]], *, key: str) -> Finding | None:
    """Return the finding for a project that none of `projects` is, by its `name` or `uid`; None when it is there."""
    known = [text(at(project, "metadata", key)) for project in projects]
    if value in known:
        return None
    near = suggestion(value, known) if key == "name" else ""
    message = f"The plane has no project {shown(value)} that your key may see{near}."
    return error(path, message, "Correct it, or make it: edgewright project list", "NoSuchProject")
