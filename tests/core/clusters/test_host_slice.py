"""The part of one host: strict, and its secrets in no text."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.clusters.host_slice import read_slice, slice_json
from edgewright.core.errors import InvalidDocument

CANARY = "0badc0de" * 8
PART: dict[str, Any] = {
    "sealed": {
        "clusterSecret": CANARY,
        "registryAuth": [{"host": "registry.lab:5000", "username": "edge", "password": CANARY}],
        "maskedValues": {"metrics": CANARY},
    },
    "sources": [{"kind": "registry", "url": "https://registry.lab:5000"}],
}


def test_it_survives_a_round_trip_and_does_not_show_its_secrets() -> None:
    part = read_slice(PART)
    assert read_slice(slice_json(part)) == part
    assert part.sealed.cluster_secret == part.sealed.registry_auth[0].password == CANARY
    assert "0badc0de" not in repr(part)


@pytest.mark.parametrize(
    "sealed",
    [
        {"clusterSecret": CANARY, "hostSecret": CANARY},
        {"clusterSecret": CANARY + "0badc0de"},
        {"hostSecret": CANARY + "x"},
        {"registryAuth": [{"host": "a", "password": CANARY + "\n"}]},
        {"maskedValues": {CANARY + "..": "x"}},
        {"registryAuth": CANARY},
    ],
)
def test_a_problem_never_shows_a_secret(sealed: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument) as raised:
        read_slice({"sealed": sealed})
    assert "0badc0de" not in str(raised.value.as_dict())
