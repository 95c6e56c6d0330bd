"""The switch of projects: all that the key may see, the one in use marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.core.text import amount
from edgewright.store.collections.projects import PROJECTS
from tui.modals.choose import ChooseModal
from tui.widgets.lines import Line, cut, line, pad

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp

ALL = "*"


async def open_projects(app: NavigatingApp, target: str = "") -> None:
    """Ask for a project unless `target` names one (by uid or name, `all` for every one), and go there."""
    session = app.session
    projects = session.store.model.rows(PROJECTS)
    if session.switch_project is None:
        app.refuse("There is no plane here whose project could be changed.")
        return
    by_name = {row.name: uid for uid, row in projects.items()}
    if target:
        chosen: str | None = ALL if target == "all" else target if target in projects else by_name.get(target)
        if chosen is None:
            app.refuse(f"There is no project {target}. See: :project")
            return
    else:
        current = by_name.get(session.project, session.project) or ALL
        options = [_option(ALL, "all projects", "what the key may see", _count(app, ""))]
        options += [_option(uid, row.name, row.description, _count(app, uid)) for uid, row in sorted(projects.items())]
        chosen = await app.ask(ChooseModal("Project", options, current=current))
        if not chosen or chosen == current:
            return
    uid = "" if chosen == ALL else chosen
    await session.switch_project(uid)
    app.announce(f"Working in {projects[uid].name if uid in projects else 'all projects'}.", "ok")


def _option(key: str, name: str, about: str, hosts: int) -> Line:
    return line(
        (pad(name, 24), "strong"), " ", (pad(amount(hosts, "host"), 14), "muted"), (cut(about, 26), "muted"), key=key
    )


def _count(app: NavigatingApp, uid: str) -> int:
    hosts = app.session.store.model.hosts.values()
    return sum(1 for row in hosts if not uid or row.project_uid == uid)
