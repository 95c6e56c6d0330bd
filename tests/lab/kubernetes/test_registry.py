"""The registry of a lab: its storage is copied from what was built."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.core.errors import Failed
from edgewright.lab.kubernetes import registry


def test_a_full_disk_ends_the_copy_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`copytree` gathers the errors of all files in one without errno, which was reported as a bug in Edgewright."""
    storage, data = tmp_path / "storage", tmp_path / "data"
    storage.mkdir()
    for name in ("a", "b"):
        (storage / name).write_text("x")
    registry.seed(storage, data)
    assert sorted(path.name for path in data.iterdir()) == ["a", "b"]

    def full(source: str, target: str) -> str:
        raise OSError(28, "No space left on device", source, None, target)

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(Failed, match=r"cannot be stored in .*/more: No space left on device\.$") as refused:
        registry.seed(storage, tmp_path / "more")
    assert "--dir" in refused.value.hint
