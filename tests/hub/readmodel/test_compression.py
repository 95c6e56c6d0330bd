"""What readers of the change stream share: compressed pieces, and events of heartbeats (rules P34 and P64)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edgewright.core.roles import EVERYTHING, Scope
from edgewright.hub.readmodel import beats as beats_module
from edgewright.hub.readmodel.beats import BeatReader, Beats
from edgewright.hub.readmodel.changes import Changes
from edgewright.hub.readmodel.compression import Compressed, Compressor, accepts_gzip
from edgewright.wire import protocol
from tests.hub_fixture import RunningHub


async def _from(texts: list[bytes]) -> AsyncIterator[bytes]:
    for text in texts:
        yield text


async def test_p64_each_reader_decodes_shared_pieces_from_its_own_begin_and_at_once() -> None:
    texts = [b": begins\n\n", *(b"data: %d %s\n\n" % (number, b'{"uid":"edge"}' * 400) for number in range(6)), b"x"]
    compressor, made = Compressor(), set()
    for begin in (0, 1, 4):
        decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
        stream = Compressed(_from(texts[begin:]), compressor)
        for text in texts[begin:]:
            piece = await anext(stream)
            assert decoder.decompress(piece) == text, "complete, before anything else arrives"
            made.add(id(compressor.compress(text)) if len(text) > 200 else 0)
    assert len(made) == 1 + 6, "each piece was compressed once for all three"


@pytest.mark.parametrize("count", [0, 1, 5])
async def test_p64_a_stream_that_the_hub_ends_is_a_complete_gzip_file(count: int) -> None:
    texts = [b"data: %d %s\n\n" % (number, b"uid" * 400) for number in range(count)]
    pieces = [piece async for piece in Compressed(_from(texts), Compressor())]
    assert gzip.decompress(b"".join(pieces)) == b"".join(texts), "with its checksum and length"


def test_p64_texts_that_were_compressed_are_forgotten() -> None:
    compressor = Compressor()
    for number in range(100):
        compressor.compress(b"%d" % number * 100_000)
    assert len(compressor._known) < 50


@pytest.mark.parametrize(
    "header, accepts",
    [
        ("gzip, deflate", True),
        ("deflate;q=0.5, GZIP;q=0.1", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("*;q=0.5, gzip; q=0.00", False),
        ("br", False),
    ],
)
def test_p64_accept_encoding(header: str, accepts: bool) -> None:
    assert accepts_gzip(header) is accepts


@pytest.mark.parametrize("asked", ["gzip", "identity"])
def test_p64_a_client_gets_the_stream_compressed_if_it_accepts_that(hub: RunningHub, asked: str) -> None:
    with hub.client().stream("GET", protocol.CHANGES, headers={"Accept-Encoding": asked}) as answer:
        assert next(answer.iter_lines()) == ": edgewright changes"
        assert answer.headers.get("content-encoding") == ("gzip" if asked == "gzip" else None)
        assert answer.headers["vary"] == "Accept-Encoding"


class _Host:
    def __init__(self, uid: str) -> None:
        self.record = self.live = self
        self.uid, self.project_uid, self.at, self.count = uid, "p" if uid < "h5" else "q", 1.0, 1
        self.vitals: dict[str, Any] = {}
        self.progress = None


class _State:
    hosts = {uid: _Host(uid) for uid in ("h1", "h2", "h8")}


async def test_p34_an_event_of_heartbeats_is_encoded_once_for_all_who_may_see_the_same() -> None:
    beats = Beats(_State(), every=0.0)  # type: ignore[arg-type]
    changes = Changes(7, lambda kind, uid: None, beats=beats)
    scopes = [EVERYTHING] * 3 + [Scope.of("p")] * 2
    streams = [changes.stream(None, scope, beats_since=0.0) for scope in scopes]
    for stream in streams:
        await anext(stream)
    for uid in _State.hosts:
        changes.note_beat(uid)
    texts = [await anext(stream) for stream in streams]
    assert len({id(text) for text in texts}) == 2
    assert b'"h8"' in texts[0] and b'"h8"' not in texts[-1] and b'"h1"' in texts[-1]
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]


def test_p34_a_reader_that_is_behind_gets_each_host_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats_module, "MOST", 2)
    woken: list[int] = []
    slow = BeatReader(lambda: woken.append(1))
    for uids in (["a", "b", "c"], ["b", "d"], ["a", "e"]):
        slow.add(beats_module._batches(uids))
    taken = []
    while slow.due:
        taken.append(slow.take().uids)
    assert taken == [["a", "b"], ["c", "d"], ["e"]] and len(woken) == 3
