"""What the tests of the registry client share: fake registries, a certificate, and a home without logins."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.oci.fake_registry import FakeRegistry, clean_home
from tests.oci.raw_server import Certificate, Handler, RawServer, certificate


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own: no logins, no registries.conf, no proxy."""
    return clean_home(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Start servers that answer by a handler; they end with the test."""
    running: list[RawServer] = []

    def start(handler: Handler, context: ssl.SSLContext | None = None) -> RawServer:
        running.append(RawServer(handler, context))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let waits be looked at every 50 ms."""
    monkeypatch.setattr("edgewright.oci.link.SLICE", 0.05)
    monkeypatch.setattr("edgewright.oci.reply.SLICE", 0.05)
