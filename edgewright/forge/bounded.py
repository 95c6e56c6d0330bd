"""Files that the user names, read within bounds: a size that the file system reports means nothing for a device."""

from __future__ import annotations

from pathlib import Path


def read_bounded(path: Path, most: int) -> bytes:
    """Return the bytes of a file, at most `most` and one more by which a longer file is known.

    A pipe (`<(command)` of a shell) is read to its end as well. Raises `OSError`.
    """
    with path.open("rb") as file:
        return file.read(most + 1)
