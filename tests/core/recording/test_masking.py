"""No canary is left in what a terminal showed: wherever a piece ends, in colours, typed with mistakes, drawn."""

from __future__ import annotations

import random
import re
import time

import pytest

from edgewright.core.recording.masking import MOST_WAITING, Masker, Piece, open_end, without_requests
from tests.core.redaction.canaries import CANARIES, HARMLESS, JWT, RSA, WORD, Canary

ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def masked(data: bytes, sizes: list[int] | None = None) -> list[Piece]:
    """Return what is stored of output that arrived in pieces of `sizes` (repeated), a second each."""
    masker, pieces, at, turn = Masker(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)] if sizes else len(data)
        pieces += masker.feed(float(turn), data[at : at + size])
        at, turn = at + size, turn + 1
    return pieces + masker.finish()


def joined(pieces: list[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces)


def on_terminal(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def coloured(text: bytes) -> bytes:
    """Return a text in which each third letter has another colour."""
    return b"".join(
        b"\x1b[3%dm%c" % (place % 7 + 1, letter) if place % 3 == 0 and letter not in b"\r\n" else bytes([letter])
        for place, letter in enumerate(text)
    )


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.kind)
def test_no_canary_is_left(canary: Canary) -> None:
    for text in (canary.text, on_terminal(canary.text), coloured(on_terminal(canary.text)))[
        : 2 if b"\x1b" in canary.text else 3
    ]:
        for sizes in (None, [1]):
            stored = ESCAPE.sub(b"", joined(masked(text, sizes)))
            assert not [part for part in canary.hidden if part in stored], stored.decode()
            assert not [part for part in canary.kept if part not in stored], stored.decode()


@pytest.mark.parametrize("seed", range(1))
def test_none_is_left_wherever_a_piece_ends(seed: int) -> None:
    chosen = random.Random(seed)
    parts = [part for canary in chosen.sample(CANARIES, len(CANARIES)) for part in (canary.text, b"between\n")]
    data = coloured(on_terminal(b"".join(part for part in parts if b"\x1b" not in part)))
    for sizes in ([1], [chosen.randint(1, 90) for _ in range(50)], [4096]):
        shown = ESCAPE.sub(b"", joined(masked(data, sizes)))
        assert len(shown) == len(ESCAPE.sub(b"", data)) and shown.count(b"between\r\n") >= len(parts) // 2 - 5
        assert not [part for canary in CANARIES for part in canary.hidden if len(part) > 8 and part in shown]


def test_what_is_harmless_stays_byte_for_byte() -> None:
    text = on_terminal(HARMLESS.encode())
    assert joined(masked(text)) == text
    assert joined(masked(coloured(text), [5, 3])) == coloured(text)
    drawn = (
        "\x1b[?1049h\x1b[H\x1b[2J\x1b[1;32mname\x1b[0m  ünïcode 表\x1b[5;1H\x1b[Kend\b \bX\x1b(B\x1b[?1049l".encode()
    )
    assert joined(masked(drawn, [1])) == drawn


def test_pieces_have_the_times_at_which_they_came() -> None:
    pieces = masked(b"one\r\ntwo\r\nthree", [5])
    assert [(piece.at, piece.data) for piece in pieces] == [(0.0, b"one\r\n"), (1.0, b"two\r\n"), (2.0, b"three")]
    half = masked(b"export TOKEN=" + WORD.encode() + b"\r\n", [15])
    assert [piece.at for piece in half] == [0.0, 1.0] and joined(half) == b"export TOKEN=" + b"*" * len(WORD) + b"\r\n"


def test_a_secret_that_is_typed_with_mistakes() -> None:
    typed = b"$ export TOKEN=cAnQ\b \baryX\b\x1b[K7Qx\r\n$ echo $TOKEN\r\ncAnary7Qx\r\n"
    stored = joined(masked(typed, [1]))
    assert b"cAn" not in stored and b"Q" not in stored.replace(b"$ echo", b"") and b"X" not in stored
    assert stored.startswith(b"$ export TOKEN=****") and stored.endswith(b"$ echo $TOKEN\r\n*********\r\n")


def test_a_value_is_a_secret_later_without_its_name_too() -> None:
    data = b"password: cAnary7Qx\r\n\x1b[H\x1b[2J\x1b[5;10HcAnary7Qx\x1b[6;1Hrest\r\n"
    stored = joined(masked(data, [3]))
    assert b"cAnary" not in stored and b"\x1b[5;10H*********\x1b[6;1Hrest" in stored
    assert b"required" in joined(masked(b"password: required\r\nit is required\r\n"))


def test_a_cursor_that_moves_separates_words_and_a_wrapped_token_is_found_all_the_same() -> None:
    assert joined(masked(b"token:\x1b[4;1Hfree text\r\n")) == b"token:\x1b[4;1Hfree text\r\n"
    half = len(JWT) // 2
    stored = joined(masked(b"\x1b[3;1H" + JWT[:half].encode() + b"\x1b[4;1H" + JWT[half:].encode() + b"\x1b[5;1H~"))
    assert JWT[:half].encode() not in stored and JWT[half:].encode() not in stored and stored.endswith(b"\x1b[5;1H~")
    wrapped = b"$ export TOKEN=cAnary \r7Qx\r\n"
    assert b"7Qx" not in joined(masked(wrapped))


@pytest.mark.parametrize(
    "drawn",
    [
        (
            b"\x1b[1;1Hstylus:\r\n  password: |\x1b[2;14H\x1b[K"
            b"\x1b[3;5HcAnary7Qx\x1b[3;14H\x1b[K\x1b[4;5Hsecond\r\n  site: s"
        ),
        (
            b'\x1b[1;1H{\r\n "kind": "Secret",\x1b[2;19H\x1b[K'
            b'\x1b[3;1H "data": {\x1b[3;11H\x1b[K\x1b[4;3H"ca": "cAnary7Qx"\r\n }'
        ),
    ],
    ids=["YAML", "JSON"],
)
def test_what_vim_draws_has_the_indentation_of_its_columns(drawn: bytes) -> None:
    stored = joined(masked(drawn + b"\x1b[8;1H~\r\n", [5]))
    assert b"cAnary" not in stored and b"second" not in stored and b"~" in stored
    assert len(stored) == len(drawn) + 9 and (b"site: s" in stored or b" }" in stored)


def test_what_asks_a_terminal_or_sets_its_title_or_clipboard_is_left_out() -> None:
    hostile = (
        b"a\x1b]0;token=cAnary7Qx\x07b\x1b]52;c;cAnary\x1b\\c\x1bP$qm\x1b\\d\x1b[6ne\x1b[ch\x1b[>4;2mi\x1b[21tj"
        b"\x1b_x\x1b\\k\x1b[?u\x1b[31ml\x05\x1bZ\x1b[5im\xc2\x9d52;c;n\xc2\x9b6no\r\n"
    )
    assert joined(masked(hostile, [1])) == b"abcdehijk\x1b[31mlm52;c;n6no\r\n"


@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\", b"\x18"], ids=["BEL", "ST", "CAN"])
def test_a_title_or_clipboard_with_line_ends_in_it_is_left_out_wherever_a_piece_ends(end: bytes) -> None:
    for begin in (b"\x1b]0;", b"\x1b]52;c;", b"\x1bP"):
        data = b"before\r\nx" + begin + b"one\r\ncAnary7Qx\n\r\nfour" + end + b"y\r\nafter\r\n"
        for size in range(1, len(data)):
            stored = joined(masked(data, [size]))
            assert stored == b"before\r\nxy\r\nafter\r\n", (size, stored)


def test_a_title_within_the_line_of_a_secret_does_not_hide_it() -> None:
    data = b"API_TOKEN=\x1b]0;one\r\ntwo\x07cAnary7Qx\r\n"
    for size in range(1, len(data)):
        assert joined(masked(data, [size])) == b"API_TOKEN=*********\r\n"


@pytest.mark.parametrize("data", [b"\x1b" * 200_000, b"\x1b]" * 100_000, b"\x1b]0;" + b"x" * 400_000])
def test_the_begin_of_a_title_without_an_end_costs_little(data: bytes) -> None:
    began = time.process_time()
    joined(masked(data, [4096]))
    assert time.process_time() - began < 2


def test_a_title_that_is_larger_than_what_waits_is_left_out() -> None:
    data = b"x\x1b]0;" + b"cAnary7Qx\n" * (MOST_WAITING // 5) + b"\x07y\r\n"
    for sizes in ([7], [4096], [len(data) - 3]):
        assert joined(masked(data, sizes)) == b"xy\r\n"


@pytest.mark.parametrize(
    "cut",
    [b"\x1b", b"\x1b[", b"\x1b[0", b"\x1b\x0b", b"\x1b[\x0b", b"\x1b(", b"\x1b[" + b";" * 300, b"\x1b[" + b" " * 9],
)
def test_a_sequence_without_its_end_is_not_ended_by_what_is_written_next(cut: bytes) -> None:
    assert b"\x1b" not in without_requests(cut)


@pytest.mark.parametrize("data", [b"a\x1b", b"a\x1b[", b"a\x1b[31;4", b"a\x1b(", b"a\xc2"])
def test_what_the_end_of_a_piece_cuts_waits_for_the_next_one(data: bytes) -> None:
    assert open_end(data) == 1 and open_end(data + b"m") == len(data) + 1


def test_a_line_without_an_end_is_held_in_bounds_and_its_secrets_are_masked() -> None:
    masker = Masker()
    line = b"".join(b'"item-%d": "harmless text", "password": "cAnary7Qx-%d", ' % (n, n) for n in range(1500))
    pieces = []
    for at in range(0, len(line), 8192):
        pieces += masker.feed(at, line[at : at + 8192])
        assert len(masker._waiting) <= MOST_WAITING + 8192
    stored = joined(pieces + masker.finish())
    assert b"cAnary" not in stored and stored.count(b"harmless text") == 1500 and len(stored) == len(line)


def test_a_long_stream_costs_no_quadratic_time() -> None:
    began = time.process_time()
    masked(b"y\r\n" * 100_000, [16384])
    masked(b"x" * 300_000, [16384])
    masked((b"\x1b[31mword\x1b[0m " * 5 + b"\r\n") * 2_000, [16384])
    masked(RSA.encode() * 10, [1000])
    assert time.process_time() - began < 4
