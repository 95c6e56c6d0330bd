"""`lab up --cluster`: one command from nothing to a cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet
from tests.support import missing

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    """Return two hosts that have formed a cluster."""
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    return make_fleet("--hosts", "2", "--heartbeat", "10", "--kubernetes", versions.DEFAULT, "--cluster")


def test_one_command_gives_a_cluster_that_runs_and_is_healthy(fleet: Fleet) -> None:
    kubectl = ("/run/edgewright/kubernetes/kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")
    nodes = [line.split() for line in fleet.within("edge1", *kubectl, "get", "nodes", "--no-headers").splitlines()]
    assert [(name, state) for name, state, *_ in nodes] == [("edge1", "Ready"), ("edge2", "Ready")]
    assert "control-plane" in nodes[0][2] and "control-plane" not in nodes[1][2], "the second host is a worker"
