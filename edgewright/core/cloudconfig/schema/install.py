"""The keys of `install`, `reset` and `upgrade`: what the installer does with the disk.

Source: Kairos's agent (its structs; where its published schema differs, the struct wins), and Palette's reference for
what Palette uses of it. Sizes are MiB.
"""

from __future__ import annotations

from typing import List, Tuple

from edgewright.core.cloudconfig.schema.model import FLAG, INT, KAIROS, MAP, MAPS, TEXT, TEXTS, Key

_SIZE = "An integer (MiB); 0 or none takes the default."
_LAYOUT = "the disk is divided once, at the installation"
_FS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "fat32")

GRUB = (
    ("default_fallback", "Entries to fall back to."),
    ("default_menu_entry", "Title of the default entry."),
    ("extra_cmdline", "Words to add to the kernel's command line."),
    ("extra_active_cmdline", "The same, for the active system alone."),
    ("extra_passive_cmdline", "The same, for the passive system alone."),
    ("extra_recovery_cmdline", "The same, for the recovery system alone."),
    ("next_entry", "Entry for the next boot alone."),
    ("saved_entry", "Entry for every boot."),
)


def grub(prefix: str) -> List[Key]:
    """Return the keys of a `grub_options` map at a path."""
    head = Key(prefix, MAP, "What the boot loader's environment contains.")
    return [head, *(Key(f"{prefix}.{name}", TEXT, doc, "") for name, doc in GRUB)]


def bundles(prefix: str) -> List[Key]:
    """Return the keys of a list of bundles at a path."""
    return [
        Key(prefix, MAPS, "Bundles to install on the system."),
        Key(f"{prefix}[].targets", TEXTS, "What to install, e.g. run://IMAGE."),
        Key(f"{prefix}[].repository", TEXT, "Repository to take them from."),
        Key(f"{prefix}[].rootfs_path", TEXT, "Where to unpack."),
        Key(f"{prefix}[].db_path", TEXT, "Where the package database is."),
        Key(f"{prefix}[].local_file", FLAG, "Whether the target is a file.", False),
    ]


def _image(prefix: str, doc: str, default: str) -> List[Key]:
    return [
        Key(prefix, MAP, doc),
        Key(f"{prefix}.size", INT, "Room for one image, in MiB.", default, _SIZE, low=0, fixed=_LAYOUT),
        Key(f"{prefix}.source", TEXT, "Image to take, e.g. oci:IMAGE, dir:PATH or file:PATH."),
        Key(f"{prefix}.uri", TEXT, "The same as source, as the published schema names it."),
    ]


def _partition(name: str, doc: str, size: str) -> List[Key]:
    prefix = f"install.partitions.{name}"
    return [
        Key(prefix, MAP, doc),
        Key(f"{prefix}.name", TEXT, "Its name; leave it."),
        Key(f"{prefix}.size", INT, "Its size in MiB.", size, _SIZE, low=0, fixed=_LAYOUT),
        Key(f"{prefix}.fs", TEXT, "Its file system.", "ext4", choices=_FS, fixed=_LAYOUT),
    ]


def _after(noun: str) -> List[Key]:
    return [
        Key(noun, MAP, f"What a later {noun} does.", profile=KAIROS),
        Key(f"{noun}.reboot", FLAG, "Reboot at the end.", False),
        Key(f"{noun}.poweroff", FLAG, "Power off at the end.", False),
        Key(f"{noun}.recovery", FLAG, "Work on the recovery system.", False),
        *_image(f"{noun}.system", "The image to take.", ""),
        *_image(f"{noun}.recovery-system", "The recovery image to take.", ""),
        Key(f"{noun}.reset-persistent", FLAG, "Empty the persistent partition.", True),
        Key(f"{noun}.reset-oem", FLAG, "Empty /oem, and with it this configuration.", False),
        Key(f"{noun}.grub-entry-name", TEXT, "Title of the boot entry.", ""),
        Key(f"{noun}.extra-dirs-rootfs", TEXTS, "Folders to make in the root file system."),
    ]


INSTALL: Tuple[Key, ...] = (
    Key("install", MAP, "What the installer does; without it, an operator answers on the console."),
    Key("install.auto", FLAG, "Install without asking.", False),
    Key(
        *("install.device", TEXT, "Disk to install on; everything on it is lost."),
        default="auto",
        rule="auto (the biggest disk), /dev/NAME, or script://PATH of a script that prints one.",
        fixed="the disk is chosen once",
        example="/dev/sda",
    ),
    Key("install.reboot", FLAG, "Reboot at the end; else the screen stays at the end.", False, "Not with poweroff."),
    Key("install.poweroff", FLAG, "Power off at the end.", False, "Not with reboot."),
    Key("install.nousers", FLAG, "Install although no user can log in as an administrator.", False),
    Key("install.no-format", FLAG, "Leave the partitions as they are.", False),
    Key(
        "install.no_format", FLAG, "The published schema's name of no-format.", False, old="The agent reads no-format."
    ),
    Key("install.firmware", TEXT, "efi or bios; the agent finds out by itself."),
    Key("install.part-table", TEXT, "gpt or msdos; the agent finds out by itself."),
    Key("install.force", FLAG, "Install although the disk has a system already.", False),
    Key("install.source", TEXT, "Another image to install, e.g. oci:IMAGE."),
    Key("install.image", TEXT, "The published schema's name of source."),
    *grub("install.grub_options"),
    *bundles("install.bundles"),
    Key("install.env", TEXTS, "Environment of the installer, NAME=VALUE."),
    Key("install.bind_mounts", TEXTS, "Folders that persist, bound into the system.", rule="Absolute paths."),
    Key("install.ephemeral_mounts", TEXTS, "Folders that can be written and are empty after each boot."),
    Key(
        "install.encrypted_partitions",
        TEXTS,
        "Labels of partitions to encrypt.",
        fixed=_LAYOUT,
        example="COS_PERSISTENT",
    ),
    Key("install.skip_copy_kcrypt_plugin", FLAG, "Leave the plugin of disk encryption out of /oem.", False),
    Key("install.partitions", MAP, "Sizes and file systems of the system's own partitions."),
    *_partition("oem", "Configuration (/oem).", "64"),
    *_partition("recovery", "The recovery system.", "two images and 200"),
    *_partition("state", "The two systems, active and passive.", "both images and 1000"),
    *_partition("persistent", "What stays (/usr/local).", "the rest of the disk"),
    Key("install.extra-partitions", MAPS, "Further partitions.", rule="The last one without a size takes the rest."),
    Key("install.extra-partitions[].name", TEXT, "Its name; must be given.", fixed=_LAYOUT),
    Key("install.extra-partitions[].size", INT, "Its size in MiB.", 0, _SIZE, low=0, fixed=_LAYOUT),
    Key("install.extra-partitions[].fs", TEXT, "Its file system.", "", choices=_FS, fixed=_LAYOUT),
    Key("install.extra-partitions[].label", TEXT, "Label of its file system.", ""),
    Key("install.extra-dirs-rootfs", TEXTS, "Folders to make in the root file system.", rule="Absolute paths."),
    *_image("install.system", "The system image.", "3072"),
    *_image("install.recovery-system", "The recovery image.", "that of the system"),
    *_image("install.passive", "The passive image.", "that of the system"),
    Key("install.grub-entry-name", TEXT, "Title of the boot entry.", ""),
    Key("install.ssh_hardening", FLAG, "SSH by key alone.", False, "Some user must have an SSH key."),
    Key("install.allow-insecure-registries", FLAG, "Take images from registries without TLS.", False),
    *_after("reset"),
    *_after("upgrade"),
)
"""In the order in which a starting file writes them."""
