"""The first steps with a plane: address, token, installer, first host; then profile, cluster and application."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult

from edgewright.commands.cluster.deployed import Deployed, deployed
from edgewright.commands.kernel.base import Scope
from edgewright.core.errors import EdgewrightError
from edgewright.store.collections.alerts import ALERTS, PLANE
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import model as names
from tui.frame.builds_watch import WatchesBuilds
from tui.frame.fetch import sentence
from tui.modals.form import Field, FormModal
from tui.modals.read import ReadModal
from tui.screens.first_run.cluster_steps import cluster_steps
from tui.screens.first_run.steps_content import (
    Progress,
    Step,
    command_lines,
    is_local_only,
    lines_of,
    progress_of,
    steps_of,
    summary,
)
from tui.session import FirstRun
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView

MAX_ALERTS = 3
"""Rejected boxes that are shown: the newest ones."""
ASK = 5.0
"""Seconds between two questions about profiles and clusters, while the steps are in front."""


class FirstStepsScreen(WatchesBuilds):
    """What is done and what is next, updated by the plane; it may be left and opened again at any time."""

    scope: ClassVar[Scope] = "global"
    view = "first-steps"
    collections = frozenset({names.HOSTS, TOKENS.name, ALERTS.name})

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        yield LineView(id="steps")

    def begin(self) -> None:
        """Put the cursor on the step that is next."""
        self._steps: list[Step] = []
        self._deployed: Deployed | None = None
        self._problem = ""
        self._answers: dict[str, str] = {}
        """What applications answered when they were asked, by the uid of their cluster."""
        self._asking = False
        super().begin()
        self._ask()
        self.set_interval(ASK, self._ask_again)
        self.query_one("#steps").focus()

    def on_screen_resume(self, event: events.ScreenResume | None = None) -> None:
        """Look for builds at once: the wizard that was in front may have started one."""
        self._look()
        if hasattr(self, "_deployed"):
            self._ask()

    def _ask_again(self) -> None:
        if self._shown:
            self._ask()

    @work(exclusive=True, group="first-steps:clusters", exit_on_error=False)
    async def _ask(self) -> None:
        """Ask the plane for profiles and clusters; what it reported before stays when it does not answer."""
        if self.session.make_context is None:
            return
        try:
            self._deployed, self._problem = await deployed(self.session.make_context()), ""
        except EdgewrightError as error:
            self._problem = sentence(error)
        if self.is_there:
            self.select()

    @property
    def crumb(self) -> str:
        """Return the words of the view."""
        return "First steps"

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of the page."""
        return [
            KeyHint("enter", "do this step"),
            KeyHint("↑↓", "move"),
            KeyHint("esc", "leave, later on: :first-steps"),
            KeyHint("?", "all"),
        ]

    @property
    def hooks(self) -> FirstRun:
        """Return what the guide may do."""
        return self.session.ways or FirstRun()

    def progress(self) -> Progress:
        """Return what is known of the deployment now."""
        deployment = self.hooks.deployment
        facts = deployment() if deployment is not None else None
        return progress_of(self.session.store.model, facts, (self.builds or {}).values(), self.now)

    def select(self) -> None:
        """Show the steps as they are now; the cursor follows to the next one when a step was done."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#steps", LineView)
        width = min((view.room or self.size.width) - 2, 98)
        later = cluster_steps(self._deployed, self._problem, self._answers)
        before, self._steps = self._steps, steps_of(self.progress(), self.now, later)
        alerts = [row for row in self.session.store.model.rows(ALERTS).values() if row.kind != PLANE]
        alerts.sort(key=lambda row: row.last or 0.0, reverse=True)
        texts = [f"{row.subject}: {row.message or row.text} {row.hint}".strip(": ") for row in alerts[:MAX_ALERTS]]
        view.set_lines(lines_of(self._steps, texts, width, self.size.height))
        if [step.state for step in before] != [step.state for step in self._steps]:
            following = next((step.key for step in self._steps if step.state != "done"), "")
            if following:
                view.point_at(following)
        self.show_frame()

    def tick(self) -> None:
        """Show how long ago things happened."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the lines again for the new width."""
        super().on_resize(event)
        self.call_after_refresh(self.select)

    def on_unmount(self) -> None:
        """Show how to come back while steps are missing."""
        if any(step.state != "done" for step in self._steps):
            self.session.store.message(f"{summary(self._steps)} :first-steps opens them again.", "info")

    @on(LineView.Chosen, "#steps")
    def _chosen(self, event: LineView.Chosen) -> None:
        app: Any = self.app
        kind, _, target = event.key.partition("/")
        if kind == "address":
            self._change_address()
        elif kind == "token":
            self._create_token()
        elif kind == "command":
            self._show_command()
        elif kind == "installer":
            app.open_view(*(("installer", target) if target else ("installer-new",)))
        elif kind == "host":
            app.open_view(*(("host", target) if target else ("hosts",)))
        elif kind == "profile":
            app.open_view(*(("profile", target) if target else ("profile-new",)))
        elif kind == "application" and target and self._deployed is not None and self._deployed.ready:
            self._ask_application(target)
        elif kind in ("cluster", "application"):
            app.open_view(*(("cluster", target) if target else ("cluster-new",)))

    @work(exclusive=True, group="first-steps:application", exit_on_error=False)
    async def _ask_application(self, uid: str) -> None:
        """Ask an application of the cluster through its API; the answer is the proof of the step."""
        store = self.session.store
        if self.session.make_context is None or self._asking:
            return
        self._asking = True
        store.message("Asking an application of the cluster through its API ...", "info")
        try:
            ask = await asyncio.to_thread(import_module, "edgewright.commands.kube.ask")
            answer = await ask.ask_application(
                self.session.make_context(), uid, lambda text: store.message(text, "info")
            )
            self._answers[uid] = answer.sentence()
            store.message(f"{answer.sentence()}.", "ok")
        except EdgewrightError as error:
            self._answers.pop(uid, None)
            store.message(sentence(error), "bad")
        finally:
            self._asking = False
        if self.is_there:
            self.select()

    def _change_address(self) -> None:
        app: Any = self.app
        progress = self.progress()
        if not progress.movable and not is_local_only(progress.url):
            text = f"Hosts use {progress.url}. This console did not start that plane, so it cannot change the address."
            self.session.store.message(text, "info")
        elif not progress.movable:
            text = (
                "The hub does not run here as yours. On its machine: edgewright hub configure --data DIR --address ..."
            )
            self.session.store.message(text, "warn")
        elif self.session.changes_refused:
            self.session.store.message("This session is read-only: the address stays. Leave it with ctrl+o.", "warn")
        else:
            app.open_view("first-run", "address")

    def _create_token(self) -> None:
        app: Any = self.app
        fields = (
            Field("name", "name", "under which you find it again", "first-hosts", True),
            Field("expires", "valid for", "e.g. 12h, 30d; long enough to ship and install", "30d", True),
        )

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None:
                app.run_named("token create", (), {**answers, "description": "made in the first steps"})

        self.app.push_screen(FormModal("Create a registration token", fields, go="Create"), answered)

    def _show_command(self) -> None:
        deployment = self.hooks.deployment
        facts = deployment() if deployment is not None else None
        if facts is None or not facts.url:
            self.session.store.message("No plane is connected yet.", "warn")
            return
        url, ca = facts.url, facts.ca
        self.app.push_screen(ReadModal("Install command", lambda width: command_lines(url, ca, width)))
