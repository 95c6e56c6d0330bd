"""The floor: the smallest app with a word on the screen; space shows and hides another word."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Trivial(App[None]):
    """One line of text."""

    BINDINGS = [("space", "toggle_word", "")]

    def compose(self) -> ComposeResult:
        """Yield the line."""
        yield Static("READY")
        yield Static("", id="word")

    def action_toggle_word(self) -> None:
        """Show or hide the word."""
        word = self.query_one("#word", Static)
        word.update("" if word.content else "1 marked")


if __name__ == "__main__":
    Trivial().run()
