"""The planner: what each host does next, and what it waits for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgewright.core.clusters import model, steps
from edgewright.core.clusters.actions import Action, Plan, read_step_id
from edgewright.core.clusters.model import ClusterDocument, Done
from edgewright.core.clusters.observed import Api, LayerState, Lease, Local, Node, Observed, Peer, Preflight, Vip
from edgewright.core.clusters.planner import plan
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.planning.judge import RULES, judge
from tests.core.clusters.documents import DONE, document, sha
from tests.core.clusters.observations import PROOF, alone, api, duty, etcd, joined, leader, prepared, waits


def names(result: Plan) -> list[str]:
    return [action.step for action in result.actions]


def first(doc: ClusterDocument, observed: Observed) -> Action | None:
    """Return the first of a host's own actions that is not observed as done."""
    return next((a for a in plan(doc, observed).actions if judge(a, doc, observed).done is not True), None)


def with_members(doc: ClusterDocument, **changes: dict[str, Any]) -> ClusterDocument:
    """Return the document with other entries: `host_2={"state": "absent"}`."""
    entries = [dataclasses.replace(m, **changes.get(m.host_uid.replace("-", "_"), {})) for m in doc.members]
    return dataclasses.replace(doc, members=tuple(entries))


LEAVES = {"state": "absent", "release_id": "r1"}
LOST = {**LEAVES, "lost": True}


def test_the_host_that_forms_the_cluster_goes_from_preflight_to_the_proof() -> None:
    doc = document(1)
    assert names(plan(doc, alone(doc))) == [
        "preflight", "fetch", "activate", "runtime", "preload", "vip", "init", "mark", "keepalived",
    ]  # fmt: skip
    assert plan(doc, alone(doc)).role == "init"
    bare = Observed("host-1", Local(content_missing=3), Api())
    order = [bare]
    order.append(dataclasses.replace(bare, local=Local(preflight=Preflight(targets.members(doc)), content_missing=3)))
    assert [first(doc, seen).step for seen in order] == ["preflight", "fetch"]  # type: ignore[union-attr]
    assert first(doc, alone(doc)).step == "vip"  # type: ignore[union-attr]
    ours = Vip("one", here=True, mac_is_ours=True, keepalived="")
    action = first(doc, alone(doc, vip=ours))
    assert action is not None and (action.step, action.wait) == ("init", None)
    seen = Observed("host-1", joined(doc, done=None, vip=ours), api(doc, etcd("n1"), done=None, lease=None))
    assert first(doc, seen).step == "mark"  # type: ignore[union-attr]
    seen = dataclasses.replace(seen, local=joined(doc, vip=ours), api=api(doc, etcd("n1")))
    assert first(doc, seen).step == "keepalived"  # type: ignore[union-attr]
    assert duty(doc, seen) == ["layer cni"]


def test_a_dns_name_needs_no_vip() -> None:
    doc = document(1, endpoint={"host": "api.kiel.example", "kind": "dns"})
    assert {"vip", "keepalived"} & set(names(plan(doc, alone(doc)))) == set()


@pytest.mark.parametrize(
    ("local", "peer", "reason"),
    [
        ({"done_readable": False}, {}, "the proof of formation on the disk cannot be read"),
        ({"etcd_epoch": None}, {}, "the etcd data of this host cannot be read"),
        ({"etcd_epoch": -1}, {}, "etcd data that is not of this cluster is on the disk"),
        ({"etcd_epoch": 2}, {}, "etcd data that is not of this cluster is on the disk"),
        ({}, {"api": True}, "the API of n2 answers: a cluster is there already"),
        ({}, {"api": None}, "n2 cannot be probed"),
        ({}, {"preflight": False, "reason": "port 6443 is closed to n1"}, "n2 port 6443 is closed to n1"),
        ({}, {"preflight": None}, "n2 has not passed preflight yet"),
        ({"vip": Vip("one", False, False)}, {}, "another machine answers for 10.66.0.100"),
        ({"vip": Vip("two", True, True)}, {}, "two hosts answer for 10.66.0.100"),
        ({"vip": Vip("unknown", False, False)}, {}, "who answers for 10.66.0.100 is not known"),
    ],
)
def test_p120_init_waits_until_every_condition_is_true(
    local: dict[str, Any], peer: dict[str, Any], reason: str
) -> None:
    doc = document(3)
    seen = alone(doc, **local)
    given = {"preflight": True, "prepared": True, "api": False, **peer}
    seen = dataclasses.replace(seen, peers={**seen.peers, "host-2": Peer(**given)})
    for action in plan(doc, seen).actions:
        if action.step in ("vip", "init"):
            assert action.wait is not None and action.wait.reason == reason
            assert action.wait.on in ((), ("operator",), ("host-2",))


def test_an_init_that_has_begun_does_not_wait_for_the_preflight_of_others() -> None:
    doc = document(3)
    seen = alone(doc, etcd_epoch=1)
    seen = dataclasses.replace(seen, peers={uid: Peer(api=False) for uid in seen.peers})
    init = next(a for a in plan(doc, seen).actions if a.step == "init")
    assert init.wait is None
    assert "preflight" not in names(plan(doc, seen))


@pytest.mark.parametrize("where", ["document", "disk", "cluster"])
def test_with_a_proof_of_formation_nobody_ever_inits(where: str) -> None:
    doc = document(3, bootstrap={"initHostUid": "host-1", "done": DONE if where == "document" else None})
    seen = alone(doc, done=PROOF if where == "disk" else None)
    if where == "cluster":
        seen = dataclasses.replace(seen, api=dataclasses.replace(seen.api, done=PROOF, done_readable=True))
    assert plan(doc, seen).role == "control-plane"
    assert "init" not in names(plan(doc, seen))


def test_no_other_host_ever_inits() -> None:
    doc = document(3, 1)
    for uid in ("host-2", "host-3", "host-4"):
        assert "init" not in names(plan(doc, alone(doc, uid)))
        action = first(doc, alone(doc, uid))
        assert action is not None and action.wait is not None
        assert (action.wait.reason, action.wait.on) == ("n1 has not formed the cluster yet", ("host-1",))
    assert names(plan(doc, alone(doc, "host-4")))[-1] == "join-worker"


def test_a_host_joins_when_its_token_is_served_and_never_again_by_itself() -> None:
    doc = document(3, 1)
    for uid, step in (("host-2", "join-control-plane"), ("host-4", "join-worker")):
        action = first(doc, alone(doc, uid, admitted=True))
        assert action is not None and (action.step, action.wait) == (step, None)
        done = Observed(uid, joined(doc), Api())
        assert step not in names(plan(doc, done))
        again = with_members(doc, **{uid.replace("-", "_"): {"join_epoch": 2}})
        assert step in names(plan(again, done))


def test_a_join_that_was_cut_off_continues_without_another_admission() -> None:
    doc = document(3)
    seen = Observed("host-2", prepared(doc, kubelet_ca=sha("ca"), etcd_epoch=1, done=PROOF, admitted=False), Api())
    action = next(a for a in plan(doc, seen).actions if a.step == "join-control-plane")
    assert action.wait is None
    assert action.params["wipe"] is False


def test_a_removed_member_with_its_old_disk_is_recognised() -> None:
    doc = document(3)
    seen = Observed("host-2", joined(doc), api(doc, etcd("n1", "n3")))
    action = next(a for a in plan(doc, seen).actions if a.step == "join-control-plane")
    assert action.params["wipe"] is True
    assert action.wait is not None  # it is admitted first
    without_quorum = Observed("host-2", joined(doc), api(doc, etcd("n1", "n3", down="n1 n3")))
    assert "join-control-plane" not in names(plan(doc, without_quorum))


def test_p123_absence_is_never_removal() -> None:
    doc = document(3)
    assert plan(doc, Observed("host-9", joined(doc))) == Plan("not a member", ())
    half = with_members(doc, host_2={"state": "absent"})
    assert plan(half, Observed("host-2", joined(doc))).actions == ()


def test_nothing_starts_without_approval_or_with_two_proofs() -> None:
    doc = dataclasses.replace(document(3, generation=5), change=model.Change("ch", 4))
    assert {a.wait.reason for a in plan(doc, alone(doc)).actions if a.wait} == {"generation 5 is not approved"}
    assert plan(doc, leader(doc, etcd("n1"))).duties == ()
    other = Done(DONE["at"], sha("other"), DONE["kubeSystemUid"])
    formed = document(3, bootstrap={"initHostUid": "host-1", "done": DONE})
    actions = plan(formed, alone(formed, done=other)).actions
    assert all(a.wait is not None and a.wait.on == ("operator",) for a in actions)


def test_another_version_of_kubernetes_waits_for_an_operator() -> None:
    doc = document(1)
    seen = Observed("host-1", joined(doc, tree="sha256:" + sha("older")), Api())
    action = first(doc, seen)
    assert action is not None and action.step == "activate"
    assert action.wait is not None and action.wait.on == ("operator",)


def test_a_ready_node_of_another_host_with_that_name_is_refused() -> None:
    doc = document(3)
    nodes = {"n1": Node("1", True), "n2": Node("2", True, host_uid="host-7")}
    seen = leader(doc, etcd("n1"), nodes=nodes, joined={"host-1": 1})
    assert waits(doc, seen)[0] == "another host is the ready node n2"


def test_p122_the_guard_refuses_with_its_numbers() -> None:
    doc = with_members(document(3), host_2=LOST)
    assert duty(doc, leader(doc, etcd("n1", "n2", "n3", down="n2")))[0] == "remove-member n2"
    seen = leader(doc, etcd("n1", "n2", "n3", down="n3"))
    assert waits(doc, seen)[0] == (
        "n2 stays in etcd: etcd would have no quorum: 1 of 2 voters healthy afterwards, 2 are needed"
    )
    two = with_members(document(3), host_2=LOST, host_3=LOST)
    assert [d for d in duty(two, leader(two, etcd("n1", "n2", "n3"))) if "member" in d] == ["remove-member n2"]
    seen = leader(two, etcd("n1", "n2", "n3", down="n2 n3"))
    assert "etcd has no quorum: 1 of 3 voters healthy, 2 are needed" in waits(two, seen)[0]


def test_a_host_leaves_after_it_was_drained_and_removed_from_etcd() -> None:
    doc = with_members(document(3, 1), host_2=LEAVES, host_4=LEAVES)
    members = etcd("n1", "n2", "n3")
    nodes = {name: Node(name, True) for name in ("n1", "n2", "n3", "n4")}
    record = {f"host-{n}": 1 for n in range(1, 5)}
    seen = leader(doc, members, nodes=nodes, joined=record)
    assert duty(doc, seen)[:2] == ["drain n2", "drain n4"]
    assert waits(doc, seen)[0] == "n2 is drained first"
    nodes = {**nodes, "n2": Node("n2", True, cordoned=True, release="r1"), "n4": Node("4", True, "", True, "r1")}
    seen = leader(doc, members, nodes=nodes, joined=record)
    assert duty(doc, seen)[0] == "remove-member n2"
    assert "n4 resets itself" in waits(doc, seen)
    own = Observed("host-2", joined(doc), api(doc, members, nodes=nodes))
    (action,) = plan(doc, own).actions
    assert action.step == "release" and action.wait is not None
    assert action.wait.reason == "a survivor removes this host from etcd first"
    own = Observed("host-2", joined(doc), api(doc, etcd("n1", "n2", "n3", down="n3"), nodes=nodes))
    (wait,) = [action.wait for action in plan(doc, own).actions]
    assert wait and wait.reason.endswith("no quorum: 1 of 2 voters healthy afterwards, 2 are needed")
    own = Observed("host-2", joined(doc), api(doc, etcd("n1", "n3"), nodes=nodes))
    assert plan(doc, own).actions[0].wait is None
    down = {**nodes, "n2": dataclasses.replace(nodes["n2"], ready=False)}
    assert "remove-node n2" in duty(doc, leader(doc, etcd("n1", "n3"), nodes=down, joined=record))


def test_a_node_is_removed_also_when_its_entry_is_not_there_any_more() -> None:
    doc = document(3)
    nodes = {name: Node(name, True) for name in ("n1", "n2", "n3")}
    drained = Node("9", False, "", True, "r1", host_uid="host-9")
    seen = leader(doc, etcd("n1", "n2", "n3"), nodes={**nodes, "n9": drained})
    assert duty(doc, seen)[0] == "remove-node n9"
    for node in (dataclasses.replace(drained, release=""), dataclasses.replace(drained, ready=True)):
        seen = leader(doc, etcd("n1", "n2", "n3"), nodes={**nodes, "n9": node})
        assert "remove-node n9" not in duty(doc, seen)


def test_a_host_that_left_and_is_added_again_is_admitted_although_its_record_is_still_there() -> None:
    doc = document(3, 1)
    record = {f"host-{n}": 1 for n in range(1, 5)}
    seen = leader(doc, etcd("n1", "n2"), joined=record)
    assert duty(doc, seen)[:2] == ["serve-join n3", "serve-join n4"]


def test_a_host_without_the_api_leaves_only_where_that_is_safe() -> None:
    doc = with_members(document(3, 1), host_2=LEAVES, host_4=LEAVES)
    worker = Observed("host-4", joined(doc, etcd_epoch=0), Api(silent_for=599))
    assert plan(doc, worker).actions[0].wait is not None
    silent = dataclasses.replace(worker, api=Api(silent_for=600))
    assert plan(doc, silent).actions[0].wait is None
    control = Observed("host-2", joined(doc), Api(silent_for=10_000))
    wait = plan(doc, control).actions[0].wait
    assert wait is not None and wait.on == ("operator",)
    reset = Observed("host-2", joined(doc, reset="op-1"), Api())
    (action,) = plan(document(3), reset).actions
    assert (action.step, action.wait, action.params) == ("release", None, {"releaseId": "op-1"})
    begun = Observed("host-2", joined(doc, resetting="r1"), Api())
    assert plan(doc, begun).actions[0].wait is None


def test_a_cluster_is_deleted_workers_first_and_the_leader_last() -> None:
    gone = document(3, 1)
    gone = with_members(gone, **{f"host_{n}": LEAVES for n in range(1, 5)})
    nodes = {name: Node(name, True) for name in ("n1", "n2", "n3", "n4")}

    def wait(uid: str, **more: Any) -> str:
        seen = api(gone, etcd("n1", "n2", "n3"), **{"nodes": nodes, **more})
        (action,) = plan(gone, Observed(uid, joined(gone), seen)).actions
        assert action.step == "delete"
        return action.wait.reason if action.wait else ""

    assert [wait(f"host-{n}") for n in (4, 2, 1)] == ["", "n4 first", "n2, n3, n4 first"]
    nodes["n4"] = Node("n4", ready=False)
    assert [wait(f"host-{n}") for n in (4, 2, 1)] == ["", "", "n2, n3 first"]
    assert wait("host-1", nodes=None) == "n2, n3, n4 first"
    assert wait("host-1", nodes=None, silent_for=600.0) == ""


def test_add_ons_are_installed_in_order_and_removed_when_they_are_not_listed() -> None:
    doc = document(1)
    cni, metrics = (targets.layer(layer) for layer in doc.layers)
    seen = leader(doc, etcd("n1"), layers={"cni": LayerState(cni, ready=True), "old": LayerState("x")})
    lane = next(lane for lane in plan(doc, seen).duties if lane.name == "layers")
    assert [a.step for a in lane.actions] == ["remove-layer", "layer", "layer"]
    assert [judge(a, doc, seen).done for a in lane.actions] == [False, True, False]
    assert lane.actions[2].target == metrics


def test_only_the_leader_with_its_proof_has_duties() -> None:
    doc = document(3)
    changes: list[dict[str, Any]] = [
        {"lease": Lease("host-2")}, {"lease": Lease("host-1", age=151)}, {"lease": None}, {"done": None},
    ]  # fmt: skip
    for change in changes:
        seen = leader(doc, etcd("n1"), **change)
        assert plan(doc, seen).duties == ()
    leaving = with_members(doc, host_1=LEAVES)
    assert plan(leaving, leader(leaving, etcd("n1", "n2"))).duties == ()


def test_the_only_voter_leads_although_it_leaves_until_another_one_can() -> None:
    """The model of quorum and grants came to a state in which nothing could be admitted any more."""
    doc = with_members(document(3), host_1=LEAVES)
    for members in (etcd("n1"), etcd("n1", "n2", down="n2")):
        assert plan(doc, leader(doc, members)).role == "leaving"
    assert duty(doc, leader(doc, etcd("n1")))[0] == "serve-join n2"
    assert "remove-member n1" not in duty(doc, leader(doc, etcd("n1", "n2", "n3", down="n2 n3")))
    deleted = with_members(document(1), host_1=LEAVES)
    assert plan(deleted, leader(deleted, etcd("n1"))).duties == ()


def test_what_cannot_be_observed_is_neither_done_nor_not_done() -> None:
    doc = document(3, 1)
    unknown = Observed("host-2", Local(done_readable=False), Api())
    params = {
        "hostUid": "host-3",
        "nodeName": "n3",
        "memberId": "1",
        "releaseId": "r",
        "layer": "cni",
        "fulfilled": True,
    }
    for step in RULES:
        done = judge(Action(step, "t", params), doc, unknown).done
        assert done is (False if step == "preflight" else None), step


def test_every_step_id_can_name_a_unit() -> None:
    doc = document(3, 2)
    seen = leader(doc, etcd("n1"))
    everything = [*plan(doc, alone(doc)).actions, *(a for lane in plan(doc, seen).duties for a in lane.actions)]
    ids = [action.step_id("0123456789abcdef01234567") for action in everything]
    assert len(set(ids)) == len(ids)
    assert all(len(text) <= 100 and text.startswith("cluster-") for text in ids)
    assert [read_step_id(text) for text in ids] == [(action.step, action.target) for action in everything]
    assert read_step_id("trial-0a-1") is read_step_id("cluster-1") is read_step_id("cluster-1-x-y") is None
    assert all(action.limit == (steps.BY_ID[action.step].limit or steps.NO_LIMIT) for action in everything)
