"""What the tests of provider images share: a fake registry, and a home without logins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge.image import parts
from tests.forge.image.fake_registry import FakeRegistry


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own: no logins, no registries.conf, no password of anybody."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(path / "registries.conf"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path / "run"))
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "COSIGN_PASSWORD", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.fixture
def quick_squashfs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let a stand-in list the root instead of compressing it; the list of paths of each call is returned."""
    return parts.stand_in_for_squashfs(monkeypatch)
