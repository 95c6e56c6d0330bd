"""The verb that builds the reference appliance."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeBase(Command):
    """Build the reference appliance: a base ISO from Debian packages, with our agent and an installer inside.

    Needs root and a Debian machine with mmdebstrap. Its packages are listed in a lock file by version and hash:
    the same lock gives the same ISO. `-o base.iso` names the file; its SBOM, hash and manifest are put beside it.
    """

    name = "forge base"
    implementation = "forge.base"
    title = "base"
    console = False
    online = False
    shows_progress = True
    params = (
        Param("out", "the new ISO (-o base.iso does the same)", "--out", kind="file", metavar="ISO"),
        Param("lock", "lock file (default: your refreshed one, else the one that came with Edgewright)", "--lock",
              kind="file", metavar="FILE"),
        Param("refresh_lock", "write a lock of the present versions (to --lock, else your own); builds with --out",
              "--refresh-lock", kind="flag"),
        Param("mirror", "address of the archive debian (default: from apt's sources)", "--mirror", metavar="URL"),
        Param("agent", "agent archive to put in (default: one of this Edgewright's own)", "--agent", kind="file",
              metavar="FILE"),
        Param("offline", "take packages from the cache only", "--offline", kind="flag"),
        Param("fast", "compress less: built sooner, a fifth larger, another hash", "--fast", kind="flag"),
        Param("force", "replace the ISO when it is there", "--force", kind="flag"),
    )  # fmt: skip


COMMANDS: tuple[type[Command], ...] = (ForgeBase,)
