"""Verbs about cluster profiles: list, show, import, export, validate, diff, publish, clone, delete."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by


class ProfileList(ListVerb):
    """List cluster profiles, each version in a row of its own."""

    name = "profile list"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "profiles"
    no_key = "Profiles rarely change; type :profiles."
    aliases = ("profiles",)
    params = filtered_by("state:draft type:full text")
    opens = "profiles"


class ProfileShow(ShowVerb):
    """Show one version of a profile: layers, variables, versions, clusters that use it."""

    name = "profile show"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    scope = "profiles"
    target = Target("profile", 1, 1)
    opens = "profile"


class ProfileImport(Command):
    """Import a profile: a directory of `profile export --directory`, or a JSON file of Palette."""

    name = "profile import"
    role = "admin"
    implementation = "profile.actions"
    needs = ("CanCall",)
    title = "import"
    keys = ("plus",)
    scope = "profiles"
    danger = "write"
    asks = "Import a profile"
    params = (
        Param("source", "path of a directory with a profile.yaml, or of a JSON file", metavar="PATH"),
        Param("shipped", "a profile that Edgewright ships, in place of a path", flag="--shipped", metavar="NAME"),
        Param("publish", "publish it at once; everything that is wrong is listed", flag="--publish", kind="flag"),
    )


class ProfileExport(Command):
    """Print a profile in Palette's JSON, or write it as a directory for git. Masked values are covered."""

    name = "profile export"
    implementation = "profile.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "export"
    scope = "profiles"
    console = False
    target = Target("profile", 1, 1)
    params = (Param("directory", "write a directory in place of printing JSON", flag="--directory", metavar="PATH"),)


class ProfileValidate(Command):
    """Check a profile on this machine (directory or JSON file) with the built-in catalogue; needs no plane."""

    name = "profile validate"
    implementation = "profile.actions"
    title = "validate"
    scope = "global"
    console = False
    online = False
    params = (
        Param("source", "path of a directory with a profile.yaml, or of a JSON file", required=True, metavar="PATH"),
    )


class ProfileDiff(Command):
    """Show what differs between two versions, and what each change would do to the hosts of a cluster."""

    name = "profile diff"
    implementation = "profile.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "diff"
    scope = "profiles"
    console = False
    target = Target("profile", 2, 2)
    params = (Param("lines", "print the lines of the values that differ", flag="--lines", kind="flag"),)


class ProfilePublish(Command):
    """Publish drafts: checked with their packs, references and macros."""

    name = "profile publish"
    role = "admin"
    implementation = "profile.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "publish"
    keys = ("p",)
    scope = "profiles"
    danger = "write"
    target = Target("profile")


class ProfileClone(Command):
    """Copy a version to a new version or a new name, as a draft."""

    name = "profile clone"
    role = "admin"
    implementation = "profile.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "clone"
    keys = ("c",)
    scope = "profiles"
    danger = "write"
    asks = "Clone {what}"
    target = Target("profile", 1, 1)
    params = (
        Param("version", "version of the copy", flag="--version", required=True, metavar="VERSION"),
        Param("name", "name of the copy; the same without it", flag="--name", metavar="NAME"),
    )


class ProfileDelete(Command):
    """Delete versions of profiles that no cluster uses."""

    name = "profile delete"
    role = "admin"
    implementation = "profile.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "delete"
    keys = ("ctrl+d",)
    scope = "profiles"
    danger = "destructive"
    target = Target("profile")


COMMANDS: tuple[type[Command], ...] = (
    ProfileImport,
    ProfileList,
    ProfileShow,
    ProfileExport,
    ProfileValidate,
    ProfileDiff,
    ProfilePublish,
    ProfileClone,
    ProfileDelete,
)
