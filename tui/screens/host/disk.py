"""What fills a file system of a host: its largest directories and files, counted by its agent."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from edgewright.commands.host.logs import fetch_text
from edgewright.commands.kernel.base import Scope
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.wire import protocol
from tui.frame.fetch import sentence
from tui.frame.pager.pager import ReaderScreen
from tui.widgets.lines import Line, Role, line, wrap


class DiskScreen(ReaderScreen):
    """Target is `uid/mount`, e.g. `edge-1//var`; the mount point is `/` when it is left out."""

    scope: ClassVar[Scope] = "global"
    view = "disk"
    hints = (*ReaderScreen.hints, "retry=count again")

    def begin(self) -> None:
        """Ask the host."""
        super().begin()
        self._lines: list[str] = []
        self._report_text, self._error, self._waiting, self._since = "", "", False, self.now
        self.action_retry()

    @property
    def crumb(self) -> str:
        """Name mount point and host."""
        row = self.session.store.model.hosts.get(self.uid)
        return f"disk usage of {self.mount_point} on {row.name if row else self.uid}"

    @property
    def uid(self) -> str:
        """The host: the target up to its first slash, which no uid contains."""
        return self.target.partition("/")[0]

    @property
    def mount_point(self) -> str:
        """The mount point: what is behind the first slash of the target."""
        return self.target.partition("/")[2] or "/"

    def tick(self) -> None:
        """Count the time while the host has not responded."""
        if self._waiting:
            self.select()

    def text_lines(self, width: int) -> list[Line]:
        """Return the report, or what it waits for."""
        if self._error:
            return wrap(f"{self._error} ctrl+r asks again.", width, "▲ ", "  ", role="bad")
        if self._waiting:
            text = self._report_text or "asking the plane"
            return [line(("► ", "work"), f"{text[0].upper()}{text[1:]} ({max(self.now - self._since, 0):.0f} s).")]
        return [_line(clean(text, 4096)) for text in self._lines] or [line(("The host sent no sizes.", "muted"))]

    def action_retry(self) -> None:
        """Ask the host again."""
        if not self._waiting:
            self._waiting, self._error, self._since = True, "", self.now
            self.select()
            self._ask_host()

    @work(exclusive=True, group="disk:fetch", exit_on_error=False)
    async def _ask_host(self) -> None:
        try:
            if self.session.make_context is None:
                self._error = "There is no plane to ask: this shows what was recorded."
                return
            params = {"mount": self.mount_point}
            context = self.session.make_context()
            self._lines = await fetch_text(context, self.uid, protocol.OP_DISK_USAGE, params, self._report)
        except EdgewrightError as error:
            self._error = sentence(error)
        finally:
            self._waiting = False
            if self.is_there:
                self.select()

    def _report(self, text: str) -> None:
        self._report_text = text
        self.select()


def _line(text: str) -> Line:
    """Return one line of the report; headings and limits are marked."""
    role: Role = "head" if text.isupper() else "warn" if "lower bounds" in text else ""
    return line((text, role))
