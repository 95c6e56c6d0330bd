"""Which installer an ISO carries, by the names of its files: one that reads our user-data, or another one.

Kairos's installer (Palette's too, and that of the reference appliance) mounts the medium and reads the configs on it.
Other installers boot from such an ISO as well, but none of them opens `/config.yaml`: what is written there is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from edgewright.forge.iso.image import Broken, Image

DEPTH = 3
"""How many folders deep the names are that decide; deeper ones are not collected."""
UKI_VOLUME = "UKI_ISO_INSTALL"
"""Label by which Kairos's trusted-boot installer finds its medium; that ISO has a UKI in place of a squashfs."""
SEED_OF_SITE = "the seed of one site (cidata), to be used beside an installer"
UDF = (b"NSR02", b"NSR03")

# (any of these names is there, what that is). The more exact ones come first: derivatives have their parent's
# directories.
_OTHERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("/proxmox", "/.pve-cd-id.txt", "/.cd-info"), "a Proxmox installer"),
    (("/.pbs-cd-id.txt",), "a Proxmox Backup Server installer"),
    (("/casper/ubuntu-server-minimal.squashfs", "/casper/install-sources.yaml"), "an Ubuntu live server installer"),
    (("/casper",), "an Ubuntu live ISO (casper/)"),
    (("/live/filesystem.squashfs", "/live/vmlinuz", "/live"), "a Debian live ISO (live/)"),
    (("/install.amd", "/install.a64", "/install.arm", "/dists"), "a Debian installer (dists/)"),
    (("/liveos/squashfs.img", "/liveos/rootfs.img"), "a Fedora or RHEL live ISO (LiveOS/)"),
    (
        ("/images/pxeboot", "/.treeinfo", "/images/install.img", "/baseos"),
        "a Fedora or RHEL installer (images/pxeboot)",
    ),
    (("/boot/x86_64/loader", "/boot/aarch64", "/media.1"), "an openSUSE or SUSE installer (boot/x86_64/loader)"),
    (("/arch/x86_64", "/arch/boot", "/arch"), "an Arch Linux ISO (arch/)"),
    (("/nix-store.squashfs",), "a NixOS ISO"),
    (("/.alpine-release", "/apks"), "an Alpine Linux ISO"),
    (("/flatcar", "/coreos"), "a Flatcar or CoreOS ISO"),
    (("/sources/install.wim", "/sources/boot.wim", "/bootmgr", "/bootmgr.efi"), "a Windows installer"),
    (("/boot.cfg", "/efi/boot/boot.cfg", "/imgdb.tgz"), "a VMware ESXi installer"),
    (("/boot/kernel/kernel", "/boot/loader.conf", "/cdrom"), "a FreeBSD installer"),
    (("/syslinux/pmagic", "/sysrcd.dat", "/sysresccd"), "a rescue system"),
    (("/boot/rootfs.xz",), "an old cOS installer (boot/rootfs.xz)"),
)


class Layout(NamedTuple):
    """What the names mean. `known` is whether the installer on it reads a config; `other` names another one."""

    known: bool
    other: str = ""


def layout_of(names: Collection[str], volume_id: str, release: Mapping[str, str], *, udf: bool = False) -> Layout:
    """Return the layout by the paths of files and folders, `/`-rooted and in lower case.

    Known is Kairos's: a kairos-release in its squashfs, `/rootfs.squashfs` with `/boot/kernel`, or its trusted-boot
    medium. An ISO with the files of another installer and none of these belongs to that other one.
    """
    if release or ("/rootfs.squashfs" in names and _has_kernel(names)):
        return Layout(True)
    if volume_id == UKI_VOLUME and any(name.endswith("efiboot.img") for name in names):
        return Layout(True)
    if volume_id.lower() == "cidata":
        return Layout(False, SEED_OF_SITE)
    for wanted, what in _OTHERS:
        if any(name in names for name in wanted):
            return Layout(False, what)
    if udf:
        return Layout(False, "a UDF disc, as Windows installers are")
    return Layout(False)


def _has_kernel(names: Collection[str]) -> bool:
    """Whether there is a kernel in `/boot`: `kernel`, also compressed or with a version, or `vmlinuz`."""
    return any(name.startswith(("/boot/kernel", "/boot/vmlinuz")) and name.count("/") == 2 for name in names)


def has_udf(image: Image) -> bool:
    """Return whether a UDF volume is beside ISO 9660 (ECMA-167 part 2: NSR02 or NSR03 after the descriptors)."""
    for sector in range(16, 48):
        try:
            if image.sectors(sector)[1:6] in UDF:
                return True
        except Broken:
            return False
    return False


def foreign(name: str, layout: Layout) -> str:
    """Return the sentence why no installer can be made of it, or ""."""
    if layout.known:
        return ""
    looks = f"{name} looks like {layout.other}" if layout.other else f"{name} has an unknown layout"
    return (
        f"{looks}: neither /rootfs.squashfs with /boot/kernel nor a kairos-release is in it, so the installer on it "
        "never reads the user-data in /config.yaml."
    )
