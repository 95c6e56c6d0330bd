"""Content that desired state names by its digest (rule P80): fetched in pieces, continued after a break, checked.

A file of the folder has its digest as name and is never changed; what is not complete or not checked yet has the ending
`.part`. What is read out of the folder is checked again, since a disk may have changed it.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from edgewright.agent.kernel.state import sync_folder
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.wire import protocol

FOLDER = "blobs"
"""Name of the folder below the data folder of the agent."""
PART = ".part"
MOST_BYTES = 2 * 1024 * 1024 * 1024
"""Bytes of the folder at most, unless set otherwise."""
LEAST_PIECE = 16 * 1024
"""Bytes that are asked for at once on a link that does not bring more in the time of an answer (P4)."""
GROW_AFTER = 8
"""Pieces that arrive until twice as much is asked for at once."""
SPARE = 64 * 1024 * 1024
"""Bytes that stay free on the disk."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TOTAL = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


class NoRoom(Failed):
    """The folder or the disk is full."""


class Piece(NamedTuple):
    """What the plane answered to a request for a part of a blob."""

    status: int
    content_range: str
    data: bytes


GetPiece = Callable[[str, int, int], Piece]
"""Asks for bytes `first` to `last` of a digest; raises an `EdgewrightError` without an answer."""


class BlobFolder:
    """The blobs on the disk of this host."""

    def __init__(self, folder: str, most_bytes: int = MOST_BYTES, spare: int = SPARE) -> None:
        self._folder = folder
        self._most, self._spare = most_bytes, spare
        self._piece = protocol.BLOB_PIECE
        self._arrived = 0
        """Pieces of this size that arrived one after the other."""

    def path(self, digest: str) -> str:
        """Return the path of a blob, whether it is there or not. Raises `ValueError` for what is not a digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a SHA-256 digest: {digest[:80]!r}")
        return os.path.join(self._folder, digest)

    def has(self, digest: str) -> bool:
        """Return whether a blob is there with its own content; another content is removed."""
        path = self.path(digest)
        if not os.path.exists(path):
            return False
        if _sum_of(path) == digest:
            return True
        _remove(path)
        return False

    def fetch(self, digest: str, get: GetPiece) -> str:
        """Return the path of a blob, fetched as far as it is missing; a break leaves what arrived for the next call.

        Raises what `get` raises, and `Failed` when the plane does not have it, the disk has no room or what arrived has
        another digest (it is removed then).
        """
        path = self.path(digest)
        if self.has(digest):
            return path
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        part = path + PART
        try:
            with open(part, "ab") as file:
                self._fill(digest, get, file.fileno())
        except OSError as error:
            raise Failed(f"Blob {digest[:12]} cannot be stored: {error.strerror}.", "Free space on the disk.") from None
        if _sum_of(part) != digest:
            _remove(part)
            raise Failed(
                f"Blob {digest[:12]} arrived with another content; it is fetched again.",
                "Check the link if it repeats.",
            )
        os.replace(part, path)
        sync_folder(self._folder)
        return path

    def _fill(self, digest: str, get: GetPiece, file: int) -> None:
        total: Optional[int] = None
        while True:
            have = os.fstat(file).st_size
            if have > protocol.MAX_BLOB:
                os.ftruncate(file, 0)
                continue
            if total is not None and have >= total:
                os.fsync(file)
                return
            piece = self._ask(digest, get, have)
            if piece.status == 416 and have:
                return  # all of it is here, or too much: the digest decides
            if piece.status == 200 and not piece.data and not have:
                return  # an empty blob
            total = _total(piece, have)
            if total is None:
                raise _refused(digest, piece.status)
            self._make_room(total - have)
            os.write(file, piece.data)

    def _ask(self, digest: str, get: GetPiece, first: int) -> Piece:
        """Return the next piece; after a break less is asked for at once, so that a slow link gets on."""
        try:
            piece = get(digest, first, first + self._piece - 1)
        except EdgewrightError:
            self._piece, self._arrived = max(LEAST_PIECE, self._piece // 4), 0
            raise
        self._arrived += 1
        if self._arrived >= GROW_AFTER:
            self._piece, self._arrived = min(protocol.BLOB_PIECE, self._piece * 2), 0
        return piece

    def _make_room(self, wanted: int) -> None:
        used = sum(size for _, size in self._files())
        if used + wanted > self._most:
            raise NoRoom(
                f"The folder of blobs would have more than {self._most // 1024**2} MiB.",
                "Remove clusters or profiles that this host no longer needs.",
            )
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < wanted + self._spare:
            raise NoRoom("The disk has no room for the content of the desired state.", "Free space on the disk.")

    def retain(self, digests: Set[str]) -> List[str]:
        """Remove every blob that is not among `digests`, with what is not complete; returns the removed digests."""
        removed = []
        for name, _ in self._files():
            digest = name[: -len(PART)] if name.endswith(PART) else name
            if digest not in digests:
                _remove(os.path.join(self._folder, name))
                removed.append(digest)
        return removed

    def _files(self) -> List[Tuple[str, int]]:
        if not os.path.isdir(self._folder):
            return []
        with os.scandir(self._folder) as entries:
            return [(entry.name, entry.stat(follow_symlinks=False).st_size) for entry in entries]


def _total(piece: Piece, have: int) -> Optional[int]:
    """Return the size of the blob, `None` for an answer that is not the piece that was asked for."""
    match = _TOTAL.fullmatch(piece.content_range)
    if piece.status != 206 or match is None:
        return None
    first, last, total = (int(number) for number in match.groups())
    right = first == have and first <= last < total <= protocol.MAX_BLOB and last - first + 1 == len(piece.data)
    return total if right else None


def _refused(digest: str, status: int) -> EdgewrightError:
    if status == 404:
        return Failed(f"The plane does not have blob {digest[:12]} for this host.", "Wait: it is asked for again.")
    return Failed(
        f"The plane answered the request for blob {digest[:12]} with {status}.", "Wait: it is asked for again."
    )


def _sum_of(path: str) -> str:
    sum_ = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            data = file.read(protocol.BLOB_PIECE)
            if not data:
                return sum_.hexdigest()
            sum_.update(data)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def range_header(first: int, last: int) -> Dict[str, str]:
    """Return the header that asks for bytes `first` to `last`."""
    return {"Range": f"bytes={first}-{last}"}
