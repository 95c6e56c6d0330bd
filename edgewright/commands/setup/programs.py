"""Outside programs: which are here, what each is for, and what works without it."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.config.credentials import usable_keyring


class Program(NamedTuple):
    """One program: its name, what it is for, what is still there without it, and the package that brings it."""

    name: str
    purpose: str
    without: str
    package: str


PROGRAMS = (
    Program("systemd-nspawn", "lab: boots hosts in containers", "everything but the lab", "systemd-container"),
    Program("ip", "lab: links between its hosts", "everything but the lab", "iproute2"),
    Program("tc", "lab: slow and lossy links", "a lab with links that are up or cut", "iproute2"),
    Program("mmdebstrap", "lab and forge: unpacks Debian", "a base ISO that you bring, no lab", "mmdebstrap"),
    Program("systemctl", "agent install: its unit", "agent run in the foreground", "systemd"),
    Program("ssh", "opening a site (later)", "everything in this version", "openssh-client"),
    Program("xorriso", "forge: writes installer ISOs", "ISOs from a base with a placeholder", "xorriso"),
    Program(
        "unsquashfs", "forge: reads what a base ISO is", "a base is identified by its label alone", "squashfs-tools"
    ),
    Program("qemu-system-x86_64", "forge: boots an ISO for its proof", "ISOs that stay unproven", "qemu-system-x86"),
    Program(
        "mksquashfs", "forge: builds the appliance, and slots of images", "a base ISO that you bring", "squashfs-tools"
    ),
    Program("grub-mkimage", "forge: makes the appliance bootable", "a base ISO that you bring", "grub-common"),
    Program("mcopy", "forge: fills the appliance's EFI partition", "a base ISO that you bring", "mtools"),
    Program("mkfs.vfat", "forge: makes the appliance's EFI partition", "a base ISO that you bring", "dosfstools"),
    Program("buildah", "forge: runs a Containerfile", "provider images by layers alone", "buildah"),
    Program("cosign", "forge: keys that are encrypted", "signatures with plain PEM keys", "cosign"),
    Program("lsblk", "forge: finds removable disks", "everything but forge flash", "util-linux"),
    Program("age", "site bundle: encrypts to recipients", "bundles that are not encrypted", "age"),
    Program("kubectl", "clusters (later)", "everything in this version", "kubernetes-client"),
)


def listing() -> Listing:
    """Return all programs with where they are."""
    columns = (Column("PROGRAM"), Column("HERE"), Column("FOR"), Column("WITHOUT IT"), Column("PACKAGE", wide=True))
    items = []
    for program in PROGRAMS:
        path = shutil.which(program.name) or ""
        document = {
            "name": program.name,
            "present": bool(path),
            "path": path,
            "purpose": program.purpose,
            "without": program.without,
            "package": program.package,
        }
        cells = (program.name, "yes" if path else "no", program.purpose, program.without, program.package)
        items.append(Item(program.name, cells, document))
    items.append(_keyring())
    return Listing(columns, tuple(items))


def _keyring() -> Item:

    present = usable_keyring() is not None
    document = {
        "name": "keyring",
        "present": present,
        "path": "",
        "purpose": "stores API keys",
        "without": "keys in files that only you can read",
        "package": "gnome-keyring",
    }
    cells = ("keyring", "yes" if present else "no", "stores API keys", str(document["without"]), "gnome-keyring")
    return Item("keyring", cells, document)
