"""Volume descriptors of ISO 9660 (ECMA-119 section 8): which directory trees there are and how large the volume is."""

from __future__ import annotations

import calendar
from typing import NamedTuple

from edgewright.forge.iso.image import SECTOR, Broken, Image

FIRST = 16
"""The sector of the first descriptor, counted from where the volume begins."""
MOST_DESCRIPTORS = 64
JOLIET = (b"%/@", b"%/C", b"%/E")


class Volume(NamedTuple):
    """One directory tree: `root` and `root_size` of its root directory, `blocks` the size of the entire volume."""

    start: int
    """The sector of the tree's first descriptor; 16 for the one of the entire disk."""
    joliet: bool
    volume_id: str
    blocks: int
    root: int
    root_size: int
    created: int
    """Seconds since 1970; 0 where no date is given."""


class Descriptors(NamedTuple):
    """What the descriptors from one sector on report; `catalog` is the sector of the boot catalog or 0."""

    volumes: tuple[Volume, ...]
    catalog: int


def descriptors(image: Image, start: int = FIRST) -> Descriptors:
    """Read the descriptors at `start`. Raises `Broken` when there is no ISO 9660 volume there."""
    volumes: list[Volume] = []
    catalog = 0
    if start == FIRST and image.size < (FIRST + 1) * SECTOR:
        raise Broken("it is too short for an ISO 9660 volume")
    for number in range(MOST_DESCRIPTORS):
        data = image.sectors(start + number)
        if data[1:6] != b"CD001":
            if not number:
                raise Broken("it contains no ISO 9660 volume")
            break
        kind = data[0]
        if kind == 255:
            break
        if kind == 0 and data[7:30] == b"EL TORITO SPECIFICATION":
            catalog = int.from_bytes(data[71:75], "little")
        elif kind == 1 or (kind == 2 and data[88:91] in JOLIET):
            volumes.append(_volume(data, start, joliet=kind == 2))
    if not any(not volume.joliet for volume in volumes):
        raise Broken("it has no primary volume descriptor")
    return Descriptors(tuple(volumes), catalog)


def _volume(data: bytes, start: int, *, joliet: bool) -> Volume:
    if int.from_bytes(data[128:130], "little") != 2048:
        raise Broken("its blocks are not of 2048 bytes")
    text = data[40:72]
    volume_id = text.decode("utf-16-be" if joliet else "latin-1", "replace").rstrip(" \0")
    root = data[156:190]
    return Volume(
        start,
        joliet,
        volume_id,
        int.from_bytes(data[80:84], "little"),
        int.from_bytes(root[2:6], "little"),
        int.from_bytes(root[10:14], "little"),
        _date(data[813:830]),
    )


def _date(text: bytes) -> int:
    """Return a long date (section 8.4.26.1) as seconds since 1970: 16 digits and an offset of quarter hours."""
    try:
        digits = text[:14].decode("ascii")
        year, rest = int(digits[:4]), [int(digits[at : at + 2]) for at in range(4, 14, 2)]
        if not 1970 <= year <= 9999 or not 1 <= rest[0] <= 12 or not 1 <= rest[1] <= 31:
            return 0
        zone = int.from_bytes(text[16:17], "little", signed=True) * 900
        return max(0, calendar.timegm((year, *rest)) - zone)
    except ValueError:
        return 0
