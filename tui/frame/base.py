"""The frame around every screen, and how a screen learns of changes.

A screen defines what it shows (`compose_body`, `crumb`, `count`), which collections of the store it wants, and what
`select` and `patched` do with them. Subscribing, hiding, ages, title, crumbs, messages and keys are done here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.worker import Worker

from edgewright.commands.kernel.base import Scope
from edgewright.commands.kernel.registry import console_verb
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tui.frame.background_errors import report_defect
from tui.frame.links import is_ready, leave
from tui.frame.title import crumb_line, title_line
from tui.session import Session
from tui.terminal import toolkit
from tui.terminal.paint.cell_display import CellDisplay
from tui.verbs.bindings import does_something, hints_of, live_keys, messages_key, move_bindings, verb_bindings
from tui.widgets.frame import FrameLine
from tui.widgets.key_line import KeyHint, key_line
from tui.widgets.lines import Line, rule
from tui.widgets.message_line import message_lines, shown_message
from tui.widgets.prompt import Asking, Prompt, status_lines

if TYPE_CHECKING:
    from edgewright.store.engine.subscription import Subscription

FRAME_COLLECTIONS = frozenset({names.SOURCE, ALERTS.name, names.MESSAGES})
"""What the frame itself shows; the counts of the title come with the hosts."""
WIDE, WALL = 120, 180
"""Columns from which two panes, and three, are side by side."""
LOW, TINY = 22, 12
"""Lines below which the rules, and then crumbs and message, make room for the body."""


class CommandTyped(Message):
    """A command was typed after `:`; the app runs it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class BaseScreen(Screen[None]):
    """One view in the frame: title line, crumb line, body, message line, key line."""

    scope: ClassVar[Scope] = "global"
    """Verbs of this scope have live keys here."""
    view: ClassVar[str] = ""
    """Name under which columns, sort and filter are stored, and by which `Command.opens` names the screen."""
    collections: ClassVar[frozenset[str]] = frozenset()
    """Collections of the store that `patched` is called for."""
    hints: ClassVar[tuple[str, ...]] = ()
    """Binding ids of the key line, most used first (`host-open`, or with a label of its own `nav-open=open`)."""

    BINDINGS: ClassVar[list[BindingType]] = move_bindings({"nav-back": "app.back"})
    DEFAULT_CSS = """
    BaseScreen {
        background: $background;
        color: $foreground;
        layout: vertical;
        overflow: hidden;
        & > #body { height: 1fr; width: 100%; layout: horizontal; background: $background; }
        & > #message-more { display: none; }
        &.-two { & > #message-more { display: block; } & > #rule-bottom { display: none; } }
        & > #keys-more { display: none; }
        &.-prompt { & > #message, & > #message-more { display: none; } & > #rule-bottom { display: block; } }
        &.-prompt.-long { & > #keys-more { display: block; } & > #rule-bottom { display: none; } }
        &.-tiny { & > .rule, & > #crumb, & > #message, & > #message-more { display: none; } }
        &.-low { & > .rule { display: none; } }
    }
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the screen the keys of its scope's verbs, before its own."""
        if "scope" in cls.__dict__ and cls.scope != "global":
            cls.BINDINGS = [*verb_bindings(cls.scope), *cls.__dict__.get("BINDINGS", [])]
        super().__init_subclass__(**kwargs)

    def __init__(self, session: Session, target: str = "") -> None:
        """Make the screen; `target` is what to show (a uid, a filter text, a kind of feed)."""
        super().__init__()
        toolkit.compose_by_rows(self)
        self.session = session
        self.target = target
        self.starts_path = False
        """Whether the path in the crumb line begins here: it was opened by its key or by name."""
        self._subscription: Subscription | None = None
        self._shown = self._resumed = False

    # What a screen shows ------------------------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Yield the widgets of the body."""
        yield from ()

    @property
    def crumb(self) -> str:
        """The words of this view in the crumb line."""
        return self.view.capitalize()

    def head_line(self, width: int) -> Line:
        """Return the title: which plane this is, whether it answers, and what needs attention."""
        return title_line(self.session, self.now, width)

    def count(self) -> str:
        """Return what is at the right of the crumb line, e.g. `3 of 486`."""
        return ""

    def select(self) -> None:
        """Show everything again from the model: on coming to the front, and when an entire collection changed."""

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show what changed; selects again unless the screen knows better."""
        self.select()

    def tick(self) -> None:
        """Show ages as they are now; called once a second. Paint only what changed; a slow link sends it later."""

    def targets(self) -> tuple[str, ...]:
        """Return the objects that verbs work on: the marked ones, or the one under the cursor."""
        return ()

    def arguments(self, name: str) -> dict[str, Any]:
        """Return arguments of the verb `name` that the cursor gives, e.g. the host of a release."""
        return {}

    def key_hints(self) -> list[KeyHint]:
        """Return what works here and now, most used first."""
        hints = self.working_hints()
        return hints_of((*hints, "command", "help"), live_keys(self), self.refused(hints))

    def working_hints(self) -> tuple[str, ...]:
        """Return the entries of `hints` whose keys do something with what is shown now."""
        return self.hints

    def keys_may_change(self, patches: Sequence[Patch]) -> bool:
        """Whether other keys may work after these patches: finding that out takes half a millisecond."""
        return True

    def lets(self, verb: str) -> bool:
        """Whether the key of a verb works here; a wizard uses most keys itself."""
        command = console_verb(verb)
        return command is None or does_something(self, command)

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return the ids of verbs that are refused now (the key line does not offer them): by mode, role or source."""
        lacks = self.session.store.model.source.missing
        if not self.session.changes_refused and self.session.role != "operator" and not lacks:
            return frozenset()
        matches = {name: console_verb(name) for name in (entry.partition("=")[0] for entry in entries)}
        return frozenset(name for name, verb in matches.items() if verb is not None and self.session.refusal(verb))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report work that failed because of a bug in Edgewright."""
        report_defect(self.session, event)

    # The frame ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Yield the frame with the body in it."""
        self._take_size(self.app.size)
        yield FrameLine(id="title")
        yield FrameLine(id="crumb")
        yield FrameLine(id="rule-top", classes="rule")
        with Container(id="body"):
            yield from self.compose_body()
        yield FrameLine(id="rule-bottom", classes="rule")
        yield FrameLine(id="message")
        yield FrameLine(id="message-more")
        yield Prompt(id="prompt")
        yield FrameLine(id="keys")
        yield FrameLine(id="keys-more")

    @property
    def now(self) -> float:
        """The present, epoch seconds UTC, by the session's clock."""
        return self.session.now()

    def on_mount(self) -> None:
        """Start the slow tick, then the screen's own part, `begin`: the toolkit calls each class's `on_mount`."""
        if self.is_attached:  # not when the console ended meanwhile: then its widgets are removed
            self.set_interval(1.0, self._tick)
            self.begin()

    def begin(self) -> None:
        """Do what is to be done once, when the screen and its widgets are there."""

    @property
    def is_there(self) -> bool:
        """Whether the widgets can be looked up: not before they are mounted, nor when the screen was left.

        Ask it at the start of what a worker, a timer or the store calls.
        """
        return is_ready(self)

    @property
    def is_settled(self) -> bool:
        """Whether the screen shows what its keys work on. Keys wait a moment for a screen that still reads it."""
        return True

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Leave the keyboard to the prompt while it is open: a list that is hidden or filled behind takes nothing."""
        if self.is_there and self.prompt.is_open and (widget is None or self.prompt not in widget.ancestors):
            return
        super().set_focus(widget, scroll_visible, from_app_focus)

    def leave(self, view: str = "", target: str = "") -> None:
        """Leave this screen, for `view` if one is named. It happens later: a screen must not wait for its removal."""
        leave(self, view, target)

    def on_screen_resume(self, event: events.ScreenResume | None = None) -> None:
        """Subscribe to the store again, and show it as it is now."""
        if event is not None and not self._resumed:
            event.refresh_styles = False  # they were applied when the widgets were mounted, a moment ago
        self._resumed = True
        if self._subscription is None:
            wanted = FRAME_COLLECTIONS | self.collections | {names.HOSTS}
            self._subscription = self.session.store.subscribe(wanted, self._patched)
        self._shown = True
        self.select()
        self.show_frame()

    def on_screen_suspend(self) -> None:
        """Pause while another screen hides this one; a dialog does not hide it."""
        if not isinstance(self.app.screen, ModalScreen):
            self._forget()

    def on_unmount(self) -> None:
        """End the subscription."""
        self._forget()

    def _forget(self) -> None:
        self._shown = False
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _patched(self, patches: tuple[Patch, ...]) -> None:
        if not self.is_there:
            return
        if isinstance(self.app, CellDisplay):
            self.app.values_changed()
        with self.app.batch_update():
            mine = tuple(patch for patch in patches if patch.collection in self.collections)
            if mine:
                self.patched(mine)
            self.show_frame(keys=self.keys_may_change(patches))

    def freeze(self) -> None:
        """Stay as it is now, but for the age in the title, until the screen is resumed."""
        self._forget()
        self._tick()

    def _tick(self) -> None:
        if isinstance(self.app, CellDisplay) and (self._shown or self.session.frozen_at is not None):
            self.app.ages_only()
        if self.session.frozen_at is not None and self.is_there:
            self._set("#title", self.head_line(self.size.width))
        if self._shown and self.is_there:
            self.tick()
            self.show_frame(keys=False)

    def show_frame(self, keys: bool = True) -> None:
        """Update title, crumbs, newest message and keys; only what differs is painted."""
        width = self.size.width
        if not width or not self.is_there:
            return
        self._set("#title", self.head_line(width))
        self.show_crumb()
        self._set("#rule-top", rule(width))
        self._set("#rule-bottom", rule(width))
        self.show_message(width)
        if keys:
            self.show_keys()

    def show_crumb(self) -> None:
        """Show the path and the count: all of the frame that a mark changes."""
        trail = getattr(self.app, "trail", (self.crumb,))
        self._set("#crumb", crumb_line(trail, self.count(), self.size.width))

    def show_message(self, width: int) -> None:
        """Show the newest message; a long one takes the rule above it as its second line."""
        newest = shown_message(self.session.store.model.messages, self.now, self.session.read_until)
        first, more = [*message_lines(newest, width, key=lambda: messages_key(self)), Line(), Line()][:2]
        self.set_class(bool(more.spans), "-two")
        self._set("#message", first)
        self._set("#message-more", more)

    def show_keys(self) -> None:
        """Update the key line: call it when the row under the cursor changes which verbs may run."""
        behind = isinstance(self.app.screen, ModalScreen)  # a dialog has the keys now: the line stays as it was
        if self.is_there and not self.prompt.is_open and not behind:
            self._set("#keys", key_line(self.key_hints(), self.size.width))

    def _set(self, selector: str, line: Line) -> None:
        self.query_one(selector, FrameLine).set_line(line)

    def on_resize(self, event: events.Resize) -> None:
        """Take the classes of the new size before it is laid out."""
        self._take_size(event.size)

    def _take_size(self, size: Size) -> None:
        """Take the classes of a size: `-wide` from 120 columns, `-wall` from 180; `-low` and `-tiny` for few lines."""
        self.set_class(size.width >= WIDE, "-wide")
        self.set_class(size.width >= WALL, "-wall")
        self.set_class(size.height < LOW or self.session.terminal.lines, "-low")
        self.set_class(size.height < TINY, "-tiny")

    @on(FrameLine.Resized)
    def _frame_resized(self, event: FrameLine.Resized) -> None:
        event.stop()
        if event.frame_line.id == "keys":
            self.show_frame()

    # Prompts ------------------------------------------------------------------------------------------------------

    def ask(self, asking: Asking) -> None:
        """Let something be typed in the place of the message line; the key line shows what is right or wrong with it.

        The answer comes to `prompt_changed`, `prompt_answered` and `prompt_left`.
        """
        self.prompt.ask(asking)

    def prompt_changed(self, kind: str, text: str) -> None:
        """Take the text of the prompt while it is typed."""

    def prompt_answered(self, kind: str, text: str) -> None:
        """Take the answer of a prompt of the screen's own; commands are the app's."""

    def prompt_left(self, kind: str) -> None:
        """Take back what the prompt changed: escape was pressed."""

    def action_leave_prompt(self) -> None:
        """Close the prompt, nothing meant."""
        self.prompt.leave()

    def action_prompt_history(self, step: int) -> None:
        """Show an earlier or later answer."""
        self.prompt.older(step)

    def action_prompt_complete(self) -> None:
        """Complete what is typed."""
        self.prompt.take_completion()

    @on(Prompt.Changed)
    def _prompt_changed(self, event: Prompt.Changed) -> None:
        event.stop()
        if self.prompt.is_open:
            first, more = [*status_lines(event.status, self.size.width), Line()][:2]
            self.set_class(bool(more.spans), "-long")
            self._set("#keys", first)
            self._set("#keys-more", more)
            self.prompt_changed(event.kind, event.text)

    @on(Prompt.Answered)
    def _prompt_answered(self, event: Prompt.Answered) -> None:
        event.stop()
        self._prompt_closed()
        if event.kind == "command":
            self.post_message(CommandTyped(event.text))
        else:
            self.prompt_answered(event.kind, event.text)

    @on(Prompt.Left)
    def _prompt_was_left(self, event: Prompt.Left) -> None:
        event.stop()
        self._prompt_closed()
        self.prompt_left(event.kind)

    def _prompt_closed(self) -> None:
        self.focus_body()
        self.show_keys()

    def focus_body(self) -> None:
        """Give the keyboard back to the body's first widget that takes it."""
        for widget in self.query_one("#body").query("*"):
            if widget.focusable:
                widget.focus()
                return

    @property
    def prompt(self) -> Prompt:
        """The line in which filters and commands are typed; hidden until it is opened."""
        return self.query_one("#prompt", Prompt)
