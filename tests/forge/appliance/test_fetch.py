"""Packages in the cache: hashes decide; why one did not come is told by its name. A stand-in for the downloader."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgewright.core.errors import EdgewrightError, Failed, NotFound
from edgewright.forge.appliance import fetch as module
from edgewright.forge.appliance import parts
from edgewright.forge.appliance.fetch import fetch
from edgewright.forge.appliance.lock import Lock, Package
from edgewright.forge.progress import Job

MIRRORS = {"debian": "http://m.example/debian"}


def package(name: str, data: bytes) -> Package:
    digest = hashlib.sha256(data).hexdigest()
    return Package(name, "1.0", "amd64", "debian", f"pool/{name}.deb", len(data), digest)


GOOD = package("good", b"good data")
LOCK = Lock("debian", "amd64", parts.SUITES, 1, (GOOD, package("other", b"other data")))


def downloader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a stand-in for apt's downloader in place; its words are kept in `words`."""
    helper = tmp_path / "helper"
    helper.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/words"\n{script}\n')
    helper.chmod(0o755)
    monkeypatch.setattr(module, "HELPER", str(helper))
    return tmp_path / "words"


def test_only_what_is_missing_is_fetched_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = downloader(tmp_path, monkeypatch, 'printf "other data" > "$3"')
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / GOOD.file).write_bytes(b"good data")
    files = fetch(LOCK, MIRRORS, tmp_path, Job())
    assert [file.read_bytes() for file in files] == [b"good data", b"other data"]
    said = words.read_text().split()
    assert said[0] == "download-file" and said[1] == "http://m.example/debian/pool/other.deb" and len(said) == 4
    assert sorted(path.name for path in (tmp_path / "packages").iterdir()) == sorted(p.file for p in LOCK.packages)
    words.unlink()
    fetch(LOCK, None, tmp_path, Job())
    assert not words.exists()


def test_a_cached_file_that_rotted_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloader(tmp_path, monkeypatch, 'printf "good data" > "$3"')
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / GOOD.file).write_bytes(b"bad! data")
    files = fetch(LOCK._replace(packages=(GOOD,)), MIRRORS, tmp_path, Job())
    assert files[0].read_bytes() == b"good data"


@pytest.mark.parametrize(
    ("told", "error", "code", "says"),
    [
        ("Err:1 http://m.example 404  Not Found", NotFound, "PackageGone", "--refresh-lock"),
        ("E: Hash Sum mismatch", Failed, "WrongHash", "--mirror"),
        ("E: Could not resolve m.example", Failed, "Failed", "network"),
        ("", Failed, "Failed", "network"),
    ],
)
def test_why_a_package_did_not_come(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    error: type[EdgewrightError],
    code: str,
    says: str,
) -> None:
    downloader(tmp_path, monkeypatch, f'printf "half" > "$3"; echo "{told}"; exit 100')
    with pytest.raises(error) as caught:
        fetch(LOCK, MIRRORS, tmp_path, Job())
    assert "good 1.0, other 1.0" in caught.value.message
    assert caught.value.code == code and says in caught.value.hint
    assert list((tmp_path / "packages").iterdir()) == []


def test_the_cache_alone_names_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        fetch(LOCK, None, tmp_path, Job())
    assert "good 1.0" in caught.value.message and "--offline" in caught.value.hint
