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


LONG = ("test_p82_", "test_p81_", "test_p66_a_hub_that_dies_", "test_p68_a_hub_that_the_log_")
"""Tests of 20 to 30 s that share no hubs: begun last, one of them would be all that still runs."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that share hubs run in one of several processes: each start of a hub is a second of a processor."""
    here = Path(__file__).parent
    mine = [item for item in items if item.path.parent == here]
    if len(mine) == len(items):
        items.sort(key=lambda item: not item.name.startswith(LONG))
    for item in items:
        if item.path.parent != here or not isinstance(item, pytest.Function):
            continue
        seed = item.callspec.params.get("seed") if hasattr(item, "callspec") else None
        if isinstance(seed, int):
            item.add_marker(pytest.mark.xdist_group("three hubs" if seed % 5 == 0 else f"two hubs, {seed % 2}"))
        elif "pair" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("pair"))
