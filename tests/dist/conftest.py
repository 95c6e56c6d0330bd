"""Fixtures of tests with several hubs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dist.namespaces import Network, inside, network
from tests.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def net() -> Iterator[Network | None]:
    """The network namespaces of a run; `None` where they do not work, and links are proxies instead."""
    with network() as made:
        if isinstance(made, str):
            print(f"no network namespaces: {made}")
        yield None if isinstance(made, str) else made


@pytest.fixture(scope="session")
def postgres(net: Network | None) -> Iterator[Cluster]:
    """One PostgreSQL server for all tests of a run, in a namespace of its own; each test makes its own database."""
    with cluster(() if net is None else inside(net.server)) as server:
        yield server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that share hubs run in one of several processes: each start of a hub is a second of a processor."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent != here or not isinstance(item, pytest.Function):
            continue
        seed = item.callspec.params.get("seed") if hasattr(item, "callspec") else None
        if isinstance(seed, int):
            item.add_marker(pytest.mark.xdist_group("three hubs" if seed % 5 == 0 else f"two hubs, {seed % 2}"))
        elif "pair" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("pair"))
