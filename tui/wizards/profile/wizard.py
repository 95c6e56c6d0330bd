"""The profile wizard: name, layers, values, variables, preview and summary; a draft or a published version."""

from __future__ import annotations

import asyncio
import dataclasses

from textual import work

from edgewright.commands.profile.stored import Base
from edgewright.core.errors import EdgewrightError
from edgewright.core.profiles import lifecycle
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import OPEN
from tui.frame.fetch import sentence
from tui.modals.read import ReadModal
from tui.verbs.bindings import move_bindings
from tui.widgets.lines import wrap
from tui.wizards.parts.drafts import Drafts, draft_file
from tui.wizards.profile.about import AboutPage
from tui.wizards.profile.body import PageBody
from tui.wizards.profile.drafting import draft_document, read_draft, state_of, write_draft
from tui.wizards.profile.layers import LayersPage
from tui.wizards.profile.pages import ABOUT, LAYERS, PREVIEW, SUMMARY, VALUES, VARIABLES
from tui.wizards.profile.preview import PreviewPage
from tui.wizards.profile.summary import SummaryPage
from tui.wizards.profile.values import ValuesPage
from tui.wizards.profile.variables import VariablesPage
from tui.wizards.profile.wizard_state import ProfileState, pack_key
from tui.wizards.profile.writing import WritesProfile

BODIES: dict[str, type[PageBody]] = {
    ABOUT: AboutPage,
    LAYERS: LayersPage,
    VALUES: ValuesPage,
    VARIABLES: VariablesPage,
    PREVIEW: PreviewPage,
    SUMMARY: SummaryPage,
}


class ProfileWizard(WritesProfile):
    """Makes a new profile; with a target a new version of that one."""

    view = "profile-new"
    edits = False
    """Whether the version that is the target is changed itself."""

    BINDINGS = move_bindings(
        {
            "nav-back": "back",
            "wizard-enter": "enter",
            "wizard-page-next": "page(1)",
            "wizard-page-back": "page(-1)",
            "wizard-why": "why",
            "wizard-whole": "show_files",
            "wizard-write": "write",
        }
    )

    def begin(self) -> None:
        """Begin with the draft that was stored, or with the version that was named."""
        super().begin()
        self._messages = self.session.store.seq
        self._loading = False
        self._checking = False
        self._stale = False
        self._drafts = Drafts(lambda: draft_file(self._draft_name), read_draft, write_draft)
        self._load()

    @property
    def _draft_name(self) -> str:
        uid = "".join(letter for letter in self.target if letter.isalnum() or letter == "-")[:64]
        return f"profile-{'edit-' if self.edits else ''}{uid or 'new'}.json"

    @property
    def is_settled(self) -> bool:
        """Whether the page is there with what its keys work on: the first one needs nothing of the plane."""
        return not self._left and self.body is not None and (not self._loading or self.wizard_state.key == ABOUT)

    # Beginning -------------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="wizard:load", exit_on_error=False)
    async def _load(self) -> None:
        draft = None
        self._loading = True
        try:
            draft = await self._drafts.load()
            if draft is not None:
                self.wizard_state = state_of(draft, Base)
        except EdgewrightError as error:
            draft = None
            self.announce(sentence(error), "warn")
        try:
            if draft is not None or not self.target:
                await self._show_at_once(draft is not None)
            else:
                await self._begin_with(self.target)
        finally:
            self._loading = False
        if not self._left:
            await self._know_packs_quietly()
            self.refresh_page()
            self.check()

    async def _show_at_once(self, resumed: bool) -> None:
        """Show the page, then ask the plane: what is typed meanwhile needs nothing of it."""
        await self.show_page()
        if resumed:
            self.announce("Continued where it was left; esc on the first page can delete the answers.", "info")
        problem = await self._look()
        if problem:
            self.announce(problem, "warn")

    async def _begin_with(self, uid: str) -> None:
        """Read the version that was named; without it there is nothing to begin with."""
        self._doing, self._since = "Reading the profile", self.now
        self.show_hint()
        try:
            problem = await self._look()
            base = await self.api.load(self.plane_context(), uid)
        except EdgewrightError as error:
            self._left = True
            self.session.store.message(sentence(error), "bad")
            self.leave()
            return
        finally:
            self._doing = ""
        profile = base.profile
        if not self.edits:
            versions = self.versions_of(profile.name) or [profile.version]
            profile = dataclasses.replace(profile, version=lifecycle.suggested_version(versions), uid="")
        self.wizard_state = ProfileState(profile, base, self.edits)
        await self.show_page()
        if problem:
            self.announce(problem, "warn")

    async def _look(self) -> str:
        """Ask the plane what it has; returns why that failed, "" when it did not."""
        await self.import_api()
        try:
            self.plane = await self.api.look(self.plane_context())
        except EdgewrightError as error:
            return sentence(error)
        return ""

    def plane_missing(self, text: str) -> None:
        """Report that the plane was not asked yet, and ask it again."""
        self.announce(text, "warn")
        if not self._loading:
            self.run_task("Asking the plane", self._ask_again)

    async def _ask_again(self) -> None:
        problem = await self._look()
        if problem:
            self.announce(problem, "bad")
        else:
            await self._know_packs_quietly()
            self.check()

    async def know_packs(self, profile: Profile) -> None:
        """Ask for the packs of the layers that are not known yet; what the plane does not have stays unknown."""
        packs, context = self.wizard_state.packs, self.plane_context()
        wanted = {pack_key(layer): self.offer_of(layer) for layer in profile.layers if layer.type != "manifest"}
        exact = {
            key: offer
            for key, offer in wanted.items()
            if packs.get(key) is None and offer is not None and f"{offer.name} {offer.version}" == key
        }
        results = await asyncio.gather(*(self.api.pack(context, offer.uid) for offer in exact.values()))
        packs.update({**dict.fromkeys(wanted.keys() - packs.keys()), **dict(zip(exact, results, strict=True))})

    async def _know_packs_quietly(self) -> None:
        try:
            await self.know_packs(self.wizard_state.profile)
        except EdgewrightError as error:
            self.announce(sentence(error), "warn")

    # Pages -----------------------------------------------------------------------------------------------------------

    async def show_page(self, last: bool = False, row: int = 0) -> None:
        """Put the page in front."""
        if self.wizard_state.key != ABOUT:
            await self.import_api()
        before, self.body = self.body, None
        if before is not None:
            await before.remove()
        body = BODIES[self.wizard_state.key]()
        await self.query_one("#page").mount(body)
        self.body = body
        self.refresh_around()
        body.begin(last)
        if isinstance(body, ValuesPage):
            body.go_to(row)
        self.refresh_page()
        self.call_after_refresh(self.refresh_page)  # the body has its size now

    async def open_page(self, key: str, row: int = 0) -> None:
        """Go to a page; `row` is the line of the values to be shown."""
        if self.body is not None:
            self.body.store()
        self.wizard_state.seen.add(self.wizard_state.key)
        self.wizard_state.go(key if key != VALUES or self.wizard_state.layers else LAYERS)
        await self._entered(row=row)

    async def _entered(self, last: bool = False, row: int = 0) -> None:
        self._messages = self.session.store.seq
        self.save_draft()
        await self.show_page(last, row)

    def action_field(self, step: int) -> None:
        """Go to the next field or the one before."""
        if isinstance(self.body, AboutPage):
            self.body.form.go(step)

    async def action_enter(self) -> None:
        """Go to the next field, from the last one to the next page; from the preview to the summary."""
        reading = isinstance(self.body, PreviewPage)
        if reading or (isinstance(self.body, AboutPage) and not self.body.form.go(1)):
            await self.action_page(1)

    async def action_page(self, step: int) -> None:
        """Go to the next page when nothing must be fixed on this one, or to the page before."""
        if self._doing or self.body is None or (step < 0 and self.wizard_state.at == 0):
            return
        if step > 0 and (self.wizard_state.page is None or self.body.refusal()):
            self.refresh_around()
            return
        self.body.store()
        self.wizard_state.step(step)
        await self._entered(last=step < 0)

    async def action_back(self) -> None:
        """Stop what is under way; else go to the page before, from the first one ask what becomes of the answers."""
        if self._doing:
            self.stop_task()
            self.workers.cancel_group(self, "wizard:load")
            if self.body is None:
                await self.leave_wizard()
        elif self.wizard_state.at > 0:
            await self.action_page(-1)
        elif not self.wizard_state.touched:
            await self.leave_wizard()
        else:
            self.ask_to_leave()

    # Checks ----------------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Check the profile and store the draft."""
        self.check()
        self.save_draft()

    def check(self) -> None:
        """Check the profile in a worker; a change meanwhile is checked after it."""
        if self._checking:
            self._stale = True
        elif self.api is not None and not self._left:
            self._checking = True
            self._check()

    @work(group="wizard:check", exit_on_error=False)
    async def _check(self) -> None:
        try:
            while True:
                self._stale = False
                state = self.wizard_state
                packs = dict(state.packs)
                result = await asyncio.to_thread(self.api.examine, state.profile, packs, self.macros, publish=True)
                await asyncio.to_thread(state.uses)
                state.problems = tuple(row for row in result.problems if row.severity != OPEN)  # a cluster gives it
                if self.is_there:
                    self.refresh_page()
                if not self._stale or self._left:
                    return
        finally:
            self._checking = False

    def save_draft(self) -> None:
        """Store what was answered, soon."""
        if self.body is not None and self._left:
            return
        if self.wizard_state.touched:
            self._drafts.save(draft_document(self.wizard_state))

    def _leaving(self, answer: str | None) -> None:
        if answer == "keep" and self.body is not None:
            self.body.store()
        super()._leaving(answer)

    # What is read -----------------------------------------------------------------------------------------------------

    def action_why(self) -> None:
        """Show the explanation of the page."""
        page = self.wizard_state.page
        text = (
            page.why if page is not None else "Nothing is stored before s or p. Enter on a line goes back to its page."
        )
        title = page.question if page is not None else "Summary"
        self.app.push_screen(ReadModal(title, lambda width: wrap(text, width)))

    # The end ---------------------------------------------------------------------------------------------------------

    def finish(self, publish: bool) -> None:
        """Store the profile at the plane as a draft, or publish it, from the summary alone."""
        if self._doing:
            return
        state = self.wizard_state
        refused = self.store_refusal()
        errors = [problem for problem in state.problems if problem.severity == "error"]
        if refused:
            self.announce(refused, "warn")
        elif publish and errors:
            self.announce(f"Not published: {errors[0].sentence()}", "warn")
        else:
            word = "Publishing" if publish else "Storing"
            self.run_task(f"{word} {state.profile.label}", lambda: self._store(publish))

    async def _store(self, publish: bool) -> None:
        state = self.wizard_state
        uid = await self.api.store(self.plane_context(), state.profile, state.base, publish=publish, edit=state.edit)
        word = "published" if publish else "stored as a draft"
        self.session.store.message(f"Profile {state.profile.label} is {word}.", "ok")
        await self.leave_done("profile", uid)


class ProfileEditor(ProfileWizard):
    """Changes a version that exists: its draft, or a draft beside what is published."""

    view = "profile-edit"
    edits = True
