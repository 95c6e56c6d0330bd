"""What the tests of the registry client share: a fake registry, and a home without logins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oci.fake_registry import FakeRegistry, clean_home


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own: no logins, no registries.conf, no proxy."""
    return clean_home(tmp_path, monkeypatch)
