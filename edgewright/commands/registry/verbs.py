"""Verbs about registries: add, list, show, check, remove."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, ListVerb, Param, ShowVerb, Target, filtered_by


class RegistryAdd(Command):
    """Add a registry that packs come from: a Helm repository, or an OCI registry."""

    name = "registry add"
    role = "admin"
    implementation = "registry.actions"
    needs = ("CanCall",)
    title = "add"
    keys = ("plus",)
    scope = "registries"
    danger = "write"
    asks = "Add a registry"
    shows_progress = True
    params = (
        Param("name", "name of the registry", required=True, metavar="NAME"),
        Param(
            "endpoint",
            "https://HOST/PATH of a Helm repository, HOST[:PORT][/PATH] of an OCI registry",
            required=True,
            metavar="ADDRESS",
        ),
        Param("kind", "what it is", flag="--kind", choices=("helm", "oci"), form="helm or oci; empty: by the address"),
        Param("user", "name for basic authentication", flag="--user", metavar="NAME"),
        Param("password_file", "file with the password of the user", flag="--password-file", kind="file"),
        Param("token_file", "file with a token, in place of user and password", flag="--token-file", kind="file"),
        Param("ca", "file with the CA of the registry (PEM)", flag="--ca", kind="file"),
        Param(
            "addresses",
            "private: also private addresses and those of the hub's machine; link-local ones are refused always",
            flag="--addresses",
            choices=("public", "private"),
            form="public, or private as well; empty: public",
        ),
        Param("unchecked", "add it although the plane cannot reach it now", flag="--unchecked", kind="flag"),
    )


class RegistryList(ListVerb):
    """List registries and how they were read last."""

    name = "registry list"
    needs = ("CanCall",)
    title = "registries"
    no_key = "Registries rarely change; type :registries."
    aliases = ("registries",)
    params = filtered_by("kind:helm state:failed")
    opens = "registries"


class RegistryShow(ShowVerb):
    """Show one registry."""

    name = "registry show"
    needs = ("CanCall",)
    scope = "registries"
    target = Target("registry", 1, 1)
    opens = "registry"


class RegistryCheck(Command):
    """Let the plane read registries again, and report what they have or why they fail."""

    name = "registry check"
    role = "admin"
    implementation = "registry.actions"
    needs = ("CanCall",)
    title = "check"
    keys = ("c",)
    scope = "registries"
    danger = "write"
    target = Target("registry")
    shows_progress = True


class RegistryRemove(Command):
    """Remove registries, and the packs that were fetched from them."""

    name = "registry remove"
    role = "admin"
    implementation = "registry.actions"
    needs = ("CanCall",)
    title = "remove"
    keys = ("ctrl+d",)
    scope = "registries"
    danger = "destructive"
    target = Target("registry")


COMMANDS: tuple[type[Command], ...] = (RegistryAdd, RegistryList, RegistryShow, RegistryCheck, RegistryRemove)
