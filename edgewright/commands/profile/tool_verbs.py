"""Further verbs about cluster profiles: shipped, images, definition."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class ProfileShipped(Command):
    """List the profiles that Edgewright ships: a beginning for your own (`profile import --shipped NAME`)."""

    name = "profile shipped"
    implementation = "profile.shipped"
    title = "shipped"
    scope = "global"
    console = False
    online = False


class ProfileImages(Command):
    """List the container images that a profile needs, with the defaults of its variables."""

    name = "profile images"
    implementation = "profile.images"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "images"
    scope = "profiles"
    console = False
    target = Target("profile", 1, 1)


class ProfileDefinition(Command):
    """Write profiles of one cluster as a cluster definition (.tgz) for a host without a plane."""

    name = "profile definition"
    implementation = "profile.definition"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "definition"
    scope = "profiles"
    console = False
    target = Target("profile")
    params = (
        Param("out", "the file to write; an existing one is replaced", flag="--out", required=True, metavar="FILE"),
        Param("name", "name of the definition; that of the first profile without it", flag="--name", metavar="NAME"),
        Param("covered", "write ******** for masked values, which the plane never returns", "--covered", kind="flag"),
    )


COMMANDS: tuple[type[Command], ...] = (ProfileShipped, ProfileImages, ProfileDefinition)
