"""A support bundle of an open site: where and to whom it goes is asked; it is read while other screens are used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from textual.app import App
from textual.binding import Binding, BindingType

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.fleet.unfinished import unfinished
from edgewright.commands.site.open_verbs import SiteBundle
from edgewright.commands.site.opened import Site
from edgewright.core import times
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from tui.frame.background_errors import defect_sentence
from tui.modals.confirm import ConfirmModal
from tui.modals.form import Field, FormModal
from tui.modals.run import RunModal
from tui.session import Session

GROUP = "site:bundle:"
MOST_MESSAGE, MOST_REPORTS = 2000, 200
"""Characters of a message that a host may have a part in; lines of progress that are shown."""


_FOLDERS: WeakKeyDictionary[Site, str] = WeakKeyDictionary()
"""Where the last bundle of a site went: there the same key continues it."""


class Bundling:
    """A bundle that is read; it continues when its dialog is left, until it is stopped or its site is closed."""

    def __init__(self, session: Session, site: Site, title: str, wanted: Any) -> None:
        self.site, self.title = site, title
        self.progress: Any = None
        """The step that it is at: `edgewright.clients.ssh.bundle.collect.Progress`."""
        self.reports: list[str] = []
        self.hear: Callable[[str], None] = lambda text: None
        """Called with each line that is reported; a dialog that is open sets it."""
        self.work: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._session, self._wanted = session, wanted

    @property
    def is_read(self) -> bool:
        """Whether it is not over."""
        return not self.work.done()

    @property
    def share(self) -> str:
        """How far it is, e.g. `41 %, 20 s left`; "" before the first entry."""
        if self.progress is None:
            return ""
        share = f"{self.progress.settled * 100 // max(self.progress.entries, 1)} %"
        left = self.progress.left
        return f"{share}, {times.duration(max(1, round(left)))} left" if left else share

    def begin(self, app: App[Any], context: CommandContext, plan: Plan, args: Mapping[str, Any]) -> None:
        """Read it in the background; what came of it is announced."""

        async def read() -> Outcome:
            try:
                every = {**args, "site": self.site, "progress": self._take}
                return await registry.run(SiteBundle, context, (), every, plan=plan, report=self._report)
            finally:
                await context.aclose()

        self.work = asyncio.ensure_future(read())
        app.run_worker(self._follow(), group=f"{GROUP}{self.site.target}", exit_on_error=False)

    def stop(self) -> None:
        """End it; what was read stays in its folder."""
        self.work.cancel()

    async def _follow(self) -> None:
        try:
            await asyncio.wait([self.work])
        finally:
            self.work.cancel()  # the console ends, or the site is closed
        error = None if self.work.cancelled() else self.work.exception()
        if error is None and not self.work.cancelled():
            self._announce(f"The bundle of {self.site.target} is {self._wanted.out}", "ok")
            return
        if error is not None:
            reason = f"{error.message} {error.hint}" if isinstance(error, EdgewrightError) else defect_sentence(error)
            self._announce(f"The bundle of {self.site.target} failed: {reason}", "bad")
        if await asyncio.to_thread(self._wanted.folder.exists):
            self._announce(f"What was read is in {self._wanted.folder}; the same key continues it.", "warn")

    def _announce(self, text: str, level: str) -> None:
        self._session.store.message(clean(text, MOST_MESSAGE), level)

    def _take(self, progress: Any) -> None:
        self.progress = progress

    def _report(self, text: str) -> None:
        self.reports = [*self.reports[1 - MOST_REPORTS :], text]
        self.hear(text)


class BundleModal(RunModal):
    """The dialog of a bundle: escape leaves it to itself, a key stops it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+d", "stop", "Stop", show=False, id="modal-stop")]

    def __init__(self, bundling: Bundling) -> None:
        async def apply(report: Callable[[str], None]) -> Outcome:
            for text in bundling.reports:
                report(text)
            bundling.hear = report
            return await asyncio.shield(bundling.work)

        super().__init__(bundling.title, apply, stay=True)
        self.keys_text = "esc continue in the background  ctrl+d stop"
        self._bundling = bundling

    def action_stop(self) -> None:
        """Stop it; what was read can be continued."""
        if not self.finished:
            self._bundling.stop()
            self.dismiss(None)

    def on_unmount(self) -> None:
        """Report to no dialog that is not there."""
        self._bundling.hear = lambda text: None


async def make_bundle(screen: Any, site: Site) -> None:
    """Show the bundle of the site that is read, else ask for one, show its plan, and begin it."""
    bundling: Bundling | None = screen.session.bundles.get(site.target)
    if bundling is None or not bundling.is_read:
        bundling = await _begun(screen, site)
    if bundling is None:
        return
    await screen.app.ask(BundleModal(bundling))
    if bundling.is_read:
        screen.announce_here(f"The bundle of {site.target} continues in the background; the same key shows it.", "info")


async def _begun(screen: Any, site: Site) -> Bundling | None:
    """Ask, let the user agree to the plan, and begin; None where the user left."""
    app, session = screen.app, screen.session
    context = session.make_context()
    context.read_only = context.read_only or session.read_only
    planned = await _planned(app, context, site)
    if planned is not None and not await app.ask(ConfirmModal(planned[1], "write")):
        screen.announce_here(f"{planned[1].title}: cancelled, nothing was read.", "info")
        planned = None
    if planned is None:
        await context.aclose()
        return None
    args, plan = planned
    bundling = Bundling(session, site, plan.title, plan.payload[0][0])
    _FOLDERS[site] = str(plan.payload[0][0].folder.parent)
    session.bundles[site.target] = bundling
    bundling.begin(app, context, plan, args)
    return bundling


async def _planned(app: Any, context: Any, site: Site) -> tuple[dict[str, Any], Any] | None:
    """Return arguments and plan, None where the user left the form."""
    folder = Path(_FOLDERS.get(site, "") or Path.cwd())
    answers: dict[str, str] = {"out": str(folder)}
    problem = ""
    answers["resume"] = await unfinished(folder, site.target)
    while True:
        fields = _fields(answers)
        given = await app.ask(
            FormModal(f"Support bundle of {clean(site.target, 80)}", fields, go="Plan", problem=problem)
        )
        if given is None:
            return None
        answers = dict(given)
        args: dict[str, Any] = {
            "hosts": [site.target], "recipients": answers["recipients"].split("  ") if answers["recipients"] else [],
            **{name: answers[name] for name in ("since", "rate", "resume") if answers[name]},
        }  # fmt: skip
        if answers["out"] and not answers["resume"]:
            args["out"] = answers["out"].rstrip("/") + "/"
        try:
            return args, await registry.acting(SiteBundle)().plan(context, (), args)
        except EdgewrightError as error:
            problem = f"{error.message} {error.hint}".strip()


def _fields(answers: dict[str, str]) -> list[Field]:
    return [
        Field("recipients", "recipient", help="age1... or an SSH public key; empty: not encrypted, for you alone",
              value=answers.get("recipients", "")),
        Field("out", "folder", help="where the file is written", value=answers.get("out", "")),
        Field("since", "since", help="how far back journals are read, e.g. 2h, 7d", value=answers.get("since", "24h")),
        Field("rate", "rate", help="bytes in a second at most, e.g. 16K", value=answers.get("rate", "")),
        Field("resume", "continue", help="folder of a bundle that was not finished; empty: a new one",
              value=answers.get("resume", "")),
    ]  # fmt: skip
