"""When a frame is sent: the gate, the measured link, the pace, ages in steps; and what an app then sends."""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import pytest
from textual._compositor import ChopsUpdate
from textual.events import CursorPosition, Key, MouseMove
from textual.geometry import Size
from textual.message import Message

from benchmarks.lib.emulator import XtermScreen, XtermStream
from edgewright.store.engine.coalescer import TICK
from edgewright.store.engine.events import HOSTS_SEEN
from tests.tui.driving import settle, wait_until
from tests.tui.fleet import NOW, documents, host_document, session_of
from tui.app import EdgewrightApp
from tui.frame import ages
from tui.frame.title import title_line
from tui.session import TerminalChoice
from tui.terminal import output
from tui.terminal.link_meter import LinkMeter, Query, stepped
from tui.terminal.paint.ack_gate import AHEAD, FIRST_WINDOW, PATIENCE, TRY_AGAIN, AckGate
from tui.terminal.paint.cell_display import SWITCH, FrameSender
from tui.terminal.paint.pace import AGES, BUDGET, DELAY, ECHO, SLOW_BUDGET, Pace


def measured(rate: float, trip: float) -> LinkMeter:
    """Return a meter that has seen three frames of 2 KB over a link."""
    meter = LinkMeter()
    for turn in range(3):
        at = turn * 10.0
        meter.answered(Query(at, turn * 3000), at + trip)
        meter.answered(Query(at, turn * 3000 + 2000), at + trip + 2000 / rate)
    return meter


@pytest.mark.parametrize(
    ("rate", "trip", "text"),
    [
        (20e3, 0.6, "link 20 KB/s 600 ms"),
        (8.4e3, 0.63, "link 8 KB/s 600 ms"),
        (100e3, 0.15, ""),
        (1e6, 0.05, ""),
        (30e3, 0.05, "link 30 KB/s 50 ms"),
        (200e3, 0.61, "link 200 KB/s 600 ms"),
    ],
)
def test_the_link_is_measured_by_answers(rate: float, trip: float, text: str) -> None:
    meter = measured(rate, trip)
    assert meter.text == text
    assert meter.slow == bool(text)
    assert meter.rate == pytest.approx(rate)
    assert meter.round_trip == pytest.approx(trip)


def test_the_words_for_a_link_do_not_flicker() -> None:
    assert stepped(19.0, 0.0) == 20.0
    assert [stepped(value, 20.0) for value in (15.5, 17, 24, 26)] == [20.0] * 4
    assert stepped(41.0, 20.0) == 40.0
    meter = measured(45e3, 0.05)
    for turn in range(4):
        at = 100.0 + turn
        meter.answered(Query(at, 10_000 * turn), at + 0.05)
        meter.answered(Query(at, 10_000 * turn + 6000), at + 0.05 + 0.1)  # 60 KB/s: better, not by half
    assert meter.slow


def test_the_gate_lets_through_what_the_link_carries_in_a_round_trip() -> None:
    gate = AckGate(measured(20e3, 0.6))
    assert gate.window == pytest.approx(20e3 * (0.6 + AHEAD))
    gate.sent(14_900)
    gate.asked(100.0)
    assert gate.wait(100.0) == 0.0, "there is room"
    gate.sent(4000)
    gate.asked(100.1)
    assert gate.wait(100.2) > 1.0, "the window is full"
    gate.answered(100.9)
    assert gate.wait(100.9) == 0.0
    gate.sent(30_000)
    gate.asked(101.0)
    assert gate.wait(101.0) >= PATIENCE
    assert gate.wait(120.0) == 0.0, "no answer for long: go on"
    assert not gate.mute, "it has answered before"


def test_a_lost_answer_does_not_shift_those_behind_it() -> None:
    gate = AckGate(LinkMeter())
    for turn in range(5):
        gate.sent(100)
        gate.asked(turn, (turn, 3))
    gate.answered(0.05, (0, 3))
    query = gate.answered(2.05, (2, 3))  # the answer to the second query was lost
    assert query is not None
    assert query.at == 2.0
    assert gate.meter.round_trip == pytest.approx(0.05)
    assert gate.unanswered == 2 * (100 + 4)
    query = gate.answered(3.05, (79, 23))
    assert query is not None
    assert query.at == 3.0, "a terminal that counts in its own way: they come in order"
    gate.forget()
    assert gate.unanswered == 0


def test_a_terminal_that_never_answers_is_not_waited_for() -> None:
    gate = AckGate(LinkMeter())
    gate.sent(FIRST_WINDOW)
    gate.asked(0.0)
    assert 0 < gate.wait(0.1) <= 2.0
    assert gate.wait(2.5) == 0.0
    assert gate.mute
    assert not gate.asks(5.0)
    for turn in range(3):
        gate.sent(500, 6.0 + turn / 100)
        assert gate.wait(6.0 + turn / 100) == 0.0, "the effect of a key is shown at once"
    for turn in range(4):
        gate.sent(4000, 7.0 + turn / 100)
    assert 0 < gate.wait(7.04) < 0.5, "but a key held down does not fill the link"
    assert gate.wait(8.0) == 0.0
    assert gate.asks(TRY_AGAIN + 1), "now and then it is asked again"
    gate.asked(TRY_AGAIN + 1)
    gate.answered(TRY_AGAIN + 2)
    assert gate.asks(TRY_AGAIN + 3), "it answers after all"


def test_keys_are_shown_at_once_and_values_within_a_budget() -> None:
    pace = Pace(0.0)
    pace.painted(5.0)
    assert pace.wait(5.0, slow=False) == 0.0, "the first frame of values goes at once"
    pace.sent(600, 5.0, slow=False)
    assert pace.wait(5.0, slow=False) == pytest.approx(600 / BUDGET)
    pace.key(5.1)
    assert pace.wait(5.1, slow=False) == 0.0
    pace.sent(6000, 5.2, slow=True)
    assert pace.wait(5.2 + ECHO, slow=True) == 0.0 or pace.wait(5.2 + ECHO, slow=True) > AGES / 2
    pace.painted(20.0)
    pace.sent(1100, 20.0, slow=True)
    pace.painted(20.1)
    assert pace.wait(20.1, slow=True) == pytest.approx(1100 / SLOW_BUDGET - 0.1)


def test_a_value_is_at_most_two_seconds_old_on_a_fast_link() -> None:
    tick_of_ages = 1.0
    assert DELAY[1] + tick_of_ages + TICK <= 2.0
    pace = Pace(0.0)
    pace.painted(5.0)
    pace.sent(100_000, 5.0, slow=False)
    assert pace.wait(5.0, slow=False) == pytest.approx(DELAY[1])


def test_ages_alone_cause_no_frame_on_a_slow_link() -> None:
    pace = Pace(0.0)
    pace.painted(5.0)
    pace.sent(300, 5.0, slow=True)
    pace.ages(10.1)
    pace.painted(10.0)
    assert pace.wait(10.0, slow=True) == pytest.approx(AGES - 5.0)
    assert pace.wait(10.0, slow=False) == 0.0, "a fast link shows them"
    pace.ages(11.1)
    pace.changed()
    pace.painted(11.0)
    assert pace.wait(11.0, slow=True) == 0.0, "a value changed too"


def test_ages_step_by_ten_seconds_on_a_slow_link() -> None:
    try:
        ages.set_coarse(True)
        assert [ages.age(seconds) for seconds in (3, 9.9, 10, 59, 61, 3700, None)] == [
            *("0s", "0s", "10s", "50s", "1m", "1h", "-"),
        ]
    finally:
        ages.set_coarse(False)
    assert ages.age(9.9) == "9s"


def test_the_title_shows_a_slow_link_and_drops_it_before_the_state_of_the_plane() -> None:
    session = session_of()
    session.link = "link 20 KB/s 600 ms"
    assert "live  link 20 KB/s 600 ms" in title_line(session, NOW, 120).plain
    narrow = title_line(session, NOW, 50).plain
    assert "live" in narrow
    assert "link" not in narrow


class FakeDriver:
    """Takes what is written; `_writer_thread` is None, as in a driver that writes by itself."""

    _writer_thread = None

    def __init__(self) -> None:
        self.out: list[str] = []

    def write(self, data: str) -> None:
        self.out.append(data)

    def flush(self) -> None:
        """Nothing waits."""

    def process_message(self, message: Message) -> None:
        """Drop what the terminal sends."""


def sender_of(app: EdgewrightApp) -> tuple[FrameSender, FakeDriver]:
    driver: Any = FakeDriver()
    return FrameSender(app, driver, always_slow=False), driver


def cells(screen: XtermScreen) -> list[tuple[object, ...]]:
    """Return what is seen of each cell."""
    return [
        (" ", cell.bg) if cell.data == " " and not cell.reverse and not cell.underscore else tuple(cell)
        for y in range(screen.lines)
        for cell in (screen.buffer[y][x] for x in range(screen.columns))
    ]


def repainted(app: EdgewrightApp, size: tuple[int, int]) -> list[tuple[object, ...]]:
    """Return what is seen after Textual painted the present screen in full."""
    update = app.screen._compositor.render_full_update()
    screen = XtermScreen(*size)
    XtermStream(screen).feed(update.render_segments(app.console).replace("\n", "\r\n").encode())
    return cells(screen)


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "dark"), ((132, 43), "ansi-dark")])
async def test_random_screens_show_what_a_full_repaint_shows(
    size: tuple[int, int], theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)
    session = session_of(documents(60), theme=theme)
    app = EdgewrightApp(session)
    async with app.run_test(size=size) as pilot:
        sender, driver = sender_of(app)
        kinds: list[type[object]] = []

        def take(screen: object, update: Any) -> None:
            kinds.append(type(update))
            if update is not None:
                sender.take(update)

        monkeypatch.setattr(app, "_display", take)
        screen = XtermScreen(*size)
        stream = XtermStream(screen)
        app.screen.refresh(layout=True)
        for turn in range(12):
            await pilot.press(rng.choice(["j", "k", "2", "1", "3", "j", "pagedown", "space", "enter", "escape"]))
            changed = [host_document(index, cpu=rng.randrange(99)) for index in range(0, 60, 5)]
            session.store.emit("plane", HOSTS_SEEN, {"docs": changed}, at=NOW)
            session.store.flush()
            if turn == 8:
                sender.forget()  # another program had the terminal
                stream.feed(b"\x1b[m\x1b[H\x1b[Jgarbage")
            await settle(pilot)
            sender._send(0.0)
            while driver.out:
                stream.feed(driver.out.pop(0).encode())
            assert sender.writer.place in (None, (screen.cursor.x, screen.cursor.y))
            assert cells(screen) == repainted(app, size), f"turn {turn}"
        assert kinds.count(ChopsUpdate) > 5


async def test_the_first_frame_asks_what_the_terminal_can_and_a_new_size_repaints_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = EdgewrightApp(session_of(documents(20)))
    async with app.run_test(size=(80, 24)) as pilot:
        sender, driver = sender_of(app)
        sender.take(app.screen._compositor.render_full_update())
        sender._send(0.0)
        assert driver.out[0].startswith(f"\x1b[6n{output.REPEAT_PROBE}\x1b[6n")
        assert "─" in output.REPEAT_PROBE, "tmux repeats ASCII alone"
        assert driver.out[0].endswith("\x1b[6n")
        sender.answered(CursorPosition(0, 0))
        first = sender.writer.abilities
        sender.answered(CursorPosition(output.REPEATED, 1))
        assert (first.repeat, sender.writer.abilities.repeat) == (False, True)
        sender.take(app.screen._compositor.render_full_update())
        sender._send(1.0)
        assert len(driver.out) == 1, "nothing changed: nothing is sent"
        sender.resized(Size(100, 30))
        sender._send(2.0)
        assert len(driver.out) == 1, "it waits for the layout of the new size"
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        sender.take(app.screen._compositor.render_full_update())
        sender._send(3.0)
        assert "\x1b[2J" in driver.out[1]
        monkeypatch.setattr(app, "_sender", sender)
        app.action_repaint()
        sender._send(3.5)
        assert "\x1b[2J" in driver.out[2], "ctrl+l paints everything again"
        driver.write("\x1b[?1049h")
        sender._send(4.0)
        assert "\x1b[2J" in driver.out[-1], "back from another program everything is painted"


def test_low_bandwidth_means_a_slow_link_from_the_start() -> None:
    try:
        app = EdgewrightApp(
            session_of(),
        )
        assert not app.always_slow
        session = session_of()
        session.terminal = TerminalChoice(low_bandwidth=True)
        assert EdgewrightApp(session).always_slow
        assert ages.age(7) == "0s"
    finally:
        ages.set_coarse(False)


async def test_what_changed_during_a_batch_is_painted_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    app = EdgewrightApp(session_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        painted: list[object] = []
        monkeypatch.setattr(app, "_display", lambda screen, update: painted.append(update))
        with app.batch_update():
            app.screen.refresh()
            await asyncio.sleep(0.1)  # the screen is idle meanwhile, and is not woken by the app's own queue
            painted.clear()
        await wait_until(pilot, lambda: any(update is not None for update in painted))


async def test_no_work_on_events_begins_between_a_key_and_its_frame() -> None:
    app = EdgewrightApp(session_of(documents(5)))
    async with app.run_test() as pilot:
        await settle(pilot)
        store = app.session.store
        store.emit("plane", HOSTS_SEEN, {"docs": documents(1)})
        _, driver = sender_of(app)
        seen = []
        for message in (MouseMove(None, 1, 1, 0, 0, 0, False, False, False), Key("space", " ")):
            driver.process_message(message)
            seen.append(store.deferred)
        assert seen == [False, True], "from the moment in which the key was read"
        app.post_display_hook()
        seen.append(store.deferred)
        assert not seen[-1]


async def test_the_thread_that_writes_a_frame_need_not_wait_for_the_event_loop() -> None:
    before = sys.getswitchinterval()
    app = EdgewrightApp(session_of())
    try:
        async with app.run_test(size=(80, 24)):
            sys.setswitchinterval(0.005)
            sender_of(app)
            assert sys.getswitchinterval() == pytest.approx(SWITCH)
            sys.setswitchinterval(SWITCH / 2)
            sender_of(app)
            assert sys.getswitchinterval() == pytest.approx(SWITCH / 2), "a shorter one is left as it is"
    finally:
        sys.setswitchinterval(before)
