"""Any bytes as an ISO are refused or read, within bounds; nothing else is raised."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.forge.iso import tree as trees
from edgewright.forge.iso.cidata import cidata_bytes
from edgewright.forge.iso.identify import identify
from edgewright.forge.iso.image import SECTOR, Broken, Image
from edgewright.forge.iso.tree import Tree
from edgewright.forge.iso.verify import verify_iso
from edgewright.forge.iso.volume import descriptors

SEED = cidata_bytes(b"#cloud-config\nname: x\n")
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def looked_at(path: Path) -> None:
    found = identify(path, look_inside=False)
    assert found.size == path.stat().st_size
    assert found.refuse == "" or found.refuse.endswith(".")
    assert all(check.detail for check in verify_iso(path, b"#cloud-config\n"))


@MANY
@given(data=st.binary(max_size=4000), at=st.integers(0, 40 * SECTOR))
def test_any_bytes(tmp_path: Path, data: bytes, at: int) -> None:
    file = tmp_path / "any.iso"
    file.write_bytes(b"\0" * at + data)
    looked_at(file)


@MANY
@given(changes=st.lists(st.tuples(st.integers(16 * SECTOR, 27 * SECTOR - 1), st.integers(0, 255)), max_size=40))
def test_a_seed_with_changed_bytes(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SEED)
    for at, value in changes:
        data[at] = value
    file = tmp_path / "changed.iso"
    file.write_bytes(data)
    looked_at(file)


@MANY
@given(changes=st.lists(st.tuples(st.integers(0, 64 * SECTOR - 1), st.integers(0, 255)), max_size=60))
def test_an_installer_with_changed_bytes(base_iso: Path, tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(base_iso.read_bytes())
    for at, value in changes:
        data[at] = value
    file = tmp_path / "changed.iso"
    file.write_bytes(data)
    looked_at(file)


@MANY
@given(length=st.integers(0, len(SEED)))
def test_a_seed_cut_anywhere(tmp_path: Path, length: int) -> None:
    file = tmp_path / "cut.iso"
    file.write_bytes(SEED[:length])
    looked_at(file)


def test_a_folder_that_holds_itself_ends(tmp_path: Path) -> None:
    data = bytearray(SEED)
    at = data.index(b"\x09USER_DATA"[1:5], 23 * SECTOR) - 33  # the record of user-data becomes the root folder
    data[at + 2 : at + 6] = (23).to_bytes(4, "little")
    data[at + 10 : at + 14] = SECTOR.to_bytes(4, "little")
    data[at + 25] = 2
    (tmp_path / "loop.iso").write_bytes(data)
    with Image(tmp_path / "loop.iso") as image:
        nodes = list(Tree(image, descriptors(image).volumes[0]).walk())
    assert [node.path for node in nodes] == ["/meta-data", "/user-data"]


def test_a_folder_of_gigabytes_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(SEED)
    data[16 * SECTOR + 166 : 16 * SECTOR + 170] = (1 << 31).to_bytes(4, "little")
    (tmp_path / "big.iso").write_bytes(data)
    with Image(tmp_path / "big.iso") as image:
        walking = Tree(image, descriptors(image).volumes[0]).walk()
        with pytest.raises(Broken, match="too large"):
            list(walking)


def test_endless_files_are_not_counted_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_ENTRIES", 1)
    (tmp_path / "seed.iso").write_bytes(SEED)
    assert identify(tmp_path / "seed.iso").refuse == "seed.iso is damaged: it has more than 1 files."
