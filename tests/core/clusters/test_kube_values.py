"""What the values of a Kubernetes layer mean for a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.clusters.kube_values import networks_of, waived_of
from edgewright.core.clusters.model import Network


@pytest.mark.parametrize(
    ("config", "networks"),
    [
        ({"clusterConfiguration": {"networking": {"podSubnet": "10.1.0.0/16", "serviceSubnet": "10.2.0.0/16"}}},
         Network("10.1.0.0/16", "10.2.0.0/16")),
        ({"cluster-cidr": "10.1.0.0/16", "service-cidr": "10.2.0.0/16"}, Network("10.1.0.0/16", "10.2.0.0/16")),
        ({"clusterConfiguration": []}, Network("", "")),
    ],
)  # fmt: skip
def test_networks_are_those_of_kubeadm_or_k3s(config: Any, networks: Network) -> None:
    assert networks_of(config) == networks


def test_checks_are_waived_by_the_errors_of_kubeadm_that_are_ignored() -> None:
    node = {"nodeRegistration": {"ignorePreflightErrors": ["SystemVerification", "Nothing"]}}
    assert waived_of({"joinConfiguration": node}) == {"cgroup", "modules"}
    assert waived_of({"kubeletConfiguration": {"failSwapOn": False}}) == {"swap"}
    mistakes: list[Any] = [5, True, "Swap", {"Swap": 1}, [{}]]
    for other in mistakes:  # what a site writes by mistake waives nothing, and breaks nothing
        assert waived_of({"initConfiguration": {"nodeRegistration": {"ignorePreflightErrors": other}}}) == frozenset()
    assert waived_of({"initConfiguration": 7, "kubeletConfiguration": {"failSwapOn": True}}) == frozenset()
