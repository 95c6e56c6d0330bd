"""Verbs that make installer ISOs and look at them."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeIso(Command):
    """Make an installer ISO from a base and user-data; the base is never changed, and what was written is verified.

    A base is an ISO of Kairos's layout: Palette's, Kairos's own, or one of `edgewright forge base`; any other is
    refused, since its installer would not read the user-data. The user-data takes the place of the config that the
    base has. `-o OUT.iso` names the new file; with it comes a manifest.
    """

    name = "forge iso"
    implementation = "forge.iso"
    title = "iso"
    console = False
    online = False
    shows_progress = True
    params = (
        Param("base", "ISO to make it from", "--base", required=True, kind="file", metavar="ISO"),
        Param("user_data", "cloud-config for the box", "--user-data", required=True, kind="file", metavar="FILE"),
        Param("out", "the new ISO (-o OUT.iso does the same)", "--out", required=True, kind="file", metavar="ISO"),
        Param("offline", "check the user-data without asking the plane", "--offline", kind="flag"),
        Param("content", "folder with content bundles (*.zst)", "--content", many=True, kind="file", metavar="DIR"),
        Param("cluster_definition", "exported cluster definition (.tgz)", "--cluster-definition", kind="file",
              metavar="FILE"),
        Param("edge_custom_config", "file with the key that signs content", "--edge-custom-config", kind="file",
              metavar="FILE"),
        Param("profile", "whose rules the user-data follows", "--profile", choices=("palette", "kairos"),
              default="palette"),
        Param("any_base", "take a base whose installer is not known to read user-data; the result is unproven",
              "--any-base", kind="flag"),
        Param("force", "replace OUT.iso when it is there", "--force", kind="flag"),
    )  # fmt: skip


class ForgeIdentify(Command):
    """Show what an ISO is: boot modes, what is inside, its configs, and whether an installer can be made of it."""

    name = "forge identify"
    implementation = "forge.iso"
    title = "identify"
    console = False
    online = False
    params = (Param("iso", "the ISO to look at", required=True, kind="file", metavar="ISO"),)


COMMANDS: tuple[type[Command], ...] = (ForgeIso, ForgeIdentify)
