"""Removable disks of this machine: what they are, what is on them, and whether they may be written over.

Read from sysfs, mountinfo and udev's notes, below one root that tests replace; needs no program and no root.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import NotFound, Refused
from edgewright.core.text import clean
from edgewright.forge.progress import size as size_text

SYSTEM = ("/", "/boot", "/boot/efi", "/usr", "/var", "/home", "/nix", "/etc/hosts")
KINDS = {
    "loop": "loop device", "ram": "memory", "zram": "compressed memory", "dm-": "device mapper", "md": "RAID",
    "sr": "CD drive", "fd": "floppy drive", "nbd": "network block device", "drbd": "replicated block device",
}  # fmt: skip
"""Block devices that are no disks of their own, by how the kernel begins their names."""
NO_DISKS = tuple(KINDS)


class Part(NamedTuple):
    """A partition, or the disk where it has none: what udev found on it and where it is mounted."""

    name: str
    size: int
    kind: str
    label: str
    mounts: tuple[str, ...]
    holders: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as text."""
        what = " ".join(x for x in (self.kind, f'"{self.label}"' if self.label else "") if x) or "unknown content"
        mounted = f", mounted at {', '.join(self.mounts)}" if self.mounts else ""
        return f"{self.name} {size_text(self.size)} {what}{mounted}"


class Disk(NamedTuple):
    """A disk; sizes in bytes. `number` is the kernel's major:minor."""

    name: str
    path: Path
    number: str
    model: str
    serial: str
    size: int
    removable: bool
    usb: bool
    read_only: bool
    parts: tuple[Part, ...]
    swap: bool = False

    def __str__(self) -> str:
        """Return it as text: `sdb SanDisk Ultra 31 GB (USB)`."""
        bus = " (USB)" if self.usb else ""
        return f"{self.name} {self.model or 'unknown model'} {size_text(self.size)}{bus}"

    @property
    def same_as(self) -> tuple[str, str, str, int]:
        """What must not change between the question and the writing."""
        return self.number, self.model, self.serial, self.size

    def reason_against(self, needed: int = 0) -> str:
        """Return the sentence why it must not be written over with `needed` bytes, or ""."""
        mounts = [place for part in self.parts for place in part.mounts]
        holders = [holder for part in self.parts for holder in part.holders]
        if any(place in SYSTEM for place in mounts):
            return f"{self.name} contains the system of this machine (mounted at {', '.join(mounts)})."
        if mounts:
            return f"{self.name} is in use: mounted at {', '.join(mounts)}."
        if self.swap:
            return f"{self.name} is in use as swap space."
        if holders:
            return f"{self.name} is in use by {', '.join(holders)}."
        if not (self.removable or self.usb):
            return f"{self.name} ({self.model or 'unknown model'}, {size_text(self.size)}) is not a removable disk."
        if self.read_only:
            return f"{self.name} is write-protected."
        if not self.size:
            return f"There is no medium in {self.name}."
        if self.size < needed:
            return f"{self.name} has {size_text(self.size)}, {size_text(needed - self.size)} too little."
        return ""


class Disks:
    """The disks below `root`, which is `/` but for tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def all(self) -> list[Disk]:
        """Return every real disk, built-in ones too."""
        mounts, swaps = self._mounts(), self._swaps()
        block = self.root / "sys/block"
        if not block.is_dir():
            return []
        names = sorted(entry.name for entry in block.iterdir() if not entry.name.startswith(NO_DISKS))
        return [self._disk(block / name, mounts, swaps) for name in names]

    def removable(self) -> list[Disk]:
        """Return the disks that are removable."""
        return [disk for disk in self.all() if disk.removable or disk.usb]

    def named(self, word: str) -> Disk:
        """Return the disk that a word names: `sdb`, `/dev/sdb` or a link to it. Raises `NotFound`, `Refused`."""
        name = Path(word).name
        if "/" in word and Path(word).is_symlink():
            name = Path(word).resolve().name
        disks = self.all()
        for disk in disks:
            if disk.name == name:
                return disk
            if any(part.name == name for part in disk.parts):
                raise Refused(f"{name} is a partition.", f"An installer needs the entire disk: {disk.name}")
        names = ", ".join(disk.name for disk in disks if disk.removable or disk.usb)
        hint = f"Removable disks: {names}" if names else "Plug one in."
        if (self.root / "sys/block" / name).exists():
            kind = next(kind for prefix, kind in KINDS.items() if name.startswith(prefix))
            raise Refused(f"{name} is not a removable disk ({kind}).", hint, "DiskRefused")
        if "/" in word and Path(word).exists():
            raise NotFound(f"{word} is not a disk.", hint, "NoDisk")
        raise NotFound(f"There is no disk {word}.", hint, "NoDisk")

    def there(self, disk: Disk) -> bool:
        """Return whether the disk has not been pulled out."""
        return (self.root / "sys/block" / disk.name).exists()

    def _disk(self, folder: Path, mounts: dict[str, list[str]], swaps: set[str]) -> Disk:
        name = folder.name
        bus = str(folder.resolve())
        card = name.startswith("mmcblk") and _text(folder / "device/type") == "SD"
        vendor, model = _text(folder / "device/vendor"), _text(folder / "device/model") or _text(folder / "device/name")
        result = sorted(sub for sub in folder.iterdir() if (sub / "partition").exists()) if folder.is_dir() else []
        parts = [self._part(sub, mounts) for sub in result]
        complete = self._part(folder, mounts)
        if not parts or complete.mounts or complete.holders:
            parts = [*([complete] if complete.kind or complete.mounts or complete.holders else []), *parts]
        return Disk(
            name,
            self.root / "dev" / name,
            _text(folder / "dev"),
            " ".join(x for x in (vendor if vendor != "ATA" else "", model) if x),
            _text(folder / "device/serial") or _text(folder / "serial"),
            complete.size,
            _text(folder / "removable") == "1" or card,
            "/usb" in bus,
            _text(folder / "ro") == "1",
            tuple(parts),
            any(part in swaps for part in (name, *(sub.name for sub in result))),
        )

    def _part(self, folder: Path, mounts: dict[str, list[str]]) -> Part:
        number = _text(folder / "dev")
        udev = self._udev(number)
        sectors = _text(folder / "size")
        holders = folder / "holders"
        return Part(
            folder.name,
            int(sectors) * 512 if sectors.isdigit() else 0,
            udev.get("ID_FS_TYPE", ""),
            udev.get("ID_FS_LABEL", ""),
            tuple(mounts.get(number, ())),
            tuple(sorted(entry.name for entry in holders.iterdir())) if holders.is_dir() else (),
        )

    def _udev(self, number: str) -> dict[str, str]:
        """Return what udev noted of a block device; empty where it does not run."""
        lines = _raw(self.root / f"run/udev/data/b{number}").splitlines() if number else []
        pairs = (line[2:].partition("=") for line in lines if line.startswith("E:"))
        return {key: clean(value, 100) for key, _, value in pairs}

    def _mounts(self) -> dict[str, list[str]]:
        """Return the mount points by major:minor (proc(5), mountinfo)."""
        matches: dict[str, list[str]] = {}
        for line in _raw(self.root / "proc/self/mountinfo").splitlines():
            parts = line.split(" ")
            if len(parts) > 4:
                matches.setdefault(parts[2], []).append(clean(parts[4].replace("\\040", " ")))
        return matches

    def _swaps(self) -> set[str]:
        lines = _raw(self.root / "proc/swaps").splitlines()[1:]
        return {Path(line.split()[0]).name for line in lines if line.split()}


def _raw(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _text(path: Path) -> str:
    return clean(_raw(path).strip(), 100)
