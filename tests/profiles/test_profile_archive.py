"""Cluster definitions: one infrastructure, no pack twice; archives that are hostile are refused with a sentence."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.model import Variable
from edgewright.profiles.archive import MAX_UNPACKED, pack, read_archive, unpack, write_archive
from tests.core.profiles.stacks import addon, full, layer


def _tgz(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _file(name: str, data: bytes = b"{}") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), data


def test_a_definition_is_read_back_and_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    profiles = [
        full(),
        addon(layers=(layer("other", "addon", "a: 1\n"),), variables=(Variable("k", default="s", masked=True),)),
    ]
    data = pack("site", profiles)
    assert data == pack("site", profiles)
    (tmp_path / "site.tgz").write_bytes(b"older")
    assert write_archive(tmp_path / "site.tgz", "site", profiles) == len(data)
    assert (tmp_path / "site.tgz").stat().st_mode & 0o777 == 0o600
    assert read_archive(tmp_path / "site.tgz") == ("site", profiles)


@pytest.mark.parametrize(
    ("profiles", "words"),
    [
        ([addon()], "there are 0"),
        ([full(), full(name="second")], "there are 2: edge-site 1.0.0 and second 1.0.0"),
        ([full(), addon()], "layer web: The pack is in the profiles edge-site 1.0.0 and apps 1.0.0"),
    ],
)
def test_profiles_that_do_not_make_one_cluster_are_refused(profiles: list, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InvalidInput) as wrong:
        pack("site", profiles)
    assert words in wrong.value.message
    assert wrong.value.exit_code == 7


def _link(kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo("x.json")
    info.type, info.linkname = kind, "/etc/passwd"
    return info, b""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not a .tgz archive"),
        (b"PK\x03\x04", "is not a .tgz archive"),
        (gzip.compress(b"no tar"), "is not a .tgz archive"),
        (_tgz([_file("../x.json")]), "leads out of the archive"),
        (_tgz([_file("/etc/x.json")]), "leads out of the archive"),
        (_tgz([_link(tarfile.SYMTYPE)]), "is a link or a device"),
        (_tgz([_link(tarfile.LNKTYPE)]), "is a link or a device"),
        (_tgz([_file(f"{number}.json") for number in range(201)]), "more than 200 files"),
        (_tgz([_file("a.json"), _file("a.json")]), "is there twice"),
        (_tgz([_file("a.json", b"{")]), "a.json is not JSON"),
        (_tgz([_file("a.json", b"[" * 100_000)]), "a.json is not JSON"),
        (_tgz([_file("other.json")]), "cluster-definition.json is not in it"),
        (_tgz([_file("cluster-definition.json", b'{"version": 9}')]), "Version 9 is not known"),
        (_tgz([_file("cluster-definition.json", b'{"version":1,"profiles":[{"file":"x"}]}')]), "is not in the archive"),
        (pack("site", [full()])[:-200], "is not a .tgz archive"),
    ],
)  # fmt: skip
def test_other_archives_are_refused_with_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        unpack(data, "site.tgz")
    assert words in wrong.value.message and wrong.value.message.startswith("site.tgz")
    assert wrong.value.exit_code == 7


def test_an_archive_of_zeros_stops_at_the_bound() -> None:
    zeros = gzip.compress(bytes(1024 * 1024), 9)
    many = zeros * (MAX_UNPACKED // 1024 // 1024 + 10)  # members of gzip in a row are one stream
    with pytest.raises(InvalidInput, match="when it is unpacked"):
        unpack(many, "zeros.tgz")


def test_a_profile_of_the_archive_is_checked() -> None:
    index = {"version": 1, "name": "x", "profiles": [{"file": "profiles/01.json"}]}
    files = [_file("cluster-definition.json", json.dumps(index).encode()), _file("profiles/01.json", b'{"spec": []}')]
    with pytest.raises(InvalidInput, match=r"profiles/01.json: spec"):
        unpack(_tgz(files))
