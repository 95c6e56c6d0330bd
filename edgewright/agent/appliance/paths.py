"""Names that the appliance's ISO, disk and programs share: labels, folders, files (Kairos's, where it has one)."""

from __future__ import annotations

import os

LIVE = "/run/initramfs/live"
"""Where the initrd mounts the file system that contains the running squashfs: the medium, or a slot's partition."""
RUN = "/run/edgewright"
TARGET = RUN + "/target"
OEM = "/oem"
PERSISTENT = "/usr/local"
STATE = PERSISTENT + "/.state"
DATA = PERSISTENT + "/edgewright"
USERDATA = OEM + "/userdata"
CUSTOM = OEM + "/90_custom.yaml"
CONSOLE_FILE = OEM + "/99_edgewright_console.yaml"
GRUBENV = OEM + "/grubenv"
INSTALL_RECORD = "edgewright-install.json"
"""On COS_OEM: how far an installation came."""
INSTALL_STATE = RUN + "/install.json"
"""What the console shows of an installation that runs."""
CONFIRM = RUN + "/confirm.json"
"""Written by the console when an operator confirms an installation."""
BOOT_STATE = RUN + "/boot.json"
PROGRAM = "/usr/lib/edgewright/edgewright-agent.pyz"
PYTHON = "/usr/bin/python3"

L_GRUB, L_OEM, L_RECOVERY, L_STATE, L_PERSISTENT = "COS_GRUB", "COS_OEM", "COS_RECOVERY", "COS_STATE", "COS_PERSISTENT"
SLOT_FILES = ("rootfs.squashfs", "kernel", "initrd")
SOURCES = ("rootfs.squashfs", "boot/kernel", "boot/initrd")
"""The files of a slot as they lie on the medium, in the order of `SLOT_FILES`."""
SLOTS = ("active", "passive", "recovery")


def below(root: str, path: str) -> str:
    """Return `path` of the system that is mounted at `root`."""
    return os.path.join(root, path.lstrip("/"))
