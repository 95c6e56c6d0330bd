"""Every key of the console has an id that the key map knows, can be changed, and a conflict is reported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding as Key
from textual.dom import DOMNode

import tui
from edgewright.commands.kernel.bindings import bindings
from edgewright.commands.kernel.navigation import MOVES
from edgewright.commands.kernel.registry import by_name
from edgewright.config import keymap
from edgewright.config.keymap import canonical
from tests.tui.driving import console, press, said, view
from tui.frame.base import BaseScreen
from tui.frame.help import help_groups
from tui.navigation.views import VIEWS, load
from tui.screens.host.screen import HostScreen
from tui.terminal.paint.screen_text import screen_text
from tui.verbs.bindings import keys_by_id, live_keys

KNOWN = {binding.id: binding for binding in bindings()}


def own_keys() -> Iterator[tuple[str, Key]]:
    """Yield (class name, binding) for every binding that a class of the console has of its own."""
    for found in pkgutil.walk_packages(tui.__path__, "tui."):
        module = importlib.import_module(found.name)
        for cls in vars(module).values():
            if isinstance(cls, type) and issubclass(cls, DOMNode) and cls.__module__ == found.name:
                for binding in cls.__dict__.get("BINDINGS", ()):
                    assert isinstance(binding, Key), f"{cls.__name__}: {binding}"
                    yield cls.__name__, binding
    for place in VIEWS.values():
        made = load(place)
        if "(" in place and isinstance(made, type):  # a screen that is made from a collection's table
            for binding in made.__dict__.get("BINDINGS", ()):
                yield made.__name__, binding


def test_every_key_has_an_id_that_the_key_map_knows_with_the_same_defaults() -> None:
    seen = list(own_keys())
    assert len(seen) > 100
    for cls, binding in seen:
        assert binding.id, f"{cls}: {binding.key} has no id"
        assert binding.id in KNOWN, f"{cls}: the key map does not know {binding.id}"
        default = {canonical(key) for key in KNOWN[binding.id].keys}
        assert {canonical(key) for key in binding.key.split(",")} == default, f"{cls}: {binding.id}"


def test_everything_that_the_key_map_offers_is_bound_somewhere() -> None:
    bound = {binding.id for _, binding in own_keys()}
    without = {binding.id for binding in KNOWN.values() if binding.keys} - bound
    assert without == set()


def test_ids_are_given_once() -> None:
    every = [binding.id for binding in bindings()]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_each_can_be_given_another_key(tmp_path: Path, name: str) -> None:
    path = tmp_path / "keymap.toml"
    path.write_text(f'{name} = "f12"\n')
    found = keymap.load(bindings(), path)
    assert found.problems == () and found.changes == {name: "f12"}


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.id)
def test_a_key_that_is_taken_where_the_movement_is_live_is_told(tmp_path: Path, move: object) -> None:
    name = move.id  # type: ignore[attr-defined]
    mine = set(KNOWN[name].scopes)

    def meets(scopes: tuple[str, ...]) -> bool:
        there = set(scopes)
        if mine & there:
            return True
        return any("global" in one and not other & keymap.OVERLAYS for one, other in ((mine, there), (there, mine)))

    own = KNOWN[name].keys  # the movement may have it: it is live where the other one is not
    others = (binding for binding in KNOWN.values() if binding.id != name and meets(binding.scopes))
    taken = next(key for binding in others for key in binding.keys if key not in own)
    path = tmp_path / "keymap.toml"
    path.write_text(f'{name} = "{taken}"\n')
    problems = keymap.load(bindings(), path).problems
    assert any(f"of `{name}` is taken by" in problem.message for problem in problems), problems


def test_keys_of_dialogs_do_not_meet_those_of_the_screen_below(tmp_path: Path) -> None:
    path = tmp_path / "keymap.toml"
    path.write_text('modal-down = "j,down"\nprompt-later = "ctrl+n"\nhost-list = "ctrl+e"\n')
    assert keymap.load(bindings(), path).problems == ()


@pytest.mark.parametrize("name", keymap.NEEDED)
def test_the_way_back_cannot_be_taken_away(tmp_path: Path, name: str) -> None:
    path = tmp_path / "keymap.toml"
    path.write_text(f'{name} = ""\n')
    assert "needs a key" in keymap.load(bindings(), path).problems[0].message


async def test_changed_movements_work() -> None:
    async with console("host", "uid-edge-7f3a", size=(80, 60), keymap={"nav-unfold": "f9", "nav-back": "f8"}) as (
        pilot,
        _,
        _,
    ):
        assert isinstance(pilot.app.screen, HostScreen) and "28 virtual cards" in said(pilot)
        await press(pilot, "v")
        assert "28 virtual cards" in said(pilot)
        await press(pilot, "f9")
        assert "28 virtual cards" not in said(pilot)


async def test_a_key_taken_away_does_nothing_and_is_shown_nowhere() -> None:
    async with console("hosts", size=(132, 43), keymap={"host-reset": "", "nav-top": ""}) as (pilot, _, made):
        shown = screen_text(pilot.app).splitlines()[-1]
        assert "ctrl+d delete" in shown and "reset" not in shown
        await press(pilot, "R")
        assert view(pilot) == "hosts"
        groups = help_groups(made, "hosts", "hosts", live_keys(pilot.app.screen))
        rows = {row.verb: row for group in groups for row in group.rows}
        assert rows["host reset"].keys == "" and rows["host reset"].remapped


@pytest.mark.parametrize(
    "name", ["pulse", "hosts", "host", "tokens", "token", "events", "audit", "installers", "messages"]
)
async def test_the_help_lists_no_verb_that_does_nothing_there(name: str) -> None:
    """`e` is a key of the audit log; the help of Events listed it too."""
    target = {"host": "uid-edge-7f3a", "token": "t1"}.get(name, "")
    async with console(name, target) as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, BaseScreen)
        groups = help_groups(made, screen.scope, screen.view, live_keys(screen), keys_by_id(screen), screen)
        rows = [row.verb for group in groups for row in group.rows if row.verb]
        assert len(rows) > 20 and ("audit everyone" in rows) == (name == "audit")
        for verb in filter(None, map(by_name, rows)):
            assert not verb.action or any(hasattr(node, f"action_{verb.action}") for node in (screen, pilot.app)), verb
