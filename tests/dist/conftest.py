"""Fixtures of tests with several hubs."""

from __future__ import annotations

from collections.abc import Iterator

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
