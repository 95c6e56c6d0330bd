"""The cluster wizard: name, profile, variables, network, hosts, preflight, settings and summary."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import work

from edgewright.core.errors import EdgewrightError
from edgewright.core.small_file import local_path
from tui.frame.fetch import sentence
from tui.modals.form import Field, FormModal
from tui.modals.read import ReadModal
from tui.verbs.bindings import move_bindings
from tui.widgets.lines import line, wrap
from tui.wizards.cluster.asking import AsksPlane
from tui.wizards.cluster.body import PageBody
from tui.wizards.cluster.drafting import draft_document, read_draft, state_of, write_draft
from tui.wizards.cluster.form_pages import AboutPage, NetworkPage, SettingsPage, VariablesPage
from tui.wizards.cluster.hosts_page import HostsPage
from tui.wizards.cluster.pages import (
    ABOUT,
    HOSTS,
    NETWORK,
    PREFLIGHT,
    PROFILE,
    SETTINGS,
    SUMMARY,
    VARIABLES,
)
from tui.wizards.cluster.preflight_page import PreflightPage
from tui.wizards.cluster.profile_page import ProfilePage
from tui.wizards.cluster.summary import SummaryPage
from tui.wizards.parts.added import preview_lines
from tui.wizards.parts.drafts import Drafts, draft_file
from tui.wizards.parts.writing import check_new_file

BODIES: dict[str, type[PageBody]] = {
    ABOUT: AboutPage,
    PROFILE: ProfilePage,
    VARIABLES: VariablesPage,
    NETWORK: NetworkPage,
    HOSTS: HostsPage,
    PREFLIGHT: PreflightPage,
    SETTINGS: SettingsPage,
    SUMMARY: SummaryPage,
}
DRAFT = "cluster-new.json"
AFTER_A_WARNING = "press b again to create it all the same"


class ClusterWizard(AsksPlane):
    """Makes a cluster."""

    BINDINGS = move_bindings(
        {
            "nav-back": "back",
            "wizard-enter": "enter",
            "wizard-page-next": "page(1)",
            "wizard-page-back": "page(-1)",
            "wizard-why": "why",
            "wizard-whole": "show_file",
            "wizard-write": "write",
        }
    )

    def begin(self) -> None:
        """Begin with the draft that was stored."""
        super().begin()
        self._messages = self.session.store.seq
        self._loading = False
        self._turning = False
        self._warned: object = None
        self._drafts = Drafts(lambda: draft_file(DRAFT), read_draft, write_draft)
        self._load()

    @property
    def is_settled(self) -> bool:
        """Whether the page is there with what its keys work on: the first one needs nothing of the plane."""
        ready = self.body is not None and not self._turning
        return not self._left and ready and (not self._loading or self.wizard_state.key == ABOUT)

    def tick(self) -> None:
        """Look at the hosts again, and show how long a preflight takes."""
        super().tick()
        if isinstance(self.body, HostsPage) or self.preflight_runs:
            self._known = None
            if self.body is not None:
                self.body.show()

    # Beginning -------------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="wizard:load", exit_on_error=False)
    async def _load(self) -> None:
        self._loading = True
        try:
            try:
                draft = await self._drafts.load()
                if draft is not None:
                    self.wizard_state = state_of(draft)
                    self.announce("Continued where it was left; esc on the first page can delete the answers.", "info")
            except EdgewrightError as error:
                self.announce(sentence(error), "warn")
            await self.show_page()
            problem = await self.look()
            if problem:
                self.announce(problem, "warn")
            elif self.wizard_state.profiles:
                await self._know_quietly()
        finally:
            self._loading = False
        if not self._left:
            self.judge()
            if self.wizard_state.key in (VARIABLES, PREFLIGHT, SUMMARY):  # made of what was not known yet
                await self.show_page()
            self.refresh_page()

    async def _know_quietly(self) -> None:
        try:
            await self.know_profiles()
        except EdgewrightError as error:
            self.announce(sentence(error), "warn")

    # Pages -----------------------------------------------------------------------------------------------------------

    async def show_page(self, last: bool = False) -> None:
        """Put the page in front."""
        before, self.body = self.body, None
        if before is not None:
            await before.remove()
        body = BODIES[self.wizard_state.key]()
        self.begin_page()
        await self.query_one("#page").mount(body)
        self.body = body
        self.refresh_around()
        body.begin(last)
        if self.wizard_state.key == SUMMARY:
            self.check_plane()
        self.refresh_page()
        self.call_after_refresh(self.refresh_page)  # the body has its size now

    async def open_page(self, key: str) -> None:
        """Go to a page."""
        self.wizard_state.seen.add(self.wizard_state.key)
        self.wizard_state.go(key)
        await self._entered()

    async def _entered(self, last: bool = False) -> None:
        self._messages = self.session.store.seq
        self._warned = None
        self.judge()
        self.save_draft()
        await self.show_page(last)

    def action_field(self, step: int) -> None:
        """Go to the next field or the one before."""
        if self.body is not None:
            self.body.field(step)

    async def action_enter(self) -> None:
        """Go to the next field, from the last one to the next page."""
        if self.body is not None and not self.body.field(1):
            await self.action_page(1)

    async def action_page(self, step: int) -> None:
        """Go to the next page when nothing must be fixed on this one, or to the page before."""
        state = self.wizard_state
        if self._doing or self.body is None or (step < 0 and state.at == 0):
            return
        if step > 0 and state.page is None:
            return
        if step > 0 and (refused := self.body.refusal()):
            if isinstance(self.body, ProfilePage | HostsPage):
                self.announce(refused, "warn")
            self.refresh_around()
            return
        if step > 0 and state.key == PROFILE and any(item["uid"] not in state.variables for item in state.profiles):
            self.run_task("Reading the profile", self._read_and_turn)
            return
        if step > 0 and state.key == VARIABLES:
            self._read_profiles()  # the networks may depend on the values
        await self._turn(step)

    async def _read_and_turn(self) -> None:
        self._turning = True
        try:
            await self.know_profiles()
            if all(item["uid"] in self.wizard_state.variables for item in self.wizard_state.profiles):
                await self._turn(1)
        finally:
            self._turning = False

    async def _turn(self, step: int) -> None:
        self.wizard_state.step(step)
        await self._entered(last=step < 0)

    async def action_back(self) -> None:
        """Stop what is under way; else go to the page before, from the first one ask what becomes of the answers."""
        if self._doing:
            self.stop_task()
        elif self.wizard_state.at > 0:
            await self.action_page(-1)
        elif not self.wizard_state.touched:
            await self.leave_wizard()
        else:
            self.ask_to_leave()

    # Checks ----------------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Check the answers and store the draft."""
        self._known = None
        state = self.wizard_state
        state.refused, state.unasked, state.accepted = (), "", None
        self.judge()
        self.save_draft()

    def judge(self) -> None:
        """Look at what the answers mean together, by the rules of `cluster create`."""
        if self.api is not None:
            self.wizard_state.problems = tuple(self.api.problems(self.document(covered=False)))

    def save_draft(self) -> None:
        """Store what was answered, soon."""
        if self.wizard_state.touched and not self._left:
            self._drafts.save(draft_document(self.wizard_state))

    # What is read and written ----------------------------------------------------------------------------------------

    def action_why(self) -> None:
        """Show the explanation of the page."""
        page = self.wizard_state.page
        text = page.why if page is not None else "Nothing is created before b. Enter on a line goes back to its page."
        self.app.push_screen(
            ReadModal(page.question if page is not None else "Summary", lambda width: wrap(text, width))
        )

    def action_show_file(self) -> None:
        """Show the answer file, values of masked variables covered."""
        if self.api is not None:
            text = self.api.text_of(self.document(covered=True))
            self.app.push_screen(ReadModal("The answer file", lambda width: preview_lines(text, "") or [line()]))

    def action_write(self) -> None:
        """Write the answer file where the user chooses."""
        name = self.wizard_state.answers["name"] or "cluster"
        help_ = "edgewright apply -f FILE creates the same cluster"
        field = Field("file", "file", help_, f"{name}.yaml", True, check=check_new_file)
        self.app.push_screen(FormModal("Write the answer file", (field,), go="Write"), self._write)

    def _write(self, answer: dict[str, str] | None) -> None:
        if answer is not None:
            path = local_path(answer["file"]).absolute()
            self.run_task(f"Writing {path}", lambda: self._save(path))

    async def _save(self, path: Path) -> None:
        await self.import_api()
        await asyncio.to_thread(self.api.save, path, self.document(covered=False))
        rest = ", with values of masked variables" if self._has_masked() else ""
        self.announce(f"Written, readable by you alone{rest}: {self.api.apply_line(path)}", "ok")

    def _has_masked(self) -> bool:
        state = self.wizard_state
        return any(state.value(*name.split("/", 1)) for name in state.masked)

    # The end ---------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Create the cluster, from the summary alone; a failed preflight asks for the key twice."""
        state = self.wizard_state
        if self._doing or self.plane_doing:
            return
        refused, wrong = self.store_refusal(), state.first_wrong()
        unready = state.unready()
        if refused:
            self.announce(refused, "warn")
        elif wrong or state.problems:
            problem = state.problems[0]
            self.announce(f"Not created: {problem.message} {problem.hint}".strip(), "warn")
        elif state.refused:
            self.announce(f"Not created: {state.refused[0]}", "warn")
            self.check_plane(again=True)  # the cause may have been removed elsewhere
        elif unready and self._warned != state.answers:
            self._warned = dict(state.answers)
            text = f"Preflight failed on {', '.join(unready[:3])}: the cluster waits for them; {AFTER_A_WARNING}."
            self.announce(text, "warn")
        else:
            self.run_task(f"Creating {state.answers['name']}", self._create)

    async def _create(self) -> None:
        name = self.wizard_state.answers["name"]
        uid = await self.api.deploy(self.plane_context(), self.document(covered=False))
        self.session.store.message(f"Cluster {name} is created; its hosts form it now.", "ok")
        await self.leave_done("cluster", uid)
