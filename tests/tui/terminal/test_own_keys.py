"""What a key does: found as Textual finds it, and worked on by a focused table at once."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input

from tui.terminal import own_keys
from tui.terminal.own_keys import OwnKeys, QuickBindings

KEYS = ("a", "b", "c", "d", "e", "f", "escape", "x", "enter", "1")
KEYMAP = {"inner-a": "x", "app-first": "f", "outer-c": "1"}


class Noted:
    """Takes note of the actions that ran, with the name of the node."""

    def note(self, text: str) -> None:
        """Add a note to the app's list."""
        app: Any = getattr(self, "app", self)
        app.notes.append(f"{type(self).__name__}:{text}")

    def action_run(self, name: str) -> None:
        """Run."""
        self.note(name)


class Inner(Noted, Widget, can_focus=True):
    """The widget with the keyboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "run('a')", id="inner-a"),
        Binding("d", "run('d')"),
        Binding("e", "missing"),
    ]


class Outer(Noted, Vertical):
    """A node on the way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "run('a')"),
        Binding("c", "run('c')", id="outer-c"),
        Binding("e", "run('e')"),
    ]


class Page(Noted, Screen[None]):
    """A screen with a widget in a container, and a field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "run('b')"),
        Binding("c", "run('c')"),
        Binding("d", "run('d')", priority=True),
    ]

    def compose(self) -> ComposeResult:
        """Yield the widgets."""
        with Outer():
            yield Inner()
            yield Input()


class Question(Noted, ModalScreen[None]):
    """A modal over it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "run('escape')")]

    def compose(self) -> ComposeResult:
        """Yield a widget."""
        yield Inner()


class Bound(Noted):
    """What both apps have."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "run('b')", priority=True, id="app-first"),
        Binding("x", "run('x')"),
        Binding("enter", "run('enter')"),
        Binding("1", "run('one')", priority=True),
    ]


class Plain(Bound, App[int]):
    """Textual's own way."""

    notes: list[str] = []


class Quick(Bound, QuickBindings):
    """Ours."""

    notes: list[str] = []


async def results(kind: type[Any], focus: str, modal: bool, keymap: dict[str, str]) -> dict[tuple[str, bool], Any]:
    """Return for each key, with and without priority, whether something ran and what."""
    app = kind()
    app.notes = []
    async with app.run_test() as pilot:
        await app.push_screen(Page())
        app.set_keymap(keymap)
        if modal:
            await app.push_screen(Question())
        app.screen.set_focus(app.screen.query_one(focus) if focus else None)
        await pilot.pause()
        found = {}
        for key in KEYS:
            for priority in (False, True):
                app.notes.clear()
                found[key, priority] = (await app._check_bindings(key, priority), [*app.notes])
        return found


@pytest.mark.parametrize("keymap", [{}, KEYMAP], ids=["keys", "changed-keys"])
@pytest.mark.parametrize(("focus", "modal"), [("Inner", False), ("", False), ("Inner", True), ("", True)])
async def test_a_key_does_what_it_does_with_textual(focus: str, modal: bool, keymap: dict[str, str]) -> None:
    expected = await results(Plain, focus, modal, keymap)
    assert await results(Quick, focus, modal, keymap) == expected
    assert any(done for done, _ in expected.values())


async def test_a_field_takes_its_text_before_any_key() -> None:
    expected = await results(Plain, "Input", False, {})
    assert await results(Quick, "Input", False, {}) == expected
    assert expected["b", True] == (False, []) and expected["enter", False][0]


async def test_the_bindings_of_a_node_are_copied_once_for_a_key_map() -> None:
    app = Quick()
    async with app.run_test():
        await app.push_screen(Page())
        inner = app.screen.query_one(Inner)
        assert [each.action for each in own_keys.bindings_of(app, inner, "a")] == ["run('a')"]
        assert app._keymap == {} and inner._bindings.key_to_bindings.keys() == {"a", "d", "e"}
        copy = own_keys._applied[inner][2]
        assert own_keys.bindings_of(app, inner, "x") == () and own_keys._applied[inner][2] is copy
        app.set_keymap(KEYMAP)
        assert [each.action for each in own_keys.bindings_of(app, inner, "x")] == ["run('a')"]
        assert own_keys.bindings_of(app, inner, "a") == ()


class Table(OwnKeys, Noted, can_focus=True):
    """A widget whose keys act at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "run('j')"),
        Binding("k", "refused"),
        Binding("p", "run('p')", priority=True),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse one action."""
        return action != "refused"


class TableApp(Quick):
    """Takes note of the keys that come back, and of those that are done."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("k", "run('k')"), Binding("z", "run('z')")]

    def compose(self) -> ComposeResult:
        """Yield the table, two nodes below."""
        with Vertical(), Vertical():
            yield Table()

    def key_done(self, event: events.Key) -> None:
        """Take note."""
        self.notes.append(f"done {event.key}")

    def on_key(self, event: events.Key) -> None:
        """Take note."""
        self.notes.append(f"came back {event.key}")


@pytest.mark.parametrize(
    ("key", "notes"),
    [
        ("j", ["Table:j", "done j"]),
        ("k", ["came back k", "TableApp:k"]),
        ("z", ["came back z", "TableApp:z"]),
        ("p", ["Table:p"]),
        ("q", ["came back q"]),
    ],
)
async def test_a_table_works_on_its_own_keys_and_on_no_other(key: str, notes: list[str]) -> None:
    app: Any = TableApp()
    app.notes = []
    async with app.run_test() as pilot:
        app.screen.set_focus(app.screen.query_one(Table))
        await pilot.press(key)
        await pilot.pause()
        assert app.notes == notes
