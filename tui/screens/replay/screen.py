"""Replay: Pulse as it was, with a line of time above it; every other screen shows the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from edgewright.commands.kernel.navigation import MOVES
from edgewright.sources.replay import SPEEDS
from edgewright.store.engine.model import Patch
from tui.screens.pulse.screen import PulseScreen
from tui.screens.replay.content import Moment, slider_lines
from tui.verbs.bindings import live_keys, move_bindings
from tui.widgets.key_line import KeyHint, key_text
from tui.widgets.line_view import LineView

_TIME_KEYS = (
    ("replay-previous", "replay-next", "event"),
    ("replay-back", "replay-forward", "minute"),
    ("replay-play", "play"),
    ("replay-slower", "replay-faster", "speed"),
)
_ARROWS = {"left": "←", "right": "→", "up": "↑", "down": "↓"}
JUMP = 60.0
"""Seconds that a jump goes."""


def _shown(keymap: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the keys of movements, each by the shortest way to write one of its keys; arrows are shown together."""
    shown: list[str] = []
    for name in names:
        default = next(move.keys for move in MOVES if move.id == name)
        keys = keymap[name].split(",") if name in keymap else default
        matches = [_ARROWS.get(key.strip(), key_text(key.strip())) for key in keys if key.strip()]
        shown += [min(matches, key=len)] if matches else []
    return ("" if all(key in _ARROWS.values() for key in shown) else " ").join(shown)


class ReplayScreen(PulseScreen):
    """Steps through a recording: arrows by event, with shift by a minute, space plays and pauses."""

    view = "replay"
    BINDINGS: ClassVar[list[BindingType]] = move_bindings(
        {
            "replay-next": "step(1)",
            "replay-previous": "step(-1)",
            "replay-forward": "jump(1)",
            "replay-back": "jump(-1)",
            "replay-play": "play",
            "replay-faster": "speed(1)",
            "replay-slower": "speed(-1)",
        }
    )
    DEFAULT_CSS = """
    ReplayScreen {
        & #slider { dock: top; height: 3; width: 100%; scrollbar-gutter: auto; overflow: hidden; }
    }
    """

    def compose_body(self) -> ComposeResult:
        """Yield the line of time above Pulse."""
        slider = LineView(id="slider")
        slider.can_focus = False
        yield slider
        yield from super().compose_body()

    @property
    def crumb(self) -> str:
        """Show that this is the past."""
        return "Replay"

    def count(self) -> str:
        """Return the name of the recording."""
        return self.session.context_name

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of time, then those of Pulse."""
        time_keys = [KeyHint(_shown(self.session.keymap, pair), label) for *pair, label in _TIME_KEYS]
        keys = live_keys(self)
        own = [hint for hint in super().key_hints() if hint.key not in (keys.get("acknowledge"), keys.get("nav-next"))]
        return [*(hint for hint in time_keys if hint.key), *own]

    def begin(self) -> None:
        """Find once where in the recording something went wrong."""
        super().begin()
        self._troubles = self.session.replay.replay.troubles() if self.session.replay is not None else ()

    def select(self) -> None:
        """Show the moment."""
        super().select()
        self._show_slider()

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show the moment that came."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self._show_slider)

    def _show_slider(self) -> None:
        source = self.session.replay
        if source is None or not self.is_there or not self.size.width:
            return
        replay = source.replay
        moment = Moment(
            start=replay.start,
            end=replay.end,
            now=source.moment,
            position=replay.position,
            events=len(replay),
            paused=source.paused,
            speed=source.speed,
            marks=self._troubles,
        )
        slider = self.query_one("#slider", LineView)
        slider.set_lines(slider_lines(moment, slider.room or self.size.width))

    def action_step(self, count: int) -> None:
        """Pause and go one event on or back."""
        if self.session.replay is not None:
            self.session.replay.step(count)
            self.select()

    def action_jump(self, side: int) -> None:
        """Go a minute on or back."""
        if self.session.replay is not None:
            self.session.replay.seek(self.session.replay.moment + side * JUMP)
            self.select()

    def action_play(self) -> None:
        """Play, or pause."""
        if self.session.replay is not None:
            self.session.replay.pause()
            self.select()

    def action_speed(self, side: int) -> None:
        """Play faster or slower."""
        source = self.session.replay
        if source is not None:
            near = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - source.speed))
            source.set_speed(SPEEDS[min(max(near + side, 0), len(SPEEDS) - 1)])
            self.select()
