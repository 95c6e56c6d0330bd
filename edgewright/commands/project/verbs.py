"""Verbs about projects: the part of a plane that you work in."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Target


class ProjectList(Command):
    """List the projects that your key may see."""

    name = "project list"
    implementation = "project.actions"
    needs = ("CanListProjects",)
    title = "projects"
    no_key = "The switch (:project) shows the same list."
    aliases = ("projects",)
    opens = "projects"


class ProjectUse(Command):
    """Work in another project of this plane from now on; `all` for every project."""

    name = "project use"
    implementation = "project.actions"
    needs = ("CanListProjects",)
    title = "project"
    keys = ("p",)
    aliases = ("project", "proj", "ns")
    target = Target("project", 1, 1)
    opens = "projects"


COMMANDS: tuple[type[Command], ...] = (ProjectList, ProjectUse)
