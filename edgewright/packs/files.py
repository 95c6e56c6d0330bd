"""The files of a pack in memory, within bounds."""

from __future__ import annotations

import hashlib

from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

MAX_FILES = 5_000
MAX_TOTAL = 64 * 1024 * 1024
"""Bytes of all files together, unpacked."""
MAX_FILE = 32 * 1024 * 1024
"""Bytes of one file: what a blob of the hub may have."""
MAX_PATH = 400
IGNORED = frozenset({".DS_Store", "Thumbs.db"})
"""What file managers leave behind."""

Files = dict[str, bytes]
"""Path with `/` -> content."""


class Collected:
    """Files that are added one by one; refuses what is beyond the bounds."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.files: Files = {}
        self.total = 0

    def refuse(self, problem: str, hint: str, code: str = "InvalidArchive") -> InvalidInput:
        """Return the error for what is wrong; nothing was stored."""
        return InvalidInput(f"{self.what} {problem}.", hint, code)

    def path(self, raw: str) -> str:
        """Return a path as it is stored. Raises `InvalidInput` for one that leads out."""
        shown = clean(raw, 80)
        if len(raw) > MAX_PATH:
            raise self.refuse(f"has a path of more than {MAX_PATH} characters", "Shorten it.")
        if "\0" in raw or "\\" in raw or raw.startswith("/"):
            raise self.refuse(f"has the path {shown}, which leads out of it", "Pack it again with relative paths.")
        parts = [part for part in raw.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self.refuse(f"has the path {shown}, which leads out of it", "Pack it again with relative paths.")
        return "/".join(parts)

    def room(self, size: int, path: str) -> None:
        """Refuse a file that would be too big, or one too many."""
        if size > MAX_FILE:
            raise self.refuse(
                f"has {clean(path, 80)} with more than {MAX_FILE // 1024**2} MiB", "Leave it out.", "TooBig"
            )
        if self.total + size > MAX_TOTAL:
            raise self.refuse(f"has more than {MAX_TOTAL // 1024**2} MiB unpacked", "Leave out what is big.", "TooBig")
        if len(self.files) >= MAX_FILES:
            raise self.refuse(f"has more than {MAX_FILES:,} files", "Leave out other files.", "TooBig")

    def add(self, path: str, data: bytes) -> None:
        """Add a file. Raises `InvalidInput` for one that is there already."""
        self.room(len(data), path)
        if path in self.files:
            raise self.refuse(f"has {clean(path, 80)} twice", "Pack it again.")
        self.files[path] = data
        self.total += len(data)


def ignored(path: str) -> bool:
    """Return whether a file is what a file manager or an archiver adds."""
    name = path.rpartition("/")[2]
    return name in IGNORED or name.startswith("._")


def digest(data: bytes) -> str:
    """Return the digest of bytes: `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
