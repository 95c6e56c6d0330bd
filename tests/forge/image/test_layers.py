from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.forge.image import bases
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers, tarlayer
from edgewright.forge.registry.spool import Blob, Compression, Spool, open_spool
from edgewright.forge.registry.tarlayer import Entry
from tests.forge.image.parts import tar_of


class Source:
    def __init__(self, *data: bytes) -> None:
        self._data = {str(n): one for n, one in enumerate(data)}
        self.layers = [Blob(str(n), len(one), "") for n, one in enumerate(data)]

    def read(self, blob: Blob) -> Iterator[bytes]:
        data = self._data[blob.digest]
        yield from (data[at : at + 777] for at in range(0, len(data), 777))


def read(*data: bytes, names: tuple[str, ...] = ("a", "d/b", "d/c")) -> dict[str, bytes]:
    return layers.files(Source(*data), lambda name: name in names, Job())


def test_upper_layers_win_and_white_outs_hide() -> None:
    low = gzip.compress(tar_of({"a": b"1", "d/b": b"2", "d/c": b"3"}))
    assert read(low) == {"a": b"1", "d/b": b"2", "d/c": b"3"}
    assert read(low, tar_of({"a": b"new"}))["a"] == b"new"
    assert read(low, tar_of({".wh.a": b""})) == {"d/b": b"2", "d/c": b"3"}
    assert read(low, tar_of({"d/.wh..wh..opq": b"", "d/b": b"4"})) == {"a": b"1", "d/b": b"4"}
    assert read(low, tar_of({".wh.d": b""})) == {"a": b"1"}
    assert read(low, tar_of({}, {"a": "else"})) == {"d/b": b"2", "d/c": b"3"}


@pytest.mark.parametrize("cut", [0, 10, 512, 1024, 10240 - 700])
def test_a_tar_without_its_end_is_read(cut: int) -> None:
    whole = tar_of({"a": b"1" * 700})
    assert len(whole) == 10240
    end = 512 + 700 + cut if cut == 0 else 10240 - cut
    assert read(whole[: max(end, 512 + 700)]) == {"a": b"1" * 700}


@pytest.mark.parametrize(
    "data", [b"no tar at all" * 100, gzip.compress(tar_of({"a": b"1" * 9000}))[:-40], b"\x1f\x8bxxxx"]
)
def test_what_is_no_layer_is_told(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(data)


def test_a_file_that_is_cut_off_in_the_middle_is_told() -> None:
    with pytest.raises(InvalidInput):
        read(tar_of({"a": b"1" * 9000})[:4000])


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with open_spool(tmp_path) as made:
        yield made
    assert not list(tmp_path.glob("edgewright-image-*")), "the temporary folder must be gone"


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_the_same_entries_give_the_same_blob(spool: Spool, tmp_path: Path, compression: Compression) -> None:
    if compression == "zstd" and shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100_000)
    entries = [
        Entry("b", source=file, mode=0o755),
        Entry("a", data=b"1"),
        Entry("c", link="b"),
        Entry("d", folder=True),
    ]
    blobs = []
    for order in (entries, entries[::-1]):
        file.touch()
        with spool.layer(compression) as out:
            tarlayer.write(order, out, 1234, Job())
        assert out.blob is not None
        blobs.append(out.blob)
    assert blobs[0] == blobs[1]
    data = spool.path(blobs[0].digest).read_bytes()
    assert blobs[0].digest == "sha256:" + hashlib.sha256(data).hexdigest() and blobs[0].size == len(data)
    plain = b"".join(layers.plain(iter([data])))
    assert blobs[0].diff_id == "sha256:" + hashlib.sha256(plain).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        members = tar.getmembers()
        assert [m.name for m in members] == ["a", "b", "c", "d"]
        assert {(m.mtime, m.uid, m.gid, m.uname) for m in members} == {(1234, 0, 0, "")}
        assert members[1].mode == 0o755 and members[2].linkname == "b"


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("quay.io/k/u:1", "registry", "quay.io/k/u:1"),
        ("docker://quay.io/k/u:1", "registry", "quay.io/k/u:1"),
        ("oci-archive:a.tar", "oci-archive", "a.tar"),
        ("oci:dir:tag", "oci", "dir:tag"),
        ("appliance:base.iso", "appliance", "base.iso"),
    ],
)
def test_what_a_base_is(text: str, kind: str, where: str) -> None:
    assert bases.origin(text) == (kind, where)


def test_an_archive_that_is_not_there_or_none_is_told(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.tar"):
        bases.open_layout(str(tmp_path / "gone.tar"), "oci-archive", "amd64", spool, Job())
    (tmp_path / "odd.tar").write_bytes(b"odd" * 1000)
    with pytest.raises(InvalidInput, match=r"odd\.tar"):
        bases.open_layout(str(tmp_path / "odd.tar"), "oci-archive", "amd64", spool, Job())
    with pytest.raises(InvalidInput, match=r"odd\.tar"):
        bases.open_docker_archive(str(tmp_path / "odd.tar"), "amd64", spool, Job())
