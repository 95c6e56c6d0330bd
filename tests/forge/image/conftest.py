"""What the tests of provider images share: a fake registry, and a home without logins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge.image import parts
from tests.oci.fake_registry import FakeRegistry, clean_home


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own: no logins, no registries.conf, no password of anybody."""
    return clean_home(tmp_path, monkeypatch)


@pytest.fixture
def quick_squashfs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let a stand-in list the root instead of compressing it; the list of paths of each call is returned."""
    return parts.stand_in_for_squashfs(monkeypatch)
