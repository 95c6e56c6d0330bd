"""Manifests beside installers: written whole, read whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.core.errors import Failed, NotFound
from edgewright.forge.manifest import label_of, manifest_path, read_manifest, with_proof, write_manifest

GOOD = {
    "kind": "InstallerManifest",
    "iso": {"sha256": "a" * 64},
    "checks": [{"name": "user-data", "ok": True, "detail": ""}],
    "proof": None,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    iso = tmp_path / "out.iso"
    assert read_manifest(iso) is None
    assert write_manifest(iso, GOOD) == manifest_path(iso) == tmp_path / "out.iso.manifest.json"
    assert read_manifest(iso) == {**GOOD, "base": {}, "userData": {}}
    assert [path.name for path in tmp_path.iterdir()] == ["out.iso.manifest.json"]


def test_the_three_labels(tmp_path: Path) -> None:
    assert label_of(None) == "unproven"
    assert label_of(GOOD) == "checked"
    assert label_of(GOOD, "b" * 64) == "unproven"
    assert label_of({**GOOD, "checks": []}) == "unproven"
    assert label_of({**GOOD, "checks": [*GOOD["checks"], {"name": "usb", "ok": False}]}) == "unproven"  # type: ignore[misc]
    write_manifest(tmp_path / "out.iso", GOOD)
    assert with_proof(tmp_path / "out.iso", {"ok": True})["label"] == "proven"
    assert with_proof(tmp_path / "out.iso", {"ok": True}, "b" * 64)["label"] == "checked"
    assert with_proof(tmp_path / "out.iso", {"ok": False})["label"] == "checked"
    with pytest.raises(NotFound):
        with_proof(tmp_path / "other.iso", {"ok": True})


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        write_manifest(tmp_path / "none" / "out.iso", GOOD)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(changes=st.dictionaries(st.sampled_from(["kind", "iso", "base", "userData", "checks", "proof"]), JSON))
def test_any_manifest_has_a_label(tmp_path: Path, changes: dict[str, object]) -> None:
    manifest_path(tmp_path / "out.iso").write_text(json.dumps({**GOOD, **changes}))
    found = read_manifest(tmp_path / "out.iso")
    assert label_of(found) in ("unproven", "checked", "proven")
    assert found is None or all(isinstance(found[part], dict) for part in ("iso", "base", "userData"))


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest(tmp_path: Path, text: bytes) -> None:
    manifest_path(tmp_path / "out.iso").write_bytes(text)
    assert read_manifest(tmp_path / "out.iso") is None
