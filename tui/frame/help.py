"""Help: every key and verb of the screen that one came from, in the command's own words, as keys are bound now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import BY_HOST, Command, Scope
from edgewright.commands.kernel.navigation import MOVES
from tui.frame.base import BaseScreen
from tui.frame.pager.pager import ReaderScreen
from tui.modals.help_content import HelpGroup, HelpRow, help_lines
from tui.verbs.bindings import does_something, keys_by_id, live_keys
from tui.widgets.key_line import key_text
from tui.widgets.lines import Line

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui.session import Session


NAMES = {"site-api": "local API"}
"""Views whose name is not that of their page."""


class HelpScreen(ReaderScreen):
    """Lists what works on the screen below this one, then what works everywhere, then how to move."""

    view = "help"

    def begin(self) -> None:
        """Look at the screen that one came from before its keys are out of reach."""
        stack = self.app.screen_stack
        below = stack[-2] if len(stack) > 1 else None
        self._below = below if isinstance(below, BaseScreen) else None
        super().begin()

    def head_line(self, width: int) -> Line:
        """Return the title of the screen below: the help of a site's page is not about the plane."""
        return self._below.head_line(width) if self._below is not None else super().head_line(width)

    def text_lines(self, width: int) -> list[Line]:
        """Return the help of the screen below."""
        below = self._below
        scope: Scope = below.scope if below else "global"
        name = below.view if below else "console"
        keys, live = live_keys(below or self), keys_by_id(below or self)
        groups = help_groups(self.session, scope, name, keys, live, below or self)
        return help_lines(groups, min(width, 110))


def help_groups(
    session: Session,
    scope: Scope,
    view: str,
    keys: Mapping[str, str],
    live: Mapping[str, Sequence[str]] | None = None,
    screen: Screen[Any] | None = None,
) -> list[HelpGroup]:
    """Return the rows of the help: this screen's verbs, those of everywhere, the movements.

    `keys` are the keys that are bound now, by id; those of other screens come from the defaults and the key map.
    With `live` (all keys by id) a movement is listed with the keys that work on this screen, or not at all; with
    `screen` only verbs that do something on it: those of the plane do not on a host that is known by SSH alone.
    """
    by_ssh = str(getattr(screen, "target", "")).startswith(BY_HOST)
    here: list[HelpRow] = []
    everywhere: list[HelpRow] = []
    by_name: list[HelpRow] = []
    taken = _keys_of_the_screen(session, scope, view, keys)
    inherited = [] if screen is None else _inherited(session, scope, keys, screen, taken)
    taken |= {key for row in inherited for key in row.keys.split()}
    for command in registry.for_scope(scope):
        idle = screen is not None and not does_something(screen, command)
        if idle or (by_ssh and not registry.works_over_ssh(command)):
            continue
        row = _row(session, command, keys)
        if command.scope == "global":
            row = row._replace(keys=" ".join(key for key in row.keys.split() if key not in taken))
            (everywhere if row.keys else by_name).append(row)
        else:
            here.append(row)
    here += inherited
    moves: list[HelpRow] = []
    for move in MOVES:
        if {"global", scope, view} & set(move.scopes) or (live is not None and move.id in live):
            shown = _keys(session, move.id, move.keys, keys)
            if live is not None:
                working = {key_text(key) for key in live.get(move.id, ())}
                shown = " ".join(key for key in shown.split() if key_text(key) in working)
            if move.scope == "global":
                shown = " ".join(key for key in shown.split() if key not in taken)
            if shown:
                moves.append(HelpRow(shown, "", move.help + ".", remapped=move.id in session.keymap))
    if live is not None and "filter" in live and all(each.id() != "filter" for each in registry.for_scope(scope)):
        moves.append(HelpRow(" ".join(map(key_text, live["filter"])), "", "Search in the text."))
    return [
        HelpGroup(f"HERE: {NAMES.get(view, view.removeprefix('site-')).upper()}", tuple(here)),
        HelpGroup("EVERYWHERE", tuple(sorted(everywhere, key=lambda row: (not row.keys[:1].isdigit(), row.keys)))),
        HelpGroup("MOVING", tuple(moves)),
        HelpGroup("BY NAME ONLY", tuple(by_name)),
    ]


def _inherited(
    session: Session, scope: Scope, keys: Mapping[str, str], screen: Screen[Any], taken: set[str]
) -> list[HelpRow]:
    """Return the verbs whose keys a screen has from its base, as a page of a site has those of the site."""
    scopes = dict.fromkeys(each.__dict__.get("scope", "global") for each in type(screen).__mro__)
    verbs = [command for name in scopes if name not in ("global", scope) for command in registry.for_scope(name)]
    own = set(registry.for_scope(scope))
    rows: list[HelpRow] = []
    for command in dict.fromkeys(verbs):
        if command in own or command.scope == "global" or not does_something(screen, command):
            continue
        row = _row(session, command, keys)
        working = " ".join(key for key in row.keys.split() if key not in taken)
        rows += [row._replace(keys=working)] if working else []
    return rows


def _keys_of_the_screen(session: Session, scope: Scope, view: str, live: Mapping[str, str]) -> set[str]:
    """Return the keys that this screen uses itself: a verb of the entire console cannot have them here."""
    own = [(move.id, move.keys) for move in MOVES if move.scope != "global" and {scope, view} & set(move.scopes)]
    own += [(c.id(), c.keys) for c in registry.for_scope(scope) if c.scope != "global"]
    return {key for name, keys in own for key in _keys(session, name, keys, live).split()}


def _row(session: Session, command: type[Command], keys: Mapping[str, str]) -> HelpRow:
    return HelpRow(
        keys=_keys(session, command.id(), command.keys, keys),
        verb=command.name,
        text=command.help(),
        danger=command.danger == "destructive",
        refused=session.refusal(command),
        remapped=command.id() in session.keymap,
    )


def _keys(session: Session, name: str, default: tuple[str, ...], live: Mapping[str, str]) -> str:
    mapped = session.keymap.get(name)
    result = (
        mapped.split(",") if mapped else [] if mapped == "" else list(default) or ([live[name]] if name in live else [])
    )
    return " ".join(key_text(key) for key in result)
