"""The verb that boots an installer and watches it register."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ForgeVerify(Command):
    """Boot an installer ISO in QEMU and watch it register with its plane, or report which milestone failed and why.

    It registers by a token for one day and under a throw-away UID, both in a copy of the ISO; host and token are
    deleted from the plane at the end, whatever happens. The serial console is stored beside the ISO without its
    secrets. The plane is the one that the user-data names; one of your contexts must be for it.
    """

    name = "forge verify"
    implementation = "forge.verify"
    title = "verify"
    console = False
    online = False
    danger = "write"
    shows_progress = True
    params = (
        Param("iso", "the ISO to boot", required=True, kind="file", metavar="ISO"),
        Param("uefi", "boot by UEFI (the default)", "--uefi", kind="flag"),
        Param("bios", "boot by BIOS", "--bios", kind="flag"),
        Param("secure_boot", "UEFI with Microsoft's keys enforced", "--secure-boot", kind="flag"),
        Param("usb", "boot it as a USB stick (the default)", "--usb", kind="flag"),
        Param("cd", "boot it as a CD", "--cd", kind="flag"),
        Param("until", "what must be seen", "--until", choices=("login", "installed", "registered"),
              default="registered"),
        Param("accel", "auto takes KVM where it works, else emulation", "--accel", choices=("auto", "kvm", "tcg"),
              default="auto"),
        Param("devices", "disks and drives of a PC, or virtual ones", "--devices", choices=("pc", "virtio"),
              default="pc"),
        Param("limit", "how long all of it may take", "--limit", kind="span", default="40m"),
        Param("memory", "memory of the machine, MiB", "--memory", kind="int", default=2048, metavar="MIB"),
        Param("disk", "size of its disk, GiB", "--disk", kind="int", default=32, metavar="GIB"),
        Param("raw", "print its serial console too", "--console", kind="flag"),
        Param("build", "write the progress into this build (the console does that)", "--build", metavar="ID"),
    )  # fmt: skip


COMMANDS: tuple[type[Command], ...] = (ForgeVerify,)
