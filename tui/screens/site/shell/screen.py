"""A shell on a host inside the console: a terminal in the frame, or the full terminal, and one key for the console."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult

from edgewright.commands.kernel import registry
from edgewright.commands.site.open_verbs import SiteShell
from edgewright.commands.site.shells.lent import lend, write_in_time
from edgewright.commands.site.shells.session import HostShell
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import amount
from tui.screens.site.base import SiteScreen
from tui.screens.site.shell.ansi import RESET, Tail, painted
from tui.screens.site.shell.keys import key_bytes
from tui.screens.site.shell.view import TerminalView
from tui.terminal.detect import CONSOLE_TERMS, PLAIN_TERMS
from tui.terminal.lend import terminal_lent
from tui.verbs.bindings import live_keys
from tui.widgets.key_line import KeyHint, key_text

WHEEL = 3
"""Lines that the wheel scrolls."""
CONSOLE_KEY = "ctrl+right_square_bracket"
STEPS = {"up": -1, "k": -1, "down": 1, "j": 1}


class ShellScreen(SiteScreen):
    """One shell; the connection is that of Doctor. It ends with the screen, and the screen with it."""

    view: ClassVar[str] = "site-shell"

    def compose_body(self) -> ComposeResult:
        """Yield the terminal."""
        yield TerminalView(id="terminal")

    def begin(self) -> None:
        """Open the shell when the view has its size."""
        super().begin()
        self._shell: HostShell | None = None
        self._opening_since: float | None = None
        self._mode = "host"
        self._at_home = asyncio.Event()
        self._at_home.set()
        self._dropped = 0
        self.terminal.focus()
        self.call_after_refresh(self.start)

    @property
    def terminal(self) -> TerminalView:
        """The emulated terminal."""
        return self.query_one("#terminal", TerminalView)

    @property
    def console_key(self) -> str:
        """The key of the console, the user's key map applied; the others are the host's."""
        return live_keys(self).get("shell-console", CONSOLE_KEY)

    # What it shows ------------------------------------------------------------------------------------------------

    @property
    def crumb(self) -> str:
        """Name the page."""
        return "Shell"

    def count(self) -> str:
        """Return the size of the terminal, and whether it is recorded."""
        shell = self._shell
        if shell is None or self._opening_since is not None:
            since = self._opening_since
            return "" if since is None else f"opening the shell, {int(max(self.now - since, 0))}s"
        emulator = self.terminal.emulator
        size = f"{emulator.columns}x{emulator.lines}"
        if self.terminal.back:
            size = f"{amount(self.terminal.back, 'line')} back"
        if shell.over:
            return f"{size}  ended"
        recorded = "NOT RECORDED" if shell.recorder.problem else "recorded, only known secrets masked"
        return f"{size}  {recorded}"

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of the console; the others are the host's."""
        leave = self.console_key
        opening = self._opening_since is not None
        if self._mode == "menu":
            if opening:
                return [KeyHint("q", "stop opening"), KeyHint("escape", "wait")]
            return [
                KeyHint("f", f"full screen, {key_text(leave)} back"), KeyHint("s", "scroll, copy"), KeyHint("q", "end"),
                KeyHint(leave, "send it"), KeyHint("escape", "host"),
            ]  # fmt: skip
        if self._mode == "lines":
            return [
                KeyHint("up", "line"), KeyHint("pageup", "page"), KeyHint("space", "mark"), KeyHint("c", "copy"),
                KeyHint("escape", "to the host"),
            ]  # fmt: skip
        if opening:
            return [KeyHint(leave, "keys of the console; all others wait for the host")]
        if self._shell is not None and not self._shell.over:
            return [KeyHint(leave, "keys of the console; all others go to the host")]
        return super().key_hints()

    def working_hints(self) -> tuple[str, ...]:
        """Return what works when the shell is over."""
        if self.site is None:
            return ()
        return ("site-shell=new shell",) if self.site.is_open else ("site-again=connect again",)

    def select(self) -> None:
        """Show the end of a connection: what was there stays, dim."""
        if self.is_there and self._shell is not None:
            dimmed = self._shell.over
            if dimmed != self.terminal.dimmed:
                self.terminal.dimmed = dimmed
                self.terminal.refresh()

    def tick(self) -> None:
        """Count while the shell opens; report when the link did not take what was typed."""
        shell = self._shell
        if self._opening_since is not None:
            self.show_crumb()
        if shell is not None and shell.dropped > self._dropped:
            self._dropped = shell.dropped
            self.announce_here("The link takes nothing: what was typed last is lost.", "warn")

    # The shell ----------------------------------------------------------------------------------------------------

    @work(group="site:shell", exclusive=True, exit_on_error=False)
    async def start(self) -> None:
        """Run a shell until it ends; then the page is left. When the connection breaks, what was shown stays."""
        site, session = self.site, self.session
        if site is None or session.make_context is None or not site.is_open:
            self.refuse_here(self.no_site or "There is no connection: a shell needs one.")
            self._take_back()
            return
        if reason := session.refusal(SiteShell):
            self.refuse_here(reason)
            self._take_back()
            return
        context = session.make_context()
        context.read_only = context.read_only or session.read_only
        self._opening_since = self.now
        self.show_frame()
        try:
            outcome = await registry.run(SiteShell, context, (site.target,), {"site": site, "front": _Front(self)})
        except EdgewrightError as error:
            await self._at_home.wait()
            self.announce_here(f"{error.message} {error.hint}".strip(), "bad")
            self._take_back()
            return
        finally:
            self._opening_since = None
            await context.aclose()
        await self._at_home.wait()
        self.announce_here(outcome.message, "info")
        self.leave()

    def shell_began(self, shell: HostShell) -> None:
        """Show a shell that is open now."""
        self._shell, self._opening_since = shell, None
        if self.site is not None:
            self.site.did("a shell")
        terminal = self.terminal
        shell.show = terminal.show
        terminal.send_to(shell.send)
        self._set_mode("host")
        terminal.dimmed = terminal.over = False
        terminal.live()
        self._give_size()
        self.show_frame()

    def _take_back(self) -> None:
        """Give the keys back to the console: there is no shell any more."""
        if self.is_there:
            self.terminal.over = True
            self._set_mode("host")
            self.select()
            self.show_frame()

    @on(TerminalView.Resized)
    def _give_size(self) -> None:
        if self._shell is not None and self._at_home.is_set():
            emulator = self.terminal.emulator
            self._shell.resize(emulator.columns, emulator.lines)
            self.show_crumb()

    def action_site_shell(self) -> None:
        """Open a new shell here when the one before is over."""
        if self._shell is None or self._shell.over:
            self.start()

    @work(group="site:lent", exclusive=True, exit_on_error=False)
    async def full_screen(self) -> None:
        """Lend the full terminal to the shell until it ends, or the key of the console is pressed."""
        shell, terminal = self._shell, self.terminal
        if shell is None or shell.over:
            return
        if sys.stdin is None or not sys.stdin.isatty() or not sys.stdout.isatty():
            self.refuse_here("There is no terminal to lend.")
            return
        tail = Tail()

        async def gather(data: bytes) -> None:
            tail.add(data)

        self._at_home.clear()
        try:
            shell.show = gather
            with terminal_lent(self.app):
                back = key_bytes(self.console_key, None) or key_bytes(CONSOLE_KEY, None)
                with contextlib.suppress(termios.error):
                    await lend(shell, 0, 1, back=back, before=painted(terminal.emulator), also=tail.add)
                await write_in_time(1, RESET)
            while data := tail.take():
                await terminal.show(data)
            shell.show = terminal.show
        finally:
            self._at_home.set()
        self._give_size()
        terminal.refresh()

    # Keys of the console ------------------------------------------------------------------------------------------

    def _set_mode(self, mode: str) -> None:
        self._mode = mode
        self.terminal.console_keys = mode != "host"
        if mode == "lines":
            terminal = self.terminal
            terminal.move(terminal.emulator.scrolled - terminal.back + terminal.emulator.cursor.y)
        elif self.terminal.line is not None or self.terminal.back:
            self.terminal.live()
        self.show_keys()
        self.show_crumb()

    @on(TerminalView.ConsoleKey)
    def _console_key(self, event: TerminalView.ConsoleKey) -> None:
        key = event.key
        if key in ("wheel-up", "wheel-down", "shift+pageup", "shift+pagedown"):
            self._scroll(key)
        elif self._mode == "host":
            self._set_mode("menu")
        elif self._mode == "menu":
            self._menu(key)
        else:
            self._lines(key, self.terminal)

    def _menu(self, key: str) -> None:
        if key == self.console_key:
            self.terminal.send(key_bytes(key, None))
        elif key == "s":
            self._set_mode("lines")
            return
        elif key == "f":
            self.full_screen()
        elif key == "q" and self._opening_since is not None:
            self.workers.cancel_group(self, "site:shell")
            self.announce_here("The shell was not opened: stopped.", "info")
            self.leave()
            return
        elif key == "q" and self._shell is not None:
            self.app.run_worker(self._shell.end(), group="site:end", exit_on_error=False)
        elif key != "escape":
            return
        self._set_mode("host")

    def _scroll(self, key: str) -> None:
        if self._mode != "lines":
            if key in ("wheel-down", "shift+pagedown"):
                return
            self._set_mode("lines")
        page = max(self.terminal.emulator.lines - 1, 1)
        step = {"wheel-up": -WHEEL, "wheel-down": WHEEL, "shift+pageup": -page, "shift+pagedown": page}[key]
        self._move(step)

    def _lines(self, key: str, terminal: TerminalView) -> None:
        page = max(terminal.emulator.lines - 1, 1)
        if key in STEPS:
            self._move(STEPS[key])
        elif key in ("pageup", "ctrl+b", "pagedown", "ctrl+f"):
            self._move(-page if key in ("pageup", "ctrl+b") else page)
        elif key in ("home", "g", "end", "G"):
            terminal.move(terminal.first_line() if key in ("home", "g") else terminal.last_line())
            self.show_crumb()
        elif key == "space":
            terminal.mark = terminal.line if terminal.mark is None else None
            terminal.refresh()
        elif key in ("c", "enter"):
            text = terminal.chosen_text()
            count = text.count("\n") + 1
            self.app.copied(text, f"{amount(count, 'line')} of the shell", secret=True)  # type: ignore[attr-defined]
            self._set_mode("host")
        elif key in ("escape", "q", self.console_key):
            self._set_mode("host")

    def _move(self, step: int) -> None:
        terminal = self.terminal
        terminal.move((terminal.line if terminal.line is not None else terminal.last_line()) + step)
        self.show_crumb()


class _Front:
    """The page as the verb sees it."""

    def __init__(self, screen: ShellScreen) -> None:
        self._screen = screen
        self._loop = asyncio.get_running_loop()
        term = os.environ.get("TERM", "")
        self.term = term if term in (*CONSOLE_TERMS, *PLAIN_TERMS) else "xterm-256color"

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        emulator = self._screen.terminal.emulator
        return emulator.columns, emulator.lines

    def begin(self, shell: HostShell) -> None:
        """Show it."""
        self._screen.shell_began(shell)

    def not_recorded(self, problem: str) -> None:
        """Show so, from any thread."""

        def show() -> None:
            self._screen.announce_here(problem, "bad")
            self._screen.show_frame()

        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(show)
