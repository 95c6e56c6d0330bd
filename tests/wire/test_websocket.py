"""Frames of the relay: any cut of the bytes gives the same pieces, what RFC 6455 forbids is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.wire import websocket
from edgewright.wire.protocol import relay
from edgewright.wire.websocket import BINARY, CLOSE, PING, TEXT, Broken, Piece, Reader, frame


def read(data: bytes, masked: bool, cuts: list[int]) -> list[Piece]:
    """Return the pieces of bytes that arrive in parts; binary ones joined."""
    reader, result = Reader(masked), list[Piece]()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        for piece in reader.feed(data[start:end]):
            if result and piece.kind == result[-1].kind == BINARY:
                result[-1] = Piece(BINARY, result[-1].data + piece.data)
            else:
                result.append(piece)
    return result


@given(st.binary(max_size=70_000), st.booleans(), st.lists(st.integers(0, 80_000), max_size=6))
def test_any_cut_gives_the_same(data: bytes, masked: bool, cuts: list[int]) -> None:
    sent = frame(TEXT, b"{}", masked) + frame(BINARY, data, masked) + frame(PING, b"p", masked)
    expected = [Piece(TEXT, b"{}"), *([Piece(BINARY, data)] if data else []), Piece(PING, b"p")]
    assert read(sent, masked, cuts) == expected


def test_the_example_of_the_rfc() -> None:
    assert websocket.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert read(bytes.fromhex("818537fa213d7f9f4d5158"), True, [3]) == [Piece(TEXT, b"Hello")]


@pytest.mark.parametrize(
    "data",
    [
        frame(BINARY, b"x", True),  # masked, where the sender is the plane
        b"\xc2\x00",  # a bit of an extension
        b"\x83\x00",  # an unknown kind
        b"\x80\x00",  # continues nothing
        b"\x09\x00",  # a control frame in fragments
        b"\x88\x7e\x00\xff",  # a control frame that is too long
        b"\x82\x7f" + b"\xff" * 8,  # a frame without bound
        frame(TEXT, b"x" * (websocket.MAX_TEXT + 1), False),
    ],
)
def test_what_is_not_allowed_is_refused(data: bytes) -> None:
    with pytest.raises(Broken):
        list(Reader(False).feed(data))


def test_a_key_is_16_bytes_in_base64() -> None:
    assert websocket.is_key(websocket.new_key())
    assert not websocket.is_key("\xe9" * 22 + "==") and not websocket.is_key("x" * 24)


def test_a_close_ends() -> None:
    assert [piece.kind for piece in Reader(True).feed(frame(CLOSE, b"\x03\xe8", True))] == [CLOSE]


def test_the_header_of_streams_is_bounded() -> None:
    asked = [relay.Asked(f"{number:024x}", 6443) for number in range(100)]
    assert relay.read_header(relay.header(asked)) == asked[: relay.MAX_ASKED]
    assert relay.read_header("x:1, :, " + "a" * 24 + ":99999999," + "b" * 24 + ":22") == [relay.Asked("b" * 24, 22)]


def test_fragments_without_bytes_take_no_memory() -> None:
    reader = Reader(False)
    list(reader.feed(b"\x01\x01{"))
    for _ in range(100):
        assert list(reader.feed(b"\x00\x00" * 50)) == []
    assert len(reader._collected) == 1
    assert list(reader.feed(b"\x80\x01}")) == [Piece(TEXT, b"{}")]
