"""What the wizard has others do: the plane, a base, the answer file, the build; each can be stopped while it lasts."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import EdgewrightError, NotFound, TimedOut
from edgewright.core.slow_files import glance, read_in_time
from edgewright.core.small_file import local_path
from tui.frame.fetch import sentence
from tui.modals.read import ReadModal
from tui.wizards.installer import content
from tui.wizards.installer.page import WizardPage
from tui.wizards.parts.drafts import Drafts, draft_file

if TYPE_CHECKING:
    from edgewright.core.installer.questions import Page, Question


TAKEN_OVER = (("plane.endpoint", "url"), ("plane.ca", "ca"))
"""Answers that a plane that is known gives, and what they are called there."""


def draft_path() -> Path:
    """Return where the answers of an unfinished wizard are stored."""
    return draft_file("installer.yaml")


BASE_SECONDS = 30.0
"""How long the page waits for the facts of a base: they are in several files of the ISO."""


class InstallerServices(WizardPage):
    """A wizard page that can ask and order; one task at a time, shown with its time until it is done."""

    def begin(self) -> None:
        """Have a place for drafts."""
        super().begin()
        self._drafts = Drafts(draft_path, self.forge.load, self._write_draft)

    def _write_draft(self, path: Path, draft: tuple[str, dict[str, Any]]) -> None:
        self.forge.save(path, *draft, strict=False)

    async def _go(self, step: int) -> None:
        raise NotImplementedError

    def _answers_of(self, target: str) -> dict[str, Any]:
        """Return the answers of a file, or of a build by its id."""
        path = Path(target) if "/" in target else Path(self.forge.build(target).folder) / "answers.yaml"
        if "/" not in target and not path.exists():
            raise NotFound(f"Build {target} has no answers stored.", "Repeat it: edgewright apply -f FILE")
        matches: dict[str, Any] = self.forge.load(path)
        return matches

    def _after(self, question: Question) -> None:
        """Do what the answer to some questions calls for: fill in a plane that is known, look into a base."""
        value = self.wizard_state.value(question)
        if question.key == "plane.context":
            self._fill_plane()
        elif question.key == "base.path" and value and question.key not in self._facts:
            self.run_task("Reading the base", lambda: self._identify(str(value)))

    def _fill_plane(self) -> None:
        name = str(self.wizard_state.answers.get("plane.context") or "")
        plane = self._planes.get(name)
        if name and self._planes and plane is None:
            known = ", ".join(sorted(self._planes))
            self._wrong["plane.context"] = f"There is no context {name}. There is {known}; or leave it empty."
            if self._form is not None:
                self._form.show_problem("plane.context", self._wrong["plane.context"])
            return
        self._wrong.pop("plane.context", None)
        if plane is None:
            return
        filled = {key: {"", *(getattr(item, name) for item in self._planes.values())} for key, name in TAKEN_OVER}
        for key, name in TAKEN_OVER:
            value = getattr(plane, name)
            if self.wizard_state.answers.get(key) in filled[key]:  # what a user gave manually stays
                self.wizard_state.answers[key] = value
                if self._form is not None:
                    self._form.put(key, value)

    async def _identify(self, path: str) -> None:
        try:
            facts = await read_in_time(lambda: self.forge.base_facts(local_path(path)), path, BASE_SECONDS)
        except EdgewrightError as error:
            self._wrong["base.path"] = sentence(error)
            if self._form is not None:
                self._form.show_problem("base.path", self._wrong["base.path"])
            self._judge()
            return
        if self._wrong.pop("base.path", None) and self._form is not None:
            self._form.show_problem("base.path", "")
        self._judge()
        self._facts["base.path"] = [(str(label), str(value)) for label, value in facts]

    def _forget_wrong_base(self) -> None:
        """Forget that a base was not there when it is now: the file is looked at again."""
        path = str(self.wizard_state.answers.get("base.path") or "")
        if "base.path" in self._wrong and path:
            with suppress(TimedOut):
                if glance(local_path(path).is_file, path):
                    del self._wrong["base.path"]

    def action_check(self) -> None:
        """Ask the plane, registries and time servers whether what was answered is true."""
        if not self._doing:
            self.run_task("Asking the plane and the others that are named", self._check_online)

    async def _check_online(self) -> None:
        context = self.plane_context()
        self._online = list(await self.forge.check_online(context, dict(self.wizard_state.answers)))
        if not self._online:
            self.announce("The plane, registries and time servers confirm the answers.", "ok")
        elif self.wizard_state.page is not None:
            matches = list(self._online)
            self._judge()
            self._doing = ""  # the key line stays as it is now while the box is in front
            self.refresh_page()
            self.app.push_screen(ReadModal("What was found", lambda width: content.finding_lines(matches, width)))

    async def _settle(self, page: Page) -> bool:
        """Take in what the answers of a page name (a certificate's file), hash its passwords; False when it cannot."""
        keys, answers = self.wizard_state.keys(page), self.wizard_state.answers
        try:
            result = await asyncio.to_thread(self.forge.settle, dict(answers), None, keys)
        except EdgewrightError as error:
            self.announce(sentence(error), "bad")
            return False
        answers.update({key: result[key] for key in keys})
        return True

    def _token_to_make(self) -> bool:
        page, answers = self.wizard_state.page, self.wizard_state.answers
        return (
            page is not None
            and "token.how" in self.wizard_state.keys(page)
            and answers["token.how"] == "new"
            and not answers["token.text"]
        )

    async def _make_token(self) -> None:
        if self.session.changes_refused:
            why = "This session is read-only, so no token is created. Leave read-only mode with ctrl+o."
            viewer = "This credential has the role viewer, so no token is created. Use a key of the role admin."
            self.announce(viewer if self.session.viewer else why, "warn")
            return
        answers = self.wizard_state.answers
        context = self.plane_context()
        uid, text = await self.forge.make_token(
            context, answers["token.name"], answers["token.project"], answers["token.expires"], answers["plane.context"]
        )
        answers["token.uid"], answers["token.text"] = uid, text
        self._doing = ""
        await self._go(1)
        self.announce(f"Token {answers['token.name']} is created; its text is stored with the answers.", "ok")

    async def _save(self, path: Path) -> None:
        name = str(self.wizard_state.answers["output.name"] or "installer")
        await asyncio.to_thread(self.forge.save, path, name, dict(self.wizard_state.answers))
        self.announce(
            f"{path} is written, readable by you alone. Build from it: edgewright apply -f {shlex.quote(path.name)}",
            "ok",
        )

    async def _start(self) -> None:
        folder = local_path(str(self.wizard_state.answers["output.folder"]))
        uid = await asyncio.to_thread(self.forge.start_build, dict(self.wizard_state.answers), folder)
        await self.leave_done("installer", uid)
