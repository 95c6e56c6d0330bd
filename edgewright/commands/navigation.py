"""Keys that move and choose: they change nothing, so they are no commands, but they can be remapped by id all the same.

The console takes its bindings from here; the key map checks ids and conflicts against it.
"""

from __future__ import annotations

from typing import NamedTuple

from edgewright.commands.base import Scope


class Move(NamedTuple):
    """One movement: binding id, default keys (Textual's names), the words of the help, and where it is live."""

    id: str
    keys: tuple[str, ...]
    help: str
    scope: Scope = "global"


MOVES: tuple[Move, ...] = (
    Move("nav-down", ("down", "j"), "Go one line down"),
    Move("nav-up", ("up", "k"), "Go one line up"),
    Move("nav-page-down", ("pagedown", "ctrl+f"), "Go one page down"),
    Move("nav-page-up", ("pageup", "ctrl+b"), "Go one page up"),
    Move("nav-top", ("home", "g"), "Go to the first line"),
    Move("nav-bottom", ("end", "G"), "Go to the last line"),
    Move("nav-left", ("left", "h"), "Scroll to the left"),
    Move("nav-right", ("right",), "Scroll to the right"),
    Move("nav-back", ("escape", "q"), "Go back to where you came from"),
    Move("nav-next", ("tab",), "Go to the next pane"),
    Move("nav-previous", ("shift+tab",), "Go to the previous pane"),
    Move("nav-history-back", ("[",), "Go to the previous view of the history"),
    Move("nav-history-forward", ("]",), "Go to the next view of the history"),
    Move("nav-last", ("-",), "Swap with the last view"),
    Move("nav-search-next", ("n",), "Go to the next match", "feed"),
    Move("nav-search-previous", ("N",), "Go to the previous match", "feed"),
)
