"""Private symbols of Textual and Rich: used in `tui/terminal` only, and for each a test of what is relied on.

When a new Textual release is tried, the test that fails here names the symbol and the property that changed.
"""

from __future__ import annotations

import ast
import io
import tomllib
from importlib.metadata import version
from typing import Any

import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual import messages
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Static

from tests.support import ROOT
from tests.tui.driving import wait_until
from tests.tui.terminal.private_textual import Recorder, Sample, foreign_uses, uses
from tui.terminal import own_keys, toolkit, toolkit_caches
from tui.terminal.crash import StoresDefect
from tui.terminal.paint.pens import Pens
from tui.terminal.paint.row_compositor import RowCompositor

SYMBOLS = {
    "_ansi": "test_a_style_caches_its_escape_codes",
    "_batch_count": "test_a_batch_is_counted_and_its_end_is_reported",
    "_bindings": "test_the_bindings_of_nodes_are_changed_by_the_key_map_alone",
    "_check_bindings": "test_the_bindings_of_nodes_are_changed_by_the_key_map_alone",
    "_clipboard": "test_the_clipboard_of_the_app_can_be_set",
    "_close_messages_no_wait": "test_a_defect_ends_the_app_through_fatal_error",
    "_closed": "test_an_app_that_ended_is_closed",
    "_color_system": "test_the_colour_system_of_a_console_is_known",
    "_compositor": "test_a_screen_paints_with_the_compositor_that_it_is_given",
    "_dirty_regions": "test_a_partial_update_is_made_of_the_dirty_regions",
    "_disable_mouse_support": "test_mouse_reports_are_switched_by_the_driver",
    "_disable_notifications": "test_an_app_without_toasts_mounts_no_widgets_for_them",
    "_disable_tooltips": "test_an_app_without_toasts_mounts_no_widgets_for_them",
    "_display": "test_frames_reach_display_as_updates_of_the_compositor",
    "_driver": "test_the_driver_of_an_app_writes_to_the_terminal",
    "_enable_mouse_support": "test_mouse_reports_are_switched_by_the_driver",
    "_end_batch": "test_a_batch_is_counted_and_its_end_is_reported",
    "_exit": "test_an_app_knows_that_it_is_ending",
    "_fatal_error": "test_a_defect_ends_the_app_through_fatal_error",
    "_file": "test_what_is_not_written_yet_waits_in_the_queue_of_the_thread",
    "_get_renders": "test_a_partial_update_asks_get_renders_with_its_region",
    "_handle_exception": "test_a_defect_ends_the_app_through_fatal_error",
    "_keymap": "test_the_bindings_of_nodes_are_changed_by_the_key_map_alone",
    "_link": "test_a_style_has_its_link",
    "_mouse": "test_mouse_reports_are_switched_by_the_driver",
    "_parse_cache": "test_a_style_sheet_is_parsed_once_for_its_variables",
    "_parse_rules": "test_a_style_sheet_is_parsed_once_for_its_variables",
    "_pruning": "test_a_screen_that_was_left_is_marked_as_removed",
    "_queue": "test_what_is_not_written_yet_waits_in_the_queue_of_the_thread",
    "_refresh_truecolor_filter": "test_an_app_starts_with_its_theme_and_styles_nothing_twice",
    "_sequence_to_key_events": "test_a_character_behind_an_escape_is_given_as_alt",
    "_sync_available": "test_a_terminal_that_knows_synchronised_output_sets_the_mark",
    "_variables": "test_a_style_sheet_is_parsed_once_for_its_variables",
    "_waiters": "test_what_is_not_written_yet_waits_in_the_queue_of_the_thread",
    "_writer_thread": "test_what_is_not_written_yet_waits_in_the_queue_of_the_thread",
    "textual._ansi_sequences.ANSI_SEQUENCES_KEYS": "test_a_character_behind_an_escape_is_given_as_alt",
    "textual._ansi_sequences.SYNC_END": "test_synchronised_output_has_its_sequences",
    "textual._ansi_sequences.SYNC_START": "test_synchronised_output_has_its_sequences",
    "textual._compositor.ChopsUpdate": "test_frames_reach_display_as_updates_of_the_compositor",
    "textual._compositor.Compositor": "test_the_compositor_renders_the_screen_as_strips",
    "textual._compositor.LayoutUpdate": "test_frames_reach_display_as_updates_of_the_compositor",
    "textual._styles_cache.StylesCache": "test_the_styles_cache_asks_for_the_colours_alone",
    "textual._xterm_parser.XTermParser": "test_a_character_behind_an_escape_is_given_as_alt",
}
"""Each private symbol in use, and the test that shows the property that `tui/terminal` relies on."""


def test_private_symbols_are_used_in_the_terminal_package_only() -> None:
    outside = {use for use in uses() if not use.file.startswith("tui/terminal/")}
    assert outside == set(), "put a small function into tui/terminal/toolkit.py"


def test_each_private_symbol_has_its_test() -> None:
    assert {use.symbol for use in uses()} == set(SYMBOLS)
    assert set(SYMBOLS.values()) <= set(globals())


def test_every_kind_of_use_is_found() -> None:
    tree = ast.parse(
        "import os\nimport textual._easing\nfrom textual._context import active_app\nfrom textual.app import _x\n"
        "app._driver\nself.app._exit\nself._own\nos._exit(1)\nrow._replace()\ngetattr(app, '_closed')\nf()._mouse = 1\n"
    )
    found = {"_driver", "_exit", "_closed", "_mouse", "textual._easing", "textual._context.active_app"}
    assert set(foreign_uses(tree)) == found | {"textual.app._x"}


def test_the_tested_release_of_textual_is_the_required_one() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"textual=={version('textual')}" in required


def test_a_character_behind_an_escape_is_given_as_alt() -> None:
    given = [own_keys._as_textual(XTermParser(), letter, True) for letter in ("n", "N", "\r", "b")]
    assert [key.key for keys in given for key in keys] == ["alt+n", "alt+shift+n", "enter", "alt+b"]


async def test_frames_reach_display_as_updates_of_the_compositor() -> None:
    app = Sample()
    async with app.run_test(size=(20, 4)) as pilot:
        whole = next(frame for frame in app.frames if isinstance(frame, LayoutUpdate))
        assert whole.region == Region(0, 0, 20, 4) and len(whole.strips) == 4
        assert all(strip.cell_length for strips in whole.strips for strip in strips)
        app.frames.clear()
        app.query_one("#line", Static).update("other")
        await wait_until(pilot, lambda: any(isinstance(frame, ChopsUpdate) for frame in app.frames))
        part = next(frame for frame in app.frames if isinstance(frame, ChopsUpdate))
        y, left, right = next(iter(part.spans))
        assert (y, left, right) == (0, 0, 20)
        strip = part.chops[y][0]
        assert strip is not None and strip.text.startswith("other") and part.chop_ends[y] == [20]


async def test_a_batch_is_counted_and_its_end_is_reported() -> None:
    app = Sample()
    async with app.run_test():
        before = app.batches
        with app.batch_update():
            assert app._batch_count == 1
        assert app._batch_count == 0 and app.batches == before + 1


async def test_the_driver_of_an_app_writes_to_the_terminal() -> None:
    app = Sample()
    assert toolkit.driver_of(app) is None
    toolkit.write(app, "nowhere to write to")
    async with app.run_test():
        assert toolkit.driver_of(app) is not None
        app._driver = recorder = Recorder(app)
        toolkit.write(app, "\x1b[?25h")
        assert recorder.written == "\x1b[?25h"


async def test_an_app_starts_with_its_theme_and_styles_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[None] = []
    monkeypatch.setattr(Stylesheet, "reparse", lambda sheet: parsed.append(None))
    app = Sample()
    toolkit.start_with_theme(app, "ansi-light")
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.theme == "ansi-light" and not parsed
        assert {"-theme-ansi-light", "-light-mode"} <= app.classes and "-dark-mode" not in app.classes
        assert app.stylesheet._variables["background"] == app.theme_variables["background"] == "ansi_default"
        assert not next(each for each in app._filters if isinstance(each, ANSIToTruecolor)).enabled
        app.theme = "textual-dark"
        await wait_until(pilot, lambda: parsed and "-dark-mode" in app.classes)


async def test_an_app_without_toasts_mounts_no_widgets_for_them() -> None:
    class Bare(Sample):
        def on_load(self) -> None:
            toolkit.without_toasts(self)

    shown = []
    for app in (Sample(), Bare()):
        async with app.run_test(tooltips=True, notifications=True):
            shown.append(len(app.screen.query("Tooltip, ToastRack")))
    assert shown == [2, 0]


async def test_an_app_knows_that_it_is_ending() -> None:
    app = Sample()
    async with app.run_test():
        before = toolkit.is_ending(app)
        app.exit()
        assert (before, toolkit.is_ending(app)) == (False, True)


async def test_an_app_that_ended_is_closed() -> None:
    app = Sample()
    async with app.run_test():
        running = (app.is_running, app._closed)
    assert (running, (app.is_running, app._closed)) == ((True, False), (False, True))


async def test_a_screen_that_was_left_is_marked_as_removed() -> None:
    app = Sample()
    async with app.run_test():
        screen: Screen[None] = Screen()
        await app.push_screen(screen)
        assert not toolkit.is_removed(screen)
        await app.pop_screen()
        assert toolkit.is_removed(screen)


async def test_a_screen_paints_with_the_compositor_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    painted = []
    stock = RowCompositor.render_update

    def render_update(self: RowCompositor, **words: Any) -> Any:
        painted.append(self)
        return stock(self, **words)

    monkeypatch.setattr(RowCompositor, "render_update", render_update)
    app = Sample()
    async with app.run_test() as pilot:
        screen: Screen[None] = Screen()
        toolkit.compose_by_rows(screen)
        await app.push_screen(screen)
        await wait_until(pilot, lambda: painted)
        assert painted and set(painted) == {screen._compositor}


async def test_a_partial_update_is_made_of_the_dirty_regions() -> None:
    app = Sample()
    async with app.run_test() as pilot:
        await pilot.pause()
        compositor = app.screen._compositor
        assert not compositor._dirty_regions, "they are taken by the update before"
        compositor._dirty_regions = {Region(2, 0, 3, 1)}
        update = compositor.render_partial_update()
        assert update is not None and update.spans == [(0, 2, 5)] and not compositor._dirty_regions


async def test_a_partial_update_asks_get_renders_with_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    stock = Compositor._get_renders

    def get_renders(self: Compositor, crop: Region | None = None) -> Any:
        asked.append(crop)
        return stock(self, crop)

    monkeypatch.setattr(Compositor, "_get_renders", get_renders)
    app = Sample()
    async with app.run_test(size=(20, 4)) as pilot:
        asked.clear()
        app.query_one("#line", Static).refresh()
        await wait_until(pilot, lambda: asked)
        assert asked[0] == Region(0, 0, 20, 1)


async def test_the_compositor_renders_the_screen_as_strips() -> None:
    app = Sample()
    async with app.run_test(size=(20, 4)):
        compositor = app.screen._compositor
        assert isinstance(compositor, Compositor)
        assert [strip.text.rstrip() for strip in compositor.render_strips()] == ["first", "", "", ""]
        region, clip = compositor.visible_widgets[app.query_one("#line")]
        assert region == Region(0, 0, 20, 1) and clip == Region(0, 0, 20, 4)


def test_the_clipboard_of_the_app_can_be_set() -> None:
    app = Sample()
    toolkit.set_clipboard(app, "a uid")
    assert app.clipboard == "a uid"


async def test_mouse_reports_are_switched_by_the_driver() -> None:
    app = Sample()
    async with app.run_test():
        toolkit.capture_mouse(app, True)  # a headless driver has no mouse, and that is not an error
        app._driver = recorder = Recorder(app)
        toolkit.capture_mouse(app, False)
        assert "\x1b[?1000l" in recorder.written and not recorder._mouse
        recorder.written = ""
        recorder._enable_mouse_support()  # what Textual does when another program gave the terminal back
        assert recorder.written == ""
        toolkit.capture_mouse(app, True)
        assert "\x1b[?1000h" in recorder.written and recorder._mouse


async def test_the_thread_that_reads_keys_ends_by_its_event() -> None:
    recorder = Recorder(Sample())
    toolkit.stop_reading_keys(recorder)
    assert recorder.exit_event.is_set() and isinstance(recorder.fileno, int)
    toolkit.stop_reading_keys(None)


async def test_what_is_not_written_yet_waits_in_the_queue_of_the_thread() -> None:
    assert LinuxDriver(Sample())._writer_thread is None
    file = io.StringIO()
    thread = WriterThread(file)
    thread.write("a frame")
    assert thread._queue.qsize() == 1 and not thread._queue.not_empty._waiters  # type: ignore[attr-defined]
    assert thread._file is file
    thread.start()
    thread.stop()
    assert thread._queue.qsize() == 0 and file.getvalue() == "a frame"


async def test_a_defect_ends_the_app_through_fatal_error(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(StoresDefect):
        reported = ""

        def _handle_exception(self, error: Exception) -> None:
            self.reported += "exception "
            super()._handle_exception(error)

        def _fatal_error(self) -> None:
            self.reported += "fatal"
            super()._fatal_error()

    app = Broken()
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 // 0)
            await wait_until(pilot, lambda: "fatal" in app.reported)
    assert app.reported == "exception fatal" and not app.is_running and "Traceback" not in capfd.readouterr().err


async def test_a_terminal_that_knows_synchronised_output_sets_the_mark() -> None:
    app = Sample()
    async with app.run_test() as pilot:
        before = app._sync_available
        app.post_message(messages.TerminalSupportsSynchronizedOutput())
        await wait_until(pilot, lambda: app._sync_available)
        assert (before, app._sync_available) == (False, True)


def test_synchronised_output_has_its_sequences() -> None:
    assert (SYNC_START, SYNC_END) == ("\x1b[?2026h", "\x1b[?2026l")


def test_the_colour_system_of_a_console_is_known() -> None:
    assert Console(color_system="256", force_terminal=True)._color_system is ColorSystem.EIGHT_BIT
    assert Console(color_system=None)._color_system is None


def test_a_style_caches_its_escape_codes() -> None:
    style = Style(bold=True, color="#ff0000")
    pens = Pens()
    before = (style._ansi, pens.of(style))
    style.render("x", color_system=ColorSystem.TRUECOLOR)
    number = pens.of(style)
    assert (before, style._ansi) == ((None, number), "1;38;2;255;0;0")
    assert pens.pens[number].attributes == {"1"} and pens.pens[number].foreground == "38;2;255;0;0"


def test_a_style_has_its_link() -> None:
    assert Style(link="https://hub.example")._link == "https://hub.example" and not Style()._link


async def test_the_styles_cache_asks_for_the_colours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    toolkit_caches.bound()
    asked = []
    stock = StylesCache.get_inner_outer

    def spy(cache: StylesCache, base: Color, background: Color) -> Any:
        asked.append((base, background))
        return stock(cache, base, background)

    monkeypatch.setattr(StylesCache, "get_inner_outer", spy)
    app = Sample()
    async with app.run_test():
        app.query_one("#line").styles.border = ("solid", "red")
        await app.screen.query_one("#line").recompose()
    assert asked and all(isinstance(colour, Color) for pair in asked for colour in pair)
    inner, outer = StylesCache().get_inner_outer(Color(1, 2, 3), Color(4, 5, 6))
    assert (outer.background, inner.background) == (Color(1, 2, 3), Color(1, 2, 3) + Color(4, 5, 6))


def test_a_style_sheet_is_parsed_once_for_its_variables() -> None:
    sheet = Stylesheet(variables={"shade": "red"})
    sheet.add_source("A { color: $shade; }", read_from=("file", "A.CSS"))
    sheet.parse()
    known = ("A { color: $shade; }", ("file", "A.CSS"), False, 0, "")
    assert (
        sheet._parse_cache[known] is sheet._parse_rules(known[0], known[1]) and sheet.rules == sheet._parse_cache[known]
    )
    sheet.set_variables({"shade": "blue"})
    assert sheet._variables == {"shade": "blue"} and known not in sheet._parse_cache


async def test_the_bindings_of_nodes_are_changed_by_the_key_map_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Sample()
    app.bind("z", "bell")
    asked: list[tuple[str, bool]] = []

    async def check(self: App[int], key: str, priority: bool = False) -> bool:
        asked.append((key, priority))
        return False

    monkeypatch.setattr(Sample, "_check_bindings", check)
    async with app.run_test() as pilot:
        bindings, keymap, keys = app._bindings, app._keymap, {*app._bindings.key_to_bindings}
        await pilot.press("z")
        assert asked == [("z", True), ("z", False)]
        app.set_keymap({"any": "y"})
        assert app._keymap is not keymap and app._keymap == {"any": "y"}
        assert app._bindings is bindings and {*bindings.key_to_bindings} == keys
