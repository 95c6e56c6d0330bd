"""The file: index, README, contents, permissions, encryption that age decrypts, and files that are never replaced."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from edgewright.clients.ssh.bundle.archive import file_name, index, write_bundle
from edgewright.clients.ssh.bundle.collect import Collector
from edgewright.clients.ssh.bundle.encryption import encryption_to
from edgewright.clients.ssh.bundle.entries import Entry
from edgewright.clients.ssh.bundle.partial import Partial
from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound
from edgewright.core.slow_files import Stopped
from tests.clients.ssh.bundle.contents import plant
from tests.clients.ssh.bundle.local_shell import LocalShell
from tests.clients.ssh.bundle.test_collect import contents, new
from tests.core.redaction.canaries import CANARIES
from tests.support import missing


@pytest.fixture
def entries(place: Path) -> tuple[Entry, ...]:
    return tuple(entry for entry in plant(place, 300) if entry.name not in ("a/hangs.txt", "a/silent.txt"))


@pytest.fixture
async def partial(entries: tuple[Entry, ...], tmp_path: Path) -> Partial:
    partial = new(tmp_path / "partial")
    host = LocalShell()
    await Collector(host, partial, entries=entries).run()
    await host.aclose()
    return partial


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        texts = {}
        for member in tar:
            assert member.isfile() and member.mode == 0o600 and not member.name.startswith(("/", ".."))
            source = tar.extractfile(member)
            assert source is not None
            texts[member.name.partition("/")[2]] = source.read()
        return texts


async def test_index_readme_and_contents(partial: Partial, entries: tuple[Entry, ...], tmp_path: Path) -> None:
    document = index(partial, {"user": "root"}, entries)
    target = tmp_path / "bundle.tar.gz"
    size = write_bundle(partial, target, document, {"edgewright/script.sh": b"x\n"})
    assert size == target.stat().st_size and target.stat().st_mode & 0o777 == 0o600
    texts = members(target.read_bytes())
    stored = contents(partial)
    assert {name: texts[name] for name in stored} == stored
    assert set(texts) == {*stored, "index.json", "README.txt", "edgewright/script.sh"}
    listed = json.loads(texts["index.json"])
    assert listed == json.loads(json.dumps(document))
    by_name = {entry["entry"]: entry for entry in listed["entries"]}
    assert by_name["b/absent.log"]["missing"] == "not on this host" and by_name["b/absent.log"]["files"] == []
    assert by_name["b/plain.log"]["files"][0]["leftOut"]["private key"] >= 5
    assert by_name["b/plain.log"]["source"].endswith("/plain.log") and by_name["b/plain.log"]["missing"] is None
    assert listed["missing"] == sum(entry["missing"] is not None for entry in listed["entries"])
    assert b"secrets were left out" in texts["README.txt"]
    whole = b"\n".join(texts.values())
    assert [canary.kind for canary in CANARIES for part in canary.hidden if len(part) > 8 and part in whole] == []


async def test_a_file_is_never_replaced(partial: Partial, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    target.write_bytes(b"mine")
    with pytest.raises(Conflict, match="exists already"):
        write_bundle(partial, target, index(partial, {}), {})
    assert target.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.tar.gz", "host", "partial"]


async def test_a_file_is_written_where_there_are_no_hard_links(
    partial: Partial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*paths: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "bundle.tar.gz"
    write_bundle(partial, target, index(partial, {}), {})
    assert members(target.read_bytes()) and target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="exists already"):
        write_bundle(partial, target, index(partial, {}), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.tar.gz", "host", "partial"]


async def test_a_full_disk_is_a_sentence_and_leaves_no_file(partial: Partial, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        write_bundle(partial, tmp_path / "absent" / "bundle.tar.gz", index(partial, {}), {})


@pytest.fixture(scope="module")
def age_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    if shutil.which("age-keygen") is None:
        missing("e2e", "age is not installed")
    path = tmp_path_factory.mktemp("age") / "key.txt"
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(path)], check=True, capture_output=True, text=True).stdout.strip()
    return path, public


async def test_recipients_decrypt_it(partial: Partial, tmp_path: Path, age_key: tuple[Path, str]) -> None:
    ssh_key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a b", "-f", str(ssh_key)], check=True)
    target = tmp_path / "bundle.tar.gz.age"
    encryption = encryption_to([age_key[1], ssh_key.with_name("id.pub").read_text()])
    write_bundle(partial, target, index(partial, {}), {}, encryption)
    assert target.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"line 1 of a log" not in target.read_bytes()
    for key in (age_key[0], ssh_key):
        plain = subprocess.run(["age", "-d", "-i", str(key), str(target)], check=True, capture_output=True).stdout
        assert contents(partial).items() <= members(plain).items()


def test_recipients_that_are_none(age_key: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    private = next(line for line in age_key[0].read_text().splitlines() if line.startswith("AGE-SECRET-KEY"))
    with pytest.raises(InvalidInput, match="private key") as caught:
        encryption_to([private])
    assert private not in str(caught.value) + caught.value.hint
    for text in ("age1x", "--identity", "-R/etc/shadow", "ssh-ed25519 AAAA", "age1" + "q" * 59, ""):
        with pytest.raises(InvalidInput, match="not a valid recipient"):
            encryption_to([text])
    wrong = age_key[1][:-1] + ("q" if age_key[1][-1] != "q" else "p")
    with pytest.raises(Failed, match="cannot be encrypted"):
        encryption_to([wrong])
    assert encryption_to([]) is None
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotFound, match="age is not installed"):
        encryption_to([age_key[1]])


def test_file_names_come_from_hosts_that_may_be_anything() -> None:
    assert file_name("../../etc/x y", 0, encrypted=False) == "etc-x-y-19700101T000000Z.tar.gz"
    assert file_name("", 0, encrypted=True) == "host-19700101T000000Z.tar.gz.age"


async def test_a_bundle_that_is_stopped_while_it_is_packed_leaves_nothing(partial: Partial, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    pieces = 0

    def check() -> None:
        nonlocal pieces
        pieces += 1
        if pieces == 2:
            raise Stopped

    with pytest.raises(Stopped):
        write_bundle(partial, target, index(partial, {}), {}, check=check)
    assert not list(tmp_path.glob("*bundle.tar.gz*")) and partial.folder.exists()
