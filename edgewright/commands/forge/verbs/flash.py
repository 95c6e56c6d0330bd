"""Verbs that write an installer to a removable disk, and list such disks."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeDisks(Command):
    """List the removable disks of this machine, what is on them, and whether an installer may be written there."""

    name = "forge disks"
    implementation = "forge.flash"
    title = "disks"
    console = False
    online = False


class ForgeFlash(Command):
    """Write an installer to a removable disk, read it back and compare; all that is on the disk is lost.

    Without a disk, the only removable one is taken; `edgewright forge disks` lists them. Built-in, mounted and too
    small disks are refused. Its name must be typed. An ISO that does not boot from USB is refused; the seed of a site
    (`forge sites`) need not boot.
    """

    name = "forge flash"
    implementation = "forge.flash"
    title = "flash"
    console = False
    online = False
    shows_progress = True
    danger = "destructive"
    params = (
        Param("iso", "the installer", required=True, kind="file", metavar="ISO"),
        Param("disk", "the disk, e.g. sdb", metavar="DISK"),
        Param("any_iso", "write it although it does not boot from USB", "--any-iso", kind="flag"),
    )


COMMANDS: tuple[type[Command], ...] = (ForgeDisks, ForgeFlash)
