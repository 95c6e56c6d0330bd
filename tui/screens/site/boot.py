"""Boot of a site: which slot runs and why, the way to the other one, and the reset."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual import events, on, work

from edgewright.commands.kernel.base import Command, Scope
from edgewright.commands.site.boot.actions import state_of
from edgewright.commands.site.opened import unread
from edgewright.commands.site.page_verbs import SiteBootActive, SiteBootPassive, SiteReset
from edgewright.core.boot.actions import FALLBACK, RESET, RETURN, actions
from edgewright.core.boot.state import BootState, slot_text
from edgewright.core.errors import EdgewrightError
from tui.screens.site.base import SiteScreen
from tui.screens.site.boot_content import boot_lines
from tui.verbs.bindings import live_keys, move_bindings
from tui.verbs.verbs import run_plan
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, clip_line, line, wrap

VERBS: dict[str, type[Command]] = {RETURN: SiteBootActive, FALLBACK: SiteBootPassive, RESET: SiteReset}
NAMES = {name: verb.name.replace(" ", "-") for name, verb in VERBS.items()}
"""Each action by its name: the verb that does it, and the name of its key."""


class SiteBootScreen(SiteScreen):
    """Reads in one round trip, and again when the host is back after a restart."""

    scope: ClassVar[Scope] = "site-boot"
    view = "site-boot"
    BINDINGS = move_bindings({"nav-back": "back_or_stop"})

    def compose_body(self) -> Any:
        """Yield the lines."""
        yield LineView(id="boot")

    def begin(self) -> None:
        """Read the host."""
        super().begin()
        self._state: BootState | None = None
        self._read_at: float | None = None
        self._reading_since: float | None = None
        self._problem = ""
        self.query_one("#boot").focus()
        self.read_again()

    @property
    def crumb(self) -> str:
        """Name the page."""
        return "Boot"

    def count(self) -> str:
        """Return the age of what is shown."""
        if self._reading_since is not None:
            return f"reading {int(max(self.now - self._reading_since, 0))}s"
        return "" if self._read_at is None else f"read {int(max(self.now - self._read_at, 0))}s ago"

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the state that was read."""
        hints: list[str] = []
        if self._state is not None and not self.stale:
            hints = [NAMES[action.name] for action in actions(self._state) if not action.reason]
        return (*hints, *(self.again_hint if self._reading_since is None else ("nav-back=stop reading",)))

    def select(self) -> None:
        """Show the state as it was read last."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#boot", LineView)
        width = view.room or self.size.width
        lines: list[Line] = []
        problem = self.no_site or self._problem
        if problem:
            lines += wrap(problem, width, "‼ ", "  ", role="warn")
        if self._state is not None:
            keys = live_keys(self)
            names = {name: keys.get(NAMES[name], verb.keys[0]) for name, verb in VERBS.items()}
            lines += boot_lines(self._state, names, width)
        elif self._reading_since is not None:
            lines += wrap("Reading how the host booted in one round trip. esc stops it.", width, "► ", "  ")
        elif not problem:
            lines.append(line(("Nothing was read yet.", "muted")))
        view.set_lines([clip_line(row, width) for row in lines])
        view.set_dimmed(self.stale and self._state is not None)

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def read_again(self) -> None:
        """Read the host, unless that is under way."""
        if self.site is not None and self.site.is_open and self._reading_since is None:
            self._read()

    @work(group="site:boot", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        site, before = self.site, self._state
        if site is None:
            return
        self._reading_since, self._problem = self.now, ""
        self.select()
        self.show_frame()
        try:
            state = await state_of(site)
            self._state, self._read_at = state, self.now
            if before is not None and before.boot_id != state.boot_id:
                self.announce_here(f"{state.name or site.name} was restarted; slot: {slot_text(state)}.", "info")
        except asyncio.CancelledError:
            self._problem = "Stopped."
            raise
        except EdgewrightError as error:
            self._problem = unread(error)
        finally:
            self._reading_since = None
            if self.is_there:
                self.select()
                self.show_frame()

    def action_back_or_stop(self) -> None:
        """Stop a reading that is under way; otherwise go back."""
        if self._reading_since is not None:
            self.workers.cancel_group(self, "site:boot")
            return
        self.leave()

    def action_site_boot_active(self) -> None:
        """Show the plan for the active slot, and do it after a yes."""
        self._plan(SiteBootActive)

    def action_site_boot_passive(self) -> None:
        """Show the plan for the passive slot, and do it after a yes."""
        self._plan(SiteBootPassive)

    def action_site_reset(self) -> None:
        """Show what a reset empties and retains, and do it when the host's name was typed."""
        self._plan(SiteReset)

    def _plan(self, command: type[Command]) -> None:
        if reason := self.session.refusal(command):
            self.refuse_here(reason)
        elif self._state is None or self.stale:
            self.refuse_here("The host was not read yet." if not self.stale else "There is no connection.")
        else:
            self._do(command, self._state)

    @work(group="site:boot-do", exclusive=True, exit_on_error=False)
    async def _do(self, command: type[Command], state: BootState) -> None:
        app: Any = self.app
        try:
            await run_plan(app, command, (), {"site": self.site, "state": state}, asked=False)
        except EdgewrightError as error:
            self.refuse_here(f"{error.message} {error.hint}".strip())  # of the plan: nothing was done

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        if event.key in VERBS:
            self._plan(VERBS[event.key])
