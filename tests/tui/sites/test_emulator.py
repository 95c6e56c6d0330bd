"""The emulated terminal: what programs draw, what a hostile host cannot do, and that nothing grows without bound."""

from __future__ import annotations

import time
from random import Random

import pytest

from edgewright.core.text import cells
from tui.screens.site.shell.ansi import Tail, painted
from tui.screens.site.shell.emulator import BRACKETED, HISTORY, Emulator, cell_text
from tui.screens.site.shell.keys import key_bytes, paste_bytes


def shown(emulator: Emulator) -> list[str]:
    return [line.rstrip() for line in emulator.display]


def fed(text: str | bytes, columns: int = 20, rows: int = 5, pieces: int = 0) -> Emulator:
    emulator = Emulator(columns, rows)
    data = text.encode() if isinstance(text, str) else text
    size = pieces or max(len(data), 1)
    for at in range(0, len(data), size):
        emulator.feed(data[at : at + size])
    return emulator


@pytest.mark.parametrize("flood", [b"\x1b#8" * 30_000, b"e" + "\u0301".encode() * 100_000])
def test_a_flood_of_what_costs_much_costs_little(flood: bytes) -> None:
    began = time.process_time()
    emulator = fed(flood, 500, 200, pieces=4096)
    assert time.process_time() - began < 3 and max(map(len, emulator.display)) < 520


def test_accents_of_a_language_stay() -> None:
    assert shown(fed("e\u0301 a\u0323\u0302 x", pieces=1))[0] == "é ậ x"


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_text_wraps_scrolls_and_goes_into_the_history(pieces: int) -> None:
    emulator = fed("".join(f"row {n}\r\n" for n in range(8)) + "x" * 25 + "表é", pieces=pieces)
    assert shown(emulator) == ["row 5", "row 6", "row 7", "x" * 20, "xxxxx表é"]
    assert len(emulator.history) == emulator.scrolled == 5 and emulator.cursor.x == 8


def test_a_program_with_a_screen_of_its_own_leaves_the_first_one_as_it_was() -> None:
    emulator = fed("one\r\ntwo\x1b[?1049h\x1b[2J\x1b[1;1Hvim\x1b[2;4r\x1b[4;1H\n\n\nend")
    second = emulator.alternate
    assert second and shown(emulator)[:1] == ["vim"] and not emulator.history
    emulator.resize(4, 10)
    emulator.feed(b"\x1b[?1049l!")
    second = emulator.alternate
    assert not second and shown(emulator)[:2] == ["one", "two!"] and emulator.margins is None


def test_a_smaller_screen_keeps_its_last_lines() -> None:
    emulator = fed("".join(f"row {n}\r\n" for n in range(4)) + "$ ")
    emulator.resize(3, 20)
    assert shown(emulator) == ["row 2", "row 3", "$"] and emulator.cursor.y == 2 and emulator.scrolled == 2
    few = fed("$ ")
    few.resize(3, 20)
    assert shown(few)[0] == "$" and few.scrolled == 0


def test_sequences_of_today_are_understood_or_passed_over() -> None:
    emulator = fed(
        "\x1b[>4;2m\x1b[>1u\x1b[=5u\x1b[?1000h\x1b[?1006h\x1b[2 q\x1b[!p\x1b[?25l\x1b[22;0;0t\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"
        "\x1b[38:2::1:2:3mc\x1b[38;5;9md\x1b[4:3me\x1b[0m\x1b(0q\x1b(B\x1b[3bz\x1b[?2026h\x1b[?2026l",
        40,
    )
    assert shown(emulator)[0] == "linkcde─qqqz" or shown(emulator)[0] == "linkcde────z"
    row = emulator.buffer[0]
    assert row[4].fg == "010203" and row[5].fg == "ff0000" and row[6].underscore and not row[0].underscore
    assert emulator.cursor.hidden and not emulator.answers


HOSTILE = (
    b"\x1b]0;owned\x07", b"\x1b]52;c;b3duZWQ=\x07", b"\x1bP$qm\x1b\\", b"\x1bP+q544e\x1b\\", b"\x1b_Gf=1;x\x1b\\",
    b"\x1b^x\x1b\\", b"\x1b]4;1;?\x07", b"\x1b]11;?\x1b\\", b"\x1b[21t", b"\x1b[?1$p", b"\x1b[>q", b"\x1b[=c", b"\x05",
    b"\x1b[8;5;5t", b"\x1b[?3h", b"\x1b[?3l", b"\x1b%@", b"\x1bc", b"\x1b[x", b"\x1b[i", b"\x1b[5i",
)  # fmt: skip


@pytest.mark.parametrize("sequence", HOSTILE, ids=repr)
def test_what_a_host_asks_of_a_terminal_does_nothing(sequence: bytes) -> None:
    for pieces in (0, 1):
        emulator = fed(sequence + b"ok", pieces=pieces)
        assert (emulator.columns, emulator.lines) == (20, 5) and not emulator.answers
        assert shown(emulator) == ["ok", "", "", "", ""] and emulator.title == ""


def test_position_and_kind_are_answered_a_bounded_number_of_times() -> None:
    emulator = fed("ab\x1b[6n\x1b[5n\x1b[c")
    assert list(emulator.answers) == ["\x1b[1;3R", "\x1b[0n", "\x1b[?6c"]
    emulator.feed(b"\x1b[6n" * 10_000)
    assert len(emulator.answers) == 64


def test_nothing_grows_and_huge_numbers_cost_nothing() -> None:
    began = time.process_time()
    emulator = Emulator(80, 24)
    for final in b"@ABCDEFGHIJKLMPSTXZ`abdefgrsu":
        for numbers in (b"9" * 200, b"999999999;999999999", b"0", b"", b";;;;;;", b"-5", b"9" * 5000):
            emulator.feed(b"\x1b[%s%c" % (numbers, final))
    emulator.feed(b"\x1b[" + b"1;" * 5000 + b"m" + b"\x1b]0;" + b"x" * 1_000_000 + b"\x07")
    emulator.feed(b"\x1b7" * 10_000 + b"\x1bH" * 1000 + "e\u0301".encode() + "\u0301".encode() * 2000)
    emulator.feed(b"row\r\n" * 10_000)
    assert (emulator.columns, emulator.lines) == (80, 24) and len(emulator.history) == HISTORY
    assert len(emulator.savepoints) <= 17 and len(emulator.buffer) <= 26
    assert all(len(cell.data) < 64 for row in emulator.buffer.values() for cell in row.values())
    assert time.process_time() - began < 5


@pytest.mark.parametrize("seed", range(4))
def test_noise_breaks_nothing(seed: int) -> None:
    random = Random(seed)
    emulator = Emulator(30, 8)
    letters = b"\x1b\x1b\x1b[[[?;0123456789mHJKLMPSTXrhlsu@A\x07\r\n\t\x08\x9b\xc3\xa9\xe8\xa1\xa8() "
    for _ in range(200):
        emulator.feed(random.randbytes(40) if random.random() < 0.3 else bytes(random.choices(letters, k=60)))
        if random.random() < 0.05:
            emulator.resize(random.randint(1, 12), random.randint(1, 40))
        assert 0 <= emulator.cursor.y < emulator.lines and 0 <= emulator.cursor.x <= emulator.columns
        assert max(emulator.buffer, default=0) < 60
        for row in emulator.buffer.values():
            text = "".join(cell_text(row, x) for x in range(emulator.columns))
            assert cells(text) == emulator.columns


def test_a_real_terminal_gets_what_the_emulated_one_shows() -> None:
    for text in (
        "one\r\n\x1b[1;31mtwo\x1b[0m $ ",
        "\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[2;4r\x1b[3;3H\x1b[38;5;9mvim表x",
    ):
        emulator = fed(text)
        other = fed(painted(emulator))
        assert shown(other) == shown(emulator) and other.mode == emulator.mode and other.margins == emulator.margins
        assert (other.cursor.x, other.cursor.y) == (emulator.cursor.x, emulator.cursor.y)
        assert other.cursor.attrs[1:] == emulator.cursor.attrs[1:] and other.alternate == emulator.alternate


def test_the_tail_of_full_screen_keeps_the_modes_of_what_it_drops() -> None:
    tail = Tail()
    tail.add(b"\x1b[?1049h\x1b[?2004hdrawn\r\n")
    for _ in range(80):
        tail.add(b"filler line\r\n" * 1000)
    data = tail.take()
    assert len(data) < 800_000 and tail.take() == b""
    emulator = fed(data)
    assert emulator.alternate and BRACKETED in emulator.mode and shown(emulator)[3] == "filler line"


KEYS = (
    ("a", "a", b"a"), ("upper_a", "A", b"A"), ("ü", "ü", "ü".encode()), ("space", " ", b" "), ("enter", "\r", b"\r"),
    ("backspace", "\x7f", b"\x7f"), ("ctrl+a", "\x01", b"\x01"), ("ctrl+space", None, b"\0"), ("ctrl+z", None, b"\x1a"),
    ("up", None, b"\x1b[A"), ("shift+up", None, b"\x1b[1;2A"), ("ctrl+right", None, b"\x1b[1;5C"),
    ("f1", None, b"\x1bOP"),
    ("f12", None, b"\x1b[24~"), ("delete", None, b"\x1b[3~"), ("alt+b", "b", b"\x1bb"), ("alt+shift+b", "B", b"\x1bB"),
    ("alt+enter", None, b"\x1b\r"), ("shift+tab", None, b"\x1b[Z"), ("colon", ":", b":"),
    ("ctrl+backslash", None, b"\x1c"),
    ("ctrl+right_square_bracket", "\x1d", b"\x1d"), ("home", None, b"\x1b[H"), ("ignore-this", None, b""),
)  # fmt: skip


@pytest.mark.parametrize(("key", "character", "sent"), KEYS, ids=[each[0] for each in KEYS])
def test_a_key_sends_what_a_terminal_sends(key: str, character: str | None, sent: bytes) -> None:
    assert key_bytes(key, character) == sent


def test_cursor_keys_and_pastes() -> None:
    assert key_bytes("up", None, True) == b"\x1bOA" and key_bytes("ctrl+up", None, True) == b"\x1b[1;5A"
    assert paste_bytes("a\nb\x1b[201~c", True) == b"\x1b[200~a\rb[201~c\x1b[201~"
    assert paste_bytes("a\r\nb", False) == b"a\rb"
