"""The directory trees of an ISO: plain names, Rock Ridge or Joliet, walked with bounds on everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edgewright.forge.iso.image import SECTOR, Broken, Image
from edgewright.forge.iso.volume import FIRST, Volume

MOST_ENTRIES = 50_000
MOST_DEPTH = 32
MOST_DIRECTORY = 4 * 1024 * 1024
MOST_TOTAL = 32 * 1024 * 1024
"""Bytes of all directories together: an installer has a few dozen files, a hostile one must not block us."""
MOST_CONTINUED = 8
"""Continuation areas that are followed for one name."""


class Node(NamedTuple):
    """A file or folder: `extents` are (sector, bytes) in order; a file above 4 GiB has several."""

    path: str
    folder: bool
    extents: tuple[tuple[int, int], ...]
    link: bool = False

    @property
    def size(self) -> int:
        """Bytes of the complete file."""
        return sum(size for _, size in self.extents)

    @property
    def block(self) -> int:
        """The sector where it begins."""
        return self.extents[0][0]


class Tree:
    """One directory tree of an image. `rock_ridge` is whether it has names as on a Unix disk."""

    def __init__(self, image: Image, volume: Volume) -> None:
        self.image = image
        self.volume = volume
        self._origin = volume.start - FIRST
        """A partition's own tree counts sectors from where the partition begins; nodes count from the file's begin."""
        self._root = volume.root + self._origin
        self._skip, self.rock_ridge = (0, False) if volume.joliet else self._system_use()

    def _system_use(self) -> tuple[int, bool]:
        """Return how many bytes to skip in each system use area and whether Rock Ridge is there (SUSP 5.3, 5.5)."""
        try:
            data = self.image.sectors(self._root)
        except Broken:
            return 0, False
        area = data[34 : data[0]]  # the name of "." has one byte, so its system use begins at 34
        if area[:2] != b"SP" or len(area) < 7 or area[4:6] != b"\xbe\xef":
            return 0, False
        return area[6], True

    def walk(self) -> Iterator[Node]:
        """Yield every file and folder, parents before children. Raises `Broken` where the bytes make no sense."""
        waiting = [("", self._root, self.volume.root_size, 0)]
        seen = {self._root}
        count = total = 0
        while waiting:
            path, block, size, depth = waiting.pop()
            total += size
            if size > MOST_DIRECTORY or total > MOST_TOTAL:
                raise Broken("its directories are too large to be those of an installer")
            for node in self._folder(path, block, size):
                count += 1
                if count > MOST_ENTRIES:
                    raise Broken(f"it has more than {MOST_ENTRIES} files")
                yield node
                if node.folder and node.block not in seen:
                    if depth >= MOST_DEPTH:
                        raise Broken(f"its folders are more than {MOST_DEPTH} deep")
                    seen.add(node.block)
                    waiting.append((node.path, node.block, node.size, depth + 1))

    def find(self, path: str) -> Node | None:
        """Return the file or folder at `path`, or None. Raises `Broken`."""
        return next((node for node in self.walk() if node.path == path), None)

    def _folder(self, path: str, block: int, size: int) -> Iterator[Node]:
        parts: list[tuple[int, int]] = []
        for sector in range((size + SECTOR - 1) // SECTOR):
            data = self.image.sectors(block + sector)
            at = 0
            while at < SECTOR and data[at]:
                record = data[at : at + data[at]]
                at += data[at]
                if len(record) < 34 or 33 + record[32] > len(record):
                    raise Broken(f"the directory at sector {block + sector} is damaged")
                name = record[33 : 33 + record[32]]
                if name in (b"\0", b"\1"):
                    continue
                place = (self._origin + int.from_bytes(record[2:6], "little"), int.from_bytes(record[10:14], "little"))
                parts.append(place)
                if record[25] & 0x80 and len(parts) < 4096:  # not the last part of its file (9.1.6)
                    continue
                node = self._node(path, record, name, tuple(parts))
                parts = []
                if node is not None:
                    yield node

    def _node(self, path: str, record: bytes, name: bytes, parts: tuple[tuple[int, int], ...]) -> Node | None:
        folder = bool(record[25] & 2)
        if self.volume.joliet:
            text = name.decode("utf-16-be", "replace").removesuffix(";1")
            return Node(f"{path}/{_safe(text)}", folder, parts)
        link = False
        text = name.decode("latin-1").split(";")[0].rstrip(".").lower()
        if self.rock_ridge:
            begins = 33 + record[32] + (1 - record[32] % 2)
            result = self._rock_ridge(record[begins + self._skip :])
            if result.moved:
                return None  # shown where its child link is
            text = result.name or text
            link = result.link
            if result.child:
                folder, parts = (
                    True,
                    ((result.child, int.from_bytes(self.image.sectors(result.child)[10:14], "little")),),
                )
        return Node(f"{path}/{_safe(text)}", folder, parts, link)

    def _rock_ridge(self, area: bytes) -> _RockRidge:
        """Return the content of the system use entries: NM names, CL and RE relocation, SL links (RRIP 4.1)."""
        name, child, moved, link = b"", 0, False, False
        for _ in range(MOST_CONTINUED):
            following: tuple[int, int, int] | None = None
            at = 0
            while at + 4 <= len(area):
                kind, length = area[at : at + 2], area[at + 2]
                if length < 4 or at + length > len(area):
                    break
                body = area[at + 4 : at + length]
                at += length
                if kind == b"NM" and body and not body[0] & 6:
                    name += body[1:]
                elif kind == b"CL" and len(body) >= 4:
                    child = self._origin + int.from_bytes(body[:4], "little")
                elif kind == b"RE":
                    moved = True
                elif kind == b"SL":
                    link = True
                elif kind == b"CE" and len(body) >= 24:
                    following = (
                        self._origin + int.from_bytes(body[0:4], "little"),
                        int.from_bytes(body[8:12], "little"),
                        int.from_bytes(body[16:20], "little"),
                    )
                elif kind == b"ST":
                    break
            if following is None or following[2] > SECTOR or following[1] > SECTOR:
                break
            area = self.image.read(following[0] * SECTOR + following[1], following[2])
        return _RockRidge(name[:1024].decode("utf-8", "replace"), child, moved, link)


class _RockRidge(NamedTuple):
    name: str
    child: int
    moved: bool
    link: bool


def _safe(name: str) -> str:
    """Return a name that cannot leave its folder."""
    return name.replace("/", "\ufffd").replace("\0", "\ufffd") or "\ufffd"
