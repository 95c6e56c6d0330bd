"""Documents and events that the tests of the store share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Maker = Callable[..., dict[str, Any]]


def make_host(
    uid: str = "edge-1", health: str | None = "healthy", site: str = "berlin", state: str = "ready", **ours: Any
) -> dict[str, Any]:
    """Return a host document; `ours` goes into status.edgewright."""
    return {
        "metadata": {"uid": uid, "name": uid, "labels": {"site": site} if site else None},
        "spec": {"device": {"cpu": {"cores": 4}}, "host": None},
        "status": {"state": state, "health": {"state": health} if health else {}, "edgewright": ours},
    }


@pytest.fixture
def host() -> Maker:
    """Give the maker of host documents."""
    return make_host
