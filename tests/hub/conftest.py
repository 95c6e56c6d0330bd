"""Fixtures of the hub's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    """One hub for all tests of a module."""
    with running_hub() as started:
        yield started


@pytest.fixture(scope="module")
def token(hub: RunningHub) -> str:
    """A registration token that is good."""
    return hub.token("shared")[1]
