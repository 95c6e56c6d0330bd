"""Layers laid over each other: as a host would see its root, and never outside the folder."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edgewright.core.errors import InvalidInput
from edgewright.forge.image import flatten
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers
from edgewright.forge.registry.spool import Blob
from edgewright.forge.registry.tarlayer import Entry

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files of other owners are root's to make")


Member = tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]


class Layers:
    """Layers given as lists of tar members."""

    def __init__(self, *given: Sequence[Member]) -> None:
        self.data = {f"sha256:{number}": _tar(members) for number, members in enumerate(given)}
        self.layers = [Blob(digest, len(data), "") for digest, data in self.data.items()]

    def read(self, blob: Blob) -> Iterator[bytes]:
        yield self.data[blob.digest]


def _tar(members: Sequence[Member]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            info, data = member if isinstance(member, tuple) else (member, b"")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue())


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode, made.mtime = kind, link, mode, 1_700_000_000
    return made


def file(name: str, text: str = "x", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    return info(name, mode=mode), text.encode()


def flat(tmp_path: Path, *given: Sequence[Member]) -> Path:
    root = tmp_path / "root"
    flatten.flatten(Layers(*given), root, Job())
    return root


def test_owners_modes_times_links_and_devices_are_those_of_the_layers(tmp_path: Path) -> None:
    owned = info("etc/shadow", mode=0o4640)
    owned.uid, owned.gid = 12, 34
    capable = info("bin/ping", mode=0o755)
    capable.pax_headers = {"SCHILY.xattr.user.note": "kept"}
    null = info("dev/null", tarfile.CHRTYPE, mode=0o666)
    null.devmajor, null.devminor = 1, 3
    folder = info("var/empty", tarfile.DIRTYPE, mode=0o711)
    root = flat(tmp_path, [(owned, b"s"), (capable, b"p"), null, folder, info("bin/p", tarfile.LNKTYPE, "bin/ping"),
                           info("sbin", tarfile.SYMTYPE, "bin")])  # fmt: skip
    facts = (root / "etc/shadow").stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777, facts.st_mtime) == (12, 34, 0o4640, 1_700_000_000)
    assert os.getxattr(root / "bin/ping", "user.note") == b"kept"
    assert (root / "bin/p").samefile(root / "bin/ping") and os.readlink(root / "sbin") == "bin"
    assert os.stat(root / "dev/null").st_rdev == os.makedev(1, 3)
    assert (root / "var/empty").stat().st_mode & 0o777 == 0o711
    assert (root / "var/empty").stat().st_mtime == 1_700_000_000


def test_upper_layers_replace_and_hide(tmp_path: Path) -> None:
    lower: list[Member] = [
        file("etc/a", "1"),
        file("etc/b"),
        file("opt/old/x"),
        file("opt/old/y"),
        file("srv/keep"),
        file("tool"),
    ]
    upper: list[Member] = [file("etc/a", "2"), info("etc/.wh.b"), info("opt/old/.wh..wh..opq"), file("opt/old/new"),
             info("tool", tarfile.DIRTYPE, mode=0o755), file("tool/inside")]  # fmt: skip
    root = flat(tmp_path, lower, upper)
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert found == {"etc/a", "opt/old/new", "srv/keep", "tool/inside"}
    assert (root / "etc/a").read_text() == "2"


def test_a_merged_root_stays_merged(tmp_path: Path) -> None:
    lower = [info("usr/lib", tarfile.DIRTYPE, mode=0o755), info("lib", tarfile.SYMTYPE, "usr/lib")]
    root = flat(tmp_path, lower, [file("lib/modules/6.1/modules.dep")])
    assert (root / "lib").is_symlink() and (root / "usr/lib/modules/6.1/modules.dep").is_file()


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    links = [info("a", tarfile.SYMTYPE, str(outside)), info("b", tarfile.SYMTYPE, "../../../../outside")]
    root = flat(tmp_path, links, [file("a/x"), file("b/y")])
    assert not list(outside.iterdir())
    assert {path.name for path in root.rglob("*") if path.is_file()} == {"x", "y"}
    bad: tuple[Member, ...] = (file("../x"), file("a/../../x"), info("h", tarfile.LNKTYPE, "/etc/passwd"))
    for number, member in enumerate(bad):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(InvalidInput):
            flat(tmp_path / str(number), [member])
    circle = [info("c", tarfile.SYMTYPE, "d"), info("d", tarfile.SYMTYPE, "c")]
    (tmp_path / "circle").mkdir()
    with pytest.raises(InvalidInput, match="circle"):
        flat(tmp_path / "circle", circle, [file("c/x")])


def test_a_users_files_are_laid_over_it_as_roots(tmp_path: Path) -> None:
    root = flat(tmp_path, [file("etc/motd", "old"), info("usr/bin", tarfile.DIRTYPE, mode=0o755)])
    flatten.overlay([Entry("etc/motd", data=b"new", mode=0o600), Entry("opt", folder=True, mode=0o700),
                     Entry("opt/link", link="/etc/motd")], root)  # fmt: skip
    assert (root / "etc/motd").read_bytes() == b"new" and (root / "etc/motd").stat().st_mode & 0o777 == 0o600
    assert os.readlink(root / "opt/link") == "/etc/motd"


def test_what_is_looked_for_is_found_as_the_layers_leave_it() -> None:
    given = Layers([file("boot/vmlinuz"), file("boot/old"), file("usr/bin/x")],
                   [info("boot/.wh.old"), info("sbin/init", tarfile.SYMTYPE, "../lib/systemd/systemd")])  # fmt: skip
    scan = layers.scan(given, lambda name: name == "usr/bin/x", lambda name: not name.startswith("usr/"), Job())
    assert scan.files == {"usr/bin/x": b"x"} and scan.names == {"boot/vmlinuz", "sbin/init"}
