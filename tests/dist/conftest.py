"""Fixtures of tests with several hubs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests of a run; each test makes its own database."""
    with cluster() as server:
        yield server
