"""The clusters of a demonstration: of which hosts, and what goes wrong with them; the rest is made by the hosts."""

from __future__ import annotations

import pytest

from edgewright.agent.simulate.cluster_faults import KINDS, ClusterFaults, read_faults
from edgewright.agent.simulate.clusters import SimulatedClusters
from edgewright.agent.simulate.world.site import Site
from edgewright.commands.hub.demo_clusters import FAULTS, MOST, Host, body, fault_options, planned
from edgewright.core.errors import UsageError
from tests.core.clusters.documents import document

HOSTS = [
    Host(f"h-{site}-{number}", f"site-{site:02}", "amd64" if number < 5 else "arm64", f"10.20.{site}.0/24")
    for site in range(20)
    for number in range(6)
]


def test_hosts_of_a_cluster_are_of_one_site_and_architecture_and_some_stay_free() -> None:
    wanted = planned(HOSTS)
    used = [uid for cluster in wanted for uid in cluster.hosts]
    assert len(wanted) == MOST and len(set(used)) == len(used) < len(HOSTS)
    assert len({cluster.name for cluster in wanted}) == len({cluster.vip for cluster in wanted}) == MOST
    by_uid = {host.uid: host for host in HOSTS}
    for cluster in wanted:
        assert len({(by_uid[uid].site, by_uid[uid].arch) for uid in cluster.hosts}) == 1
    assert [len(cluster.hosts) for cluster in wanted[: len(FAULTS)]] == [3] * len(FAULTS), "they have the faults"
    assert planned(HOSTS[:2]) and not planned([])
    pool = body(wanted[0], "p")["spec"]["machinepoolconfig"][0]["poolConfig"]
    assert pool["size"] == 3 and pool["useControlPlaneAsWorker"]


def test_faults_are_named_on_the_command_line() -> None:
    assert read_faults(fault_options()[1::2]) == dict(FAULTS) and set(FAULTS.values()) == set(KINDS)
    with pytest.raises(UsageError, match="shop=flood is not a fault"):
        read_faults(["shop=flood"])


class _Clusters:
    """A simulated cluster with a clock of its own; hosts look as often as they want to."""

    def __init__(self, kind: str, workers: int = 0) -> None:
        self.now = 0.0
        self.document = document(3, workers, simulated=True)
        self.clusters = SimulatedClusters(lambda: self.now, 1.0, {self.document.name: kind})
        for member in self.document.members:
            self.clusters.take(member.host_uid, self.document)
        self.site: Site = self.clusters.sites[self.document.uid]

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 5.0
            self.site.advance(self.now)
            self.clusters.faults.look(self.document.uid, self.site)

    @property
    def uids(self) -> list[str]:
        return [member.host_uid for member in self.document.members]


def test_a_cluster_without_quorum_reports_that_its_api_is_not_ready_and_nothing_of_the_cluster() -> None:
    made = _Clusters("quorum")
    made.run(400)
    off = [uid for uid in made.uids if made.clusters.is_off(uid)]
    (left,) = set(made.uids) - set(off)
    assert len(off) == 2 and made.clusters.observed(left) is None
    assert (made.clusters.report(left) or {})["api"] == {"ready": False}


def test_a_leader_repeats_its_report_before_it_is_too_old() -> None:
    made = _Clusters("certificate")
    made.run(400)
    leader = made.site.world.cluster.leader
    first = made.clusters.observed(leader)
    assert first is not None and {row["state"] for row in first["layers"]} == {"ready"}
    assert len(first["certificates"]) == 6 and made.clusters.observed(leader) is None
    made.now += 300.0
    assert made.clusters.observed(leader) == first


def test_a_failed_step_has_its_log_line_and_a_retry_continues() -> None:
    made = _Clusters("")
    made.clusters.faults = ClusterFaults({made.document.name: "failed"})
    made.clusters.faults.begin(made.document.uid, made.document.name, made.site)
    made.site.upsets[0].layer = made.document.layers[-1].name
    made.run(500)
    leader = made.site.world.cluster.leader
    progress = made.clusters.progress(leader)
    assert progress is not None and progress["waitingFor"] == "operator"
    (entry,) = made.clusters.documents(leader)
    assert "deployment web" in entry["failed"]["error"]
    assert made.clusters.log(leader, f"edgewright-step-{progress['step']}.service")
    assert made.clusters.log(leader, "edgewright-step-*.service") and not made.clusters.log(leader, "kubelet.service")
    assert not [event for event in made.clusters.events(leader) if "cluster-" in event.message]
    assert made.clusters.retry(leader)
    made.run(120)
    assert made.clusters.progress(leader) is None and not made.clusters.retry(leader)
