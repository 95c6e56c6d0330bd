"""The answers of a wizard that is not finished, stored in the state folder (0600), written by one thread in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.config import locations
from edgewright.core.errors import EdgewrightError


def draft_path() -> Path:
    """Return where the answers of an unfinished wizard are stored."""
    return locations.folder("state") / "drafts" / "installer.yaml"


class Drafts:
    """Stores the newest answers; a slow disk delays no key, and an older draft never comes after a newer one."""

    def __init__(self, forge: Any) -> None:
        self._forge = forge
        self._wanted: tuple[str, dict[str, Any]] | None = None
        self._writing: asyncio.Task[None] | None = None
        self.problem = ""
        """Why the newest answers are not stored, or not deleted; empty when they are."""

    async def load(self) -> dict[str, Any] | None:
        """Return what was stored, None when nothing was. Raises `EdgewrightError` when it cannot be read."""
        path = draft_path()
        if not path.is_file():
            return None
        matches: dict[str, Any] = await asyncio.to_thread(self._forge.load, path)
        return matches

    def save(self, name: str, answers: Mapping[str, Any]) -> None:
        """Store these answers, soon."""
        self._wanted = (name, dict(answers))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    def drop(self) -> None:
        """Throw the draft away."""
        self._wanted = None
        if self._writing is None or self._writing.done():
            self._delete()
        else:
            self._writing.add_done_callback(lambda _: self._delete())

    async def settled(self) -> None:
        """Wait until what was to be written is."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._wanted is not None:
            (name, answers), self._wanted = self._wanted, None
            try:
                await asyncio.to_thread(self._save, name, answers)
                self.problem = ""
            except EdgewrightError as error:  # a full disk must not stop the wizard; leaving it reports the problem
                self.problem = f"The answers are not stored: {error.message} {error.hint}".strip()

    def _delete(self) -> None:
        try:
            draft_path().unlink(missing_ok=True)
            self.problem = ""
        except OSError as error:
            self.problem = f"The answers are not deleted: {draft_path()}: {error.strerror or error}."

    def _save(self, name: str, answers: Mapping[str, Any]) -> None:
        path = draft_path()
        locations.ensure(path.parent)
        self._forge.save(path, name, answers, strict=False)
