"""Verbs about packs: list, show, values, import, fetch, delete."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by


class PackImport(Command):
    """Import a pack from a directory, an archive, a chart, manifests, or a registry of the plane."""

    name = "pack import"
    role = "admin"
    implementation = "pack.actions"
    needs = ("CanCall",)
    title = "import"
    keys = ("plus",)
    scope = "packs"
    danger = "write"
    asks = "Import a pack"
    params = (
        Param(
            "source",
            "path of a directory, an archive (.tgz), a chart or a YAML file; with --registry the name of the pack",
            required=True,
            metavar="PATH|NAME",
            form="path of a directory, an archive (.tgz), a chart or a YAML file; with a registry NAME:VERSION",
        ),
        Param("registry", "registry of the plane that has it: NAME is fetched from there", flag="--registry"),
        Param("version", "version at the registry; also as NAME:VERSION", flag="--version"),
    )


class PackList(ListVerb):
    """List packs: the built-in catalogue, what was imported, and what registries have."""

    name = "pack list"
    needs = ("CanCall",)
    title = "packs"
    no_key = "Packs are chosen in profiles; type :packs."
    aliases = ("packs",)
    params = filtered_by("layer:cni registry:catalogue text")
    opens = "packs"


class PackShow(ShowVerb):
    """Show one pack: where it comes from, the images that it needs, what it works with."""

    name = "pack show"
    needs = ("CanCall",)
    scope = "packs"
    target = Target("pack", 1, 1)
    opens = "pack"


class PackValues(Command):
    """Print the values of a pack with their comments; its README with --readme."""

    name = "pack values"
    implementation = "pack.actions"
    needs = ("CanCall",)
    title = "values"
    scope = "packs"
    console = False
    target = Target("pack", 1, 1)
    params = (Param("readme", "print the README in place of the values", flag="--readme", kind="flag"),)


class PackFetch(Command):
    """Let the plane fetch what packs refer to, store it, and record its digest."""

    name = "pack fetch"
    implementation = "pack.actions"
    needs = ("CanCall",)
    title = "fetch"
    keys = ("f",)
    scope = "packs"
    danger = "write"
    target = Target("pack")
    shows_progress = True


class PackDelete(Command):
    """Delete packs that the plane stores; those of the catalogue and of registries can be fetched again."""

    name = "pack delete"
    role = "admin"
    implementation = "pack.actions"
    needs = ("CanCall",)
    title = "delete"
    keys = ("ctrl+d",)
    scope = "packs"
    danger = "destructive"
    target = Target("pack")


COMMANDS: tuple[type[Command], ...] = (PackImport, PackList, PackShow, PackValues, PackFetch, PackDelete)
