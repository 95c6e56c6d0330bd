"""What fills a file system of a host: its largest directories and files, counted by its agent."""

from __future__ import annotations

from edgewright.commands.host.logs import fetch_text
from edgewright.commands.kernel.context import CommandContext
from edgewright.core.text import clean
from edgewright.wire import protocol
from tui.screens.host.asking import AskingScreen
from tui.widgets.lines import Line, Role, line


class DiskScreen(AskingScreen):
    """Target is `uid/mount`, e.g. `edge-1//var`; the mount point is `/` when it is left out."""

    view = "disk"
    again = "asks again"
    hints = (*AskingScreen.hints, "retry=count again")

    def begin(self) -> None:
        """Ask the host."""
        self._lines: list[str] = []
        super().begin()

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

    async def fetch(self, context: CommandContext) -> None:
        """Ask for the sizes."""
        params = {"mount": self.mount_point}
        self._lines = await fetch_text(context, self.uid, protocol.OP_DISK_USAGE, params, self.report)

    def answer_lines(self, width: int) -> list[Line]:
        """Return the report."""
        return [_line(clean(text, 4096)) for text in self._lines] or [line(("The host sent no sizes.", "muted"))]


def _line(text: str) -> Line:
    """Return one line of the report; headings and limits are marked."""
    role: Role = "head" if text.isupper() else "warn" if "lower bounds" in text else ""
    return line((text, role))
