"""Answers of a wizard that is not finished, stored in the state folder, written by one thread in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewright.config import locations
from edgewright.core.errors import EdgewrightError


def draft_file(name: str) -> Path:
    """Return where the draft of this name is stored."""
    return locations.folder("state") / "drafts" / name


class Drafts:
    """Stores the newest answers; a slow disk delays no key, and an older draft never comes after a newer one."""

    def __init__(
        self, path: Callable[[], Path], read: Callable[[Path], Any], write: Callable[[Path, Any], None]
    ) -> None:
        """`read` and `write` are blocking and raise `EdgewrightError`; the file is readable by its user alone."""
        self._path = path
        self._read = read
        self._write_file = write
        self._wanted: list[Any] = []
        self._writing: asyncio.Task[None] | None = None
        self.problem = ""
        """Why the newest answers are not stored, or not deleted; empty when they are."""

    async def load(self) -> Any:
        """Return what was stored, None when nothing was. Raises `EdgewrightError` when it cannot be read."""
        path = self._path()
        if not path.is_file():
            return None
        return await asyncio.to_thread(self._read, path)

    def save(self, answers: Any) -> None:
        """Store these answers, soon; they must not change afterwards."""
        self._wanted = [answers]
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    def drop(self) -> None:
        """Throw the draft away."""
        self._wanted = []
        if self._writing is None or self._writing.done():
            self._delete()
        else:
            self._writing.add_done_callback(lambda _: self._delete())

    async def settled(self) -> None:
        """Wait until what was to be written is."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._wanted:
            answers = self._wanted.pop()
            try:
                await asyncio.to_thread(self._save, answers)
                self.problem = ""
            except EdgewrightError as error:  # a full disk must not stop the wizard; leaving it reports the problem
                self.problem = f"The answers are not stored: {error.message} {error.hint}".strip()

    def _delete(self) -> None:
        path = self._path()
        try:
            path.unlink(missing_ok=True)
            self.problem = ""
        except OSError as error:
            self.problem = f"The answers are not deleted: {path}: {error.strerror or error}."

    def _save(self, answers: Any) -> None:
        path = self._path()
        locations.ensure(path.parent)
        self._write_file(path, answers)
