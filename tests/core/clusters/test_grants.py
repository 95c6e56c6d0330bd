"""Who may change the members of etcd: one grant at a time, what ends it, and who gets it next."""

from __future__ import annotations

import dataclasses

import pytest

from edgewright.core.clusters.grants import JOIN, LIMITS, Grant, GrantState, read_grant, state_of, write_grant
from edgewright.core.clusters.observed import Node, Peer
from edgewright.core.clusters.planner import plan
from edgewright.core.clusters.quorum import EtcdMember
from tests.core.clusters.documents import document
from tests.core.clusters.observations import duty, etcd, leader, waits


def test_p121_one_control_plane_is_admitted_at_a_time() -> None:
    doc = document(3, 2)
    seen = leader(doc, etcd("n1"))
    assert duty(doc, seen) == ["serve-join n2", "serve-join n4", "serve-join n5", "layer cni"]
    grant = Grant("host-2", "join", "", 600.0, 20.0)
    joining = leader(doc, etcd("n1"), grant=grant, served=frozenset(["host-2"]))
    assert "serve-join n3" not in duty(doc, joining)
    assert waits(doc, joining)[0] == "n2 joins, since 20 s of at most 600 s"
    learner = (*etcd("n1"), EtcdMember("id-n2", "n2", voter=False, healthy=True))
    assert waits(doc, leader(doc, learner, grant=grant, served=frozenset(["host-2"])))[0].startswith("n2 joins")
    done = leader(doc, etcd("n1", "n2"), grant=grant, served=frozenset(["host-2"]), joined={"host-1": 1})
    assert duty(doc, done)[0] == "end-grant n2"
    (action,) = next(lane.actions for lane in plan(doc, done).duties if lane.name == "grant")
    assert action.params["fulfilled"] is True
    recorded = leader(doc, etcd("n1", "n2"))
    assert duty(doc, recorded)[0] == "serve-join n3"


@pytest.mark.parametrize(
    "case", ["registered", "api", "unknown", "member", "node", "old node", "another agent", "read"]
)
def test_p121_a_grant_ends_with_a_healthy_voter_an_api_and_a_kubelet_whose_node_need_not_be_ready(case: str) -> None:
    doc = document(3)
    grant = Grant("host-2", "join", "", 600.0, 20.0, {"old node": "new", "another agent": None}.get(case, ""))
    nodes = {"n1": Node("1", True)} if case == "node" else {"n1": Node("1", True), "n2": Node("new", False)}
    seen = leader(
        doc, etcd("n1", "n2", down="n2" if case == "member" else ""), grant=grant, served=frozenset(["host-2"]),
        joined={"host-1": 1}, nodes=nodes, grantee_ready={"api": False, "unknown": None}.get(case, True),
    )  # fmt: skip
    if case == "read":  # as the annotation has it
        kept = read_grant(write_grant(grant), 20.0)
        assert kept == grant
        seen = dataclasses.replace(seen, api=dataclasses.replace(seen.api, grant=kept))
    if case in ("registered", "read"):
        assert duty(doc, seen)[0] == "end-grant n2"
    else:
        assert "end-grant n2" not in duty(doc, seen) and "serve-join n3" not in duty(doc, seen)
        assert waits(doc, seen)[0].startswith("n2 joins, since 20 s")
    ready = {**seen.api.nodes, "n2": Node("new", True)} if seen.api.nodes else {}
    again = dataclasses.replace(seen, api=dataclasses.replace(seen.api, nodes=ready))
    assert (duty(doc, again)[0] == "end-grant n2") is (case != "member")


def test_a_grant_past_its_limit_is_cleaned_up_and_the_next_host_comes_first() -> None:
    doc = document(3)
    dead = (*etcd("n1"), EtcdMember("id-2", "", voter=False, address="10.66.0.12"))
    grant = Grant("host-2", "join", "", 600.0, 601.0)
    seen = leader(doc, dead, grant=grant, served=frozenset(["host-2"]))
    assert duty(doc, seen)[0] == "end-grant n2"
    # The grant is lost (the Lease was deleted), the learner is left: it is cleaned up all the same.
    assert duty(doc, leader(doc, dead))[0] == "end-grant n2"
    assert duty(doc, leader(doc, etcd("n1"), last_expired="host-2"))[0] == "serve-join n3"
    # A learner that runs is not thrown away: its join is granted again.
    runs = (*etcd("n1"), EtcdMember("id-2", "n2", voter=False))
    assert duty(doc, leader(doc, runs))[0] == "serve-join n2"


def test_a_host_that_is_not_prepared_never_gets_the_grant() -> None:
    doc = document(3)
    seen = leader(doc, etcd("n1"))
    seen = dataclasses.replace(seen, peers={**seen.peers, "host-2": Peer(prepared=False, reason="pulls images")})
    assert duty(doc, seen)[0] == "serve-join n3"
    silent = dataclasses.replace(seen, peers={**seen.peers, "host-2": Peer(reason="does not answer on port 5082")})
    assert duty(doc, silent)[0] == "serve-join n3"
    silent = dataclasses.replace(silent, peers={uid: Peer(reason="does not answer") for uid in seen.peers})
    assert waits(doc, silent) == ["n2 does not answer", "n3 does not answer"]
    both = dataclasses.replace(seen, peers={uid: Peer(prepared=False, reason="pulls images") for uid in seen.peers})
    assert waits(doc, both) == ["n2 pulls images", "n3 pulls images"]


@pytest.mark.parametrize("limit", ["NaN", "1e999", "-1", str(10**400)])
def test_no_limit_that_another_program_wrote_lets_a_grant_last_longer(limit: str) -> None:
    grant = read_grant(f'{{"hostUid": "host-2", "action": "join", "since": "", "limit": {limit}}}', 601.0)
    assert grant is not None and 0.0 <= grant.limit <= LIMITS[JOIN]
    assert state_of(grant, document(3), False) is GrantState.EXPIRED
