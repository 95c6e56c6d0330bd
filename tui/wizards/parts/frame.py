"""The frame of every wizard: steps as the title, the newest message, one task at a time, a draft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.widgets import Input, TextArea

from edgewright.commands.kernel.base import Scope
from edgewright.commands.kernel.navigation import MOVES
from edgewright.core.errors import EdgewrightError, Refused
from tui.frame.base import BaseScreen
from tui.frame.fetch import sentence
from tui.session import Session
from tui.verbs.bindings import live_keys, messages_key
from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Line, line, rule
from tui.widgets.message_line import message_lines, shown_message
from tui.wizards.parts.drafts import Drafts
from tui.wizards.parts.leaving import LeaveWizardModal

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

ALLOWED = frozenset({"quit", "theme", "read-only", "retry", "background"})
"""Verbs of the entire console that work in a wizard; its own keys have the rest."""

LETTERS = frozenset({"question_mark", "plus"})
"""Names of keys that a field takes as a letter."""


class WizardFrame(BaseScreen):
    """What is the same around the pages of every wizard. A wizard defines its pages, its draft and its steps."""

    scope: ClassVar[Scope] = "global"
    _drafts: Drafts
    DEFAULT_CSS = """
    WizardFrame {
        & > #crumb { display: none; }
        & > #message { display: none; }
        &.-message { & > #message { display: block; } & > #rule-bottom { display: none; } }
        & #left { width: 1fr; height: 1fr; }
        & #question { margin-bottom: 1; }
        & #page { height: 1fr; }
        & #hint { height: 3; }
        &.-low { & #question { margin-bottom: 0; } }
    }
    """

    def __init__(self, session: Session, target: str = "") -> None:
        super().__init__(session, target)
        self._doing = ""
        self._since = 0.0
        self._messages = 0
        self._left = False

    def steps(self, width: int) -> Line:
        """Return the line of steps."""
        raise NotImplementedError

    def refresh_page(self) -> None:
        """Show everything around the fields as it is now."""
        raise NotImplementedError

    def show_hint(self) -> None:
        """Show what explains the field in hand, or what is under way."""
        raise NotImplementedError

    def lets(self, verb: str) -> bool:
        """Whether a verb of the entire console has its key here."""
        return verb in ALLOWED

    def select(self) -> None:
        """Show the page again."""
        self.refresh_page()

    def tick(self) -> None:
        """Show how long it is waited."""
        if self._doing:
            self.show_hint()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self._take_size(event.size)
        self.call_after_refresh(self.refresh_page)

    def show_frame(self, keys: bool = True) -> None:
        """Show the steps as the title, and the newest message in place of the lowest rule."""
        width = self.size.width
        if not width or not self.is_there:
            return
        self._set("#title", self.steps(width))
        self._set("#rule-top", rule(width))
        self._set("#rule-bottom", rule(width))
        self.show_message(width)
        if keys:
            self.show_keys()

    def show_message(self, width: int) -> None:
        """Show what was reported since the page was opened."""
        newest = shown_message(self.session.store.model.messages, self.now)
        newest = newest if newest is not None and newest.seq > self._messages else None
        lines = message_lines(newest, width, key=lambda: messages_key(self))
        first, more = [*lines, Line(), Line()][:2]
        self.set_class(bool(lines), "-message")
        self.set_class(bool(more.spans), "-two")
        self._set("#message", first)
        self._set("#message-more", more)

    def key_hint(self, name: str, label: str) -> list[KeyHint]:
        """Return the key of a movement with its label: a function key while a field takes the letters."""
        moves = {move.id: move.keys for move in MOVES}
        typing = isinstance(self.focused, Input | TextArea)
        mine = (
            [item for item in moves[name] if len(item) > 1 and item not in ("question_mark", "plus")] if typing else []
        )
        pressed = mine[0] if mine and self.session.keymap.get(name) is None else live_keys(self).get(name, "")
        return [KeyHint(pressed, label)] if pressed else []

    # One task at a time ---------------------------------------------------------------------------------------------

    def doing_line(self) -> Line:
        """Return what is under way, how long already, and how it is stopped."""
        took = max(self.now - self._since, 0)
        return line(("► ", "work"), f"{self._doing} ({took:.0f} s)", ("   esc stops it", "muted"))

    def run_task(self, text: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something that takes its time, shown as `text`; escape stops it, an error is a message."""
        self._doing, self._since = text, self.now
        self.refresh_page()
        self._carry_out(do)

    @work(exclusive=True, group="wizard:work", exit_on_error=False)
    async def _carry_out(self, do: Callable[[], Awaitable[None]]) -> None:
        try:
            await do()
        except EdgewrightError as error:
            self.announce(sentence(error), "bad")
        finally:
            self._doing = ""
            if self.is_there:
                self.refresh_page()

    def stop_task(self) -> None:
        """Stop what is under way."""
        self.workers.cancel_group(self, "wizard:work")
        self.announce("Stopped.", "info")

    def announce(self, text: str, level: str) -> None:
        """Report something on the message line."""
        self.session.store.message(text, level, reply=level == "warn")  # it leaves with the wizard
        self.session.store.flush()
        if self.is_there:
            self.show_frame()

    def plane_context(self) -> CommandContext:
        """Return the context that calls of the plane run in. Raises `Refused` where there is no plane."""
        if self.session.make_context is None:
            raise Refused("No plane is connected: this shows a recording.", "Open the console on a plane.")
        context = self.session.make_context()
        context.read_only = context.read_only or self.session.read_only
        return context

    # Leaving --------------------------------------------------------------------------------------------------------

    def save_draft(self) -> None:
        """Store what was answered, soon."""
        raise NotImplementedError

    def ask_to_leave(self) -> None:
        """Ask what becomes of the answers."""
        self.app.push_screen(LeaveWizardModal(), self._leaving)

    def _leaving(self, answer: str | None) -> None:
        if answer == "keep":
            self.save_draft()
        elif answer == "drop":
            self._drafts.drop()
        else:
            return
        self._left = True
        self.call_later(self.leave_wizard, answer == "keep")

    async def leave_wizard(self, stored: bool = False) -> None:
        """Leave when the answers are on disk; with `stored` a problem with that leaves them here, with the reason."""
        self._left = True
        await self._drafts.settled()
        if stored and self._drafts.problem:
            self._left = False
            self.announce(f"{self._drafts.problem} w writes them elsewhere.", "bad")
            self.refresh_page()
            return
        if self._drafts.problem:
            self.session.store.message(self._drafts.problem, "bad")
        self.leave()

    async def leave_done(self, view: str, target: Any) -> None:
        """Leave for another view because all is done: the draft is not needed any more."""
        self._left = True
        self._drafts.drop()
        await self._drafts.settled()
        if self._drafts.problem:
            self.session.store.message(self._drafts.problem, "warn")
        self.leave(view, str(target))
