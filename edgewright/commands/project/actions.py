"""Actions: verbs about projects: the parts of a plane, and the one that you work in."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.palette.projects import ALL_PROJECTS, create_project, delete_project, project_uid
from edgewright.clients.ports import CanCall, CanListProjects
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.project import verbs as declared
from edgewright.config import contexts
from edgewright.core.errors import InvalidInput, UsageError
from edgewright.core.text import clean

MAX_NAME, MAX_DESCRIPTION = 128, 500


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


class ProjectCreate(declared.ProjectCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Check the values. Raises `InvalidInput`."""
        name, description = (str(args.get(key) or "").strip() for key in ("name", "description"))
        if not name or len(name) > MAX_NAME or not name.isprintable() or name in ALL_PROJECTS:
            others = ", ".join(ALL_PROJECTS)
            raise InvalidInput(f"A project needs a name of 1 to {MAX_NAME} printable characters, and not {others}.")
        if len(description) > MAX_DESCRIPTION or not description.isprintable():
            raise InvalidInput(f"A description has at most {MAX_DESCRIPTION} printable characters.")
        lines = (description or "Its hosts, tokens and roles are its own.",)
        return Plan(f"Create project {name}", lines, (name,), (), self.cli_line(targets, args), None, description)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Create the project. Raises `Conflict` for a name that exists."""
        (name,) = plan.touches
        uid = await create_project(await ctx.port(CanCall), name, plan.payload)
        return Outcome((uid,), (), f"Project {name} created. Work in it: edgewright project use {shlex.quote(name)}")


class ProjectDelete(declared.ProjectDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which projects. Raises `NotFound`, and `UsageError` for a word that means all of them."""
        if any(word in ALL_PROJECTS for word in targets):
            raise UsageError("Name each project that is to be deleted.", "See them: edgewright project list")
        projects = await ctx.port(CanListProjects)
        known = {
            clean(meta.get("uid")): clean(meta.get("name"))
            for meta in ((document.get("metadata") or {}) for document in await projects.all())
        }
        names = {uid: known[uid] for uid in [await project_uid(projects, word) for word in targets]}
        listed = list(names.values())
        lines = [f"{name}: roles of users in it are removed" for name in listed]
        lines.append("A project with hosts, registration tokens, SSH keys or alert receivers is not deleted.")
        title = f"Delete project {listed[0]}" if len(names) == 1 else f"Delete {len(names)} projects"
        typed = listed[0] if len(names) == 1 else str(len(names))
        confirm = typed if ctx.settings.typed_confirmation else None
        lost = ("the roles of users in a deleted project",)
        return Plan(title, tuple(lines), tuple(names), lost, self.cli_line(listed, {}), confirm, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, project by project."""
        client = await ctx.port(CanCall)

        async def delete(uid: str) -> None:
            await delete_project(client, uid)

        outcome = await for_each(plan, delete, report, "deleted")
        return outcome._replace(message=outcome.message + _left(ctx, outcome.done))


def _left(ctx: CommandContext, deleted: Sequence[str]) -> str:
    """Let a context that works in a deleted project work in every project; return that as a sentence."""
    if ctx.context is None or ctx.context.project not in deleted or ctx.context.name not in contexts.load().items:
        return ""
    contexts.set_project(ctx.context.name, "")
    return f" Context {ctx.context.name} worked in it and now works in every project."
