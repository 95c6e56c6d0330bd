"""A worker's kubeconfig leads to a control plane through the worker, where it names one."""

from __future__ import annotations

import pytest

from edgewright.clients.ssh.kube.kubeconfig import HostKubeconfig
from edgewright.commands.kube.by_host.api import way_on


@pytest.mark.parametrize(
    ("host", "way"),
    [
        ("10.0.0.5", "jump,ops@store-7,ops@10.0.0.5"),
        ("fd00::5", "jump,ops@store-7,ops@fd00::5"),
        ("127.0.0.1", "open a control plane as a site"),
        ("localhost", "open a control plane as a site"),
        ("::1", "open a control plane as a site"),
    ],
)
def test_the_way_from_a_worker_to_its_control_plane(host: str, way: str) -> None:
    """k3s and RKE2 have a proxy on each worker: its address would lead back to the worker."""
    assert way_on("jump,ops@store-7", HostKubeconfig("/k", host, 6443, "")) == way
