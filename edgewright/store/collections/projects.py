"""Projects of the tenant, as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import part, text
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListProjects


class ProjectRow(Row, frozen=True, array_like=True, gc=False):
    """One project of the tenant."""

    uid: str
    name: str = ""
    description: str = ""


def project_row(doc: Mapping[str, Any], _at: float = 0.0) -> ProjectRow | None:
    """Return the row of a project's metadata; `None` when it names no uid."""
    meta = part(doc, "metadata")
    uid = text(meta, "uid")
    if not uid:
        return None
    return ProjectRow(uid=uid, name=text(meta, "name"), description=text(part(meta, "annotations"), "description"))


async def _read(projects: CanListProjects, _page: int) -> Documents:
    return await projects.all()


PROJECTS = Collection(
    "projects",
    ProjectRow,
    project_row,
    noun="project",
    change_kind="project",
    reading=Reading(_read, "projects", "CanListProjects", every=300.0),
)
