"""The agent's log of one host, asked of the host through the plane; followed by asking again, at most every 30 s."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from edgewright.commands.host.logs import fetch_lines
from edgewright.commands.kernel.base import Scope
from edgewright.core.clusters.actions import with_titles
from edgewright.core.errors import EdgewrightError
from tui.frame.fetch import sentence
from tui.frame.pager.log_pager import LogReaderScreen
from tui.widgets.lines import Role

LINES = 200
"""Lines of one fetch, at most; one that follows another gets only what is new from an agent that knows `since`."""
PAUSE, SLOW_PAUSE = 30.0, 120.0
"""Seconds between two fetches; each of them is an operation of the host, and an entry of the audit log."""
MOST_FETCHES = 40
"""Fetches after which following stops by itself: a console that is left open must not ask for ever."""


STEP = "edgewright-step-"
"""Begins the name of the unit of a step."""


def unit_title(unit: str) -> str:
    """Return what people call a unit: the title of a step, else its name."""
    step = unit.removeprefix(STEP).removesuffix(".service")
    return unit if not unit.startswith(STEP) else "all steps" if step == "*" else with_titles(step)


class LogsScreen(LogReaderScreen):
    """Orders the log and shows that it waits (the host sends it as soon as it is reached); then it can be followed."""

    scope: ClassVar[Scope] = "global"
    view = "logs"
    hints = (*LogReaderScreen.hints, "retry=ask again")

    def begin(self) -> None:
        """Ask for the log."""
        super().begin()
        self._report_text, self._error, self._waiting, self._since = "", "", False, self.now
        self._next: float | None = None
        """When the log is asked for again; None when it is not."""
        self._fetches = 0
        self.action_retry()

    @property
    def crumb(self) -> str:
        """Name the host, and the unit if it is the log of one."""
        row = self.session.store.model.hosts.get(self.uid)
        name = row.name if row else self.uid
        return f"log of {unit_title(self.unit)} on {name}" if self.unit else f"log of {name}"

    @property
    def uid(self) -> str:
        """The host: the target up to its first slash, which no uid contains."""
        return self.target.partition("/")[0]

    @property
    def unit(self) -> str:
        """The systemd unit: what is behind the first slash of the target; `""` for the log of the host."""
        return self.target.partition("/")[2]

    def tick(self) -> None:
        """Count the time; ask again when it is due."""
        if self._next is not None and self.now >= self._next and not self._waiting:
            self.action_retry()
        elif self._waiting or self._next is not None:
            self.select()

    def status(self) -> list[tuple[str, Role]]:
        """Return what is waited for, what failed, and when it is asked for again."""
        again = ""
        if self._next is not None:
            again = f"The log is asked for again in {max(self._next - self.now, 0):.0f} s; s stops that."
        if self._waiting:
            text = self._report_text or "asking the plane"
            return [(f"{text[0].upper()}{text[1:]} ({max(self.now - self._since, 0):.0f} s).", "work")]
        if self._error:
            return [(f"{self._error} {again or 'ctrl+r asks again.'}", "bad")]
        if again:
            return [(again, "muted")]
        return [] if self.log_lines.lines else [("The log is empty.", "muted")]

    def follow_changed(self) -> None:
        """Ask again from now on, or no more."""
        self._fetches = 0
        self._next = self.now if self.following and not self._waiting else None
        self.tick()

    def action_retry(self) -> None:
        """Ask again; the lines stay."""
        if self._waiting:
            return
        self._waiting, self._error, self._since, self._next = True, "", self.now, None
        self.select()
        self._ask_host()

    @work(exclusive=True, group="logs:fetch", exit_on_error=False)
    async def _ask_host(self) -> None:
        try:
            if self.session.make_context is None:
                self._error = "There is no plane to ask: this shows what was recorded."
                self.following = False
                return
            known = self.log_lines.newest
            context = self.session.make_context()
            lines = await fetch_lines(context, self.uid, LINES, self._report, since=known, unit=self.unit)
            self.log_lines.take(lines)
        except EdgewrightError as error:
            self._error = sentence(error)
        finally:
            self._waiting = False
            if self.is_there:
                self._plan_next()
                self.select()
                self.show_frame()

    def _plan_next(self) -> None:
        self._fetches += 1
        if self.following and self._fetches >= MOST_FETCHES:
            self.following = False
            self.session.store.message(f"Following stopped after {MOST_FETCHES} fetches; s continues.", "info")
        pause = SLOW_PAUSE if self.session.terminal.low_bandwidth else PAUSE
        self._next = self.now + pause if self.following else None

    def _report(self, text: str) -> None:
        self._report_text = text
        self.select()
