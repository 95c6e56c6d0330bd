"""Fixtures of the tests of registries and packs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.oci.raw_server import Handler, RawServer


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    running: list[RawServer] = []

    def start(handler: Handler) -> RawServer:
        running.append(RawServer(handler))
        return running[-1]

    yield start
    for server in running:
        server.close()
