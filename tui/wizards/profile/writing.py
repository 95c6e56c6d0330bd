"""The profile of the wizard as files: shown, and written as the directory that `edgewright apply -f` takes."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

from edgewright.core.profiles.model import Profile
from edgewright.core.small_file import local_path
from edgewright.core.text import amount
from tui.modals.form import Field, FormModal
from tui.modals.read import ReadModal
from tui.widgets.lines import heading, line
from tui.wizards.parts.writing import check_directory
from tui.wizards.profile.page import ProfileWizardPage

API = "edgewright.commands.profile.wizard_api"


class WritesProfile(ProfileWizardPage):
    """Shows and writes the files of the profile; passwords are covered in both."""

    async def import_api(self) -> None:
        """Import what reads YAML: it takes a moment, so a thread does it."""
        if self.api is None:
            self.api = await asyncio.to_thread(import_module, API)

    def action_show_files(self) -> None:
        """Show the profile as the files that `w` writes."""
        if self.body is not None:
            self.body.store()
        self.run_task("Writing the files", self._show_files)

    async def _show_files(self) -> None:
        await self.import_api()
        state = self.wizard_state
        files = await asyncio.to_thread(self.api.shared_files, self._named(), dict(state.packs))

        def shown(width: int) -> list[Any]:
            out: list[Any] = []
            for name, data in files.items():
                out.append(heading(name, width, amount(len(data), "byte")))
                out += [line(text) for text in data.decode("utf-8", "replace").rstrip("\n").split("\n")]
                out.append(line())
            return out

        self.app.push_screen(ReadModal("The profile as a directory", shown))

    def _named(self) -> Profile:
        profile = self.wizard_state.profile
        return dataclasses.replace(profile, name=profile.name or "profile")

    def action_write(self) -> None:
        """Write the profile as a directory where the user chooses."""
        if self.body is not None:
            self.body.store()
        name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in self._named().name)
        help_ = "a directory for git; edgewright apply -f DIRECTORY stores the same profile"
        field = Field("path", "directory", help_, name, True, check=check_directory)
        self.app.push_screen(FormModal("Write the profile", (field,), go="Write"), self._write)

    def _write(self, answer: dict[str, str] | None) -> None:
        if answer is not None:
            path = local_path(answer["path"]).absolute()
            self.run_task(f"Writing {path}", lambda: self._save(path))

    async def _save(self, path: Path) -> None:
        await self.import_api()
        state = self.wizard_state
        written = await asyncio.to_thread(self.api.save_directory, path, self._named(), dict(state.packs))
        rest = "Passwords and defaults of masked variables are covered in it. " if written.covered else ""
        if written.open:
            rest = f"‼ Passwords of {', '.join(written.open[:3])} are not covered: their values cannot be read. "
        command = f"edgewright apply -f {shlex.quote(from_here(path))}"
        level = "warn" if written.open else "ok"
        self.announce(f"{path}: {amount(len(written.files), 'file')} written. {rest}{command}", level)


def from_here(path: Path) -> str:
    """Return a path as a command in the directory of the console takes it: short where it is below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):  # the directory of the console was removed, or it is elsewhere
        return str(path)
