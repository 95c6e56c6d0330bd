"""What the console does with its terminal: copy, mouse, frozen screen, background, plain lines, title, bell."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.color import Color

from edgewright.config.settings import Settings
from edgewright.core.times import rfc3339
from edgewright.store.collections import problems as problems_of
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.handling import HANDLING
from edgewright.store.engine import events as kinds
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tests.tui.driving import Driven, console, newest_message, press, said, settle, until, view, wait_until
from tests.tui.samples import NOW, host
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.frame.reading_cursor import reading_position
from tui.session import Session
from tui.terminal import attention as looking
from tui.terminal import detect, osc
from tui.terminal.attention import Attention, title_text
from tui.terminal.glyphs import LinesFilter
from tui.widgets.frame import FrameLine
from tui.widgets.lines import text_of

SECRET = "ewt_shop-secret-text"


def app_of(pilot: Driven) -> EdgewrightApp:
    assert isinstance(pilot.app, EdgewrightApp)
    return pilot.app


def title(pilot: Driven) -> str:
    return text_of([pilot.app.screen.query_one("#title", FrameLine).line])


# Copy ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.usefixtures("xterm")
@pytest.mark.parametrize(
    ("start", "keys", "text", "message"),
    [
        ("hosts", ("c", "enter"), "uid-edge-7f3a", "Copied: uid of edge-7f3a."),
        ("hosts", ("c", "down", "down", "enter"), "10.4.1.7", "Copied: address of edge-7f3a."),
        ("tokens", ("c", "enter"), SECRET, "Copied: token text of shop-install."),
        ("tokens", ("c", "down", "enter"), "tok-shop", "Copied: uid of shop-install."),
    ],
)
async def test_c_copies_and_says_what(start: str, keys: tuple[str, ...], text: str, message: str) -> None:
    async with console(start) as (pilot, _, made):
        await press(pilot, *keys)
        await until(pilot, lambda: newest_message(made) == message)
        assert pilot.app.clipboard == text
        assert SECRET not in said(pilot) + "".join(row.text for row in made.store.model.messages)


@pytest.mark.usefixtures("xterm")
@pytest.mark.parametrize(("start", "label"), [("events", "message"), ("audit", "message"), ("pulse", "uid")])
async def test_each_screen_has_something_to_copy(start: str, label: str) -> None:
    async with console(start) as (pilot, _, made):
        if start == "pulse":
            await press(pilot, "down", "down")
        await press(pilot, "c")
        if view(pilot) == "ChooseModal":
            await press(pilot, "enter")
        await until(pilot, lambda: newest_message(made).startswith(f"Copied: {label} of "))


@pytest.mark.usefixtures("xterm")
async def test_c_copies_marked_hosts_together_and_escape_copies_nothing() -> None:
    async with console("hosts") as (pilot, _, made):
        await press(pilot, "space", "j", "space", "c", "enter")
        await until(pilot, lambda: newest_message(made) == "Copied: uid of 2 hosts.")
        assert len(pilot.app.clipboard.splitlines()) == 2
        await press(pilot, "c", "escape")
        assert view(pilot) == "hosts"
        assert newest_message(made) == "Copied: uid of 2 hosts."


@pytest.mark.usefixtures("xterm")
async def test_c_copies_the_command_line_of_a_plan() -> None:
    async with console("tokens") as (pilot, _, made):
        await press(pilot, "r")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "c")
        assert pilot.app.clipboard == "edgewright token revoke tok-shop"
        assert newest_message(made) == "Copied: command line of this plan."
        assert view(pilot) == "ConfirmModal"


async def test_a_terminal_without_clipboard_shows_the_text_but_never_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with console("tokens") as (pilot, _, made):
        await press(pilot, "c", "down", "enter")
        await until(pilot, lambda: "no clipboard" in newest_message(made))
        assert newest_message(made).endswith("Here it is: tok-shop")
        await press(pilot, "c", "enter")
        await until(pilot, lambda: not newest_message(made).endswith("tok-shop"))
        assert SECRET not in newest_message(made)


def test_the_clipboard_goes_through_tmux_and_screen() -> None:
    data = base64.b64encode("uid-ü".encode()).decode()
    plain = f"\x1b]52;c;{data}\a"
    assert osc.clipboard("uid-ü", {"TERM": "xterm"}) == plain
    assert osc.clipboard("uid-ü", {"TERM": "tmux-256color"}) == f"{plain}\x1bPtmux;\x1b{plain}\x1b\\"
    assert osc.clipboard("uid-ü", {"TERM": "screen", "STY": "1.pts"}) == f"\x1bP{plain}\x1b\\"
    parts = osc.clipboard("x" * 900, {"TERM": "screen"}).split("\x1b\\")
    assert max(map(len, parts)) <= osc.SCREEN_CHUNK + 2
    assert osc.multiplexer({"TERM": "screen-256color", "TMUX": "/tmp/t"}) == (True, False)


async def test_the_text_of_a_token_is_hidden_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.tokens.detail.REVEALED", 0.6)
    async with console("token", "tok-shop") as (pilot, _, _made):
        await press(pilot, "x")
        await until(pilot, lambda: SECRET in said(pilot))
        await until(pilot, lambda: SECRET not in said(pilot))


# Mouse, background, frozen ------------------------------------------------------------------------------------------


async def test_a_key_switches_the_mouse_off_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    async with console() as (pilot, _, made):
        await press(pilot, "f9")
        assert "mouse is off" in newest_message(made)
        assert not made.terminal.mouse
        await press(pilot, "f9")
        assert "mouse is on" in newest_message(made)
        monkeypatch.setenv("TERM", "linux")
        await press(pilot, "f9")
        assert "Linux console" in newest_message(made)


async def test_ctrl_z_without_a_shell_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.terminal.app.has_job_control", lambda: False)
    async with console() as (pilot, _, made):
        await press(pilot, "ctrl+z")
        assert "not started from a shell" in newest_message(made)


async def test_a_frozen_screen_stays_while_the_data_continues() -> None:
    clock = [NOW]
    async with console("hosts", size=(120, 30)) as (pilot, _, made):
        made.now = lambda: clock[0]
        await press(pilot, "F")
        assert "frozen 0s" in title(pilot)
        before = screen_rows(pilot)
        sick = host("kiel-03", "kiel-03", "unhealthy", "disk / 99 %", since=1)
        made.store.emit("plane", kinds.HOSTS_SEEN, {"docs": [sick]})
        clock[0] += 12
        await settle(pilot)
        front(pilot)._tick()
        assert "frozen 12s" in title(pilot)
        assert screen_rows(pilot) == before
        assert made.store.model.hosts["uid-kiel-03"].health == "unhealthy"
        await press(pilot, "j")
        assert "frozen" not in title(pilot)
        assert screen_rows(pilot) != before
        await press(pilot, "F", "F")
        assert made.frozen_at is None, "the same key resumes"


def front(pilot: Driven) -> BaseScreen:
    screen = pilot.app.screen
    assert isinstance(screen, BaseScreen)
    return screen


def screen_rows(pilot: Driven) -> list[str]:
    from tui.terminal.paint.screen_text import screen_text

    return screen_text(app_of(pilot)).splitlines()[1:]


# Plain lines, last frame --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "asked", "lines"),
    [({"ACCESSIBLE": "1"}, None, True), ({"ACCESSIBLE": "0"}, None, False), ({}, None, False), ({}, True, True)],
)
def test_accessible_means_plain_lines(environ: dict[str, str], asked: bool | None, lines: bool) -> None:
    assert detect.choose({"TERM": "xterm", **environ}, lines=asked).lines is lines


def test_plain_lines_have_no_box_rule_or_bar() -> None:
    text = LinesFilter().apply([Segment("│ ▲ a › b ──── ████░░ ▁▂▅ ■")], Color(0, 0, 0))[0].text
    assert text == "  ! a > b                 #"


async def read_aloud(pilot: Driven, made: Session) -> None:
    made.terminal.lines = True
    await pilot.resize_terminal(pilot.app.size.width, pilot.app.size.height - 1)
    await settle(pilot)


@pytest.mark.parametrize("start", ["pulse", "hosts", "tokens", "events", "audit", "help"])
async def test_no_screen_of_plain_lines_has_a_glyph(start: str) -> None:
    async with console(start, size=(132, 43)) as (pilot, _, made):
        await read_aloud(pilot, made)
        text = "\n".join(screen_rows(pilot))
        assert text.isascii()
        assert not [line for line in text.splitlines() if set(line) & set("-|+=_#") and len(set(line.strip())) == 1]


async def test_the_terminals_cursor_is_on_the_row_that_is_pointed_at() -> None:
    async with console("hosts") as (pilot, _, made):
        await read_aloud(pilot, made)
        await press(pilot, "j", "j")
        position = reading_position(pilot.app.focused)
        assert position is not None
        assert screen_rows(pilot)[position.y - 1].startswith(("!", "?", ".")), "a row of the table, not its header"
        assert position.y == 5


async def test_the_last_frame_is_stored_when_it_is_wanted() -> None:
    for wanted in (True, False):
        async with console("hosts", settings=Settings(last_frame=wanted)) as (pilot, _, _made):
            pilot.app.exit(0)
            assert ("edge-7f3a" in app_of(pilot).last_frame) is wanted


# Title and bell -----------------------------------------------------------------------------------------------------


def attention(made: Session, written: list[str], clock: list[float], **wanted: bool) -> Attention:
    return Attention(made, written.append, clock=lambda: clock[0], **wanted)


def seen(made: Session, watching: Attention, name: str, health: str) -> None:
    made.store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(name, "kiel-03", health, "disk / 99 %", since=1)]})
    made.store.flush()
    watching.patched((Patch(ALERTS.name),))
    watching.look()


@pytest.mark.usefixtures("xterm")
async def test_the_bell_rings_for_a_new_fault_only_and_not_for_each_of_a_storm() -> None:
    async with console() as (_, _plane, made):
        written: list[str] = []
        clock = [0.0]
        watching = attention(made, written, clock, title=False)
        watching.look()
        assert written == [], "the faults of the first load are not new"
        seen(made, watching, "kiel-04", "unhealthy")
        assert written == [osc.BELL]
        seen(made, watching, "kiel-05", "unhealthy")
        assert written == [osc.BELL], "one bell in ten seconds"
        clock[0] += 11
        watching.patched((Patch(ALERTS.name),))
        watching.look()
        assert written == [osc.BELL], "a fault that was known already"
        seen(made, watching, "kiel-06", "unhealthy")
        assert written == [osc.BELL] * 2


@pytest.mark.usefixtures("xterm")
async def test_a_silenced_fault_does_not_ring() -> None:
    from edgewright.store.collections.problems import problems

    async with console() as (_, _plane, made):
        written: list[str] = []
        watching = attention(made, written, [0.0], title=False)
        watching.look()
        before = {item.key for item in problems(made.store.model, NOW)}
        made.store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("kiel-04", "kiel-03", "unhealthy", "disk / 99 %")]})
        made.store.flush()
        (key,) = {item.key for item in problems(made.store.model, NOW)} - before
        handled = {"key": key, "silencedUntil": rfc3339(NOW + 3600)}
        made.store.emit("plane", HANDLING.seen, {"docs": [handled], "complete": True})
        made.store.flush()
        watching.patched((Patch(ALERTS.name),))
        watching.look()
        assert written == []


@pytest.mark.usefixtures("xterm")
async def test_the_title_says_what_is_wrong_and_is_given_back() -> None:
    async with console() as (_, _plane, made):
        made.context_name = "la\x1bb"
        written: list[str] = []
        watching = attention(made, written, [0.0], bell=False)
        watching.look()
        assert written == [osc.SAVE_TITLE + "\x1b]2;4 unhealthy - edgewright lab\a"]
        assert watching.restore == osc.RESTORE_TITLE
        made.store.emit("plane", kinds.SOURCE_STATE, {"state": "lost"})
        made.store.flush()
        assert title_text(made).startswith("plane unreachable")


@pytest.mark.usefixtures("xterm")
async def test_looks_at_a_large_fleet_take_one_percent_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with console() as (_, _plane, made):
        clock = [0.0]
        looks: list[float] = []

        def slow(*_: Any) -> Iterator[list[Any]]:
            looks.append(clock[0])
            clock[0] += 0.04
            yield []

        monkeypatch.setattr("tui.terminal.attention.problems_in_slices", slow)
        watching = attention(made, [], clock, title=False)
        while clock[0] < 20:
            watching.patched((Patch(ALERTS.name),))
            watching.look()
            clock[0] += 1
        assert len(looks) == 5


@pytest.mark.usefixtures("xterm")
async def test_a_large_fleet_is_looked_at_in_pieces_between_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PIECE", 3)
    async with console() as (pilot, _plane, made):
        written: list[str] = []
        watching = attention(made, written, [0.0], title=False)
        sizes: list[int] = []
        pieces = problems_of._pieces

        def counted(*args: Any) -> Iterator[Any]:
            for piece in pieces(*args):
                sizes.append(len(piece))
                yield piece

        monkeypatch.setattr(problems_of, "_pieces", counted)
        fleet = len(made.store.model.hosts)
        watching.look()
        assert sizes == [3] and fleet > 6, "one piece in one go"
        watching.look()
        assert sizes == [3], "the next look waits for the end of this one"
        await wait_until(pilot, lambda: watching._known is not None)
        assert max(sizes) == 3 and sum(sizes) >= fleet and written == []
        seen(made, watching, "kiel-04", "unhealthy")
        await wait_until(pilot, lambda: bool(written))


@pytest.mark.usefixtures("xterm")
async def test_a_heartbeat_of_a_healthy_host_causes_no_look() -> None:
    async with console() as (_, _plane, made):
        watching = attention(made, [], [0.0], title=False)
        watching.look()
        model = made.store.model
        by_health = {row.health: key for key, row in model.hosts.items() if (row.disk_percent or 0.0) < 95}
        beat = ("last_seen", "deadline", "cpu_percent", "disk_percent")
        watching.patched((Patch(names.HOSTS, by_health["healthy"], fields=beat),))
        assert not watching._changed
        for patch in (
            Patch(names.HOSTS, by_health["healthy"], fields=("health",)),
            Patch(names.HOSTS, by_health["unhealthy"], fields=beat),
            Patch(names.HOSTS, by_health["healthy"], "delete"),
            Patch(names.HOSTS, op="reset"),
            Patch(names.SOURCE),
        ):
            watching._changed = False
            watching.patched((patch,))
            assert watching._changed, patch


async def test_nothing_is_written_that_the_linux_console_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with console() as (_, _plane, made):
        written: list[str] = []
        watching = attention(made, written, [0.0])
        watching.look()
        assert written == []
        assert watching.restore == ""
        assert not attention(made, written, [0.0], bell=False).active


def test_both_can_be_switched_off(tmp_path: Path) -> None:
    from edgewright.config import settings

    file = tmp_path / "settings.toml"
    file.write_text("terminal_title = false\nbell = false\nlast_frame = true\nlines = true\n")
    found: Any = settings.load(file, {})
    assert (found.terminal_title, found.bell, found.last_frame, found.lines) == (False, False, True, True)
