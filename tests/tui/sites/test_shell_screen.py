"""A shell inside the console: what a host draws, which key goes where, lines of before, a link that is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from textual import events

from edgewright.commands.kernel.journal import open_journal
from edgewright.commands.site.shells.recorder import folder, recordings
from edgewright.core.errors import Unreachable
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, console, frame_text, newest_message, press, until, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tests.tui.sites.test_doctor_screen import TARGET, journalled, read
from tui.app import EdgewrightApp
from tui.screens.site.shell.screen import ShellScreen
from tui.screens.site.shell.view import TerminalView

LEAVE = "ctrl+right_square_bracket"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch, quiet_home: Path) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


class FarTerminal:
    """A terminal on a host: the test writes what the host shows, and reads what was typed."""

    def __init__(self) -> None:
        self.output: asyncio.Queue[bytes | Unreachable] = asyncio.Queue()
        self.typed = b""
        self.sizes: list[tuple[int, int]] = []
        self.stuck: asyncio.Event | None = None

    async def read(self) -> bytes:
        data = await self.output.get()
        if isinstance(data, Unreachable):
            raise data
        return data

    async def write(self, data: bytes) -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        self.typed += data

    async def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    async def aclose(self) -> None:
        self.output.put_nowait(b"")

    def shows(self, text: str | bytes) -> None:
        self.output.put_nowait(text.encode() if isinstance(text, str) else text)


class ShellHost(StandInHost):
    """A host with terminals; `far` is the newest."""

    def __init__(self) -> None:
        super().__init__(FINE)
        self.far = FarTerminal()
        self.opened: list[tuple[str, int, int]] = []
        self.ready = asyncio.Event()
        self.ready.set()

    async def open_terminal(self, kind: str, columns: int, rows: int) -> FarTerminal:
        self.opened.append((kind, columns, rows))
        await self.ready.wait()
        self.far = FarTerminal()
        return self.far


def shell(host: ShellHost, size: tuple[int, int] = (80, 24)) -> Any:
    return console("doctor", TARGET, size=size, make_site=Sites(host).make)


async def opened(pilot: Driven, plane: Any, made: Any, host: ShellHost) -> FarTerminal:
    made.make_context = lambda: journalled(plane, made)
    await until(pilot, read(pilot))
    await press(pilot, "!")
    await until(pilot, lambda: bool(host.opened) and "go to the host" in frame_text(pilot.app, "keys"))
    assert view(pilot) == "site-shell"
    return host.far


def terminal(pilot: Driven) -> TerminalView:
    screen = pilot.app.screen
    assert isinstance(screen, ShellScreen)
    return screen.terminal


def shown(pilot: Driven) -> str:
    """Return the text of the emulated screen as it is painted."""
    view_ = terminal(pilot)
    return "\n".join(view_.render_line(y).text.rstrip() for y in range(view_.size.height))


async def test_a_host_is_shown_and_typed_to(quiet_home: Path) -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        assert host.opened == [("xterm-256color", 80, 18)]
        assert "80x18  recorded, only known secrets masked" in frame_text(pilot.app, "crumb")
        far.shows("$ \x1b[31mred\x1b[0m text")
        await until(pilot, lambda: shown(pilot).startswith("$ red text"))
        strip = terminal(pilot).render_line(0)
        red = next(segment for segment in strip if segment.text == "red")
        assert red.style is not None and red.style.color is not None and red.style.color.number == 1
        cursor = next(s for s in strip if s.style is not None and s.style.reverse)
        assert cursor.text == " " and strip.text.index("text") + 4 == 10
        await press(pilot, *"ls :/q?", "enter", "up", "ctrl+c", "ctrl+c", "escape", "tab", "f5", "ctrl+l", "ctrl+q")
        await until(pilot, lambda: far.typed == b"ls :/q?\r\x1b[A\x03\x03\x1b\t\x1b[15~\x0c\x11")
        assert view(pilot) == "site-shell"  # none of these keys was one of the console
        far.shows("\x1b[?1h")
        await until(pilot, lambda: 1 << 5 in terminal(pilot).emulator.mode)
        await press(pilot, "up")
        await until(pilot, lambda: far.typed.endswith(b"\x1bOA"))
        far.shows(b"")
        await until(pilot, lambda: view(pilot) == "doctor")
        assert "The shell on edge-7f3a has ended. Recorded in" in newest_message(made)
        entry = open_journal().path.read_text()
        assert (
            '"site shell"' in entry
            and "a shell as kairos, recorded" in entry
            and '"done":["kairos@edge-7f3a"]' in entry
        )
        assert '"bytesReceived":24,"bytesTyped":25,"recording":"' in entry and '"recordingBytes":' in entry
        (file,) = recordings()
        assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
        assert "red\\u001b[0m text" in file.read_text() and "ls :" not in file.read_text()


async def test_what_is_typed_while_the_shell_opens_reaches_it_whole_and_first() -> None:
    host = ShellHost()
    host.ready.clear()
    async with shell(host) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        await press(pilot, "!", *"echo rm")
        await until(pilot, lambda: bool(host.opened))
        await press(pilot, *" x", "enter")
        far = host.far
        assert view(pilot) == "site-shell" and far.typed == b""
        host.ready.set()
        await until(pilot, lambda: host.far is not far and host.far.typed == b"echo rm x\r")


async def test_a_shell_that_does_not_open_shows_since_when_and_can_be_left(quiet_home: Path) -> None:
    host = ShellHost()
    host.ready.clear()
    async with shell(host) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        await press(pilot, "!")
        await until(pilot, lambda: "opening the shell, 0s" in frame_text(pilot.app, "crumb"))
        assert "all others wait for the host" in frame_text(pilot.app, "keys") and view(pilot) == "site-shell"
        await press(pilot, "q", LEAVE)
        assert view(pilot) == "site-shell" and "q stop opening" in frame_text(pilot.app, "keys")
        await press(pilot, "escape")
        await press(pilot, LEAVE, "q")
        await until(pilot, lambda: view(pilot) == "doctor")
        assert newest_message(made) == "The shell was not opened: stopped."
        assert not pilot.app.screen.site.done


async def test_a_paste_has_its_brackets_where_the_host_wants_them() -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        pilot.app.post_message(events.Paste("one\ntwo"))
        await until(pilot, lambda: far.typed == b"one\rtwo")
        far.shows("\x1b[?2004h")
        await until(pilot, lambda: 2004 << 5 in terminal(pilot).emulator.mode)
        pilot.app.post_message(events.Paste("a\x1b[201~b\n"))
        await until(pilot, lambda: far.typed.endswith(b"\x1b[200~a[201~b\r\x1b[201~"))


async def test_one_key_is_the_consoles_and_its_menu_ends_the_shell() -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        await press(pilot, LEAVE)
        assert "f full screen, ctrl+] back  s scroll, copy  q end  ctrl+] send it" in frame_text(pilot.app, "keys")
        await press(pilot, LEAVE)
        await until(pilot, lambda: far.typed == b"\x1d")
        await press(pilot, LEAVE, "escape", "x")
        await until(pilot, lambda: far.typed == b"\x1dx")
        await press(pilot, LEAVE, "f")
        assert "no terminal to lend" in newest_message(made)
        await press(pilot, LEAVE, "q")
        await until(pilot, lambda: view(pilot) == "doctor")


@pytest.mark.e2e
async def test_the_key_of_the_console_can_be_another_one() -> None:
    host = ShellHost()
    changed = {"shell-console": "f12"}
    async with console("doctor", TARGET, make_site=Sites(host).make, keymap=changed) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        await press(pilot, "!")
        await until(pilot, lambda: bool(host.opened) and "f12 keys of the console" in frame_text(pilot.app, "keys"))
        await press(pilot, LEAVE)
        await until(pilot, lambda: host.far.typed == b"\x1d")
        await press(pilot, "f12")
        assert "f full screen, f12 back" in frame_text(pilot.app, "keys")
        await press(pilot, "f12")
        await until(pilot, lambda: host.far.typed == b"\x1d\x1b[24~")


async def test_lines_of_before_are_scrolled_to_and_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(EdgewrightApp, "copied", lambda self, text, what, secret=False: copied.append(text))
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        far.shows("".join(f"line {n}\r\n" for n in range(100)))
        await until(pilot, lambda: "line 99" in shown(pilot))
        await press(pilot, LEAVE, "s", "pageup", "pageup")
        assert "lines back" in frame_text(pilot.app, "crumb") and "line 99" not in shown(pilot)
        before = shown(pilot)
        far.shows("more\r\n")
        await until(pilot, lambda: terminal(pilot).emulator.scrolled == 84)
        assert shown(pilot) == before  # what is read stays while the host writes on
        await press(pilot, "g", "space", "down", "down", "c")
        assert copied == ["line 0\nline 1\nline 2"] and "more" in shown(pilot) and far.typed == b""


async def test_a_link_that_is_cut_leaves_the_screen_and_a_new_shell_is_opened_there() -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        far.shows("what was there\r\n")
        await until(pilot, lambda: "what was there" in shown(pilot))
        far.output.put_nowait(Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost"))
        await until(pilot, lambda: "broke" in newest_message(made))
        assert view(pilot) == "site-shell" and "what was there" in shown(pilot) and terminal(pilot).dimmed
        assert "ended" in frame_text(pilot.app, "crumb") and "! new shell" in frame_text(pilot.app, "keys")
        assert '"note":"bytesReceived 16, bytesTyped 0, recording ' in open_journal().path.read_text()
        await press(pilot, "!")
        await until(pilot, lambda: host.far is not far and not terminal(pilot).over)
        host.far.shows("$ again")
        await until(pilot, lambda: "$ again" in shown(pilot))
        assert not terminal(pilot).dimmed
        host.far.output.put_nowait(Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost"))
        await until(pilot, lambda: terminal(pilot).over)
        await press(pilot, "escape")
        assert view(pilot) == "doctor"


async def test_a_session_that_only_reads_opens_none(monkeypatch: pytest.MonkeyPatch) -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        made.read_only = True
        await press(pilot, "!")
        assert "read-only" in newest_message(made) and view(pilot) == "doctor" and host.opened == []


@pytest.mark.e2e
async def test_keys_are_answered_while_a_host_writes_without_end() -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        noise = Random(7).randbytes(32768)
        for _ in range(400):
            far.shows(noise)
        await press(pilot, "ctrl+c")
        await until(pilot, lambda: far.typed.endswith(b"\x03"))
        await press(pilot, LEAVE)
        assert "full screen" in frame_text(pilot.app, "keys")
        assert not far.output.empty()  # the keys came before the output that was there before them


@pytest.mark.e2e
async def test_typing_on_a_link_that_takes_nothing_is_bounded_and_said() -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        far.stuck = asyncio.Event()
        for _ in range(1100):
            terminal(pilot).send(b"x")
        await until(pilot, lambda: "The link takes nothing" in newest_message(made))


async def test_a_shell_that_cannot_be_recorded_says_so_and_goes_on(quiet_home: Path) -> None:
    host = ShellHost()
    place = folder()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file where the folder should be")
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        await until(pilot, lambda: "The shell is not recorded" in newest_message(made))
        assert "NOT RECORDED" in frame_text(pilot.app, "crumb")
        far.shows("$ ")
        await until(pilot, lambda: shown(pilot).startswith("$"))


async def test_a_resize_reaches_the_host() -> None:
    host = ShellHost()
    async with shell(host) as (pilot, plane, made):
        far = await opened(pilot, plane, made, host)
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: far.sizes == [(100, 24)])


# Pictures -------------------------------------------------------------------------------------------------------------

COLOURED = (
    "\x1b[1;32mkairos@edge-7f3a\x1b[0m:\x1b[1;34m~\x1b[0m$ systemctl status edgewright-agent\r\n"
    "\x1b[1;31m×\x1b[0m edgewright-agent.service - Edgewright agent\r\n"
    "     Active: \x1b[1;31mfailed\x1b[0m (Result: exit-code) since Mon 2026-11-23\r\n"
    "\x1b[38;5;244m表 ünïcode \x1b[48;2;40;40;90mbackground\x1b[0m \x1b[7mreverse\x1b[0m \x1b[4munderlined\x1b[0m\r\n"
    "\x1b[1;32mkairos@edge-7f3a\x1b[0m:\x1b[1;34m~\x1b[0m$ "
)
SIZES = ((80, 24), (132, 43), (200, 60))
SLOW = pytest.mark.e2e


def pictured(text: str, said: str, *keys: str, cut: bool = False) -> tuple[EdgewrightApp, Callable[[Driven], Any]]:
    """Return a console with a shell that shows `text`, and what brings it to where the crumb or key line has `said`."""
    host = ShellHost()
    store = Store(clock=lambda: NOW)
    made = session(fill(store), start_view="doctor", start_target=TARGET, make_site=Sites(host).make)
    made.make_context = lambda: context_of(FakePlane(), made.store, made.read_only)
    app = EdgewrightApp(made)

    async def ready(pilot: Driven) -> None:
        await until(pilot, read(pilot))
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))  # else before or after the picture
        await press(pilot, "!")
        await until(pilot, lambda: bool(host.opened) and "go to the host" in frame_text(pilot.app, "keys"))
        if text:
            host.far.shows(text)
            await until(pilot, lambda: text[-20:].split("\x1b")[0].strip()[:3] in shown(pilot))
        if cut:
            host.far.output.put_nowait(Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost"))
        await press(pilot, *keys)
        await until(pilot, lambda: said in frame_text(pilot.app, "crumb") + frame_text(pilot.app, "keys"))

    return app, ready


@pytest.mark.parametrize(
    "size",
    [SIZES[0], pytest.param(SIZES[1], marks=SLOW), pytest.param(SIZES[2], marks=SLOW)],
    ids=["80x24", "132x43", "200x60"],
)
@pytest.mark.parametrize(
    ("text", "said", "keys", "cut"),
    [
        pytest.param("", "recorded", (), False, id="empty", marks=SLOW),
        pytest.param(COLOURED, "recorded", (), False, id="colours"),
        pytest.param(COLOURED, "full screen", (LEAVE,), False, id="menu", marks=SLOW),
        pytest.param("".join(f"line {n}\r\n" for n in range(99)), "mark", (LEAVE, "s", "pageup", "space", "up"), False,
                     id="lines", marks=SLOW),
        pytest.param(COLOURED, "new shell", (), True, id="lost"),
    ],
)  # fmt: skip
def test_picture(
    snap_compare: Callable[..., bool], text: str, said: str, keys: tuple[str, ...], cut: bool, size: tuple[int, int]
) -> None:
    app, ready = pictured(text, said, *keys, cut=cut)
    assert snap_compare(app, terminal_size=size, run_before=ready)
