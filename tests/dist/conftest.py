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
"""Tests of 20 to 30 s that share no hubs (see `tests.groups`): begun last, one would be all that still runs."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests."""
    here = Path(__file__).parent
    if all(item.path.parent == here for item in items):
        items.sort(key=lambda item: not item.name.startswith(LONG))
