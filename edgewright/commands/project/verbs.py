"""Verbs about projects: the parts of a plane, and the one that you work in."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


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


class ProjectCreate(Command):
    """Create a project: a part of the plane with its own hosts, tokens and roles."""

    name = "project create"
    role = "admin"
    implementation = "project.actions"
    needs = ("CanCall",)
    title = "create project"
    no_key = "Projects are rarely created; type :project create NAME."
    danger = "write"
    asks = "Create a project"
    params = (
        Param("name", "name of the project", required=True, metavar="NAME"),
        Param("description", "what it is for", flag="--description", metavar="TEXT"),
    )


class ProjectDelete(Command):
    """Delete projects to which no host, registration token, SSH key or alert receiver belongs."""

    name = "project delete"
    role = "admin"
    implementation = "project.actions"
    needs = ("CanListProjects", "CanCall")
    title = "delete project"
    no_key = "Projects are rarely deleted; type :project delete NAME."
    danger = "destructive"
    target = Target("project")


COMMANDS: tuple[type[Command], ...] = (ProjectList, ProjectUse, ProjectCreate, ProjectDelete)
