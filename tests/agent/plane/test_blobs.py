"""The agent's folder of blobs (rule P80): continued after a break, checked, bounded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgewright.agent.plane.blobs import PART, BlobFolder, Piece
from edgewright.core.errors import Failed, Unreachable
from edgewright.wire import protocol

SIZE = 2 * protocol.BLOB_PIECE + 77
CONTENT = bytes(range(251)) * (SIZE // 251 + 1)
CONTENT = CONTENT[:SIZE]
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class FakePlane:
    """Answers with ranges, and breaks where it is asked to."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.asked: list[int] = []
        self.breaks: set[int] = set()

    def get(self, digest: str, first: int, last: int) -> Piece:
        self.asked.append(first)
        if len(self.asked) in self.breaks:
            raise Unreachable("The link broke.", "Wait.")
        size = len(self.content)
        if not size:
            return Piece(200, "", b"")
        if first >= size:
            return Piece(416, f"bytes */{size}", b"")
        last = min(last, size - 1)
        return Piece(206, f"bytes {first}-{last}/{size}", self.content[first : last + 1])


def test_p80_a_blob_is_fetched_once_and_continues_after_a_break(tmp_path: Path) -> None:
    plane, folder = FakePlane(), BlobFolder(str(tmp_path / "b"), spare=0)
    plane.breaks = {2, 4}
    for _ in range(2):
        with pytest.raises(Unreachable):
            folder.fetch(DIGEST, plane.get)
    path = Path(folder.fetch(DIGEST, plane.get))
    assert path.read_bytes() == CONTENT and path.name == DIGEST
    piece = protocol.BLOB_PIECE
    asked, starts = plane.asked, sorted(set(plane.asked))
    assert asked[:3] == [0, piece, piece] and asked == sorted(asked)
    assert len(asked) == len(starts) + 2, "no byte comes twice but for the breaks"
    assert folder.fetch(DIGEST, plane.get) == str(path) and len(plane.asked) == len(asked)
    assert [file.name for file in (tmp_path / "b").iterdir()] == [DIGEST]


def test_p80_a_link_that_brings_less_than_a_piece_in_time_gets_on(tmp_path: Path) -> None:
    """A piece of 1 MiB never arrived within the time of an answer, and the fetch began with it again for ever."""
    plane, folder = FakePlane(), BlobFolder(str(tmp_path), spare=0)
    sizes = []

    def slow(digest: str, first: int, last: int) -> Piece:
        sizes.append(last - first + 1)
        if last - first + 1 > 32 * 1024:
            raise Unreachable("The answer took too long.", "Wait.")
        return plane.get(digest, first, last)

    for _ in range(200):
        try:
            folder.fetch(DIGEST, slow)
            break
        except Unreachable:
            continue
    assert (tmp_path / DIGEST).read_bytes() == CONTENT
    assert sizes[:4] == [1024 * 1024, 256 * 1024, 64 * 1024, 16 * 1024] and min(sizes) == 16 * 1024


def test_p80_what_arrived_changed_is_removed_and_never_used(tmp_path: Path) -> None:
    folder = BlobFolder(str(tmp_path), spare=0)
    with pytest.raises(Failed, match="another content"):
        folder.fetch(DIGEST, FakePlane(CONTENT[:-1] + b"!").get)
    assert list(tmp_path.iterdir()) == []
    path = Path(folder.fetch(DIGEST, FakePlane().get))
    path.write_bytes(b"the disk changed it")
    assert not folder.has(DIGEST) and not path.exists()
    assert Path(folder.fetch(DIGEST, FakePlane().get)).read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"x" * 10, CONTENT, CONTENT + b"more", b"y" * (protocol.MAX_BLOB + 1)])
def test_p80_what_an_earlier_run_left_is_continued_or_replaced(tmp_path: Path, left: bytes) -> None:
    (tmp_path / (DIGEST + PART)).write_bytes(left)
    folder = BlobFolder(str(tmp_path), spare=0)
    for _ in range(2):
        try:
            path = Path(folder.fetch(DIGEST, FakePlane().get))
            break
        except Failed:
            assert not (tmp_path / (DIGEST + PART)).exists()
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        Piece(404, "", b""),
        Piece(200, "", CONTENT),
        Piece(206, "bytes 5-9/100", b"12345"),
        Piece(206, "bytes 0-9/100", b"short"),
        Piece(206, f"bytes 0-0/{protocol.MAX_BLOB + 1}", b"1"),
        Piece(206, "bytes 0-0/100", b""),
        Piece(500, "", b"no"),
    ],
)
def test_p80_an_odd_answer_is_a_sentence_and_stores_nothing(tmp_path: Path, answer: Piece) -> None:
    folder = BlobFolder(str(tmp_path), spare=0)
    with pytest.raises(Failed, match=DIGEST[:12]):
        folder.fetch(DIGEST, lambda digest, first, last: answer)
    assert [file.stat().st_size for file in tmp_path.iterdir()] == [0]


def test_p80_a_piece_without_content_ends_it(tmp_path: Path) -> None:
    """`bytes 5-4/100` and nothing was taken for a piece, and asked for again without end."""
    pieces = iter([Piece(206, "bytes 0-4/100", b"01234"), Piece(206, "bytes 5-4/100", b"")])
    with pytest.raises(Failed, match="answered the request"):
        BlobFolder(str(tmp_path / "blobs"), spare=0).fetch(DIGEST, lambda digest, first, last: next(pieces))


def test_p80_the_folder_is_bounded_and_unused_ones_go(tmp_path: Path) -> None:
    folder = BlobFolder(str(tmp_path), most_bytes=SIZE + 10, spare=0)
    folder.fetch(DIGEST, FakePlane().get)
    other = b"z" * 11
    digest = hashlib.sha256(other).hexdigest()
    with pytest.raises(Failed, match="more than"):
        folder.fetch(digest, FakePlane(other).get)
    assert sorted(folder.retain({digest})) == [DIGEST]
    assert Path(folder.fetch(digest, FakePlane(other).get)).read_bytes() == other
    with pytest.raises(Failed, match="no room"):
        BlobFolder(str(tmp_path), spare=1 << 60).fetch(DIGEST, FakePlane().get)


def test_p80_an_empty_blob_and_what_is_no_digest(tmp_path: Path) -> None:
    folder = BlobFolder(str(tmp_path), spare=0)
    empty = hashlib.sha256(b"").hexdigest()
    assert Path(folder.fetch(empty, FakePlane(b"").get)).read_bytes() == b""
    with pytest.raises(ValueError, match="not a SHA-256"):
        folder.fetch("../../etc/passwd", FakePlane().get)
