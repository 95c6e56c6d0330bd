"""The checks of a host before it joins a cluster, worst first, each with what to do."""

from __future__ import annotations

from edgewright.commands.host.operations import GLYPHS, Check, read_checks, run_operation
from edgewright.commands.kernel.context import CommandContext
from edgewright.core.text import clean
from edgewright.wire import protocol
from tui.screens.host.asking import AskingScreen
from tui.widgets.lines import Line, Role, line, pad, wrap

ROLES: dict[str, Role] = {"ok": "ok", "warning": "warn", "failed": "bad"}
LABEL = 12


class PreflightScreen(AskingScreen):
    """Asks the host when it opens; ctrl+r asks again. The target is the host's uid."""

    view = "preflight"
    again = "checks again"
    hints = (*AskingScreen.hints, "retry=check again")

    def begin(self) -> None:
        """Ask the host."""
        self._checks: list[Check] = []
        self._message = ""
        super().begin()

    @property
    def crumb(self) -> str:
        """Name the host."""
        row = self.session.store.model.hosts.get(self.target)
        return f"preflight of {row.name if row else self.target}"

    async def fetch(self, context: CommandContext) -> None:
        """Ask for the checks."""
        result = await run_operation(context, self.target, protocol.OP_PREFLIGHT, self.report)
        self._checks, self._message = read_checks(result), clean(result.get("message"))

    def answer_lines(self, width: int) -> list[Line]:
        """Return the checks."""
        if not self._checks:
            return [line(("The host sent no checks.", "muted"))]
        out = [*wrap(self._message, width), Line()]
        for check in self._checks:
            out += check_lines(check, width)
        return out


def check_lines(check: Check, width: int) -> list[Line]:
    """Return one check: sign, name and result, and below it what to do."""
    sign, role = GLYPHS.get(check.state, GLYPHS["unknown"]), ROLES.get(check.state, "muted")
    room = max(width - LABEL - 2, 20)
    first, *rest = wrap(check.text or check.state, room)
    lines = [line((f"{sign} ", role), (pad(check.id, LABEL), "strong"), *first.spans)]
    lines += [line(" " * (LABEL + 2), *more.spans) for more in rest]
    if check.next:
        lines += [line(" " * (LABEL + 2), *more.spans) for more in wrap(check.next, room, "→ ", "  ", role="muted")]
    return lines
