"""Keys that are worked on where they arrive: a focused widget's own bindings, bindings without copies, Escape.

Textual finds out what a key does by copying the bindings of every node from the focused widget up to the app, twice for
each key, and lets the key climb through each node's queue first. That is a fifth of the time from a key to its paint
(`benchmarks/workloads.py`). The rules here are Textual's; the copies are made once for each node and key map.

Escape and a key typed right behind it arrive at once over a slow link, and look like that key with Alt. Textual makes
`alt+b` of them, which is bound to nothing, or drops Escape alone: of Escape and Enter, meant to leave a dialog, the
dialog got Enter. Here they are two keys (`separate`). In a field for text Alt with a letter stays what it is. Where
another sequence is close behind both, as the terminal's answer to a frame is, Textual makes `^` of Escape: not here.

Private Textual API (8.2.8): `App._check_bindings`, `App._keymap`, `DOMNode._bindings`,
`XTermParser._sequence_to_key_events`, which is given `alt` for a character behind an Escape; `ANSI_SEQUENCES_KEYS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.keys import key_to_character
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.binding import Binding, Keymap
    from textual.message import Message

_applied: WeakKeyDictionary[DOMNode, tuple[BindingsMap, Keymap, BindingsMap]] = WeakKeyDictionary()
"""For each node: its bindings and the key map from which the third was made. Nothing changes bindings in place here."""


def bindings_of(app: App[Any], node: DOMNode, key: str) -> Sequence[Binding]:
    """Return what a node does with a key after the user's key map."""
    made = _applied.get(node)
    if made is None or made[0] is not node._bindings or made[1] is not app._keymap:
        bindings = node._bindings.copy()
        if app._keymap:
            result = bindings.apply_keymap(app._keymap)
            if result.clashed_bindings:
                app.handle_bindings_clash(result.clashed_bindings, node)
        made = _applied[node] = (node._bindings, app._keymap, bindings)
    return made[2].key_to_bindings.get(key, ())


def _chain(app: App[Any]) -> Sequence[DOMNode]:
    """Return the nodes that a key belongs to, the focused widget first."""
    focused = app.screen.focused
    return [app.screen, app] if focused is None or focused.loading else focused.ancestors_with_self


class QuickBindings(App[int]):
    """An app that looks for a key where it is bound, without a copy of all bindings."""

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Run what a key is bound to, from the focused widget up (priority: from the app down); False: nothing."""
        bound: list[tuple[DOMNode, Sequence[Binding]]] = []
        character = key_to_character(key)
        for node in _chain(self):
            bound.append((node, bindings_of(self, node, key)))
            if node.check_consume_key(key, character) or (node.is_modal and not priority):
                break  # a field takes the key as text; what is under a modal has no keys
        for node, bindings in reversed(bound) if priority else bound:
            for binding in bindings:
                if binding.priority == priority and await self.run_action(binding.action, node):
                    return True
        return False

    def key_done(self, event: events.Key) -> None:
        """Take note that a widget has worked on a key, which does not come back to the app."""


class OwnKeys(Widget):
    """A widget whose own keys act at once, without the way up to the app and back. Its actions wait for nothing.

    It is named last among the bases: Textual takes the style sheets of the first one alone.
    """

    async def on_key(self, event: events.Key) -> None:
        """Run what this widget itself binds to a key; anything else goes its usual way."""
        app = self.app
        for binding in bindings_of(app, self, event.key):
            if not binding.priority and await app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                if isinstance(app, QuickBindings):
                    app.key_done(event)
                return


BY_WORD = {"b": "ctrl+left", "f": "ctrl+right"}
"""What Alt with these letters is in a field."""
BEGINS = frozenset("[O]PX_^")
"""What a sequence of a terminal has behind its Escape: of one that Textual does not know, Escape stays `^`."""
_as_textual, _parse = XTermParser._sequence_to_key_events, XTermParser.parse


class _Escape(events.Key):
    """An Escape under a name that Textual does not make `^` of; what gets the keys gets `escape`."""

    def __init__(self) -> None:
        super().__init__("ctrl+left_square_bracket", None)


def keys_of(keys: Iterable[events.Key], in_field: bool) -> list[events.Key]:
    """Return the keys for a character behind an Escape; `keys` are those that Textual makes of both."""
    result = list(keys)
    letter = result[0].character if len(result) == 1 and result[0].key.startswith("alt+") else None
    if letter is not None and in_field:
        return [events.Key(BY_WORD[letter], None)] if letter in BY_WORD else result
    plain = result if letter is None else [events.Key(letter, letter)]
    return [events.Key("escape", "\x1b"), *plain]


def separate(in_field: Callable[[], bool]) -> None:
    """Let Escape and the key behind it be two keys; `in_field` returns whether a field has the keyboard."""
    sequences: Any = ANSI_SEQUENCES_KEYS
    for sequence in [each for each in sequences if len(each) == 2 and each[1].isprintable()]:
        del sequences[sequence]  # word moves and signs of one terminal; given with `alt` now

    again: WeakSet[XTermParser] = WeakSet()

    def parted(parser: XTermParser, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if sequence == "\x1b" and not alt:  # given again, as no sequence: what is behind it shows what it is
            again.add(parser)
            return ()
        if parser in again:
            again.discard(parser)
            if sequence in BEGINS:
                return (events.Key("circumflex_accent", "^"), *_as_textual(parser, sequence))
            both = keys_of(_as_textual(parser, sequence, True), in_field())
            return [_Escape() if key.key == "escape" else key for key in both]
        keys = _as_textual(parser, sequence, alt)
        return keys_of(keys, in_field()) if alt else keys

    def parse(parser: XTermParser, taken: Callable[[Message], None]) -> Any:
        return _parse(
            parser, lambda event: taken(events.Key("escape", "\x1b") if isinstance(event, _Escape) else event)
        )

    XTermParser._sequence_to_key_events = parted  # type: ignore[method-assign, assignment]
    XTermParser.parse = parse  # type: ignore[method-assign, assignment]
