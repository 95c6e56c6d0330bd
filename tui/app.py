"""The console's app: wiring only. What it shows is in screens, what it does in commands, how it draws in terminal."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command
from edgewright.core.errors import EdgewrightError
from tui.frame import ages
from tui.frame.background_errors import report_defect
from tui.frame.base import BaseScreen, CommandTyped
from tui.navigation.type_ahead import Probe, TypeAhead
from tui.navigation.views import KINDS, MAIN, load
from tui.session import LeaveAnswer, Session
from tui.terminal import deferred, start_cache, toolkit, toolkit_caches
from tui.terminal.app import TerminalApp
from tui.theme.app import THEME_POLL
from tui.verbs.bindings import keys_to_apply, verb_bindings
from tui.verbs.verbs import act, refusal, run_verb
from tui.widgets.lines import Line
from tui.widgets.prompt import Asking

if TYPE_CHECKING:
    from textual.command import Provider

KEY_FIRST = 0.05
"""Seconds after a key in which no work on events of the fleet begins, unless its effect is painted before."""


def _verbs() -> type[Provider]:
    from tui.verbs.palette import VerbProvider

    return VerbProvider


class EdgewrightApp(TerminalApp):
    """One console for one session."""

    TITLE = "Edgewright"
    CSS = """
    * { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    Input { scrollbar-size-vertical: 0; scrollbar-size-horizontal: 0; }
    Toast { display: none; }
    CommandPalette { background: $background; }
    CommandPalette SearchIcon { display: none; }
    CommandPalette CommandInput { padding-left: 1; }
    """
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS = {_verbs}
    BINDINGS: ClassVar[list[BindingType]] = [
        *verb_bindings("global"),
        Binding("left_square_bracket", "history(-1)", "Go back in the history", show=False, id="nav-history-back"),
        Binding("right_square_bracket", "history(1)", "Forward in the history", show=False, id="nav-history-forward"),
        Binding("minus", "last_view", "Swap with the last view", show=False, id="nav-last"),
        Binding("ctrl+l", "repaint", "Paint again", show=False, priority=True, id="nav-repaint"),
        Binding("ctrl+c", "interrupt", "Leave at the second press", show=False, priority=True, id="nav-interrupt"),
    ]

    def __init__(self, session: Session) -> None:
        self._typed: list[str] = []
        self._last_key = 0.0
        self.type_ahead = TypeAhead(self)
        toolkit_caches.bound()
        super().__init__(session)
        toolkit.without_toasts(self)
        toolkit.use_stored_rules(self)
        self.load_first_theme(session.terminal.theme)
        self.ascii_only = session.terminal.ascii_only
        self.cursor_is_shown = session.terminal.lines
        if session.terminal.low_bandwidth:
            self.animation_level = "none"
            self.always_slow = True
            self.link_changed(True, "")

    # Drawing ------------------------------------------------------------------------------------------------------

    def link_changed(self, slow: bool, text: str) -> None:
        """Show ages in coarse steps on a slow link, and what is measured of it in the title."""
        self.session.link = text
        ages.set_coarse(slow)
        if slow and self.session.terminal.mouse:
            toolkit.write(self, "\x1b[?1003l")  # each movement of the mouse is a report on its way up; clicks stay

    def key_arrived(self) -> None:
        """Paint the effect of a key before more events of the fleet are worked on. Called on the thread of the keys."""
        self._last_key = time.monotonic()
        self.session.store.defer(KEY_FIRST)

    def post_display_hook(self) -> None:
        """Continue with the events of the fleet."""
        self.session.store.resume()

    # Keys ---------------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Let a key wait until the screen that the keys before it open is there."""
        if isinstance(event, events.InputEvent | events.Paste):
            event = self.type_ahead.as_typed(event)
            is_returned = event.is_forwarded
            if not is_returned and self.type_ahead.takes(event):
                return
            if is_returned or not self.thaws(event):
                await super().on_event(event)
            if is_returned or not event.is_forwarded:  # else a widget has it now
                self.type_ahead.returned(event)
        else:
            await super().on_event(event)

    def key_done(self, event: events.Key) -> None:
        """Deliver the next key: a table has worked on this one."""
        self.type_ahead.returned(event)

    @on(Probe)
    def _probe_arrived(self, event: Probe) -> None:
        event.arrived()

    # Start and end ------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """Open the start view as the first screen, so that the first frame is the one that counts."""
        gc.disable()  # nothing becomes garbage on the way to the first frame, and a fleet is long to walk
        self.history.visit(((self.session.start_view, self.session.start_target),))
        return self._make(self.session.start_view, self.session.start_target)

    def on_mount(self) -> None:
        """Take the user's keys, and begin with the sources when the first frame is out."""
        self.attend_to_terminal()
        self.set_keymap(keys_to_apply(self.session.keymap))
        if self.session.first_run is not None:
            self.push_screen(self._make("first-run", ""))  # when it is done, the start view is there below it
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.type_ahead.started = time.monotonic()
        gc.freeze()  # what is here now stays: the collector need not walk it at each key
        gc.enable()
        deferred.finish()
        if (write := start_cache.finish()) is not None:
            self.run_worker(write, group="start:cache", thread=True, exit_on_error=False)
        for problem in self.session.keymap_problems:
            self.announce(problem, "warn")
        if not self.is_headless:
            self.set_interval(THEME_POLL, self.look_at_themes, name="themes")
            ahead = load("tui.navigation.ahead:import_ahead")(lambda: self._last_key, lambda: self.ending)
            self.run_worker(ahead, group="start:ahead", exit_on_error=False)
        if self.session.start is not None:
            self.run_worker(self._feed(self.session.start), group="source:run", exit_on_error=False)

    async def _feed(self, start: Callable[[], Awaitable[None]]) -> None:
        try:
            await start()
        except EdgewrightError as error:
            self.announce(f"{error.message} {error.hint}".strip(), "bad")

    async def action_leave(self) -> None:
        """Leave; a hub that this console started is asked about once."""
        answer: LeaveAnswer = "leave"
        session = self.session
        if session.hub_running is not None and session.hub_running():
            stored = session.views.load("leave").get("answer")
            answer = stored if stored in ("leave", "stop") else await self._ask_to_leave()
        if answer == "stop" and session.stop_hub is not None:
            await session.stop_hub()
        if answer in ("leave", "stop"):
            self.exit(0)

    async def _ask_to_leave(self) -> LeaveAnswer:
        """Ask what becomes of the hub, and store the answer when that is chosen."""
        modal = load("tui.modals.leave:LeaveModal")()
        answer: LeaveAnswer = await self.ask(modal) or "stay"
        if modal.remember and answer != "stay":
            self.session.views.save("leave", {"answer": answer})
        return answer

    async def on_unmount(self) -> None:
        """End the connections to sites: a ProxyCommand would run on."""
        if self.session.sites:
            await load("tui.screens.site.opens:close_all")(self.session)

    # Verbs --------------------------------------------------------------------------------------------------------

    async def action_site_run(self, hosts: str = "") -> None:
        """Run one command on the hosts that the screen points at, or as it was typed."""
        await load("tui.screens.site.running:start")(self, hosts)

    def action_verb(self, name: str) -> None:
        """Run a verb by name on what the screen points at."""
        self.run_named(name)

    def action_asking(self, name: str) -> None:
        """Run a verb that opens the prompt; its key comes first, so it must not be taken from a field (see below)."""
        self.run_named(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys that open the prompt to a field or a dialog that has the keyboard."""
        screen = self.screen
        if action == "asking":
            named = isinstance(screen, BaseScreen) and screen.lets(str(parameters[0]))
            return named and not toolkit.is_field(self.focused)
        if action in ("verb", "history", "last_view") and isinstance(screen, BaseScreen):
            return screen.lets(str(parameters[0]) if parameters else action)
        return super().check_action(action, parameters)

    def run_named(self, name: str, targets: Sequence[str] | None = None, args: Mapping[str, Any] | None = None) -> None:
        """Run a verb by name; without `targets` on the marked objects or the one under the cursor."""
        command = registry.by_name(name)
        if command is None:
            self.refuse(f"There is no verb `{name}`.")
            return
        self.run_command(command, targets, args or {})

    def run_command(
        self, command: type[Command], targets: Sequence[str] | None, args: Mapping[str, Any], rest: str = ""
    ) -> None:
        """Run a verb: what only changes the view at once, so that it shows in the next frame, the rest in a worker."""
        shows = bool(command.opens or command.action)  # what a verb does to objects is judged with them, in `run_verb`
        refused = refusal(self, command, ()) if command.role and command.danger == "none" and shows else None
        if refused is not None:
            self.announce(f"{refused.reason} {refused.hint}", "warn")
            return
        on_screen = targets is None and hasattr(self.screen, f"action_{command.action}")
        if command.action and (on_screen or not command.opens):
            waiting = act(self, command, args)
            if waiting is not None:
                self._follow(waiting, "verb:run")
            return
        start = bool(targets) or command.opens in MAIN  # what is typed by name is a place of its own
        if targets is None:
            targets = self._targets_of(command)
            if targets and not args and isinstance(self.screen, BaseScreen):
                args = self.screen.arguments(command.name)
        self._follow(run_verb(self, command, targets, args, rest, start), "verb:run")

    def _targets_of(self, command: type[Command]) -> Sequence[str]:
        """Return what the screen points at, if that is of the kind that the verb works on: an event is not a host."""
        screen, wanted = self.screen, command.target
        if wanted is None or not isinstance(screen, BaseScreen) or KINDS.get(screen.scope) != wanted.kind:
            return ()
        return screen.targets()

    def action_command_line(self) -> None:
        """Let a verb be typed."""
        if isinstance(self.screen, BaseScreen):
            self.screen.ask(Asking("command", ":", judge=self._judge, complete=self._complete, history=self._typed))

    def _complete(self, text: str) -> list[str]:
        from tui.verbs.command_text import complete

        self.load_all_themes()
        return complete(text, self.session.store.model, sorted(self.available_themes))

    def _judge(self, text: str) -> Line:
        from tui.verbs.command_hint import judge

        self.load_all_themes()
        return judge(text, self.session.store.model, sorted(self.available_themes))

    @on(CommandTyped)
    def _command_typed(self, event: CommandTyped) -> None:
        if not event.text:
            return
        from tui.verbs.command_text import parse

        try:
            typed = parse(event.text, self.session.store.model, getattr(self.screen, "scope", ""))
        except EdgewrightError as error:
            self.refuse(f"{error.message} {error.hint}".strip())
            return
        needs = typed.command.target is not None and not typed.targets
        self.run_command(typed.command, None if needs else typed.targets, typed.args, typed.rest)

    def action_retry(self) -> None:
        """Ask the plane now; without one there is nothing to ask."""
        if self.session.no_plane:
            self.announce("There is no management plane to ask. Choose one: :context use")
        elif self.session.retry_now is not None:
            self.session.retry_now()
            self.announce("Asking the plane now.")

    def action_read_only(self) -> None:
        """Enter or leave read-only mode; the role viewer may only read in either."""
        if self.session.viewer:
            caller = self.session.store.model.source.caller or "credential"
            self.announce(
                f"The {caller} has the role viewer: `read-only` is refused. It only reads in any mode.", "warn"
            )
            return
        self.session.read_only = not self.session.read_only
        self.announce(
            "Read-only: what changes something is refused." if self.session.read_only else "Changes are allowed."
        )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report work that failed because of a bug in Edgewright."""
        report_defect(self.session, event)
