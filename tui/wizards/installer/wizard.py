"""The installer wizard: one question a page, what it adds to the file below, everything again before it is built."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual import on, work

from edgewright.core.errors import EdgewrightError
from edgewright.core.installer.pages import QUESTIONS
from edgewright.core.small_file import local_path
from tui.frame.fetch import sentence
from tui.modals.form import Field, FormModal
from tui.modals.read import ReadModal
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import line
from tui.wizards.installer import content
from tui.wizards.installer.modals import CompleteFileScreen
from tui.wizards.installer.offers import Offers
from tui.wizards.installer.wizard_state import WizardState
from tui.wizards.parts.controls import Given
from tui.wizards.parts.form import QuestionForm
from tui.wizards.parts.rows import any_control
from tui.wizards.parts.writing import check_new_file

if TYPE_CHECKING:
    from edgewright.core.installer.questions import Question


class InstallerWizard(Offers):
    """Renders the pages of `core.installer`; the rest it asks of `edgewright.commands.installer.wizard_api`."""

    BINDINGS = move_bindings(
        {
            "nav-back": "back",
            "wizard-page-next": "page(1)",
            "wizard-page-back": "page(-1)",
            "wizard-why": "why",
            "wizard-whole": "show_file",
            "wizard-write": "write",
            "wizard-check": "check",
            "wizard-choose": "choose",
            "wizard-build": "build",
        }
    )

    def begin(self) -> None:
        """Begin with the answers that were stored, or with the file that was named."""
        super().begin()
        for name in ("#findings", "#adds", "#hint"):
            self.query_one(name).can_focus = False
        self._messages = self.session.store.seq
        self._load()

    @property
    def is_settled(self) -> bool:
        """Whether the answers from before were read and the page has its fields; not while the wizard is left."""
        return not self._left and (self._form is not None or self.wizard_state.page is None)

    @work(exclusive=True, group="wizard:load", exit_on_error=False)
    async def _load(self) -> None:
        stored: dict[str, Any] | None = None
        try:
            if self.target:
                stored = await asyncio.to_thread(self._answers_of, self.target)
            else:
                stored = await self._drafts.load()
            self._planes = {str(plane.name): plane for plane in await asyncio.to_thread(self.forge.planes)}
        except EdgewrightError as error:
            self.announce(sentence(error), "warn")
            if self.target:  # an empty wizard would look like the answers of that build
                self._left = True
                self.leave()
                return
        if stored is not None:
            self.wizard_state = WizardState(stored)
            if self.target:
                self.wizard_state.seen.update(page.key for page in self.wizard_state.pages)
                self.wizard_state.at = len(self.wizard_state.pages)
            else:
                self.announce(
                    "The answers from last time are filled in; esc on the first page can delete them.", "info"
                )
        elif self.session.context_name in self._planes:
            plane = self._planes[self.session.context_name]
            known = {"plane.context": plane.name, "plane.endpoint": plane.url, "plane.ca": plane.ca}
            self.wizard_state.begin_with(known)
        await self.show_page()

    async def show_page(self, last: bool = False) -> None:
        """Put the fields of the page in front, or the summary."""
        page = self.wizard_state.page
        self.set_class(page is None, "-summary")
        if self._form is not None:
            await self._form.remove()
            self._form = None
        self._warned = ("", ())
        self._before_text = self._text(page)
        if page is not None:
            self._before = self._document(without=self.wizard_state.keys(page) or ())
            self._form = QuestionForm(page.fields, self.wizard_state.answers, self.wizard_state.answers, any_control)
            await self.query_one("#page").mount(self._form)
            self._form.set_shown(self.wizard_state.keys(page))
            if page.key in self.wizard_state.seen:
                self._form.show_all(self.wizard_state.problems(page))
            self._form.go_first(last)
        else:
            self.query_one("#summary").focus()
        self.look_for_offers()
        self._judge()
        self.refresh_page()

    @on(Given)
    def _given(self, event: Given) -> None:
        event.stop()
        if self.wizard_state.take(QUESTIONS[event.key], event.raw):
            self._online = []
            self._facts.pop(event.key, None)
            self._wrong.pop(event.key, None)
            if event.key == "token.text":
                self.wizard_state.answers["token.uid"] = ""  # it was that of another token
            self._warned = ("", ())
            self.refresh_page()

    @on(QuestionForm.Entered)
    def _entered(self) -> None:
        self.show_hint()
        self.show_keys()

    @on(QuestionForm.Left)
    def _left_field(self, event: QuestionForm.Left) -> None:
        """Show what is wrong with a field that was left; one that is empty is shown from the first try to continue."""
        if self._form is None or event.key not in QUESTIONS:
            return
        question = QUESTIONS[event.key]
        empty = self.wizard_state.value(question) in ("", None, [], {}) and question.key not in self.wizard_state.broken
        page = self.wizard_state.page
        spared = empty and (page is None or page.key not in self._tried)
        self._form.show_problem(event.key, "" if spared else self._problem(question))
        self._after(question)
        self._judge()
        self.refresh_page()

    def _problem(self, question: Question) -> str:
        return self.wizard_state.problem(question) or self._wrong.get(question.key, "")

    def action_field(self, step: int) -> None:
        """Go to the next field or the one before; from the last one to the next page it takes enter."""
        if self._form is not None:
            self._form.go(step)

    async def action_enter(self) -> None:
        """Go to the next field, from the last one to the next page; an empty token offers those of the plane first."""
        current = self._form.current if self._form is not None else ""
        if current == "token.text" and not self.wizard_state.answers[current] and self.offered(current):
            self.action_choose()
        elif self._form is not None and not self._form.go(1):
            await self.action_page(1)

    async def action_page(self, step: int) -> None:
        """Go to the next page when nothing is wrong with this one, or to the page before."""
        if self._doing or (step < 0 and self.wizard_state.at == 0):
            return
        page = self.wizard_state.page
        if step > 0 and (page is None or not self._may_pass()):
            return
        if step > 0 and page is not None and self._token_to_make():
            self.run_task("Making the token at the plane", self._make_token)
            return
        if step > 0 and page is not None and not await self._settle(page):
            return
        await self._go(step)

    async def _go(self, step: int) -> None:
        self.wizard_state.step(step)
        self._messages = self.session.store.seq
        self.save_draft()
        await self.show_page()

    def _may_pass(self) -> bool:
        page, form = self.wizard_state.page, self._form
        assert page is not None and form is not None
        self._forget_wrong_base()
        problems = {item.key: self._problem(item) for item in page.visible(self.wizard_state.answers)}
        problems = {key: reported for key, reported in problems.items() if reported}
        form.show_all(problems)
        self._judge()
        if problems:
            self._tried.add(page.key)
            form.focus_key(next(iter(problems)))
            self.refresh_page()
            return False
        errors = tuple(item.message for item in self._findings if item.severity == "error")
        if errors and self._warned != (page.key, errors):
            self._warned = (page.key, errors)
            self.announce(
                "Fix this now, or press again to continue; the installer cannot be built until it is fixed.", "warn"
            )
            self.refresh_page()
            return False
        return True

    async def action_back(self) -> None:
        """Stop what is under way; else go to the page before, from the first one ask what becomes of the answers."""
        if self._doing:
            self.stop_task()
        elif self.wizard_state.at > 0:
            await self._go(-1)
        elif not self.wizard_state.touched:
            await self.leave_wizard()
        else:
            self.ask_to_leave()

    @on(LineView.Chosen, "#summary")
    async def _chosen(self, event: LineView.Chosen) -> None:
        kind, _, key = event.key.partition("/")
        if kind == "page":
            self.wizard_state.go(key)
            await self.show_page()

    def save_draft(self) -> None:
        """Store the answers, soon."""
        if self.wizard_state.touched and not self._left:
            name = str(self.wizard_state.answers["output.name"] or "installer")
            self._drafts.save((name, dict(self.wizard_state.answers)))

    def action_why(self) -> None:
        """Show the explanation of the page what it asks."""
        page, answers = self.wizard_state.page, self.wizard_state.answers
        if page is None:
            message = "Nothing is built before you press b. All answers are here; enter goes back to a page."
            self.app.push_screen(ReadModal("Summary", lambda width: [line(message)]))
            return
        shown, result = page, self._shown_findings()
        self.app.push_screen(ReadModal(page.title, lambda width: content.why_lines(shown, answers, result, width)))

    def action_show_file(self) -> None:
        """Show the complete file, secrets masked."""
        self.app.push_screen(CompleteFileScreen(self.session, self._text(), self._before_text))

    def action_write(self) -> None:
        """Write the answer file where the user chooses."""
        name = self.wizard_state.answers["output.name"] or "installer"
        field = Field(
            "file", "file", "edgewright apply -f FILE builds from it", f"{name}.yaml", True, check=check_new_file
        )
        self.app.push_screen(FormModal("Write the answer file", (field,), go="Write"), self._write)

    def _write(self, answer: dict[str, str] | None) -> None:
        if answer is not None:
            path = local_path(answer["file"]).absolute()
            self.run_task(f"Writing {path}", lambda: self._save(path))

    async def action_build(self) -> None:
        """Begin to build, from the summary alone and only when nothing is wrong."""
        if self._doing or self.wizard_state.page is not None:
            return
        wrong = self.wizard_state.first_wrong()
        if refused := self._refusal():
            self.announce(refused, "warn")
        elif wrong:
            self.wizard_state.go(wrong)
            self.wizard_state.seen.add(wrong)
            await self.show_page()
        elif any(finding.severity == "error" for finding in self._findings):
            self.announce("The installer would not work with these answers: fix what is marked first.", "warn")
        else:
            self.run_task("Starting the build", self._start)
