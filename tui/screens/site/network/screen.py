"""Network: the settings of a host that is open by SSH, changed by forms, with a way back that needs no console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from textual import events, on, work

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.site.network.open_site import ENDS, new_run, read_network
from edgewright.commands.site.network.verbs import SiteNetworkConfirm, SiteNetworkSet, SiteNetworkUndo
from edgewright.commands.site.opened import unread
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, TimedOut, Unreachable
from edgewright.core.network.settings import HostNetwork
from edgewright.core.text import clean
from tui.frame.base import WIDE
from tui.modals.confirm import ConfirmModal
from tui.modals.form import FormModal
from tui.modals.run import RunModal
from tui.screens.site.base import SiteScreen
from tui.screens.site.network.confirming import CONFIRM, UNDO, ConfirmChangeModal
from tui.screens.site.network.content import NetworkView, body, detail, waiting_of
from tui.screens.site.network.forms import fields_of, locked_of, title_of, wanted_of
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView

APPLY = 2.5
"""Seconds from the beginning of a change until the connection is taken as cut: the host begins after one."""


class Mine(NamedTuple):
    """A change that this console began. `until`: epoch seconds at which the host goes back.

    `begun`: the host has answered that it begins; without that it may never have got the change.
    """

    run: str
    until: float
    address: str
    begun: bool


class NetworkScreen(SiteScreen):
    """Reads the settings when it opens, and again when the connection is there again."""

    view = "site-network"
    BINDINGS = move_bindings({"nav-back": "back_or_stop"})
    DEFAULT_CSS = """
    NetworkScreen {
        & #facts { width: 1fr; }
        & #detail { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
    }
    """

    network: HostNetwork | None = None
    _read_at: float | None = None
    _looked = 0.0
    """When the host was read last because its time was over; epoch seconds."""
    _reading = False
    _reads = 0
    """How many readings have begun: one that another took the place of changes nothing more."""
    _reading_since = 0.0
    _problem = ""
    _mine: Mine | None = None
    _asked = _undone = ""
    """The changes that were asked about, and that this console took back."""

    def compose_body(self) -> Any:
        """Yield one column, and a second one for wide terminals."""
        yield LineView(id="facts")
        yield LineView(id="detail")

    def begin(self) -> None:
        """Read the host."""
        super().begin()
        self.query_one("#detail").can_focus = False
        self.query_one("#facts").focus()
        if self.site is not None and self.site.is_open:
            self.read_again()

    # What it shows ------------------------------------------------------------------------------------------------

    @property
    def crumb(self) -> str:
        """The name of the page; the title has the host's."""
        return "Network"

    def count(self) -> str:
        """Return what is under way."""
        return f"reading {int(max(self.now - self._reading_since, 0))}s" if self._reading else ""

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on what is shown now."""
        return (*self._enter_hint(), *(("nav-back=stop reading",) if self._reading else self.again_hint))

    def _enter_hint(self) -> tuple[str, ...]:
        """Return what enter does on the line under the cursor; nothing where it only shows why nothing can be done."""
        key = self.query_one("#facts", LineView).cursor_key
        if self.network is None or self.stale or not key:
            return ()
        if key in (CONFIRM, UNDO):
            return (f"nav-open={'confirm' if key == CONFIRM else 'restore'}",)
        return () if locked_of(self.network, key) else ("nav-open=change",)

    def select(self) -> None:
        """Show the settings as they are known now."""
        if not self.is_there or not self.size.width:
            return
        facts, more = self.query_one("#facts", LineView), self.query_one("#detail", LineView)
        wide = self.size.width >= WIDE
        more.display = wide and self.network is not None
        for view in (facts, more):
            view.set_dimmed(self.stale and self.network is not None)
        facts.set_lines(body(self._view(), facts.room or self.size.width))
        if wide:
            more.set_lines(detail(self.network, facts.cursor_key, more.room or self.size.width // 2))

    def _view(self) -> NetworkView:
        why = self.no_site
        if not why and self.stale and self.site is not None:
            why = clean(self.site.problem, 600) or "There is no connection."
        mine, waiting = self._mine, ""
        if mine is not None and (self.stale or self._asked != mine.run):
            waiting = waiting_of(self._left(), mine.address, mine.begun)
        return NetworkView(
            network=self.network,
            now=self.now,
            read_at=self._read_at,
            reading=self._reading,
            problem=self._problem,
            why=why,
            left=self._left() if self.network is not None and self.network.pending is not None else None,
            waiting=waiting,
        )

    def _left(self) -> int:
        """Return the seconds until the host goes back, as far as is known."""
        pending = self.network.pending if self.network is not None else None
        if pending is not None and self._read_at is not None:
            return max(pending.left - int(times.now() - self._read_at), 0)
        return max(int(self._mine.until - times.now()), 0) if self._mine is not None else 0

    def tick(self) -> None:
        """Count down; connect again soon while a change waits for its confirmation."""
        site, network = self.site, self.network
        waits = network is not None and network.pending is not None and self._left() > 0
        if (waits or self._mine is not None) and site is not None and site.is_lost() and site.next_try is not None:
            site.try_now()
        self._look_after_the_end()
        self.select()

    def _look_after_the_end(self) -> None:
        """Read the host again when the time for a confirmation is over: it returns to its old settings by itself."""
        pending, now = self.network.pending if self.network is not None else None, times.now()
        if pending is None or self._read_at is None or self.stale or self._reading:
            return
        if now >= max(self._read_at + pending.left, self._looked) + APPLY:
            self._looked = now
            self.read_again()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    # What is read -------------------------------------------------------------------------------------------------

    def read_again(self) -> None:
        """Read the settings."""
        self.read()

    @work(group="site:network", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        """Read once; while the host still applies a change of this console, until that is done."""
        site = self.site
        if site is None or not site.is_open:
            return
        self._reads += 1
        number = self._reads
        self._reading, self._reading_since, self._problem = True, self.now, ""
        self.select()
        self.show_frame()
        try:
            while True:
                connection = await site.use()
                self.network, self._read_at = await read_network(connection), times.now()
                if not self._is_applying():
                    break
                await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            if number == self._reads:  # else another reading took its place
                self._problem = "Stopped."
            raise
        except EdgewrightError as error:
            self._problem = unread(error)
            if isinstance(error, Unreachable):
                await site.broke(error)
        finally:
            self._reading = self._reading and number != self._reads
            if self.is_there:
                self.select()
                self.show_frame()
        self._judge_own_change()

    def _is_applying(self) -> bool:
        """Whether the host is still at what this console asked for: applying a change, or giving one back."""
        pending = self.network.pending if self.network is not None else None
        if pending is None:
            return False
        mine = self._mine is not None and pending.run == self._mine.run and not pending.applied
        return mine or pending.run == self._undone

    def _judge_own_change(self) -> None:
        """Ask whether the change of this console stays, or report how it ended."""
        mine, network = self._mine, self.network
        if mine is None or network is None or self._problem:
            return
        if network.pending is not None and network.pending.run == mine.run:
            if network.pending.stage == "armed" and self._asked != mine.run:
                self._asked = mine.run
                self.select()
                self.answer("")
            return
        self._mine = None
        run, _, rest = network.last.partition(" ")
        how = ENDS.get(rest.partition(" ")[0], "") if run == mine.run else ""
        reason = f" ({clean(rest.partition(' ')[2], 200)})" if how and rest.startswith("failed") else ""
        if run != mine.run or not rest.startswith("confirmed"):
            how = how or ("the change no longer exists" if mine.begun else "the change did not begin")
            self.announce_here(f"The old settings are in use: {how}{reason}.", "warn")

    # What is changed ----------------------------------------------------------------------------------------------

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        if event.key in (CONFIRM, UNDO):
            self.answer(event.key)
        elif event.key:
            self.change(event.key)

    @work(group="site:change", exclusive=True, exit_on_error=False)
    async def change(self, key: str) -> None:
        """Ask for values, show the plan, and let the host apply it."""
        network, site, make = self.network, self.site, self.session.make_context
        if network is None or site is None:
            return
        reason = self.session.refusal(SiteNetworkSet) or ("There is no connection." if self.stale else "")
        if not reason and make is None:
            reason = "This only shows what was recorded: nothing can be changed."
        reason = reason or locked_of(network, key)
        if reason:
            self.refuse_here(reason)
            return
        assert make is not None
        app: Any = self.app
        typed: dict[str, str] | None = None
        problem = ""
        while True:
            form = FormModal(
                f"{title_of(key)} of {site.target}", fields_of(network, key, typed), "Show plan", problem=problem
            )
            typed = await app.ask(form)
            if typed is None:
                return
            context = make()
            context.read_only = context.read_only or self.session.read_only
            within = float(typed["within"])
            run = new_run()
            args = {"site": site, "network": network, "wanted": wanted_of(network, key, typed),
                    "within": within, "run": run}  # fmt: skip
            try:
                plan: Plan = await registry.acting(SiteNetworkSet)().plan(context, (), args)
                break
            except EdgewrightError as error:
                problem = f"{error.message} {error.hint}".strip()
        if plan.nothing:
            self.announce_here("All is set so already.", "info")
            return
        if not await app.ask(ConfirmModal(plan, "write", careful=True)):
            self.announce_here(f"{plan.title}: cancelled, nothing changed.", "info")
            return
        began, refused = times.now(), False

        async def apply(report: Callable[[str], None]) -> Outcome:
            nonlocal refused
            try:
                return await registry.run(SiteNetworkSet, context, (), args, plan=plan, report=report)
            except EdgewrightError as error:
                refused = error.code == "NotConnected" or not isinstance(error, (TimedOut, Unreachable))
                if refused:
                    raise
                return Outcome((), (), error.message)  # the page shows the rest

        outcome = await app.ask(RunModal(plan.title, apply))
        if refused:
            self.read_again()
            return
        begun = outcome is not None and bool(outcome.result)  # else it was cut, or is not waited for: it may begin
        if outcome is not None and not begun:
            self.announce_here(outcome.message, "warn")
        self._mine = Mine(run, began + within, plan.payload.change.address, begun)
        self.select()
        site.did("network settings")
        site.moves(self._mine.address)
        await asyncio.sleep(APPLY)
        why = f"The network settings of {site.target} are being changed."
        await site.broke(Unreachable(why, "A new connection shows whether the host is still reached."))

    @work(group="site:answer", exclusive=True, exit_on_error=False)
    async def answer(self, word: str) -> None:
        """Confirm the change that waits, or let the host go back; with "" ask first."""
        network, site, make = self.network, self.site, self.session.make_context
        pending = network.pending if network is not None else None
        if site is None or pending is None or make is None:
            return
        app: Any = self.app
        if not word:
            address = site.reached.address if site.reached is not None else site.target
            word = await app.ask(ConfirmChangeModal(site.target, address, self._left)) or ""
            if not word:
                return
        verb: type[Command] = SiteNetworkConfirm if word == CONFIRM else SiteNetworkUndo
        if reason := self.session.refusal(verb):
            self.refuse_here(reason)
            return
        context = make()
        context.read_only = context.read_only or self.session.read_only

        async def apply(report: Callable[[str], None]) -> Outcome:
            report("ask the host")
            return await registry.run(verb, context, (), {"site": site, "run": pending.run})

        title = "Confirm the network settings of" if word == CONFIRM else "Take back the network settings of"
        outcome = await app.ask(RunModal(f"{title} {site.target}", apply))
        if outcome is not None:
            self.announce_here(outcome.message, "ok")
        if word == UNDO and site.is_open and outcome is not None:
            self._undone = pending.run
            await asyncio.sleep(APPLY)
            await site.broke(Unreachable(f"The old settings of {site.target} return.", "Connecting again."))
            return
        self._mine = None
        self.read_again()

    def action_back_or_stop(self) -> None:
        """Stop a reading that is under way; otherwise go back."""
        if self._reading:
            self.workers.cancel_group(self, "site:network")
            return
        self.leave()

    @on(LineView.Pointed)
    def _point(self) -> None:
        if self.size.width >= WIDE:
            self.select()
        self.show_keys()
