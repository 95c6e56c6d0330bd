"""An open site as the lists have it: what was read with its age, the state of the link, and its cluster."""

from __future__ import annotations

from typing import Any

from edgewright.clients.local_api import calls
from edgewright.clients.local_api.documents import Cluster
from edgewright.commands.site.api.cluster_document import cluster_document
from edgewright.commands.site.api.host_document import Known
from edgewright.commands.site.api.listed import listed, state_of
from edgewright.commands.site.opened import Reached, Site
from edgewright.core.doctor.facts import Agent, Certificate, Facts, Member, Node, Port
from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.store.collections.hosts import host_row
from tests.clients.local_api.stand_in import SAMPLES

NOW = 1_795_442_551.0
NODES = (
    Node("edge-1", "Ready", "v1.33.3", "control-plane"), Node("edge-2", "NotReady", "v1.33.3", "<none>"),
    Node("edge-3", "Ready,SchedulingDisabled", "v1.33.3", "gpu"),
)  # fmt: skip
FACTS = Facts(
    NOW, hostname="edge-1", cpus=4, agent=Agent(uid="own-uid"), api="serves", nodes=NODES,
    members=(Member("edge-1", healthy=True), Member("edge-2", learner=True)), kubelet_server=Port("10.4.1.100", 6443),
    certificates=(Certificate("/etc/kubernetes/pki/ca.crt", ends=NOW + 9e7), Certificate("/etc/ssl/x.pem", ends=NOW),
                  Certificate("/etc/kubernetes/pki/apiserver.crt", ends=NOW + 86_400.0)),
)  # fmt: skip


def site(facts: Facts | None = FACTS, plane_uid: str = "", reached: bool = True) -> Site:
    async def reach(asker: Any) -> Any:
        raise AssertionError

    made = Site("kairos@edge-1", reach, now=lambda: NOW)
    if reached:
        made.reached = Reached("edge-1", "kairos", "10.4.1.7:22", (), "publickey", "", "", (), plane_uid)
        made.state = "open"
    if facts is not None:
        made.facts, made.read_at = facts, NOW - 60
        made.report = {"fault": True, "findings": [{"text": "/ is full"}], "host": {"name": "edge-1"}}
    return made


def event_of(made: Site) -> dict[str, Any]:
    return listed([made])["ssh:kairos@edge-1"]


def test_what_was_read_has_its_age_and_the_state_of_the_link() -> None:
    made = site()
    event = event_of(made)
    row = host_row(event["host"], NOW)
    assert row is not None and (row.uid, row.name) == ("ssh:kairos@edge-1", "edge-1")
    assert (row.health, row.reason, row.cpu, row.last_seen) == ("unhealthy", "/ is full", 4, NOW - 60)
    assert event["link"] == "open" and event["hostUid"] == "own-uid"
    before = state_of(made)
    made.rtt = 0.2
    assert state_of(made) == before, "a measured round trip is no news for a list"
    made.state = "lost"
    assert state_of(made) != before and event_of(made)["link"] == "lost"


def test_what_nobody_read_is_unknown_and_what_was_never_open_is_in_no_list() -> None:
    row = host_row(event_of(site(None))["host"], NOW)
    assert row is not None and (row.health, row.last_seen, row.cpu, row.ip) == ("unknown", None, None, "")
    assert listed([site(None, reached=False)]) == {}
    assert event_of(site(None))["cluster"] is None


def test_which_host_of_the_plane_it_is_the_host_key_says_before_the_host_does() -> None:
    assert event_of(site(plane_uid="uid-7"))["hostUid"] == "uid-7"


def test_a_cluster_by_the_probes() -> None:
    document = cluster_document(Known(FACTS, NOW), "ssh:edge-1")
    assert document is not None
    row, ours = cluster_row(document), document["status"]["edgewright"]
    assert row is not None and (row.uid, row.name) == ("ssh:edge-1", "ssh:edge-1"), "kubectl knows no name of it"
    assert (row.health, row.reason) == ("unhealthy", "1 of 3 nodes not ready: edge-2")
    assert (row.ready, row.nodes, row.version, row.endpoint, row.reported) == (2, 3, "v1.33.3", "10.4.1.100", NOW)
    assert row.certificate == "apiserver.crt of edge-1" and row.certificate_end == NOW + 86_400.0
    assert row.etcd == ("edge-1: healthy", "edge-2: -, learner") and row.host_uids == ("ssh:edge-1",)
    assert [each.get("role") for each in ours["members"]] == ["control-plane", "worker", None]
    assert [each["cordoned"] for each in ours["members"]] == [False, False, True]


def test_the_health_of_a_cluster_is_bad_good_or_unknown() -> None:
    def health(**facts: Any) -> tuple[str, str]:
        document = cluster_document(Known(Facts(NOW, **facts), NOW), "ssh:edge-1")
        assert document is not None
        ours = document["status"]["edgewright"]
        return ours["healthState"], ours["reason"]

    assert health(api="silent") == ("unhealthy", "The API server of this host does not answer.")
    assert health(api="serves", etcd="unhealthy", nodes=NODES[:1])[0] == "unhealthy"
    assert health(api="serves", nodes=NODES[:1]) == ("healthy", "")
    assert health(api="serves", kube_error="forbidden") == ("unknown", "forbidden")
    for none in (Facts(NOW), Facts(NOW, api="none")):
        assert cluster_document(Known(none, NOW), "ssh:edge-1") is None


def test_the_newer_answer_counts_for_health_and_the_local_api_for_names() -> None:
    cluster: Any = calls.CLUSTER.view(SAMPLES[calls.CLUSTER.path])
    assert isinstance(cluster, Cluster)
    for api_at, health, count in ((NOW + 5, "healthy", 1), (NOW - 5, "unhealthy", 3)):
        row = cluster_row(cluster_document(Known(FACTS, NOW, None, None, cluster, api_at), "ssh:x") or {})
        assert row is not None and (row.name, row.state, row.endpoint) == ("shop", "Running", "10.4.1.100")
        assert (row.health, row.nodes) == (health, count)
    alone = cluster_document(Known(None, None, None, None, cluster, NOW), "ssh:x")
    assert alone is not None and alone["status"]["edgewright"]["healthState"] == "healthy"


# Several connections --------------------------------------------------------------------------------------------------

MACHINE = ("5f0d7a1c-3e1b-4c59-9a53-0c2f3f0a9d11", "0123456789abcdef0123456789abcdef")


def opened(target: str, facts: Facts, read_at: float = NOW - 60, key: str = "SHA256:a", state: Any = "open") -> Site:
    made = site(facts)
    assert made.reached is not None
    made.target, made.reached, made.read_at, made.state = target, made.reached._replace(key=key), read_at, state
    made.report = {"fault": False, "findings": [], "host": {"name": facts.hostname}}
    return made


def test_two_ways_to_one_host_are_one_row_with_the_newest_answer() -> None:
    facts = FACTS._replace(machine=MACHINE, cpus=2)
    ways = [opened("edge-1", facts), opened("jump,edge-1", facts._replace(cpus=8), NOW - 5, state="lost")]
    (event,) = listed(ways).values()
    assert event["uid"] == event["way"] == "ssh:edge-1" and event["host"]["metadata"]["name"] == "edge-1, jump,edge-1"
    assert event["host"]["spec"]["device"]["cpu"] == {"cores": 8} and event["link"] == "open"
    assert event["sites"] == [{"target": "edge-1", "link": "open"}, {"target": "jump,edge-1", "link": "lost"}]
    ways[0].state, ways[1].state = "lost", "open"
    (event,) = listed(ways).values()
    assert (event["uid"], event["way"], event["link"]) == ("ssh:edge-1", "ssh:jump,edge-1", "open")
    for other in (facts._replace(machine=()), facts._replace(machine=(MACHINE[0], MACHINE[1][::-1]))):
        assert len(listed([ways[0], opened("edge-2", other)])) == 2
    assert len(listed([ways[0], opened("edge-2", facts, key="SHA256:b")])) == 2


def test_two_hosts_of_one_cluster_are_one_row_until_the_last_one_is_closed() -> None:
    keys = frozenset({"k"})
    first = opened("store-1", FACTS._replace(cluster_uid="u", cluster_authorities=keys))
    worker = opened("store-2", Facts(NOW, hostname="edge-2", kubelet_server=Port("10.4.1.100", 6443),
                                     cluster_authorities=keys, certificates=(
                                         Certificate("/var/lib/kubelet/pki/k.pem", ends=NOW + 5),)),
                    NOW - 1, "SHA256:b")  # fmt: skip
    events = listed([first, worker])
    document = events["ssh:store-1"]["cluster"]
    row, ours = cluster_row(document), document["status"]["edgewright"]
    assert events["ssh:store-2"]["cluster"] is None and row is not None
    assert (row.uid, row.name, row.nodes, row.reported) == ("ssh:store-1", "ssh:store-1, store-2", 3, NOW - 60)
    assert [each.get("uid") for each in ours["members"]] == ["ssh:store-1", "ssh:store-2", None]
    assert row.certificate == "k.pem of edge-2", "each host has certificates of its own"
    first.state = "lost"
    event = listed([first, worker])["ssh:store-1"]
    assert (event["clusterLink"], event["clusterWay"], event["link"]) == ("open", "ssh:store-2", "lost")
    assert first.to_cluster({"store-1": first, "store-2": worker}) is worker
    assert worker.facts is not None
    worker.facts = worker.facts._replace(kubelet_server=Port("127.0.0.1", 6444))
    alone = listed([worker])["ssh:store-2"]["cluster"]
    assert "endpoint" not in alone["status"]["edgewright"], "a proxy on the host itself"
    assert alone["metadata"]["name"] == "ssh:store-2" and alone["status"]["edgewright"]["healthState"] == "unknown"


def test_a_newer_answer_counts_and_one_without_nodes_may_only_be_worse() -> None:
    fine = FACTS._replace(nodes=NODES[:1], cluster_uid="u")
    first, second = opened("store-1", fine), opened("store-2", fine._replace(nodes=NODES[:2]), NOW - 5, "SHA256:b")
    row = cluster_row(listed([first, second])["ssh:store-1"]["cluster"])
    assert row is not None and (row.nodes, row.reported, row.read_by) == (2, NOW - 5, "ssh:store-2")
    down = Facts(NOW, hostname="edge-9", api="silent", cluster_uid="u")
    third = opened("store-3", down, NOW - 1, "SHA256:c")
    row = cluster_row(listed([first, third])["ssh:store-1"]["cluster"])
    assert row is not None and (row.health, row.reason) == ("unhealthy", "The API server of edge-9 does not answer.")
    assert (row.nodes, row.reported, row.name) == (1, NOW - 60, "ssh:store-1, store-3")
    third.read_at = NOW - 90
    row = cluster_row(listed([first, third])["ssh:store-1"]["cluster"])
    assert row is not None and row.health == "healthy", "an older answer that is worse does not count"


def test_without_a_proof_there_are_two_rows_and_each_says_so() -> None:
    sites = [opened("store-1", FACTS), opened("store-2", FACTS, key="SHA256:b")]
    events = listed(sites)
    assert [events[uid]["mayBe"] for uid in events] == [["ssh:store-2"], ["ssh:store-1"]]
    sites = [opened("a", FACTS._replace(cluster_uid="u")), opened("b", FACTS._replace(cluster_uid="v"), key="SHA256:b")]
    assert [event["mayBe"] for event in listed(sites).values()] == [[], []]
