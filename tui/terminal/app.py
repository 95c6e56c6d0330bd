"""What the console does with its terminal beside painting: clipboard, mouse, frozen screen, background, last frame."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from textual import events
from textual.app import App
from textual.filter import LineFilter, Monochrome, NoColor

from edgewright.core.errors import EdgewrightError, ExitCode
from edgewright.core.text import clean
from tui.frame.base import BaseScreen
from tui.frame.reading_cursor import reading_position
from tui.navigation.navigation import NavigatingApp
from tui.terminal import osc, toolkit
from tui.terminal.attention import COLLECTIONS, LOOK_EVERY, Attention
from tui.terminal.detect import CONSOLE_TERMS
from tui.terminal.own_keys import separate
from tui.widgets.lines import line

if TYPE_CHECKING:
    from tui.session import Session
    from tui.verbs.copy import Copyable

INTERRUPT_AGAIN = 3.0
"""Seconds within which a second ctrl+c leaves."""
MOUSE_ON = "The mouse is on: clicks go to the console. Press shift while you select text with the terminal."
MOUSE_OFF = "The mouse is off: the terminal selects text. The same key switches it on."


class TerminalApp(NavigatingApp):
    """An app that knows what kind of terminal it is on."""

    def __init__(self, session: Session) -> None:
        self._interrupted = -INTERRUPT_AGAIN
        self.attention: Attention | None = None
        self.last_frame = ""
        """The last frame as text, when it is to be left in the scrollback."""
        super().__init__(session)
        me = ref(self)
        separate(lambda: (app := me()) is not None and app.in_field())  # a driver takes it when it starts

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the filter of glyphs that this terminal lacks; NO_COLOR is taken at its word, no greys either."""
        filters = [NoColor() if isinstance(each, Monochrome) else each for each in super().get_line_filters()]
        terminal = self.session.terminal
        if terminal.lines or terminal.ascii_only or terminal.console_glyphs:
            from tui.terminal.glyphs import AsciiFilter, ConsoleFilter, LinesFilter

            plain = LinesFilter() if terminal.lines else AsciiFilter()
            filters.append(plain if terminal.lines or terminal.ascii_only else ConsoleFilter())
        return filters

    def before_frame(self) -> None:
        """Put the terminal's cursor where a screen reader reads."""
        if self.session.terminal.lines:
            position = reading_position(self.focused)
            if position is not None:
                self.cursor_position = position

    # Signals, title, bell, last frame -----------------------------------------------------------------------------

    def attend_to_terminal(self) -> None:
        """Begin to watch signals and to write title and bell; called when the app runs in a real terminal."""
        settings, driver = self.session.settings, toolkit.driver_of(self)
        if driver is not None and not self.is_headless:
            title = settings is None or settings.terminal_title
            bell = settings is None or settings.bell
            self.attention = Attention(self.session, driver.write, title=title, bell=bell)
            if self.attention.active:
                self.session.store.subscribe(COLLECTIONS, self.attention.patched)
                self.set_interval(LOOK_EVERY, self.attention.look, name="attention")
            self.app_resume_signal.subscribe(self, self._resumed)
            self._resumed(self)
        if self.session.watchdog is not None:
            stop_reading = partial(toolkit.stop_reading_keys, driver)
            self.session.watchdog.lead(self.exit, self.action_interrupt, stop_reading, self._old_title)

    def _resumed(self, _app: App[Any]) -> None:
        """Set again what a shell changes while the console is in the background."""
        if self.session.terminal.lines:
            toolkit.write(self, "\x1b[?25h")  # a screen reader follows the cursor
        if self.attention is not None:
            self.attention.set_again()

    def _old_title(self) -> str:
        return self.attention.restore if self.attention is not None else ""

    def exit(self, *args: Any, **kwargs: Any) -> None:
        """Leave; the window gets its old title back, and the last frame is stored when it is wanted."""
        if self._old_title():
            toolkit.write(self, self._old_title())
            self.attention = None
        settings = self.session.settings
        if settings is not None and settings.last_frame and not self.last_frame and self.is_running:
            from tui.terminal.paint.screen_text import screen_text

            self.last_frame = screen_text(self)
        if self.session.watchdog is not None:
            self.session.watchdog.leaving()
        super().exit(*args, **kwargs)

    def action_interrupt(self) -> None:
        """Copy what is marked; else show how to leave, and leave at the second press within three seconds."""
        marked = self.screen.get_selected_text()
        if marked:
            self.copy_to_clipboard(marked)
            self.screen.clear_selection()
        elif time.monotonic() - self._interrupted < INTERRUPT_AGAIN:
            self.exit(ExitCode.INTERRUPTED)
        else:
            self._interrupted = time.monotonic()
            self.announce(
                "Press ctrl+c again to leave now; ctrl+q asks first what becomes of a hub that was started here."
            )

    # Mouse and background -----------------------------------------------------------------------------------------

    def action_mouse(self) -> None:
        """Switch mouse capture off or on."""
        if os.environ.get("TERM", "") in CONSOLE_TERMS:
            self.refuse("The Linux console reports no mouse to programs.")
            return
        self.session.terminal.mouse = not self.session.terminal.mouse
        toolkit.capture_mouse(self, self.session.terminal.mouse)
        self.announce(MOUSE_ON if self.session.terminal.mouse else MOUSE_OFF)

    def action_background(self) -> None:
        """Stop the process as ctrl+z does in a shell, where a shell can bring it back."""
        if has_job_control():
            self.action_suspend_process()
        else:
            self.refuse("The console was not started from a shell, so nothing could bring it back: leave with ctrl+q.")

    # Frozen -------------------------------------------------------------------------------------------------------

    def action_freeze(self) -> None:
        """Freeze the screen in front; a frozen one was thawed before its key came here."""
        screen = self.screen
        if isinstance(screen, BaseScreen):
            self.session.frozen_at = self.session.now()
            screen.freeze()

    def thaw(self) -> None:
        """Show the screen as it is now."""
        self.session.frozen_at = None
        if isinstance(self.screen, BaseScreen):
            self.screen.on_screen_resume()

    def thaws(self, event: events.Event) -> bool:
        """Thaw a frozen screen for a key. Returns whether the key has done its work by that: the one that froze."""
        if not isinstance(event, events.Key) or self.session.frozen_at is None:
            return False
        if event.key == "ctrl+c" and self.screen.get_selected_text():
            return False
        self.thaw()
        key = self.session.keymap.get("freeze", "F")
        return event.key in {each.strip() for each in key.split(",")} | ({"upper_f"} if key == "F" else set())

    # Clipboard ----------------------------------------------------------------------------------------------------

    def copy_to_clipboard(self, text: str) -> None:
        """Put a text into the terminal's clipboard, through tmux or screen."""
        toolkit.set_clipboard(self, text)
        toolkit.write(self, osc.clipboard(text, os.environ))

    def copied(self, text: str, what: str, secret: bool = False) -> None:
        """Copy `text` and show what was copied (`uid of edge-7f3a`), never a secret itself."""
        size = len(text.encode())
        if size > osc.MOST:
            self.refuse(
                f"The {what} has {size:,} bytes; a terminal's clipboard takes {osc.MOST:,}. Select a part of it."
            )
        elif not osc.has_osc(os.environ):
            shown = "" if secret or "\n" in text or size > 200 else f" Here it is: {text}"
            self.refuse(f"This terminal ({os.environ.get('TERM', '')}) has no clipboard.{shown}")
        else:
            self.copy_to_clipboard(text)
            tmux = osc.multiplexer(os.environ).tmux
            self.announce(f"Copied: {what}." + (" tmux passes it on with `set -g set-clipboard on`." if tmux else ""))

    async def action_copy(self) -> None:
        """Copy what the screen points at; of several texts one is chosen."""
        screen = self.screen
        if not isinstance(screen, BaseScreen):
            return
        from tui.verbs.copy import copyables

        result = copyables(screen, self.session.viewer)
        if not result:
            self.refuse("There is nothing to copy here; select text with the mouse and press ctrl+c.")
            return
        chosen = result[0].label if len(result) == 1 else await self._choose_copy(result)
        for item in result:
            if item.label == chosen:
                await self._copy(item)

    async def _choose_copy(self, matches: Sequence[Copyable]) -> str:
        from tui.modals.choose import ChooseModal

        width = max(len(item.label) for item in matches) + 2
        options = [
            line((f"{item.label:<{width}}", "strong"), (_preview(item), "muted"), key=item.label) for item in matches
        ]
        return await self.ask(ChooseModal(f"Copy of {matches[0].of}", options, current=matches[0].label)) or ""

    async def _copy(self, item: Copyable) -> None:
        text = item.text
        if item.uid:
            from tui.frame.document_values import find
            from tui.frame.fetch import fetch_document, sentence

            try:
                text = clean(find(await fetch_document(self.session, "token", item.uid), "spec.token") or "")
            except EdgewrightError as error:
                self.announce(sentence(error), "bad")
                return
            if not text:
                self.refuse(f"The plane does not give the text of token {item.of} to this credential.")
                return
        self.copied(text, f"{item.label} of {item.of}", secret=bool(item.uid))


def _preview(item: Copyable) -> str:
    if item.uid:
        return "••••••••"
    first = item.text.split("\n", 1)[0]
    return first if "\n" not in item.text else f"{first}, ..."


def has_job_control() -> bool:
    """Return whether a shell can continue the process: its parent is in the same session, in another process group."""
    parent = os.getppid()
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False
