"""Projects: from the word for one to its uid, and the calls that create and delete one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.clients.palette.pages import uid_of
from edgewright.config.nearest import suggestion
from edgewright.core.errors import NotFound
from edgewright.core.text import clean
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall, CanListProjects

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


async def create_project(client: CanCall, name: str, description: str = "") -> str:
    """Create a project (`v1ProjectEntity`); returns the uid. Raises `EdgewrightError`."""
    meta: dict[str, Any] = {"name": name}
    if description:
        meta["annotations"] = {"description": description}
    body = {"metadata": meta, "spec": {}}
    return uid_of((await client.call("POST", protocol.PROJECTS, f"project {name}", body=body, tenant=True)).data)


async def delete_project(client: CanCall, uid: str) -> None:
    """Delete a project; a plane refuses that while hosts, tokens, keys or receivers belong to it."""
    await client.call("DELETE", protocol.path(protocol.PROJECT, uid=uid), "project", tenant=True)
