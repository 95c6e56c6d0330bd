"""Replay: Pulse as it was, with a line of time above it; every other screen shows the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from edgewright.sources.replay import SPEEDS
from edgewright.store import selectors
from edgewright.store.model import Patch
from tui.screens.feed_content import severity
from tui.screens.pulse import PulseScreen
from tui.screens.replay_content import Moment, slider_lines
from tui.widgets.key_line import KeyHint
from tui.widgets.line_view import LineView

JUMP = 60.0
"""Seconds that a jump goes."""


class ReplayScreen(PulseScreen):
    """Steps through a recording: arrows by event, with shift by a minute, space plays and holds."""

    view = "replay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "step(1)", "next event", show=False, id="replay-next"),
        Binding("left", "step(-1)", "event before", show=False, id="replay-previous"),
        Binding("shift+right,f", "jump(1)", "a minute on", show=False, id="replay-forward"),
        Binding("shift+left,b", "jump(-1)", "a minute back", show=False, id="replay-back"),
        Binding("space", "play", "play or hold", show=False, id="replay-play"),
        Binding("greater_than_sign", "speed(1)", "faster", show=False, id="replay-faster"),
        Binding("less_than_sign", "speed(-1)", "slower", show=False, id="replay-slower"),
    ]
    DEFAULT_CSS = "ReplayScreen { & #slider { dock: top; height: 3; width: 100%; } }"

    def compose_body(self) -> ComposeResult:
        """Yield the line of time above Pulse."""
        slider = LineView(id="slider")
        slider.can_focus = False
        yield slider
        yield from super().compose_body()

    @property
    def crumb(self) -> str:
        """Say that this is the past."""
        return "Replay"

    def count(self) -> str:
        """Return the name of the recording's state as the source tells it."""
        return self.session.store.model.source.message

    def key_hints(self) -> list[KeyHint]:
        """Return the keys of time, then those of Pulse."""
        time_keys = [
            KeyHint("←→", "event"),
            KeyHint("f b", "minute"),
            KeyHint("space", "play"),
            KeyHint("< >", "speed"),
        ]
        own = [hint for hint in super().key_hints() if hint.key not in ("a", "tab")]
        return [*time_keys, *own]

    def select(self) -> None:
        """Show the moment."""
        super().select()
        self._show_slider()

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show the moment that came."""
        self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Say it anew in the new width."""
        super().on_resize(event)
        self.call_after_refresh(self._show_slider)

    def _show_slider(self) -> None:
        source = self.session.replay
        if source is None or not self.is_mounted or not self.size.width:
            return
        replay = source.replay
        wrong = [event.at for event in selectors.newest_events(self.session.store.model) if severity(event)[2] == "bad"]
        moment = Moment(
            start=replay.start,
            end=replay.end,
            now=source.moment,
            position=replay.position,
            events=len(replay),
            paused=source.paused,
            speed=source.speed,
            marks=tuple(at for at in wrong if replay.start <= at <= replay.end),
        )
        self.query_one("#slider", LineView).set_lines(slider_lines(moment, self.size.width))

    def action_step(self, count: int) -> None:
        """Hold and go one event on or back."""
        if self.session.replay is not None:
            self.session.replay.step(count)
            self.select()

    def action_jump(self, side: int) -> None:
        """Go a minute on or back."""
        if self.session.replay is not None:
            self.session.replay.seek(self.session.replay.moment + side * JUMP)
            self.select()

    def action_play(self) -> None:
        """Play, or hold."""
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
