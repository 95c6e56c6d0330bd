"""The complete file of the installer wizard, to be read."""

from __future__ import annotations

from tui.frame.pager.pager import ReaderScreen
from tui.session import Session
from tui.widgets.lines import Line
from tui.wizards.parts.added import preview_lines


class CompleteFileScreen(ReaderScreen):
    """The user-data as it would be written, secrets masked; what the present page adds is marked."""

    view = "user-data"

    def __init__(self, session: Session, text: str, before: str) -> None:
        super().__init__(session)
        self._text, self._before = text, before

    @property
    def crumb(self) -> str:
        """Show what it is."""
        return "user-data, secrets masked"

    def text_lines(self, width: int) -> list[Line]:
        """Return the file."""
        return preview_lines(self._text, self._before)
