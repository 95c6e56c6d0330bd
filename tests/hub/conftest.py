"""Fixtures of the hub's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from edgewright.hub.app import Hub, make_app
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import open_hub
from tests.postgres import Cluster, cluster


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    """One hub for all tests of a module."""
    with running_hub() as started:
        yield started


@pytest.fixture(scope="module")
def token(hub: RunningHub) -> str:
    """A registration token that is good."""
    return hub.token("shared")[1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests of a run; each test makes its own database."""
    with cluster() as server:
        yield server


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """A hub in this process and an admin's client, without a socket between them."""
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as client:
        yield hub, client
    await hub.stop()
