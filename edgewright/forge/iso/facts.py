"""What is known about an ISO: plain values that the rest of the forge and the wizard read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from edgewright.forge.progress import size

APPLIANCE = "edgewright-appliance"
"""How the KAIROS_NAME of the reference appliance begins."""


class BootEntry(NamedTuple):
    """One boot image of the El Torito catalog; `platform` is `bios`, `uefi`, `ppc`, `mac` or `0x..`."""

    platform: str
    bootable: bool
    emulation: int
    load_sectors: int
    block: int


class Partition(NamedTuple):
    """One partition of the GPT, or of the MBR where there is no GPT; first and last in 512-byte sectors."""

    table: str
    kind: str
    first: int
    last: int
    name: str = ""

    @property
    def what(self) -> str:
        """What kind of partition it is, without its place: the part that a rewrite must preserve."""
        return f"{self.table} {self.kind}"


class Config(NamedTuple):
    """A cloud-config found in an ISO."""

    path: str
    block: int
    size: int


class Placeholder(NamedTuple):
    """A config whose bytes may be overwritten where they lie: every directory tree shares this one extent."""

    path: str
    offset: int
    size: int


class Check(NamedTuple):
    """One thing that was looked at in a finished ISO; `detail` describes it."""

    name: str
    ok: bool
    detail: str


class Base(NamedTuple):
    """An ISO as it was identified, without mounting it. Sizes and offsets in bytes.

    `refuse` is the sentence why it cannot be rewritten at all, `foreign` the one why the installer on it would not
    read the user-data (which `--any-base` overrides); both may be empty. `notes` are sentences about what could not be
    found out or is unusual.
    """

    path: Path
    size: int
    volume_id: str = ""
    created: int = 0
    """Volume date, seconds since 1970; 0 when it has none."""
    rock_ridge: bool = False
    joliet: bool = False
    boots: tuple[BootEntry, ...] = ()
    partitions: tuple[Partition, ...] = ()
    mbr: bool = False
    gpt: bool = False
    apm: bool = False
    hfsplus: bool = False
    bios_cd: bool = False
    uefi_cd: bool = False
    bios_usb: bool = False
    uefi_usb: bool = False
    trees: int = 1
    """Directory trees: 2 where the partition has a superblock of its own (partition_offset)."""
    partition_broken: str = ""
    """Why it will not boot from USB although it has a partition table; empty when that is correct."""
    configs: tuple[Config, ...] = ()
    placeholder: Placeholder | None = None
    squashfs: str = ""
    squashfs_offset: int = 0
    squashfs_size: int = 0
    kairos_release: dict[str, str] = {}
    os: str = ""
    """Name of the operating system inside; empty: not known."""
    notes: tuple[str, ...] = ()
    refuse: str = ""
    foreign: str = ""
    what: str = ""
    """What it is where it is another installer, e.g. `a Debian live ISO (live/)` or `compressed (gzip)`."""
    iso: bool = True
    """Whether it contains an ISO 9660 volume."""

    @property
    def refusal(self) -> str:
        """Why no installer can be made of it, or "": whose installer it is matters more than its partitions."""
        return self.foreign or self.refuse

    @property
    def appliance(self) -> bool:
        """Whether it is the reference appliance (known only where its squashfs was looked into)."""
        return self.kairos_release.get("KAIROS_NAME", "").startswith(APPLIANCE)

    @property
    def boot_modes(self) -> tuple[str, ...]:
        """What it boots from, e.g. `("BIOS from CD", "UEFI from USB")`."""
        pairs = (
            (self.bios_cd, "BIOS from CD"),
            (self.bios_usb, "BIOS from USB"),
            (self.uefi_cd, "UEFI from CD"),
            (self.uefi_usb, "UEFI from USB"),
        )
        return tuple(text for there, text in pairs if there)

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return what the user wants to know, as label and value pairs."""
        usable = ("usable", f"no: {self.refusal}" if self.refusal else "yes")
        if not self.iso:
            what = [("what", self.what)] if self.what else []
            return (("file", str(self.path)), ("size", size(self.size)), *what, usable)
        release = self.kairos_release
        inside = " ".join(x for x in (release.get("KAIROS_NAME", ""), release.get("KAIROS_VERSION", "")) if x)
        placeholder = f"{self.placeholder.path}, {self.placeholder.size} bytes" if self.placeholder else "none"
        trees = [x for x, there in (("Rock Ridge", self.rock_ridge), ("Joliet", self.joliet)) if there]
        tables = [x for x, there in (("MBR", self.mbr), ("GPT", self.gpt), ("APM", self.apm)) if there]
        return (
            ("file", str(self.path)),
            ("size", size(self.size)),
            ("volume id", self.volume_id or "none"),
            ("boots", ", ".join(self.boot_modes) or "from nothing"),
            ("partitions", f"{', '.join(tables) or 'none'}" + (", HFS+" if self.hfsplus else "")),
            ("names", ", ".join(trees) or "plain ISO 9660"),
            ("kairos", inside or "unknown"),
            ("system", self.os or "unknown"),
            ("squashfs", f"{self.squashfs} ({size(self.squashfs_size)})" if self.squashfs else "none"),
            ("configs", ", ".join(config.path for config in self.configs) or "none"),
            ("placeholder", placeholder),
            *([("what", self.what)] if self.what else []),
            *(("note", note) for note in self.notes),
            usable,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            **self._asdict(),
            "path": str(self.path),
            "boots": [entry._asdict() for entry in self.boots],
            "partitions": [part._asdict() for part in self.partitions],
            "configs": [config.path for config in self.configs],
            "placeholder": self.placeholder._asdict() if self.placeholder else None,
            "boot_modes": list(self.boot_modes),
            "usable": not self.refusal,
            "notes": list(self.notes),
        }
