"""One registration token: whether it lets hosts in, its text behind a mask, which hosts registered with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.timer import Timer

from edgewright.commands.kernel.base import Scope
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import model as names
from tui.frame.base import BaseScreen
from tui.frame.document_values import find
from tui.frame.fetch import fetch_document, sentence
from tui.frame.links import open_key
from tui.screens.tokens.content import hosts_of, token_lines
from tui.screens.tokens.screen import refused_verbs
from tui.verbs.bindings import working_on
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, line, wrap

REVEALED = 30.0
"""Seconds for which the text of a token is shown."""


class TokenScreen(BaseScreen):
    """Shows one token. Its text is asked of the plane when it is to be seen, and never stored."""

    scope: ClassVar[Scope] = "tokens"
    view = "token"
    collections = frozenset({TOKENS.name, names.HOSTS, names.SOURCE})
    hints = (
        "token-reveal=reveal",
        "copy",
        "yaml",
        "nav-open=open host",
        "token-activate",
        "token-revoke",
        "token-delete",
    )

    def compose_body(self) -> ComposeResult:
        """Yield the lines."""
        yield LineView(id="facts")

    def begin(self) -> None:
        """Show what is known; fetch the text at once when that was asked for."""
        super().begin()
        uid, _, spec = self.target.partition("?")
        self.target = uid
        self._hiding: Timer | None = None
        self._value, self._shown_value, self._error, self._fetching = "", False, "", False
        self.query_one("#facts").focus()
        if spec == "reveal":
            self.action_reveal()

    @property
    def crumb(self) -> str:
        """The token's name."""
        row = self.session.store.model.rows(TOKENS).get(self.target)
        return row.name if row and row.name else self.target

    def targets(self) -> tuple[str, ...]:
        """Return this token."""
        return (self.target,)

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on this token, or without it when it was deleted."""
        return working_on(self.hints, int(self.target in self.session.store.model.rows(TOKENS)))

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what cannot be done to this token now."""
        return refused_verbs(self.session, self.targets())

    def select(self) -> None:
        """Show the token as it is now."""
        if not self.is_there or not self.size.width:
            return
        model = self.session.store.model
        view = self.query_one("#facts", LineView)
        view.set_dimmed(model.source.away)
        width = min(view.room or self.size.width, 110)
        row = model.rows(TOKENS).get(self.target)
        if row is None:
            view.set_lines([line(("○ ", "muted"), "This token is not there any more: it was deleted.")])
            return
        hosts = hosts_of(self.target, model.hosts.values())
        lines: list[Line] = token_lines(row, hosts, self.now, width, self._value, self._shown_value)
        if self._fetching:
            lines.insert(0, line(("► ", "work"), "Fetching the token's text ..."))
        if self._error:
            lines[:0] = wrap(self._error, width, first="▲ ", rest="  ", role="bad")
        view.set_lines(lines)

    def tick(self) -> None:
        """Update the ages."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def action_reveal(self) -> None:
        """Show the text, or mask it again."""
        if self._value:
            self._shown_value = not self._shown_value
            self._hide_later()
            self.select()
            return
        self._fetching, self._error = True, ""
        self.select()
        self._fetch()

    def _hide_later(self) -> None:
        """Mask the text again after `REVEALED` seconds, for a screen that is left alone."""
        if self._hiding is not None:
            self._hiding.stop()
        self._hiding = self.set_timer(REVEALED, self._hide, name="hide-token") if self._shown_value else None

    def _hide(self) -> None:
        self._shown_value, self._value = False, ""
        self.select()

    @work(exclusive=True, group="token:fetch", exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            doc = await fetch_document(self.session, "token", self.target)
            self._value = clean(find(doc, "spec.token"))
            self._shown_value = bool(self._value)
            self._hide_later()
            if not self._value:
                self._error = "The plane does not return the text of this token; a viewer's key may not read it."
        except EdgewrightError as error:
            self._error = sentence(error)
        finally:
            self._fetching = False
            self.select()

    def action_yaml(self) -> None:
        """Show the document as the plane sent it, the secret masked."""
        open_key(self.app, f"raw/token/{self.target}")

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        open_key(self.app, event.key)
