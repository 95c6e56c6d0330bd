"""Actions: verbs about projects: the part of a plane that you work in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgewright.clients.palette.projects import project_uid
from edgewright.clients.ports import CanListProjects
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.project import verbs as declared
from edgewright.config import contexts
from edgewright.core.errors import UsageError
from edgewright.core.text import clean


class ProjectList(declared.ProjectList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the projects, by name; the one in use is marked."""
        items, used = [], (await ctx.connection()).project_uid
        for document in await (await ctx.port(CanListProjects)).all():
            meta = document.get("metadata") or {}
            uid, name = clean(meta.get("uid")), clean(meta.get("name"))
            cells = ("*" if uid == used else "", name or uid, uid)
            items.append(Item(uid, cells, document))
        items.sort(key=lambda item: item.cells[1:])
        columns = (Column(""), Column("PROJECT"), Column("UID"))
        return Outcome((), result=Listing(columns, tuple(items), "Your key sees no project."))


class ProjectUse(declared.ProjectUse):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Remember the project in the context. Raises `NotFound` for one that is not there."""
        projects = await ctx.port(CanListProjects)
        assert ctx.context is not None
        if ctx.context.name not in contexts.load().items:
            raise UsageError(
                "The context comes from the environment, so there is nowhere to remember a project.",
                "Set EDGEWRIGHT_PROJECT, or use --project.",
            )
        word = plan.touches[0]
        uid = await project_uid(projects, word)
        contexts.set_project(ctx.context.name, uid)
        where = f"project {word}" if uid else "every project"
        return Outcome((word,), (), f"Context {ctx.context.name} now works in {where}.")
