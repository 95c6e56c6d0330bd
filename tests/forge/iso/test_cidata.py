"""Seed ISOs: the label, both kinds of names, the same bytes each time; read by xorriso too."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.core.errors import Conflict, InvalidInput
from edgewright.forge.iso.cidata import cidata_bytes, make_cidata
from edgewright.forge.iso.configs import read_file
from edgewright.forge.iso.image import SECTOR, Image
from edgewright.forge.iso.tree import Tree
from edgewright.forge.iso.volume import descriptors
from tests.forge.isos import extracted
from tests.support import missing

TEXT = b"#cloud-config\nstylus: {}\n"


def test_both_trees_hold_both_files(tmp_path: Path) -> None:
    make_cidata(tmp_path / "seed.iso", TEXT * 300, b"instance-id: one\n")
    with Image(tmp_path / "seed.iso") as image:
        volumes = descriptors(image).volumes
        assert [(volume.volume_id, volume.joliet) for volume in volumes] == [("cidata", False), ("cidata", True)]
        for volume in volumes:
            tree = Tree(image, volume)
            assert tree.rock_ridge is not volume.joliet
            found = {node.path: read_file(image, node) for node in tree.walk()}
            assert found == {"/meta-data": b"instance-id: one\n", "/user-data": TEXT * 300}
        assert volumes[0].blocks * SECTOR == image.size


def test_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first = make_cidata(tmp_path / "a.iso", TEXT)
    assert make_cidata(tmp_path / "b.iso", TEXT) == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert make_cidata(tmp_path / "c.iso", TEXT) != first


def test_it_is_private_and_never_replaces_another_file(tmp_path: Path) -> None:
    file = tmp_path / "a.iso"
    sha256 = make_cidata(file, TEXT)
    assert file.stat().st_mode & 0o777 == 0o600
    assert make_cidata(file, TEXT) == sha256
    with pytest.raises(Conflict, match="contains something else"):
        make_cidata(file, TEXT + b"x: y\n")
    assert make_cidata(file, TEXT + b"x: y\n", force=True) != sha256
    assert [path.name for path in tmp_path.iterdir()] == ["a.iso"]


def test_too_much_is_refused() -> None:
    with pytest.raises(InvalidInput, match="1 MB"):
        cidata_bytes(b"#" * (1024 * 1024 + 1))


def test_xorriso_reads_it(tmp_path: Path) -> None:
    if shutil.which("xorriso") is None:
        missing("e2e", "xorriso is not installed")
    make_cidata(tmp_path / "seed.iso", TEXT)
    assert extracted(tmp_path / "seed.iso", "/user-data", tmp_path) == TEXT
    words = ["xorriso", "-no_rc", "-indev", str(tmp_path / "seed.iso"), "-pvd_info", "-check_media", "--"]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "Volume Id    : cidata" in told.stdout + told.stderr


def test_blkid_sees_the_label(tmp_path: Path) -> None:
    program = shutil.which("blkid", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        missing("e2e", "blkid is not installed")
    make_cidata(tmp_path / "seed.iso", TEXT)
    words = [program, "-p", "-o", "export", str(tmp_path / "seed.iso")]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "LABEL=cidata\n" in told and "TYPE=iso9660\n" in told
