"""From the word for a project to its uid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.config.nearest import suggestion
from edgewright.core.errors import NotFound
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListProjects

ALL_PROJECTS = ("all", "*", "-")
"""Words for no project at all."""


async def project_uid(projects: CanListProjects, word: str) -> str:
    """Return the uid of a project by uid or name; "" for `all`. Raises `NotFound`."""
    if word in ALL_PROJECTS:
        return ""
    known = [project.get("metadata") or {} for project in await projects.all()]
    for key in ("uid", "name"):
        for data in known:
            if data.get(key) == word:
                return str(data["uid"])
    near = suggestion(word, [str(data.get("name")) for data in known])
    raise NotFound(f"There is no project {clean(word)}{near}.", "See them: edgewright project list")
