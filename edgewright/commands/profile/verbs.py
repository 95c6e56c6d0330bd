"""Verbs about cluster profiles: list, show, import, export, validate, preview, diff, publish, clone, tag, delete."""

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


class ProfileNew(Command):
    """Make a profile: layers, values, variables and a preview; nothing is stored before you confirm it."""

    name = "profile new"
    needs = ("CanCall",)
    title = "new"
    keys = ("plus",)
    scope = "profiles"
    opens = "profile-new"
    cli = False
    no_cli = "The command line has apply -f with the directory of a profile."


class ProfileRevise(Command):
    """Make a new version of a profile in the wizard, beginning with what this one has."""

    name = "profile revise"
    needs = ("CanCall",)
    title = "new version in the wizard"
    keys = ("w",)
    scope = "profiles"
    target = Target("profile", 1, 1)
    opens = "profile-new"
    cli = False
    no_cli = "The command line has apply -f with the directory of a profile."


class ProfileEdit(Command):
    """Change a draft; a published version gets a draft beside it until it is published again."""

    name = "profile edit"
    needs = ("CanCall",)
    title = "edit"
    keys = ("E",)
    scope = "profiles"
    target = Target("profile", 1, 1)
    opens = "profile-edit"
    cli = False
    no_cli = "The command line has apply -f with the directory of a profile."


class ProfileImport(Command):
    """Import a profile: a directory of `profile export --directory`, or a JSON file of Palette."""

    name = "profile import"
    role = "admin"
    implementation = "profile.importing"
    needs = ("CanCall",)
    title = "import"
    keys = ("i",)
    scope = "profiles"
    danger = "write"
    asks = "Import a profile"
    params = (
        Param("source", "path of a directory with a profile.yaml, or of a JSON file", metavar="PATH"),
        Param("shipped", "a profile that Edgewright ships, in place of a path", flag="--shipped", metavar="NAME"),
        Param("registry", "take packs from this registry where several have them", flag="--registry", metavar="NAME"),
        Param("publish", "publish it at once; everything that is wrong is listed", flag="--publish", kind="flag"),
    )


class ProfileExport(Command):
    """Print profiles in Palette's JSON, or write them as directories for git. Masked values are covered."""

    name = "profile export"
    implementation = "profile.views"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "export"
    keys = ("e",)
    scope = "profiles"
    target = Target("profile")
    asks = "Export {what}"
    params = (
        Param(
            "directory", "write a directory in place of printing JSON; several profiles have one each in it",
            flag="--directory", metavar="PATH",
            form="directory to write, each of several profiles in one of its own; empty: show the JSON",
        ),
    )  # fmt: skip


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


class ProfilePreview(Command):
    """Show what a profile resolves to, with example values for what has none, or for a host."""

    name = "profile preview"
    implementation = "profile.views"
    needs = ("CanCall",)
    uses = ("CanListProjects", "CanListHosts")
    title = "preview"
    keys = ("v",)
    scope = "profiles"
    target = Target("profile", 1, 1)
    opens = "profile-preview"
    params = (
        Param("host", "resolve it for this host", flag="--host", metavar="HOST"),
        Param("layer", "print this layer alone", flag="--layer", metavar="LAYER"),
        Param("variables", "value of a variable (repeat)", flag="--set", many=True, metavar="NAME=VALUE"),
        Param("plain", "no example values: what has no value stays as it is", flag="--plain", kind="flag"),
    )


class ProfileDiff(Command):
    """Show what differs between two versions, and what each change would do to the hosts of a cluster."""

    name = "profile diff"
    implementation = "profile.views"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "diff"
    keys = ("equals_sign",)
    scope = "profiles"
    target = Target("profile", 1, 3)
    opens = "profile-diff"
    action = "compare"
    params = (
        Param("cluster", "compare with the version that this cluster has", flag="--cluster", metavar="CLUSTER"),
        Param("lines", "print the lines of the values that differ", flag="--lines", kind="flag"),
    )


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


class ProfileVersion(Command):
    """Make a new version of a profile, as a draft: a copy of the one that is named."""

    name = "profile version"
    role = "admin"
    implementation = "profile.actions"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "new version"
    keys = ("n",)
    scope = "profiles"
    danger = "write"
    asks = "New version of {what}"
    target = Target("profile", 1, 1)
    params = (Param("version", "the new version, e.g. 1.1.0", flag="--version", required=True, metavar="VERSION"),)


class ProfileTag(Command):
    """Add tags to versions of profiles, e.g. --tag team:shops; a tag of the same name is replaced."""

    name = "profile tag"
    role = "admin"
    implementation = "profile.tags"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "tag"
    keys = ("t",)
    scope = "profiles"
    danger = "write"
    target = Target("profile")
    asks = "Add tags to {what}"
    params = (
        Param(
            "tags", "tag to add, e.g. team:shops (repeat)", flag="--tag", required=True, many=True,
            form="name:value, e.g. team:shops; several with spaces between. One with the same name is replaced.",
        ),
    )  # fmt: skip


class ProfileUntag(Command):
    """Remove tags from versions of profiles; a bare name removes the tag whatever its value is."""

    name = "profile untag"
    role = "admin"
    implementation = "profile.tags"
    needs = ("CanCall",)
    uses = ("CanListProjects",)
    title = "untag"
    keys = ("u",)
    scope = "profiles"
    danger = "write"
    target = Target("profile")
    asks = "Remove tags from {what}"
    params = (
        Param(
            "tags", "tag to remove, e.g. team or team:shops", flag="--tag", required=True, many=True,
            form="e.g. team:shops, or team for any value; several with spaces between.",
        ),
    )  # fmt: skip


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
    ProfileNew,
    ProfileRevise,
    ProfileEdit,
    ProfileImport,
    ProfileList,
    ProfileShow,
    ProfileExport,
    ProfileValidate,
    ProfilePreview,
    ProfileDiff,
    ProfilePublish,
    ProfileClone,
    ProfileVersion,
    ProfileTag,
    ProfileUntag,
    ProfileDelete,
)
