"""Fixtures of the hub's tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.resources.alerts.engine import Alerting
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import open_hub, used_directory
from tests.postgres import Cluster, cluster
from tests.support import missing


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub for all tests of a module."""
    with running_hub(data=used_directory(tmp_path_factory.mktemp("hub") / "data")) as started:
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
    hub = open_hub(used_directory(tmp_path / "d"), sweep=1e9)
    await hub.start()
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as client:
        yield hub, client
    await hub.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes; needs root."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        missing("e2e", "a small file system cannot be mounted: this is not root")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False)
    if made.returncode:
        missing("e2e", "a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
async def served(inside: tuple[Hub, httpx.AsyncClient]) -> tuple[Hub, httpx.AsyncClient]:
    inside[0].part(Alerting).start()
    return inside
