"""What a program for Linux needs to run: its machine, and the libraries of the host (none for a static one).

Read from the program headers (System V ABI, chapters 4 and 5; GNU symbol versions: LSB 10.7), never run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

_MACHINES = {62: "amd64", 183: "arm64", 243: "riscv64"}
_LOAD, _DYNAMIC, _INTERP = 1, 2, 3
_NEEDED, _STRTAB, _STRSZ, _VERNEED, _VERNEEDNUM = 1, 5, 10, 0x6FFFFFFE, 0x6FFFFFFF
MOST_HEADERS, MOST_DYNAMIC, MOST_TEXT, MOST_VERSIONS = 128, 4096, 1 << 20, 1024
"""Bounds on what is read of a program that may be anything."""
MOST_OFFSET = 1 << 40


class NotElf(Exception):
    """The file is not a program for Linux that can be read; the message is a phrase."""


class Library(NamedTuple):
    """A library that a program loads, and the newest version of its symbols that it asks for ("" for none)."""

    name: str
    version: str = ""


class Elf(NamedTuple):
    """A program: machine (`amd64`, `arm64`, ...), its interpreter ("" for none), its libraries."""

    machine: str
    interpreter: str
    libraries: tuple[Library, ...]

    @property
    def static(self) -> bool:
        """Whether it needs nothing of the host (position-independent static programs too)."""
        return not self.interpreter and not self.libraries


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def read(path: Path) -> Elf:
    """Return what a program needs. Raises `NotElf`, `OSError`."""
    with path.open("rb") as stream:
        try:
            return _read(stream)
        except (struct.error, UnicodeDecodeError, OverflowError):
            raise NotElf("is cut off or damaged") from None


def _read(stream: IO[bytes]) -> Elf:
    head = stream.read(64)
    if head[:4] != b"\x7fELF":
        raise NotElf("is not a program (not an ELF file)")
    if len(head) < 64 or head[4] != 2:
        raise NotElf("is not a 64-bit program")
    order = "<" if head[5] == 1 else ">"
    machine = struct.unpack_from(order + "H", head, 18)[0]
    offset = struct.unpack_from(order + "Q", head, 32)[0]
    size, count = struct.unpack_from(order + "HH", head, 54)
    if not count or count > MOST_HEADERS or size < 56:
        raise NotElf("has no program headers: it cannot be run")
    segments = []
    for number in range(count):
        data = _at(stream, offset + number * size, 56)
        kind, _, place, address, _, length = struct.unpack_from(order + "IIQQQQ", data)
        segments.append(_Segment(kind, place, address, length))
    interpreter = next((_text(_at(stream, s.offset, min(s.size, 4096))) for s in segments if s.kind == _INTERP), "")
    dynamic = next((s for s in segments if s.kind == _DYNAMIC), None)
    libraries = _libraries(stream, order, segments, dynamic) if dynamic is not None else ()
    return Elf(_MACHINES.get(machine, f"machine {machine}"), interpreter, libraries)


def _libraries(stream: IO[bytes], order: str, segments: list[_Segment], dynamic: _Segment) -> tuple[Library, ...]:
    table: dict[int, list[int]] = {}
    data = _at(stream, dynamic.offset, min(dynamic.size, MOST_DYNAMIC * 16))
    for number in range(len(data) // 16):
        tag, value = struct.unpack_from(order + "QQ", data, number * 16)
        if tag == 0:
            break
        table.setdefault(tag, []).append(value)
    if not table.get(_NEEDED):
        return ()
    strings = _at(stream, _place(segments, table[_STRTAB][0] if _STRTAB in table else 0),
                  min(table.get(_STRSZ, [0])[0], MOST_TEXT))  # fmt: skip
    names = [_text(strings, value) for value in table[_NEEDED]]
    versions: dict[str, str] = {}
    if _VERNEED in table:
        place = _place(segments, table[_VERNEED][0])
        for name, version in _versions(stream, order, place, table.get(_VERNEEDNUM, [0])[0], strings):
            versions[name] = max(versions.get(name, ""), version, key=_newness)
    return tuple(Library(name, versions.get(name, "")) for name in names)


def _versions(stream: IO[bytes], order: str, place: int, count: int, strings: bytes) -> Iterator[tuple[str, str]]:
    """Yield library and symbol version of each entry (Elf64_Verneed with its Elf64_Vernaux)."""
    seen = 0
    for _ in range(min(count, MOST_VERSIONS)):
        _, number, file, first, following = struct.unpack(order + "HHIII", _at(stream, place, 16))
        aux = place + first
        for _ in range(number):
            seen += 1
            if seen > MOST_VERSIONS:
                return
            _, _, _, name, after = struct.unpack(order + "IHHII", _at(stream, aux, 16))
            yield _text(strings, file), _text(strings, name)
            if not after:
                break
            aux += after
        if not following:
            return
        place += following


def _newness(version: str) -> tuple[int, tuple[int, ...]]:
    """Order `GLIBC_2.4` before `GLIBC_2.34`; what has no number comes first."""
    numbers = version.rpartition("_")[2].split(".")
    return (1, tuple(map(int, numbers))) if all(n.isdigit() for n in numbers) else (0, ())


def _place(segments: list[_Segment], address: int) -> int:
    """Return where in the file an address of the running program is."""
    for segment in segments:
        if segment.kind == _LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise NotElf("is damaged: its dynamic section points nowhere")


def _at(stream: IO[bytes], offset: int, size: int) -> bytes:
    if offset > MOST_OFFSET:
        raise NotElf("is damaged: it points beyond its end")
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < min(size, 16):
        raise NotElf("is cut off")
    return data


def _text(data: bytes, start: int = 0) -> str:
    """Return the text that begins at `start` and ends with a zero byte."""
    part = data[start : start + 4096]
    return part.partition(b"\0")[0].decode("utf-8")
