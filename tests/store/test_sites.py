"""Sites that are open by SSH in the store: rows apart from those of a plane, and one row for what both know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewright.store.collections.catalogue.clusters import CLUSTERS, sign_of
from edgewright.store.collections.selectors import (
    alone_by_ssh,
    listed_clusters,
    listed_hosts,
    open_by_ssh,
    row_of_site,
    way_to,
)
from edgewright.store.engine import cache
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import Tally
from edgewright.store.engine.store import Store

NOW = 1_795_442_551.0
UID = "ssh:kairos@edge-1"
DOCUMENT = {
    "metadata": {"uid": UID, "name": "edge-1"},
    "spec": {"device": {"cpu": {"cores": 8}}},
    "status": {"edgewright": {"healthState": "unhealthy", "reason": "/ is full"}},
}
CLUSTER = {"metadata": {"uid": UID, "name": "shop"}, "status": {"state": "", "edgewright": {"healthState": "healthy"}}}


def known(link: str = "open", **more: Any) -> dict[str, Any]:
    return {"uid": UID, "link": link, "host": DOCUMENT, "hostUid": "uid-1", "cluster": CLUSTER, **more}


def store_after(*payloads: dict[str, Any]) -> Store:
    store = Store(clock=lambda: NOW)
    for payload in payloads:
        store.emit("site", kinds.SITE_KNOWN, payload)
    store.flush()
    return store


def of_plane(store: Store, uid: str = "uid-1") -> None:
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [{"metadata": {"uid": uid, "name": "edge-1"}}]})
    store.flush()


def test_a_site_is_a_row_apart_and_no_host_of_a_plane() -> None:
    model = store_after(known()).model
    row = model.site_hosts[UID]
    assert (row.uid, row.name, row.health, row.reason, row.cpu, row.link) == (
        UID, "edge-1", "unhealthy", "/ is full", 8, "open")  # fmt: skip
    assert row.state == "", "SSH does not say whether it is paired"
    assert row.memory_mb is None and row.os == "", "what nobody read is unknown"
    assert model.hosts == {} and model.tally == Tally() and model.rows(CLUSTERS) == {}
    assert listed_hosts(model)[UID] is row and list(listed_clusters(model)) == [UID]


def test_what_a_plane_lists_takes_no_site_away() -> None:
    store = store_after(known())
    store.emit("plane", kinds.HOSTS_COMPLETE, {"uids": []})
    store.emit("plane", CLUSTERS.seen, {"docs": [], "complete": True})
    store.flush()
    assert list(store.model.site_hosts) == list(store.model.site_clusters) == [UID]


def test_a_closed_site_is_gone_and_odd_events_make_none() -> None:
    model = store_after(known(), {"uid": UID}).model
    assert model.site_hosts == {} and model.site_clusters == {}
    assert (
        store_after({"link": "open", "host": DOCUMENT}, known(link="strange"), known(host="x")).model.site_hosts == {}
    )
    assert store_after(known(), known(cluster=None)).model.site_clusters == {}


def test_a_host_of_the_plane_that_is_open_by_ssh_too_is_one_row() -> None:
    store = store_after(known())
    assert list(alone_by_ssh(store.model)) == [UID]
    of_plane(store)
    assert list(listed_hosts(store.model)) == ["uid-1"]
    twin = open_by_ssh(store.model, "uid-1")
    assert twin is not None and twin.uid == UID and open_by_ssh(store.model, "uid-2") is None
    store.emit("plane", kinds.HOSTS_REMOVED, {"uids": ["uid-1"]})
    store.flush()
    assert list(listed_hosts(store.model)) == [UID]


def test_a_site_of_which_no_uid_is_known_is_a_row_of_its_own() -> None:
    store = store_after(known(hostUid=""))
    of_plane(store)
    assert set(listed_hosts(store.model)) == {UID, "uid-1"}


def test_a_cluster_of_the_plane_that_a_site_shows_too_is_one_row() -> None:
    for uid, members in (("c-1", []), ("c-2", [{"uid": "uid-1", "name": "edge-1"}])):
        store = store_after(known(clusterUid="c-1"))
        document = {"metadata": {"uid": uid, "name": "shop"}, "status": {"edgewright": {"members": members}}}
        store.emit("plane", CLUSTERS.seen, {"docs": [document]})
        store.flush()
        assert list(listed_clusters(store.model)) == [uid]


def test_a_row_leads_to_a_connection_that_is_up() -> None:
    sites = [{"target": "kairos@edge-1", "link": "lost"}, {"target": "edge-2", "link": "open"}, {"target": "x"}, 7]
    payload = known("lost", sites=sites[:1], clusterSites=sites, clusterWay="ssh:edge-2", clusterLink="open",
                    clusterOf=["c-1", 7], mayBe=["shop"])  # fmt: skip
    model = store_after(payload).model
    host, row = model.site_hosts[UID], model.site_clusters[UID]
    assert (host.link, host.sites, host.way) == ("lost", ("lost kairos@edge-1",), UID)
    assert (row.link, row.sites, row.kind) == ("open", ("lost kairos@edge-1", "open edge-2"), "2 by SSH")
    assert row.plane_uids == ("uid-1", "c-1") and row.may_be == ("shop",)
    assert way_to(model.site_clusters, UID) == way_to(model.site_clusters, "ssh:edge-2") == "ssh:edge-2"
    assert way_to(model.site_hosts, UID) == UID and way_to(model.site_clusters, "ssh:other") == "ssh:other"
    assert row_of_site(model.site_clusters, ["edge-2"]) is row and row_of_site(model.site_clusters, ["x"]) is None


def test_a_lost_connection_is_seen_without_colours() -> None:
    row = store_after(known("lost")).model.site_clusters[UID]
    assert sign_of(row)[0] == "▬" and row.shown_state == "SSH lost" and row.kind == "by SSH"
    assert store_after(known()).model.site_clusters[UID].shown_state == "by SSH"


def test_sites_are_not_in_the_last_known_fleet(tmp_path: Path) -> None:
    store = store_after(known())
    of_plane(store, "uid-2")
    cache.save(tmp_path / "fleet", store.model)
    loaded = cache.load(tmp_path / "fleet").model
    assert loaded is not None and list(loaded.hosts) == ["uid-2"]
    assert loaded.site_hosts == {} and loaded.site_clusters == {}
