"""The checks of a host before it joins a cluster, worst first, each with what to do."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from edgewright.commands.host.operations import Check, read_checks, run_operation
from edgewright.commands.kernel.base import Scope
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.wire import protocol
from tui.frame.fetch import sentence
from tui.frame.pager.pager import ReaderScreen
from tui.widgets.lines import Line, Role, line, pad, wrap

SIGNS: dict[str, tuple[str, Role]] = {
    "ok": ("•", "ok"),
    "warning": ("▲", "warn"),
    "failed": ("‼", "bad"),
    "unknown": ("○", "muted"),
}
LABEL = 12


class PreflightScreen(ReaderScreen):
    """Asks the host when it opens; ctrl+r asks again. The target is the host's uid."""

    scope: ClassVar[Scope] = "global"
    view = "preflight"
    hints = (*ReaderScreen.hints, "retry=check again")

    def begin(self) -> None:
        """Ask the host."""
        super().begin()
        self._checks: list[Check] = []
        self._message, self._report_text, self._error = "", "", ""
        self._waiting, self._since = False, self.now
        self.action_retry()

    @property
    def crumb(self) -> str:
        """Name the host."""
        row = self.session.store.model.hosts.get(self.target)
        return f"preflight of {row.name if row else self.target}"

    def tick(self) -> None:
        """Count the time while the host has not responded."""
        if self._waiting:
            self.select()

    def text_lines(self, width: int) -> list[Line]:
        """Return the checks, or what it waits for."""
        if self._error:
            return wrap(f"{self._error} ctrl+r checks again.", width, "▲ ", "  ", role="bad")
        if self._waiting:
            text = self._report_text or "asking the plane"
            return [line(("► ", "work"), f"{text[0].upper()}{text[1:]} ({max(self.now - self._since, 0):.0f} s).")]
        if not self._checks:
            return [line(("The host sent no checks.", "muted"))]
        out = [*wrap(self._message, width), Line()]
        for check in self._checks:
            out += check_lines(check, width)
        return out

    def action_retry(self) -> None:
        """Ask the host again."""
        if not self._waiting:
            self._waiting, self._error, self._since = True, "", self.now
            self.select()
            self._ask_host()

    @work(exclusive=True, group="preflight:fetch", exit_on_error=False)
    async def _ask_host(self) -> None:
        try:
            if self.session.make_context is None:
                self._error = "There is no plane to ask: this shows what was recorded."
                return
            context = self.session.make_context()
            result = await run_operation(context, self.target, protocol.OP_PREFLIGHT, self._report)
            self._checks, self._message = read_checks(result), clean(result.get("message"))
        except EdgewrightError as error:
            self._error = sentence(error)
        finally:
            self._waiting = False
            if self.is_there:
                self.select()

    def _report(self, text: str) -> None:
        self._report_text = text
        self.select()


def check_lines(check: Check, width: int) -> list[Line]:
    """Return one check: sign, name and result, and below it what to do."""
    sign, role = SIGNS.get(check.state, SIGNS["unknown"])
    room = max(width - LABEL - 2, 20)
    first, *rest = wrap(check.text or check.state, room)
    lines = [line((f"{sign} ", role), (pad(check.id, LABEL), "strong"), *first.spans)]
    lines += [line(" " * (LABEL + 2), *more.spans) for more in rest]
    if check.next:
        lines += [line(" " * (LABEL + 2), *more.spans) for more in wrap(check.next, room, "→ ", "  ", role="muted")]
    return lines
