"""`retry` and `accept` from a real hub to a real agent (P85, P86), with what the hub shows of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.reconcile.compose import make_reconciler
from edgewright.agent.reconcile.exchange import OWN
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile.steps import State, Step
from edgewright.agent.reconcile.trial import Trial, offer_trial, trial_document
from tests.agent.hub.test_with_hub import HostRig, fresh
from tests.hub_fixture import RunningHub, running_hub

B = "b" * 16


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--heartbeat", "60", "--silence-limit", "600") as running:
        yield running


@pytest.fixture(autouse=True)
def short_reconciler(monkeypatch: pytest.MonkeyPatch, reconciler_in_process: None) -> None:
    """Let the reconciler look once where the link would start it."""

    def start_child(handover: Handover) -> None:
        reconciler = make_reconciler(os.path.dirname(handover._places[OWN]), handover._run, Root(handover._root))
        if reconciler.open():
            reconciler.tick()
            reconciler.close()

    monkeypatch.setattr(Handover, "start_child", start_child)


def ask(rig: HostRig, kind: str, **params: str) -> dict[str, Any]:
    """Ask for an operation and return it after the next heartbeat of the host."""
    path = f"/edgewright/v1/hosts/{rig.name}/operations"
    made = rig.hub.client().post(path, json={"kind": kind, "params": params})
    assert made.status_code == 201, made.text
    rig.agent.step()
    found: dict[str, Any] = rig.hub.client().get(f"{path}/{made.json()['uid']}").json()
    return found


def documents(rig: HostRig) -> list[dict[str, Any]]:
    rig.agent.step()
    items: list[dict[str, Any]] = rig.document()["status"]["edgewright"].get("documents") or []
    return items


def test_p85_the_plane_lets_a_step_start_again(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "retry-1", fresh(hub))
    rig.agent.step()
    assert ask(rig, "retry")["state"] == "refused"
    store = rig.agent.handover.store
    offer_trial(store, "t", [60])
    (action,) = Trial("").plan(trial_document("t", [60]), {})
    reconciler = make_reconciler(rig.flags.data)
    assert reconciler.open()
    reconciler.journal.open()
    record = Step(action.step, "trial", action.target, State.OPERATOR, equal=3, error_class="exit-3").record()
    reconciler.journal.append(action.step, record)
    reconciler.close()
    rig.agent.handover.start_child()
    rig.agent.step()
    shown = rig.document()["status"]["edgewright"]
    assert shown["progress"]["waitingFor"] == "operator" and shown["healthState"] == "unhealthy"
    operation = ask(rig, "retry", step=action.step)
    assert operation["state"] == "succeeded" and operation["result"]["message"].endswith(f"{action.step}.")
    rig.agent.step()
    shown = rig.document()["status"]["edgewright"]
    assert "waitingFor" not in shown["progress"] and shown["healthState"] == "healthy"
    assert ask(rig, "retry", step=action.step)["state"] == "refused", "it runs"
    events = hub.client().get(f"/v1/events/components/edgehost/{rig.name}").json()["items"]
    assert [event["reason"] for event in events].count("OperationFinished") == 3
    audits = hub.client().get("/v1/audits", params={"resourceUid": rig.name, "limit": 50}).json()["items"]
    assert sum("Operation retry is asked" in str(item) for item in audits) == 3


def test_p86_the_plane_shows_what_waits_and_lets_it_be_accepted(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "accept-1", fresh(hub))
    rig.agent.step()
    for lineage, digest in (("a" * 16, "1" * 64), (B, "2" * 64)):
        body = {"uid": "c-1", "kind": "trial", "lineage": lineage, "generation": 1, "digest": digest}
        rig.agent.handover.offer({**body, "document": trial_document("c-1", [])})
    (shown,) = documents(rig)
    assert shown["offered"] == {"lineage": B, "generation": 1, "digest": "2" * 64}
    assert "LineageChanged" in rig.document()["status"]["edgewright"]["reason"]
    assert ask(rig, "accept", document="c-1", digest="3" * 64)["state"] == "refused"
    assert ask(rig, "accept", document="c-1", digest="2" * 64)["state"] == "succeeded"
    (shown,) = documents(rig)
    assert shown["wanted"]["lineage"] == B and "offered" not in shown
    assert rig.document()["status"]["edgewright"]["healthState"] == "healthy"


def test_p85_what_cannot_name_a_step_is_refused_by_the_plane(hub: RunningHub) -> None:
    _, token = hub.token("odd")
    hub.host("odd-1", token)
    for params in ({"step": 5}, {"step": "x" * 101}):
        body = {"kind": "retry", "params": params}
        assert hub.client().post("/edgewright/v1/hosts/odd-1/operations", json=body).status_code == 422
