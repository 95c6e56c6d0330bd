"""The endpoint is asked where a step depends on it: it takes seconds where nobody answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.agent.clusters import endpoint as module
from edgewright.agent.clusters import gather, paths
from edgewright.agent.clusters.endpoint import Endpoint, Look
from edgewright.agent.clusters.vip import arp
from edgewright.core.clusters import model, observed
from tests.agent.clusters.support import FakeHost, cluster, context


class Network:
    """Not real: who has the VIP, and what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.macs: list[str] = []
        self.asked: list[str] = []
        monkeypatch.setattr(arp, "probe", self.probe)
        monkeypatch.setattr(module, "answers", self.answers)

    def probe(self, *arguments: object) -> list[str]:
        self.asked.append("arp")
        return self.macs

    def answers(self, address: str, port: int) -> bool:
        self.asked.append("api")
        return True


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


def test_a_host_that_forms_the_cluster_asks_by_arp_each_time(tmp_path: Path, network: Network) -> None:
    host, seen = FakeHost(tmp_path), Endpoint()
    work = context(host)
    assert seen.look(work, True, False) == Look(False, []), "no machine has the address: nobody accepts there"
    assert network.asked == ["arp"]
    network.macs = ["0a:00:00:00:00:01"]
    assert seen.look(work, True, False) == Look(True, network.macs)
    network.macs = []
    assert seen.look(work, True, True) == Look(True, [])
    assert network.asked == ["arp", "arp", "api", "arp", "api"]


def test_elsewhere_an_answer_of_arp_counts_for_a_while_and_the_api_is_asked_each_time(
    tmp_path: Path, network: Network
) -> None:
    host, seen = FakeHost(tmp_path), Endpoint()
    work = context(host, cluster(2), "host-2")
    seen.look(work, False, False)
    host.time += module.MACS_SELDOM - 1
    assert seen.look(work, False, False) == Look(True, []), "an older answer of ARP does not stand for the API"
    assert network.asked == ["arp", "api"]
    host.time += 2
    seen.look(work, False, False)
    assert network.asked == ["arp", "api", "arp"]
    network.asked.clear()
    assert Endpoint().look(context(host, cluster(1, 1), "host-2"), False, None) == Look(True, None)
    assert network.asked == ["api"], "a worker does not serve the VIP"


def test_a_host_that_is_not_prepared_asks_nobody_unless_it_was_in_the_cluster(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path)
    work = context(host, cluster(images=(model.Image("r/a:1", "sha256:" + "1" * 64),)))
    seen = gather.gather(work)
    assert network.asked == [] and seen.api.answers is None and seen.local.vip.owners == "unknown"
    host.write(paths.KUBELET_CONF, b"")
    monkeypatch.setattr(gather, "cluster", lambda context, answering: observed.Api(answers=answering))
    assert gather.gather(work).api.answers is False and network.asked == ["arp"]
