"""Glyphs, detection and theme files."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from edgewright.commands.kernel.navigation import MOVES
from tests.tui.driving import wait_until
from tests.tui.fleet import session_of
from tui.app import EdgewrightApp
from tui.terminal import detect
from tui.terminal.glyphs import CP437, AsciiFilter, ConsoleFilter
from tui.theme import files as theme_files
from tui.widgets.table_keys import TABLE_BINDINGS

BLACK = Color(0, 0, 0)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30))
def test_only_known_glyphs_are_left_and_widths_stay(text: str) -> None:
    ascii_text = AsciiFilter().apply([Segment(text)], BLACK)[0].text
    console_text = ConsoleFilter().apply([Segment(text)], BLACK)[0].text
    assert ascii_text.isascii()
    assert all(one < "\x7f" or one in CP437 for one in console_text)
    single = [one for one in text if cell_len(one) == 1]
    plain = AsciiFilter().apply([Segment("".join(single))], BLACK)[0].text
    assert len(plain) == len(single)


def test_state_signs_differ_in_ascii() -> None:
    signs = AsciiFilter().apply([Segment("•▲○►‼▬■")], BLACK)[0].text
    assert signs == ".!?>@=#"
    assert ConsoleFilter().apply([Segment("•▲○►‼▬■")], BLACK)[0].text.replace("○", "o") != signs


@pytest.mark.parametrize(
    ("environ", "theme", "ascii_only", "console"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, "dark", False, False),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, "ansi-dark", False, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "mono", False, False),
        ({"TERM": "linux", "NO_COLOR": "1"}, "mono", False, True),
        ({"TERM": "vt220"}, "ansi-dark", True, False),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, "dark", True, False),
    ],
)
def test_the_terminal_chooses(environ: dict[str, str], theme: str, ascii_only: bool, console: bool) -> None:
    choice = detect.choose(environ)
    assert (choice.theme, choice.ascii_only, choice.console_glyphs) == (theme, ascii_only, console)
    assert detect.refusal(environ) == ""


def test_what_the_person_set_wins_and_dumb_is_refused() -> None:
    choice = detect.choose({"TERM": "linux"}, theme="light", ascii_only=True, low_bandwidth=True)
    assert (choice.theme, choice.ascii_only, choice.low_bandwidth, choice.mouse) == ("light", True, True, False)
    assert "edgewright host list" in detect.refusal({"TERM": "dumb"})
    environ: dict[str, str] = {}
    detect.prepare(environ, choice)
    assert environ["TEXTUAL_FPS"] == "5"


def test_each_shipped_theme_is_whole() -> None:
    read = theme_files.load([theme_files.builtin_dir()])
    assert read.problems == ()
    assert set(read.themes) >= {"dark", "light", "high-contrast", "mono", "ansi-dark", "ansi-light"}
    for theme in read.themes.values():
        for name in theme_files.SEMANTIC:
            assert theme.variables[name]
            assert f"{name}-style" in theme.variables


LINES = st.sampled_from(
    [
        'name = "dark"', "dark = true", "[colors]", "[variables]", 'ok = "#fff"', "# a comment", "", '  bad = "red" ',
        'ok="#fff"', "ok = '#fff'", 'ok = "a" # b', 'ok = "a\\n"', 'ok = """', 'ok = ""', "n = 1", "[a.b]", "[[c]]",
        "x", 'a.b = "c"', '"q" = "r"', "[colors", 'u = "ü"', 'ü = "u"', 't = "\t"', "# \x00", "[]", ' = "x"',
        "dark = True", 'colors = "x"', "# \t", "[colors] # c", 'e = "a" = "b"', "f = true ", "\u2028", "\r",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=8))
def test_plain_theme_files_are_read_as_by_tomllib(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = theme_files.plain_toml(text)
    if read is not None:
        assert read == tomllib.loads(text)


def test_shipped_themes_are_plain() -> None:
    for path in theme_files.builtin_dir().glob("*.toml"):
        assert theme_files.plain_toml(path.read_text()) == tomllib.loads(path.read_text()), path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = 1 x", "line 1"),
        ('name = "a"\nwrong = 1', "line 2"),
        ('[colors]\nprimary = "nocolor"', "line 2"),
        ('[colors]\nprimary = "#fff"', "missing"),
        ("[colors]\nbad = 7", "line 2"),
    ],
)
def test_a_wrong_theme_file_is_told_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    read = theme_files.load([tmp_path])
    assert read.themes == {}
    assert sentence in read.problems[0].sentence
    assert "mine.toml" in read.problems[0].sentence


async def test_a_changed_theme_file_shows_at_once_and_a_broken_one_is_told(tmp_path: Path) -> None:
    source = (theme_files.builtin_dir() / "dark.toml").read_text().replace('name = "dark"', 'name = "mine"')
    (tmp_path / "mine.toml").write_text(source)
    session = session_of(theme="mine", themes_dir=tmp_path)
    app = EdgewrightApp(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.theme == "mine"
        (tmp_path / "mine.toml").write_text(source.replace("#12161c", "#402020"))
        app.look_at_themes()
        await wait_until(pilot, lambda: app.current_theme.background == "#402020")
        assert app.current_theme.background == "#402020"
        (tmp_path / "mine.toml").write_text("no toml at all")
        app.look_at_themes()
        session.store.flush()
        assert app.current_theme.background == "#402020"
        assert "mine.toml" in session.store.model.messages[-1].text


def test_keys_of_tables_are_those_of_the_key_map() -> None:
    moves = {move.id: move.keys for move in MOVES}
    for binding in TABLE_BINDINGS:
        assert not isinstance(binding, tuple)
        if binding.id in moves:
            assert tuple(binding.key.split(",")) == moves[binding.id], binding.id


@pytest.mark.parametrize(("size", "kept"), [((50, 220), False), ((0, 0), True), ((24, 0), True), (None, True)])
def test_the_size_of_the_terminal_counts_and_not_what_a_shell_exported(
    size: tuple[int, int] | None, kept: bool, tmp_path: Path
) -> None:
    other, own = pty.openpty()
    output = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT) if size is None else own
    if size is not None:
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    environ = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    detect.prepare(environ, detect.choose(environ), output)
    for handle in {other, own, output}:
        os.close(handle)
    assert (("COLUMNS" in environ), ("LINES" in environ)) == (kept, kept)
