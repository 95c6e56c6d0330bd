"""Directories and files of a host by real shells: strange names, links out of a place, secrets, missing programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.clients.ssh.files.listing import parse
from edgewright.clients.ssh.files.places import PLACES, file_path, inside
from edgewright.core.errors import EdgewrightError, Failed, InvalidInput, NotFound, Refused
from tests.clients.ssh.files.local_host import LocalHost, files_of, have, programs

STRANGE = ("with space", "line\nend", "\x1b[31mred", "-rf", "quote'\"$(touch pwned)", "ünï", ".hidden", "..double", "*")


@pytest.mark.parametrize(
    "text", ["", "var/log", "/var/log/../../etc/shadow", "/var/log/./x", "/var/log/a\0b", "/oem/.."]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(InvalidInput):
        file_path(text)


@pytest.mark.parametrize("text", ["/", "/etc/shadow", "/var/logs", "/oemx/y", "/root/.ssh/id", "/var"])
def test_what_is_outside_the_places(text: str) -> None:
    with pytest.raises(Refused, match="none of the directories"):
        file_path(text)


def test_places_are_apart_and_paths_are_normal() -> None:
    paths = [place.path for place in PLACES]
    assert not [(a, b) for a in paths for b in paths if a != b and a.startswith(b + "/")]
    assert file_path("//var//log///syslog/").path == "/var/log/syslog"
    assert file_path("/oem").name == "" and file_path("/oem/a/b").directory == "/oem/a"
    with pytest.raises(InvalidInput):
        file_path("/var/log/" + "x" * 256)
    for name in ("", ".", "..", "a/b"):
        with pytest.raises(InvalidInput):
            inside("/var/log", name)


async def test_a_directory_with_every_kind_of_name(shell: Sequence[str], root: Path) -> None:
    folder = root / "var/log"
    for name in STRANGE:
        (folder / name).write_text(name)
    (folder / os.fsdecode(b"\xff\xfe")).write_bytes(b"12345")
    (folder / "away").symlink_to("/etc/passwd")
    (folder / "near").symlink_to("pods")
    os.mkfifo(folder / "pipe")
    files = files_of(LocalHost(shell), root)
    read = await files.folder("/var/log")
    names = {entry.name: entry for entry in read.entries}
    assert set(names) == {*STRANGE, "syslog", "pods", "away", "near", "pipe", os.fsdecode(b"\xff\xfe")}
    assert names["away"].kind == "link" and names["away"].target == "/etc/passwd"
    assert names["pipe"].kind == "special" and names["pods"].kind == "folder" == read.entries[0].kind
    assert names["line\nend"].size == len("line\nend") and names[os.fsdecode(b"\xff\xfe")].size == 5
    assert names["syslog"].modified == int((folder / "syslog").stat().st_mtime)
    assert not read.cut and read.free is not None and read.free > 0 and read.writable
    assert read.root is (os.getuid() == 0) and not (folder / "pwned").exists()
    for name in STRANGE:
        assert (await files.look(f"/var/log/{name}")).size == len(name.encode())
        assert (await files.view(f"/var/log/{name}")).size == len(name.encode())


async def test_owners_of_a_directory_service_have_spaces(shell: Sequence[str], root: Path, tmp_path: Path) -> None:
    stat = tmp_path / "bin/stat"
    stat.parent.mkdir()
    stat.write_text(
        '#!/bin/sh\na=$1 b=$(printf %s "$2" | sed "s/%U.%G/kim:domain users/")\nshift 2\n'
        'exec /usr/bin/stat "$a" "$b" "$@"\n'
    )
    stat.chmod(0o755)
    files = files_of(LocalHost(shell, only=f"{stat.parent}:/usr/bin:/bin"), root)
    read = await files.folder("/var/log")
    assert {(entry.name, entry.owner) for entry in read.entries} == {
        ("pods", "kim:domain users"),
        ("syslog", "kim:domain users"),
    }
    assert not read.cut and (await files.look("/var/log/syslog")).owner_name == "kim:domain users"


async def test_links_and_special_files_are_refused(shell: Sequence[str], root: Path) -> None:
    folder = root / "var/log"
    (folder / "out").symlink_to(root / "etc")
    (folder / "near").symlink_to("pods")
    (folder / "file").symlink_to(root / "etc/shadow")
    os.mkfifo(folder / "pipe")
    files = files_of(LocalHost(shell), root)
    for path, code in (
        ("/var/log/out/shadow", "OutsidePlaces"),
        ("/var/log/file", "IsLink"),
        ("/var/log/pods", "IsDirectory"),
        ("/var/log/pipe", "NotRegular"),
    ):
        with pytest.raises(Refused) as caught:
            await files.look(path)
        assert caught.value.code == code
        with pytest.raises(Refused):
            await files.view(path)
    with pytest.raises(Refused, match="leads out"):
        await files.folder("/var/log/out")
    assert (await files.folder("/var/log/near")).entries == ()
    with pytest.raises(NotFound):
        await files.folder("/oem/none")
    with pytest.raises(Refused, match="not a directory"):
        await files.folder("/var/log/syslog")
    with pytest.raises(NotFound):
        await files.look("/var/log/none")


async def test_a_place_may_be_a_link_itself(shell: Sequence[str], root: Path) -> None:
    (root / "var/volatile").mkdir()
    shutil.move(root / "var/log", root / "var/volatile/log")
    (root / "var/log").symlink_to("volatile/log")
    files = files_of(LocalHost(shell), root)
    assert {entry.name for entry in (await files.folder("/var/log")).entries} == {"pods", "syslog"}
    assert (await files.look("/var/log/syslog")).exists


async def test_views_are_without_secrets(shell: Sequence[str], root: Path) -> None:
    files = files_of(LocalHost(shell), root)
    view = await files.view("/oem/90_custom.yaml")
    assert "canary" not in view.text and "edgeHostToken: '********'" in view.text.replace('"', "'")
    assert view.left_out and not view.binary
    (root / "var/log/app.log").write_text("start\npassword=canary-log-1\nend\n")
    log = await files.view("/var/log/app.log")
    assert "canary" not in log.text and "end" in log.text
    (root / "oem/part.yaml").write_text("a: 1\n" * 40_000 + "token: canary-cut")
    assert "canary" not in (await files.view("/oem/part.yaml", end=True)).text
    (root / "oem/blob").write_bytes(b"\x7fELF\0\0canary")
    assert (await files.view("/oem/blob")).binary and not (await files.view("/oem/blob")).text


async def test_the_end_of_a_long_log_begins_with_a_complete_line(shell: Sequence[str], root: Path) -> None:
    text = "".join(f"{n:06d} something happened\n" for n in range(20_000))
    (root / "var/log/long.log").write_text(text)
    view = await files_of(LocalHost(shell), root).view("/var/log/long.log", end=True)
    assert view.text.endswith("019999 something happened\n") and view.begin > 0
    assert view.text in text and view.text[:6].isdecimal()


@pytest.mark.e2e
async def test_a_long_directory_is_cut(root: Path) -> None:
    for number in range(6000):
        (root / "var/log/pods" / f"a-rather-long-name-of-a-file-of-a-pod-{number:06d}").touch()
    read = await files_of(LocalHost(), root).folder("/var/log/pods")
    assert read.cut and 2000 < len(read.entries) <= 4000


async def test_hashes_by_the_program_that_is_there(root: Path, tmp_path: Path) -> None:
    have(("busybox",))
    usual = ("stat", "find", "df", "tail", "id", "dd", "readlink", "gzip", "sh", "rm", "mv", "chmod", "sleep", "sync")
    box = shutil.which("busybox") or ""
    for number, (extra, kind) in enumerate(((("busybox",), "sha256"), (("openssl",), "sha256"), (("md5sum",), "md5"))):
        if shutil.which(extra[0]) is None:
            continue
        only = programs(tmp_path / f"p{number}", *usual, *extra)
        look = await files_of(LocalHost(only=only), root).look("/var/log/syslog", hashed=True)
        assert look.kind == kind and len(look.hash) == (64 if kind == "sha256" else 32)
    only = programs(tmp_path / "none", *usual)
    assert (await files_of(LocalHost(only=only), root).look("/var/log/syslog", hashed=True)).kind == "none"
    only = programs(tmp_path / "box", *usual, "md5sum", box=box)
    read = await files_of(LocalHost(("busybox", "ash", "-s"), only=only), root).folder("/var/log")
    assert {entry.name for entry in read.entries} == {"pods", "syslog"}
    only = programs(tmp_path / "few", "find", "df", "tail", "id")
    with pytest.raises(Failed, match="no program `stat`"):
        await files_of(LocalHost(only=only), root).folder("/var/log")


@pytest.mark.skipif(os.getuid() != 0, reason="another user is only there for root")
async def test_without_sudo_the_user_reads_what_it_may(root: Path) -> None:
    for folder in (root, *root.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o755)
    (root / "oem/90_custom.yaml").chmod(0o600)
    (root / "opt/spectrocloud").chmod(0o700)
    files = files_of(LocalHost(root=False), root)
    assert not (await files.folder("/oem")).root and not (await files.folder("/oem")).writable
    with pytest.raises(Refused, match="may not read"):
        await files.view("/oem/90_custom.yaml")
    with pytest.raises(Refused, match="may not read"):
        await files.folder("/opt/spectrocloud")


def test_answers_that_are_none() -> None:
    marker = "0" * 32
    with pytest.raises(ValueError):
        parse(b"", marker, "/var/log")
    with pytest.raises(ValueError):
        parse(b"hello\n" + marker.encode() + b" end\n", marker, "/var/log")
    hostile = f"\n{marker} dir 0 1 99\n\n{marker} e 81a4 0 0 r r 5 1 ./../x\n{marker} e zz\n{marker} end\n"
    read = parse(hostile.encode(), marker, "/var/log")
    assert not isinstance(read, list) and read.entries == () and read.free == 99 * 1024


async def test_a_host_that_answers_anything(root: Path) -> None:
    class Noise(LocalHost):
        async def run_script(self, script: bytes, **more: object) -> object:  # type: ignore[override]
            return await super().run_script(b"head -c 5000 /dev/urandom; printf '\\n'\n", timeout=10, limit=5000)

    files = files_of(Noise(), root)
    for work in (files.folder("/var/log"), files.look("/var/log/x"), files.view("/var/log/x")):
        with pytest.raises(EdgewrightError, match="no usable answer"):
            await work
