"""No canary is left in a text, wherever a piece ends; what is harmless stays; a long line costs no quadratic time."""

from __future__ import annotations

import random
import time

import pytest

from edgewright.core.redaction.stream import MAX_LINE, Redactor
from tests.core.redaction.canaries import CANARIES, HARMLESS, RSA, WORD, Canary


def redacted(text: bytes, sizes: list[int] | None = None) -> tuple[bytes, dict[str, int]]:
    """Return a text that was fed in pieces of `sizes` (repeated), and the counts."""
    redactor, output, at, turn = Redactor(), b"", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)] if sizes else len(text)
        output += redactor.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return output + redactor.finish(), redactor.counts


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.kind)
def test_no_canary_is_left(canary: Canary) -> None:
    output, counts = redacted(canary.text)
    assert not [part for part in canary.hidden if part in output], output.decode()
    assert not [part for part in canary.kept if part not in output], output.decode()
    assert sum(counts.values()) > 0
    assert redacted(output)[0] == output


@pytest.mark.parametrize("seed", range(8))
def test_it_makes_no_difference_where_a_piece_ends(seed: int) -> None:
    chosen = random.Random(seed)
    parts = [part for canary in chosen.sample(CANARIES, len(CANARIES)) for part in (canary.text, b"between\n")]
    text = b"".join(parts)
    whole, counts = redacted(text)
    for sizes in ([1], [2, 3], [chosen.randint(1, 90) for _ in range(50)], [4096]):
        assert redacted(text, sizes) == (whole, counts)
    assert not [part for canary in CANARIES for part in canary.hidden if len(part) > 8 and part in whole]


def test_harmless_text_stays() -> None:
    output, counts = redacted(HARMLESS.encode())
    assert output.decode() == HARMLESS
    assert counts == {}


def test_a_text_continues_where_it_stopped() -> None:
    text = b"".join(canary.text for canary in CANARIES) * 2
    whole, counts = redacted(text)
    first = Redactor()
    output = first.feed(text[:5000])
    assert output
    state, pending = first.state(), first.pending
    second = Redactor()
    second.restore(state)
    output += second.feed(text[5000 - pending :]) + second.finish()
    assert (output, second.counts) == (whole, counts)


def test_half_a_line_of_a_cut_text_is_left_out() -> None:
    redactor = Redactor()
    output = redactor.feed(b"first\nsomething eyJhbGciOi") + redactor.finish(cut=True)
    assert output == b"first\n"


@pytest.mark.parametrize("sizes", [None, [1000]])
def test_a_line_that_is_too_long_is_left_out(sizes: list[int] | None) -> None:
    line = b"x" * MAX_LINE + b' "password": "' + WORD.encode() + b'"'
    output, counts = redacted(b"first\n" + line + b"\nlast\n", sizes)
    assert output == b"first\n[left out: a line of %d bytes]\nlast\n" % len(line)
    assert counts == {"line too long to look at": 1}


def test_a_key_that_never_ends_hides_no_more_than_a_key_can_have() -> None:
    text = RSA.splitlines()[0].encode() + b"\n" + b"a line of a log\n" * 1000
    assert redacted(text)[0].count(b"a line of a log") == 600


@pytest.mark.parametrize(
    "unit",
    [
        b"a", b"A9", b"-", b"--", b"token=a ", b'"token":', b"password: \\", b"://", b"://a:b@", b"eyJ", b"$6$", b"'",
        b'\\"', b" ", b"name: a", b"Bearer ", b"a.", b"0123456789abcdef", b"-----BEGIN ", b"export ", b"=",
    ],
)  # fmt: skip
def test_no_line_takes_quadratic_time(unit: bytes) -> None:
    line = unit * (MAX_LINE // len(unit) - 1) + b"\n"
    began = time.process_time()
    redacted(line)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("begin", "unit", "end"),
    [
        (b"password:", b" ", b"x"),
        (b"password: |", b"\t", b"x"),
        (b"--token", b" ", b"x"),
        (b"data: ", b"\\", b""),
        (b"", b"-eyJ", b""),
        (b"\x1b[", b"!", b""),
        (b"\x1b[", b"0", b""),
        (b"", b"-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----", b""),
        (b"", b"://" + b"a" * 600, b""),
        (b"token ", b"name:" + b"toke" * 25, b""),
    ],
)
def test_no_line_of_a_host_that_is_hostile_takes_quadratic_time(begin: bytes, unit: bytes, end: bytes) -> None:
    line = begin + unit * ((MAX_LINE - 20) // len(unit)) + end + b"\n"
    began = time.process_time()
    redacted(line)
    assert time.process_time() - began < 3
