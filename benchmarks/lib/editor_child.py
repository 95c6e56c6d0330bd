"""An app with a long values file in an editor: `ours` (checked in a thread, as the wizard does) or `stock`."""

from __future__ import annotations

import asyncio
import sys

from textual import work
from textual.app import App, ComposeResult
from textual.widgets import Static, TextArea

from edgewright.commands.profile import wizard_api
from edgewright.core.profiles.model import Layer, Profile
from tui.widgets.values_editor.editor import ValuesEditor

SECTION = """\
  service-{number}:
    # how many of it run, and where
    replicas: {number}
    image: registry.example/team/service-{number}:1.0.{number}
    host: "{{{{.spectro.system.cluster.name}}}}-{number}.example"
    resources: {{cpu: 100m, memory: 128Mi}}
    enabled: true
    ports:
      - name: http
        port: 8080
"""


def text(lines: int) -> str:
    """Return values of about so many lines."""
    sections = [SECTION.format(number=number) for number in range(lines // SECTION.count("\n"))]
    return "charts:\n" + "".join(sections)


class EditorApp(App[None]):
    """One editor; the cursor is in the middle of the file."""

    def __init__(self, ours: bool, lines: int) -> None:
        super().__init__()
        content = text(lines)
        if ours:
            self.editor: TextArea = ValuesEditor(content, most=5_000_000)
        else:
            self.editor = TextArea(content, soft_wrap=False, show_line_numbers=True, compact=True)
            self.editor.cursor_blink = False
        self.ours = ours
        self._pending = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return what themes of the console define besides Textual's own variables."""
        return {**dict.fromkeys(("muted", "work", "info", "bad", "warn"), "#8090a0"),
                "row-cursor-background": "#203040", "row-cursor-style": "none"}  # fmt: skip

    def compose(self) -> ComposeResult:
        """Yield the editor."""
        yield Static("READY")
        yield self.editor

    def on_mount(self) -> None:
        """Put the cursor at the end of a line in the middle."""
        self.editor.focus()
        row = self.editor.document.line_count // 2
        self.editor.move_cursor((row, len(self.editor.document.get_line(row))))

    def on_text_area_changed(self) -> None:
        """Check the text a moment after a key, as the page of values does."""
        if self.ours and not self._pending:
            self._pending = True
            self.set_timer(0.25, self._check)

    @work(exclusive=True)
    async def _check(self) -> None:
        self._pending = False
        layer = Layer("services", "addon", "1.0.0", values=self.editor.text)
        profile = Profile("shop", type="add-on", layers=(layer,))
        await asyncio.to_thread(wizard_api.examine, profile, {}, {})


if __name__ == "__main__":
    EditorApp(sys.argv[1] == "ours", int(sys.argv[2])).run()
