"""Small ISOs with the label `cidata` that bring one site's user-data beside a common installer.

Written here and not by xorriso: a fleet needs hundreds, each with the same bytes whenever it is made. The layout is
ECMA-119 with Rock Ridge (RRIP 1.10) and Joliet, padded as mkisofs pads; readers exist that take no smaller one.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from edgewright.core.errors import Conflict, InvalidInput
from edgewright.forge.iso.configs import LARGEST
from edgewright.forge.iso.partfile import PartFile

SECTOR = 2048
PADDING = 150
"""Sectors of zeros at the end."""
VOLUME = "cidata"
EPOCH = 315532800
"""1980-01-01, the date of everything inside unless SOURCE_DATE_EPOCH sets another."""
PVD, SVD, END, TABLES, ROOT, JOLIET_ROOT, CONTINUED, FILES = 16, 17, 18, 19, 23, 24, 25, 26
_RRIP = (
    b"RRIP_1991A",
    b"THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
    (
        b"PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME "
        b"DESCRIPTOR FOR CONTACT INFORMATION."
    ),
)


def make_cidata(out: Path, user_data: bytes, meta_data: bytes = b"", *, force: bool = False, sync: bool = True) -> str:
    """Write a seed ISO (readable by its owner alone) and return its sha256; same bytes in, same bytes out.

    A file that is there with the same bytes stays as it is. `sync=False` leaves it to the caller to put the folder on
    the disk after many of them. Raises `Conflict` when the file contains other bytes and `force` is not set,
    `InvalidInput` for user-data above 1 MB, `Failed` for a full disk.
    """
    data = cidata_bytes(user_data, meta_data)
    sha256 = hashlib.sha256(data).hexdigest()
    if out.exists():
        if out.is_file() and out.stat().st_size == len(data) and out.read_bytes() == data:
            return sha256
        if not force:
            raise Conflict(f"{out} is there already and contains something else.", "Give another folder, or --force.")
    with PartFile(out, len(data)) as part:
        part.write(data)
        part.commit(sync=sync)
    return sha256


def cidata_bytes(user_data: bytes, meta_data: bytes = b"") -> bytes:
    """Return the bytes of a seed ISO. Raises `InvalidInput` for user-data above 1 MB."""
    if len(user_data) > LARGEST:
        raise InvalidInput(f"The user-data has {len(user_data)} bytes; installers pass over configs above 1 MB.")
    instance = hashlib.sha256(user_data).hexdigest()[:16]
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    epoch = int(given) if given.isascii() and given.isdigit() else EPOCH
    files = {"meta-data": meta_data or f"instance-id: {instance}\n".encode(), "user-data": user_data}
    return _Writer(files, time.gmtime(epoch)).image()


class _Writer:
    """Lays out one folder of files; `files` in the order of their names."""

    def __init__(self, files: Mapping[str, bytes], date: time.struct_time) -> None:
        self.files = files
        self.date = date
        self.short = bytes([date.tm_year - 1900, *date[1:6], 0])
        self.blocks: dict[str, int] = {}
        self.end = FILES
        for name, data in files.items():
            self.blocks[name] = self.end
            self.end += -(-len(data) // SECTOR)
        self.total = self.end + PADDING

    def image(self) -> bytes:
        """Return the entire image."""
        image = bytearray(self.total * SECTOR)
        self._put(image, PVD, self._descriptor(joliet=False))
        self._put(image, SVD, self._descriptor(joliet=True))
        self._put(image, END, b"\xffCD001\x01")
        for number, (root, order) in enumerate(
            ((ROOT, "little"), (ROOT, "big"), (JOLIET_ROOT, "little"), (JOLIET_ROOT, "big"))
        ):
            place = root.to_bytes(4, "little" if order == "little" else "big")
            parent = (1).to_bytes(2, "little" if order == "little" else "big")
            self._put(image, TABLES + number, b"\x01\0" + place + parent + b"\0\0")
        self._put(image, ROOT, self._folder(joliet=False))
        self._put(image, JOLIET_ROOT, self._folder(joliet=True))
        identifier, description, source = _RRIP
        lengths = bytes([len(identifier), len(description), len(source), 1])
        self._put(image, CONTINUED, _susp(b"ER", lengths + identifier + description + source))
        for name, data in self.files.items():
            self._put(image, self.blocks[name], data)
        return bytes(image)

    @staticmethod
    def _put(image: bytearray, sector: int, data: bytes) -> None:
        image[sector * SECTOR : sector * SECTOR + len(data)] = data

    def _descriptor(self, *, joliet: bool) -> bytes:
        def text(label: str, length: int) -> bytes:
            if joliet:
                return label.ljust(length // 2).encode("utf-16-be").ljust(length, b"\0")
            return label.encode("ascii").ljust(length)

        first = TABLES + (2 if joliet else 0)
        root = self._record(b"\0", JOLIET_ROOT if joliet else ROOT, SECTOR, folder=True)
        moment = time.strftime("%Y%m%d%H%M%S00", self.date).encode() + b"\0"
        parts = (
            b"\x02CD001\x01\0" if joliet else b"\x01CD001\x01\0",
            text("", 32) + text(VOLUME, 32) + bytes(8) + _both(self.total, 4),
            (b"%/E" if joliet else b"").ljust(32, b"\0"),
            _both(1, 2) + _both(1, 2) + _both(SECTOR, 2) + _both(10, 4),
            first.to_bytes(4, "little") + bytes(4) + (first + 1).to_bytes(4, "big") + bytes(4),
            root + text("", 128) + text("", 128) + text("", 128) + text("EDGEWRIGHT", 128),
            text("", 37) + text("", 37) + text("", 37),
            moment + moment + b"0" * 16 + b"\0" + b"0" * 16 + b"\0" + b"\x01\0",
        )
        return b"".join(parts)

    def _folder(self, *, joliet: bool) -> bytes:
        here = JOLIET_ROOT if joliet else ROOT
        mode = _susp(b"PX", _both(0o40555, 4) + _both(2, 4) + _both(0, 4) + _both(0, 4))
        begin = _susp(b"SP", b"\xbe\xef\0") + mode
        more = _susp(b"CE", _both(CONTINUED, 4) + _both(0, 4) + _both(8 + sum(map(len, _RRIP)), 4))
        records = [
            self._record(b"\0", here, SECTOR, folder=True, system_use=b"" if joliet else begin + more),
            self._record(b"\1", here, SECTOR, folder=True, system_use=b"" if joliet else mode),
        ]
        for name, data in self.files.items():
            plain = name.upper().replace("-", "_")[:8].encode() + b".;1"
            posix = _susp(b"PX", _both(0o100400, 4) + _both(1, 4) + _both(0, 4) + _both(0, 4))
            use = b"" if joliet else posix + _susp(b"NM", b"\0" + name.encode())
            names = name.encode("utf-16-be") if joliet else plain
            records.append(self._record(names, self.blocks[name], len(data), system_use=use))
        return b"".join(records)

    def _record(self, name: bytes, block: int, size: int, *, folder: bool = False, system_use: bytes = b"") -> bytes:
        body = b"\0" + _both(block, 4) + _both(size, 4) + self.short
        body += bytes([2 if folder else 0, 0, 0]) + _both(1, 2) + bytes([len(name)]) + name
        body += b"" if len(name) % 2 else b"\0"
        record = body + system_use
        record += b"\0" * ((len(record) + 1) % 2)
        return bytes([len(record) + 1]) + record


def _both(number: int, width: int) -> bytes:
    """Return a number in both byte orders (ECMA-119 7.2.3, 7.3.3)."""
    return number.to_bytes(width, "little") + number.to_bytes(width, "big")


def _susp(kind: bytes, body: bytes) -> bytes:
    """Return a system use entry (SUSP 4.1)."""
    return kind + bytes([4 + len(body), 1]) + body
