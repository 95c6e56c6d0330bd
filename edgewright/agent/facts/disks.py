"""Facts of disks and file systems: sysfs for the disks, /proc/self/mounts and statvfs for what is on them."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgewright.agent.kernel.hostfs import Root

Usage = Callable[[str], Optional[Tuple[int, int, int]]]
"""Bytes (total, used, free for users) of the file system at a path; `None` when it is unknown."""

MAX_DISKS = 64
MAX_PARTITIONS = 64

_NOT_DISKS = re.compile(r"^(loop|ram|zram|nbd|fd|sr)\d")
_OCTAL = re.compile(r"\\([0-7]{3})")
_VENDORS = {"0x1af4": "virtio", "0x144d": "Samsung", "0x15b7": "SanDisk", "0x8086": "Intel"}


def real_usage(path: str) -> Optional[Tuple[int, int, int]]:
    """Ask the kernel how full the file system at `path` is."""
    try:
        result = os.statvfs(path)
    except OSError:
        return None
    total = result.f_blocks * result.f_frsize
    if total <= 0:
        return None
    free = result.f_bavail * result.f_frsize
    # what is reserved for root counts as used, as `df` counts it: no other user can write there
    used = (result.f_blocks - result.f_bfree) * result.f_frsize
    return used + free, used, free


def disks(root: Root, usage: Usage = real_usage) -> List[Dict[str, Any]]:
    """Return the disks as `v1Disk` (size in GB, partitions in MB); a root that is on none gets a disk of its own."""
    matches: Dict[str, Dict[str, Any]] = {}
    for name in root.names("/sys/block"):
        sectors = root.number(f"/sys/block/{name}/size")
        if _NOT_DISKS.match(name) or sectors <= 0 or len(matches) >= MAX_DISKS:
            continue
        matches[name] = {
            "controller": _controller(root, name),
            "vendor": _vendor(root, name),
            "size": max(1, round(sectors * 512 / 1e9)),
            "partitions": [],
        }
    seen = set()
    loose: List[Dict[str, Any]] = []
    for source, mount, kind in mounts(root):
        if source in seen or not (source.startswith("/dev/") or mount == "/"):
            continue
        partition = _partition(root, mount, kind, usage)
        if partition is None:
            continue
        seen.add(source)
        disk = matches.get(_disk_of(root, source))
        target = disk["partitions"] if disk is not None else loose
        if len(target) < MAX_PARTITIONS:
            target.append(partition)
    result = list(matches.values())
    if loose:
        size = max(1, round(sum(part["totalSpace"] for part in loose) / 1000))
        result.append(
            {"controller": "virtual", "vendor": loose[0]["fileSystemType"], "size": size, "partitions": loose}
        )
    return result


def mounts(root: Root) -> List[Tuple[str, str, str]]:
    """Return (source, mount point, file system) of each mount that contains files; the first mount of a source wins."""
    result = []
    listed = root.lines("/proc/self/mounts") or root.lines("/proc/mounts")
    for line in listed:
        fields = line.split()
        if len(fields) < 3:
            continue
        source, mount, kind = (_OCTAL.sub(lambda match: chr(int(match.group(1), 8)), field) for field in fields[:3])
        if kind in ("squashfs", "iso9660", "autofs"):
            continue  # always full, or not there yet: neither means anything for free space
        result.append((source, mount, kind))
    # the shortest mount point first: a container's bind mounts repeat the same source deeper down
    return sorted(result, key=lambda item: (item[1].count("/"), len(item[1])))


def _partition(root: Root, mount: str, kind: str, usage: Usage) -> Optional[Dict[str, Any]]:
    asked = root.path(mount)
    if root.real and not os.path.isdir(asked):
        return None  # a file bound into a container, such as /etc/resolv.conf
    space = usage(asked)
    if space is None:
        return None
    total, used, free = (int(value // 1_000_000) for value in space)
    return {"mountPoint": mount, "fileSystemType": kind, "totalSpace": total, "usedSpace": used, "freeSpace": free}


def _disk_of(root: Root, source: str) -> str:
    """Return the disk that a block device is on: itself, its parent, or the first one below a mapped device."""
    if not source.startswith("/dev/"):
        return ""
    name = os.path.basename(root.target(source) or source)
    for _ in range(4):
        if root.has(f"/sys/block/{name}"):
            below = root.names(f"/sys/block/{name}/slaves")
            if not below:
                return name
            name = below[0]
            continue
        parent = os.path.basename(os.path.dirname(root.target(f"/sys/class/block/{name}")))
        if not parent or parent == name:
            return ""
        name = parent
    return ""


def _controller(root: Root, name: str) -> str:
    if name.startswith("nvme"):
        return "nvme"
    if name.startswith(("vd", "xvd")):
        return "virtio"
    if name.startswith("mmcblk"):
        return "mmc"
    if name.startswith(("dm-", "md")):
        return "virtual"
    place = root.target(f"/sys/block/{name}")
    for word in ("usb", "ata", "virtio", "nvme"):
        if f"/{word}" in place:
            return {"ata": "sata"}.get(word, word)
    return "scsi"


def _vendor(root: Root, name: str) -> str:
    vendor = root.text(f"/sys/block/{name}/device/vendor", 128)
    model = root.text(f"/sys/block/{name}/device/model", 128)
    return " ".join(word for word in (_VENDORS.get(vendor, vendor), model) if word)
