"""Cluster documents as steps of the engine: permanent errors, hosts of another cluster, release."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context, StepKind
from edgewright.agent.clusters.driver import KIND, ClusterDriver
from edgewright.agent.clusters.registry import STEPS
from edgewright.agent.clusters.slices import read_part, store_part
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.decisions import retry
from edgewright.agent.reconcile.reconciler import Parts, Reconciler
from edgewright.agent.reconcile.requests import Request
from edgewright.agent.reconcile.runner import UnitState
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.core.clusters import document as documents
from edgewright.core.clusters import model, observed, steps
from edgewright.core.clusters.actions import with_titles
from edgewright.core.clusters.host_slice import HostSlice, Sealed, slice_json
from edgewright.core.clusters.planning import targets
from tests.agent.clusters.support import SECRET, FakeHost, cluster
from tests.agent.reconcile.test_engine import FakeRunner


class World:
    """A reconciler with the real driver and planner; what is observed is set by the test."""

    def __init__(self, folder: Path) -> None:
        self.host = FakeHost(folder / "host")
        self.data = str(folder / "data")
        self.now, self.runner = 1_790_000_000.0, FakeRunner()
        self.seen = observed.Observed("host-1", observed.Local(etcd_epoch=0, kubelet_ca="", clean=True))
        self.cared = 0
        self.driver = ClusterDriver(
            self.host, self.data, lambda: "host-1", ["/usr/bin/agent"], STEPS, lambda context: self.seen, self.care
        )
        parts = Parts(self.runner, {KIND: self.driver}, {}, {}, "boot", lambda: self.now)
        self.reconciler = Reconciler(self.data, str(folder / "run"), parts, lambda p, s: None)
        assert self.reconciler.open()

    def care(self, context: Context, seen: observed.Observed) -> bool:
        self.cared += 1
        return False

    def offer(self, document: model.ClusterDocument) -> None:
        sealed = documents.sealed(document)
        body = {"uid": document.uid, "kind": KIND, "lineage": document.lineage, "generation": document.generation}
        store = DocumentStore(exchange.folders(self.data)[exchange.DOCUMENTS])
        store.offer({**body, "digest": sealed.digest, "document": documents.as_json(sealed)})
        store_part(self.data, document.uid, slice_json(HostSlice(Sealed(cluster_secret=SECRET))))

    def local(self, **changes: Any) -> None:
        self.seen = dataclasses.replace(self.seen, local=dataclasses.replace(self.seen.local, **changes))

    def end(self, code: int, name: str = "") -> None:
        (step,) = [step for step in self.reconciler.running() if not name or f"-{name}-" in step.step]
        self.runner.units[step.unit] = UnitState("ended", code)

    def tick(self) -> list[str]:
        """Let the reconciler look once; return the steps that run."""
        self.host.time += 5
        self.now += 5
        self.reconciler.tick()
        return [step.step.split("-")[2] for step in self.reconciler.running()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def progress(world: World) -> Mapping[str, Any]:
    return (exchange.get(world.reconciler.run_folder, exchange.PROGRESS) or {}).get("progress") or {}


def beside(world: World) -> tuple[str, int]:
    """Return title and percent of what is done beside the current step."""
    shown = progress(world)
    return with_titles(shown.get("beside", "")), shown.get("besidePercent", 0)


def test_each_step_of_the_planner_has_a_program_here() -> None:
    wanted = {spec.id for spec in steps.STEPS} - set(steps.RESERVED)
    assert set(STEPS) == wanted


def test_steps_follow_each_other_by_what_is_observed(world: World) -> None:
    document = cluster()
    world.offer(document)
    world.local(content_missing=1)
    assert world.tick() == ["preflight", "fetch"], "the fetch does not wait for the preflight"
    assert all(unit.startswith("edgewright-step-cluster-") for unit in world.runner.starts)
    assert progress(world)["step"].split("-")[2] == "preflight"
    assert beside(world) == ("Fetch content", 0)
    world.local(content_missing=0)
    world.end(0, "fetch")
    assert world.tick() == ["preflight"] and beside(world) == ("Fetch content", 100), "it is done before the preflight"
    world.local(content_missing=1)
    assert world.tick() == ["preflight", "fetch"]
    world.local(preflight=observed.Preflight(targets.members(document)))
    world.end(0, "preflight")
    assert world.tick() == ["fetch"], "the activation waits for both"
    assert beside(world) == ("", 0)
    world.local(content_missing=0, tree="")
    world.end(0)
    assert world.tick() == ["activate"]
    assert world.cared > 0
    world.end(0)
    assert world.tick() == [], "it ended with 0, and the tree is not active: that is a failure"
    assert progress(world)["waitingFor"] == "its next try"


def test_a_document_of_k3s_is_taken_and_its_own_steps_are_asked(world: World) -> None:
    world.offer(cluster(kubernetes=model.Kubernetes(model.K3S, "v1.32.9+k3s1", {})))
    world.local(preflight=observed.Preflight(targets.members(cluster())), content_missing=0, tree="")
    assert world.tick() == ["activate"] and world.driver.trouble == ""
    context, action = world.driver._actions[world.reconciler.running()[0].step]
    assert type(world.driver._kind(context, action.step)).__name__ == "K3sActivate"


def test_an_error_that_no_repetition_changes_waits_for_an_operator_at_once(world: World) -> None:
    world.offer(cluster())
    world.tick()
    world.end(7)
    world.tick()
    assert progress(world)["waitingFor"] == "operator" and progress(world)["attempt"] == 1
    for _ in range(20):
        assert world.tick() == []
    outcome = retry(lambda: world.reconciler.engine, world.reconciler.wanted)(Request("o", "retry", {}, {}))
    assert outcome is not None and outcome.message == "1 step starts again: Preflight."
    refused = retry(lambda: world.reconciler.engine, set)(
        Request("o", "retry", {"step": "cluster-0123abcd-init-1"}, {})
    )
    assert refused is not None and refused.message == "This host has no step Form the cluster."
    world.runner.units.clear()
    assert world.tick() == ["preflight"]
    messages = [item["message"] for item in world.reconciler._transitions]
    assert messages[0] == "Preflight started (attempt 1)." and not [text for text in messages if "cluster-" in text]
    reason = next(text for text in messages if text.startswith("Preflight failed: ")).partition(": ")[2]
    assert len(reason) > 30 and reason.endswith(" (attempt 1).")
    assert f"Preflight waits for an operator: {reason}" in messages
    again = [text for text in messages if text.startswith("Preflight started")]
    assert again == ["Preflight started (attempt 1).", "Preflight started (attempt 2)."], "without the last error"


def test_a_host_of_another_cluster_does_nothing_for_this_one(world: World) -> None:
    world.host.write(paths.OWNER, json.dumps({"uid": "other"}).encode())
    world.offer(cluster())
    assert world.tick() == [] and not world.runner.starts
    report = exchange.get(world.reconciler.run_folder, exchange.OBSERVED) or {}
    assert report["trouble"] == "This host belongs to the cluster other until it is released there."
    assert report["documents"][0]["applied"] is None, "what is not done is not reported as applied"


def test_a_host_with_another_address_names_both_and_starts_nothing_until_it_has_its_own_again(world: World) -> None:
    world.offer(cluster())
    world.local(moved="10.0.0.77")
    assert world.tick() == [] and world.driver.trouble == (
        "n1 has the address 10.0.0.11 in the cluster, and this host has 10.0.0.77. "
        "Give it that address again, or release the host from the cluster."
    )
    assert "10.0.0.11" in progress(world)["waitingFor"]
    world.local(moved="")
    world.now += 15
    assert world.tick() == ["preflight"] and world.driver.trouble == ""


def test_a_document_that_cannot_be_read_stops_nothing_and_is_not_applied(world: World) -> None:
    store = DocumentStore(exchange.folders(world.data)[exchange.DOCUMENTS])
    body = {"uid": "c0ffee", "kind": KIND, "lineage": "a" * 16, "generation": 1, "digest": "x"}
    store.offer({**body, "document": {"uid": "c0ffee"}})
    assert world.tick() == []
    report = exchange.get(world.reconciler.run_folder, exchange.OBSERVED) or {}
    assert report["documents"][0]["applied"] is None and "problem" in report["trouble"]


def test_an_entry_absent_releases_the_host_and_removes_its_secrets_at_the_end(world: World) -> None:
    document = cluster(2)
    leaving = dataclasses.replace(document.members[0], state=model.ABSENT, release_id="r-1")
    document = dataclasses.replace(document, members=(leaving, document.members[1]))
    world.offer(document)
    world.local(clean=False, kubelet_ca="")
    assert world.tick() == ["release"]
    assert read_part(world.data, "c0ffee").sealed.cluster_secret == SECRET
    world.local(clean=True)
    world.end(0)
    assert world.tick() == []
    assert read_part(world.data, "c0ffee").sealed.cluster_secret == ""


def test_a_reset_on_the_host_itself_releases_it_without_the_plane(world: World) -> None:
    world.offer(cluster(3))
    world.local(clean=False, kubelet_ca="x")
    DocumentStore(exchange.folders(world.data)[exchange.DOCUMENTS]).reset("op-1")
    assert world.tick() == ["release"]
    world.local(clean=True)
    world.end(0)
    assert world.tick() == []
    report = exchange.get(world.reconciler.run_folder, exchange.OBSERVED) or {}
    assert report["documents"][0]["wanted"] is None


def test_a_step_observed_before_its_program_ended_is_looked_at_again(world: World) -> None:
    """What was gathered for the plan of a look may be from before the end of the step that is judged in it."""
    world.offer(cluster())
    world.tick()
    looks: list[int] = []
    done = observed.Preflight(targets.members(cluster()))

    def look(context: Context) -> observed.Observed:
        looks.append(1)
        if len(looks) > 1:
            world.local(preflight=done, content_missing=1)
        return world.seen

    world.driver._look = look
    world.end(0)
    assert world.tick() == ["fetch"]


def test_a_fetch_whose_target_moved_is_ended_and_the_next_one_begins(world: World) -> None:
    document = cluster()
    world.local(preflight=observed.Preflight(targets.members(document)), content_missing=1)
    world.offer(document)
    assert world.tick() == ["fetch"]
    (before,) = world.reconciler.running()
    world.seen = dataclasses.replace(world.seen)
    world.offer(dataclasses.replace(document, generation=2, images=(model.Image("r/a:1", "sha256:" + "1" * 64),)))
    assert world.tick() == ["fetch"]
    (after,) = world.reconciler.running()
    assert after.step != before.step and before.unit not in world.runner.units, "its program is ended"
    noted = world.reconciler.engine.step(before.step)
    assert noted is not None and noted.error == "cancelled: the document wants something else"
    world.driver._documents.clear()
    (Path(exchange.folders(world.data)[exchange.DOCUMENTS]) / "c0ffee.json").write_text("{")
    assert world.driver.cancels(after) is False, "a document that cannot be read cancels nothing"


def test_a_step_that_this_agent_does_not_know_is_named(world: World) -> None:
    kinds: Mapping[str, StepKind] = {}
    world.driver._steps = kinds
    world.offer(cluster())
    assert world.tick() == [] and "no step preflight" in progress(world)["waitingFor"]


def test_a_host_that_is_reset_takes_care_of_the_cluster_no_more(world: World) -> None:
    """Its last look would claim it for the cluster that it has just left, which its document still names."""
    sealed = documents.as_json(documents.sealed(cluster()))
    store_part(world.data, "c0ffee", slice_json(HostSlice(Sealed(cluster_secret=SECRET))))
    assert world.driver.lanes(sealed) and world.cared == 1
    world.host.time += 5
    (own,) = world.driver.lanes(sealed, release="r1")
    assert [action.target for action in own] and world.cared == 1
    world.host.time += 5
    world.driver.observe(own[0])
    assert world.cared == 1
    world.host.time += 5
    world.driver.lanes(sealed)
    assert world.cared == 2
