"""The document as the plane sent it, in YAML, with every secret masked."""

from __future__ import annotations

from typing import Any

from textual import work

from edgewright.core.errors import EdgewrightError
from edgewright.store.every import of_noun
from tui.frame.document_values import MASK, masked, yaml_lines
from tui.frame.fetch import fetch_document, known_document, sentence
from tui.frame.pager.pager import ReaderScreen
from tui.widgets.lines import Line, Role, line, wrap


class RawScreen(ReaderScreen):
    """Shows the raw document of `target`, `<noun>/<uid>`: `host/<uid>`, `events/<uid>`, `audit/<uid>`."""

    view = "raw"

    def begin(self) -> None:
        """Take the document in hand, or ask the plane for it."""
        super().begin()
        self._kind, _, self._uid = self.target.partition("/")
        collection = of_noun(self._kind)
        name = "" if collection is None else collection.name
        self._doc: dict[str, Any] | None = known_document(self.session, name, self._uid)
        self._error = ""
        if self._doc is None:
            self._fetch()

    @property
    def crumb(self) -> str:
        """Show that it is raw."""
        return "raw"

    def text_lines(self, width: int) -> list[Line]:
        """Return the document, or why there is none."""
        if self._doc is None:
            return (
                wrap(self._error, width, "▲ ", "  ", role="bad")
                if self._error
                else [line(("► ", "work"), "Fetching ...")]
            )
        return [yaml_line(text) for text in yaml_lines(masked(self._doc))]

    @work(exclusive=True, group="raw:fetch", exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            self._doc = await fetch_document(self.session, self._kind, self._uid)
        except EdgewrightError as error:
            self._error = sentence(error)
        self.select()


def yaml_line(text: str) -> Line:
    """Return a line of YAML with its key apart from its value."""
    bare = text.lstrip(" -")
    lead = text[: len(text) - len(bare)]
    key, colon, value = bare.partition(":")
    if not colon or (value and not value.startswith(" ")) or bare.startswith('"'):
        return line(lead, bare)
    role: Role = "muted" if MASK in value or value.strip() in ("null", '""', "{}", "[]") else ""
    return line((lead, "muted"), (key, "accent"), (colon, "muted"), (value, role))
