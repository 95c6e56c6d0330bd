"""Packs in a directory of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.packs.files import MAX_FILE, Collected, Files, ignored

_SKIPPED = frozenset({".git", ".github", "__pycache__", ".idea", ".vscode"})
MAX_DEPTH = 20


def read(folder: Path) -> Files:
    """Return the files of a directory. Raises `NotFound`, and `InvalidInput` for links and what is too big.

    Links are refused and not followed: the pack would contain what is elsewhere on this machine.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no directory {folder}.", "Check the path.")
    collected = Collected(f"The directory {folder}")
    try:
        _walk(folder, "", collected, 0)
    except OSError as wrong:
        raise InvalidInput(
            f"{wrong.filename or folder} cannot be read: {wrong.strerror or wrong}.", "Check its permissions."
        ) from None
    return collected.files


def _walk(folder: Path, prefix: str, collected: Collected, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise collected.refuse(f"is nested deeper than {MAX_DEPTH} folders", "Name the folder of the pack.")
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = collected.path(prefix + entry.name)
            if ignored(path) or entry.name in _SKIPPED:
                continue
            if entry.is_symlink():
                raise collected.refuse(f"contains the link {path[:80]}", "Replace it with the file itself.")
            if entry.is_dir():
                _walk(folder / entry.name, f"{path}/", collected, depth + 1)
            elif entry.is_file():
                collected.room(entry.stat().st_size, path)
                with (folder / entry.name).open("rb") as file:
                    collected.add(path, file.read(MAX_FILE + 1))
            else:
                raise collected.refuse(f"contains the special file {path[:80]}", "Remove it.")
