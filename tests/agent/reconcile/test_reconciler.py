"""The reconciler of one host: documents, reports, tombstones, what survives the link's losses (P7, P16, P22, P26)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent import cli
from edgewright.agent.kernel.conditions import judge
from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.kernel.status import gather, table
from edgewright.agent.reconcile import exchange, handover
from edgewright.agent.reconcile.exchange import REQUESTS, names, put
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile.observed import Observed, progress_document
from edgewright.agent.reconcile.reconciler import Parts, Reconciler
from edgewright.agent.reconcile.runner import UnitState
from edgewright.agent.reconcile.steps import State
from edgewright.agent.reconcile.trial import Trial, trial_document
from edgewright.core import times
from edgewright.wire.protocol.work import MAX_PROGRESS, read_progress
from tests.agent.conftest import Bench
from tests.agent.reconcile.test_engine import FakeRunner

A = "a" * 16


class Host:
    """A data folder with a link's side and reconcilers that come and go."""

    def __init__(self, folder: Path) -> None:
        self.data = str(folder / "data")
        self.now = 1_790_000_000.0
        self.runner = FakeRunner()
        self.handover = Handover(self.data, str(folder / "run"))
        self.reconciler = self.start()

    def start(self) -> Reconciler:
        trial = Trial(os.path.join(self.data, "trial"))
        parts = Parts(self.runner, {"trial": trial}, {"reset": lambda r: self.reset()}, {}, "boot", lambda: self.now)
        self.trial = trial
        reconciler = Reconciler(self.data, str(Path(self.data).parent / "run"), parts, lambda p, s: None)
        assert reconciler.open()
        return reconciler

    def reset(self) -> Outcome:
        self.handover.store.reset("op1")
        return Outcome("succeeded", "x")

    def offer(self, generation: int, *seconds: int, lineage: str = A) -> None:
        document = trial_document("c-1", seconds)
        body = {"uid": "c-1", "kind": "trial", "lineage": lineage, "generation": generation, "digest": str(seconds)}
        self.handover.offer({**body, "document": document})

    def finish(self) -> None:
        """Let the running step end and take effect."""
        (step,) = self.reconciler.running()
        self.runner.units[step.unit] = UnitState("ended", 0)
        os.makedirs(self.trial.folder, exist_ok=True)
        (Path(self.trial.folder) / step.step).touch()

    def kill(self) -> None:
        self.reconciler.close()
        self.reconciler = self.start()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def documents(host: Host) -> dict[str, Any]:
    (document,) = host.handover.observed.documents()
    return document


def test_p73_wanted_applied_and_failed_are_different_fields(host: Host) -> None:
    host.offer(1, 180, 60)
    assert names(host.reconciler.places[REQUESTS]) == ["wake"]
    assert host.reconciler.tick() == 4.0 and names(host.reconciler.places[REQUESTS]) == []
    assert documents(host)["wanted"]["generation"] == 1 and "applied" not in documents(host)
    progress = host.handover.observed.progress()
    assert progress is not None and (progress["n"], progress["of"], progress["attempt"]) == (1, 2, 1)
    assert progress["deadline"] > progress["since"]
    host.now += 90
    host.reconciler.tick()
    assert (host.handover.observed.progress() or {})["percent"] == 50
    host.finish()
    host.reconciler.tick()
    host.finish()
    assert host.reconciler.tick() is None and host.handover.observed.progress() is None
    assert documents(host)["applied"]["generation"] == 1 and "failed" not in documents(host)
    host.offer(2, 5)
    for _ in range(3):
        host.reconciler.tick()
        (step,) = host.reconciler.running()
        host.runner.units[step.unit] = UnitState("ended", 3)
        host.now += (host.reconciler.tick() or 0) + 1
    host.reconciler.tick()
    document = documents(host)
    assert document["wanted"]["generation"] == 2 and document["applied"]["generation"] == 1
    assert "ended with 3" in document["failed"]["error"]
    progress = host.handover.observed.progress()
    assert progress is not None and progress["waitingFor"] == "operator"
    assert progress["error"] == document["failed"]["error"], "the reason comes with the heartbeat"
    wanted = f"step {progress['step']} waits for an operator: {progress['error'].replace('; ', ', ')}"
    assert judge(None, "", 0.0, 0.0, progress=progress).message == wanted
    put(host.reconciler.places[REQUESTS], "retry", {"target": "*"})
    host.reconciler.tick()
    host.finish()
    host.reconciler.tick()
    assert documents(host)["applied"]["generation"] == 2 and "failed" not in documents(host)


def test_p70_only_start_end_and_failure_are_transitions_and_each_is_sent_once(host: Host) -> None:
    host.offer(1, 180)
    for _ in range(20):
        host.reconciler.tick()
        host.now += 2
    host.finish()
    host.kill()
    host.reconciler.tick()
    reasons = [change["reason"] for change in host.handover.changes(0)]
    assert reasons == ["StepStarted", "StepDone"]
    last = host.handover.changes(0)[-1]["n"]
    assert host.handover.changes(last) == []


def test_transitions_are_sent_after_a_restart_with_an_earlier_clock(host: Host) -> None:
    """A host without a clock battery sent none of them: their numbers begin with the time."""
    host.offer(1, 180)
    host.reconciler.tick()
    last = host.handover.changes(0)[-1]["n"]
    host.finish()
    exchange.drop(host.reconciler.run_folder, exchange.OBSERVED)  # a folder in memory
    host.now -= 86_400.0
    host.kill()
    host.reconciler.tick()
    (change,) = host.handover.changes(last)
    assert change["reason"] == "StepDone" and host.handover.changes(change["n"]) == []


def test_a_reconciler_that_was_killed_continues(host: Host) -> None:
    host.offer(1, 180)
    host.reconciler.tick()
    host.kill()
    assert host.reconciler.tick() == 4.0 and len(host.runner.starts) == 1
    host.finish()
    host.kill()
    assert host.reconciler.tick() is None and documents(host)["applied"]["generation"] == 1


def test_a_program_of_an_earlier_document_ends_before_the_next_one_starts(host: Host) -> None:
    host.offer(1, 180)
    host.reconciler.tick()
    (old,) = host.runner.starts
    host.offer(2, 60)
    assert host.reconciler.tick() == 1.0 and host.runner.starts == [old]
    progress = host.handover.observed.progress()
    assert progress is not None and "of an earlier document" in progress["waitingFor"]
    host.kill()
    assert host.reconciler.tick() == 1.0 and host.runner.starts == [old]
    host.runner.units[old] = UnitState("ended", 0)
    assert host.reconciler.tick() == 4.0 and len(host.runner.starts) == 2
    assert [step.unit for step in host.reconciler.running()] == [host.runner.starts[1]]
    done = next(step for step in host.reconciler.engine._steps.values() if step.unit == old)
    assert (done.state, done.error, done.error_class) == (State.DONE, "", ""), "its work is done: no failure"
    host.offer(3, 90)
    host.reconciler.tick()
    host.runner.units[host.runner.starts[1]] = UnitState("ended", 5)
    host.reconciler.tick()
    failed = next(step for step in host.reconciler.engine._steps.values() if step.unit == host.runner.starts[1])
    assert (failed.state, failed.error) == (State.FAILED, "no document wants it any more")
    host.finish()
    assert host.reconciler.tick() is None and documents(host)["applied"]["generation"] == 3


def test_p72_a_step_that_nothing_wants_any_more_does_not_count_as_running(host: Host) -> None:
    host.offer(1, 180)
    host.reconciler.tick()
    host.runner.units.clear()  # a power cut
    put(host.reconciler.places[REQUESTS], "a" * 24, {"kind": "reset", "params": {}})
    assert host.reconciler.tick() is None and host.reconciler.running() == []


def test_a_second_reconciler_does_not_work_on_the_same_folder(host: Host) -> None:
    other = Reconciler(host.data, "", host.reconciler._parts, lambda p, s: None)
    assert not other.open()


def test_p26_a_reset_releases_the_document_and_stops_its_steps(host: Host) -> None:
    host.offer(1, 5)
    host.reconciler.tick()
    host.finish()
    host.reconciler.tick()
    put(host.reconciler.places[REQUESTS], "a" * 24, {"kind": "reset", "params": {}})
    assert host.reconciler.tick() is None
    assert "wanted" not in documents(host) and "applied" not in documents(host)
    host.offer(1, 5)
    assert host.reconciler.tick() is None and "wanted" not in documents(host)


def test_a_disk_that_is_full_is_a_condition_of_the_host(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.offer(1, 5)
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "full")))
    assert host.reconciler.tick() == 10.0 and host.runner.starts == []
    trouble = host.handover.observed.trouble
    assert "the disk is full" in trouble
    assert "no step can start" in judge(None, "", 0.0, 0.0, work_trouble=trouble).message
    monkeypatch.setattr(os, "fsync", real)
    assert host.reconciler.tick() == 4.0 and len(host.runner.starts) == 1
    assert host.handover.observed.trouble == ""


def test_it_ends_when_nothing_is_left_and_returns_for_a_long_wait(host: Host) -> None:
    slept: list[float] = []
    assert host.reconciler.run(slept.append) is None and slept == []
    host.offer(1, 5)
    host.runner.refuse = "no"
    host.reconciler.tick()
    for _ in range(3):
        host.now += 301
        host.reconciler.tick()
    assert host.reconciler.run(slept.append) is None, "what waits for an operator needs no reconciler"


def test_it_ends_while_a_step_only_waits_and_a_timer_brings_it_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A precondition has no limit; a reconciler that waits for days would cost memory for nothing."""
    host.offer(1, 5)
    monkeypatch.setattr(host.trial, "waits_for", lambda action: "the grant of the leader")
    monkeypatch.setattr("time.monotonic", lambda: host.now)

    def sleep(seconds: float) -> None:
        host.now += seconds

    began = host.now
    assert host.reconciler.run(sleep) == 10.0 and 290 <= host.now - began <= 310
    assert (host.handover.observed.progress() or {})["waitingFor"] == "the grant of the leader"
    monkeypatch.setattr(host.trial, "waits_for", lambda action: "")
    host.kill()
    host.reconciler.tick()
    assert len(host.runner.starts) == 1


@pytest.mark.parametrize("text", ["x" * 5000, "ü" * 5000, "\x1b[31m" * 300, '"' * 400])
def test_p69_progress_has_at_most_512_bytes(text: str) -> None:
    body = progress_document(text, 1, 2, "now", 3, 50, "now", text, text, text, (text[:100], 100))
    assert len(json.dumps(body, separators=(",", ":"))) <= MAX_PROGRESS
    assert read_progress(body) is not None


@pytest.mark.parametrize("odd", [None, 5, [], {}, {"step": ""}, {"step": 5}, {"step": "x", "waitingFor": "y" * 600}])
def test_p69_an_odd_progress_is_none(odd: object, tmp_path: Path) -> None:
    assert read_progress(odd) is None
    put(str(tmp_path), "progress", {"progress": odd})
    assert Observed(str(tmp_path)).progress() is None


def test_p69_progress_travels_in_the_heartbeat_and_transitions_as_events(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    run = agent.handover.observed.run
    progress = {"step": "trial-1", "n": 1, "of": 2, "since": "2026-11-28T10:00:00Z", "attempt": 1, "percent": 40}
    put(run, "progress", {"progress": {**progress, "odd": "x"}})
    change = {"n": 7, "reason": "StepStarted", "message": "Step trial-1", "at": times.rfc3339(0)}
    put(
        run,
        "observed",
        {"documents": [{"uid": "c-1", "kind": "trial", "wanted": {"generation": 1}}], "transitions": [change]},
    )
    agent.step()
    agent.step()
    beat = bench.stub.sent("PATCH", "/health")[-1].body
    assert beat["edgewright"]["progress"] == progress and beat["state"] == "healthy"
    events = [event["reason"] for sent in bench.stub.sent("POST", "/bulk") for event in sent.body]
    assert events.count("StepStarted") == 1
    agent._read_facts(force=True)
    agent.step()
    facts = bench.stub.sent("PUT", agent.enrolment.uid)[-1].body
    assert facts["spec"]["edgewright"]["documents"][0]["wanted"] == {"generation": 1}


@pytest.mark.parametrize("code", ["HostGone", "UnAuthorizedAccess"])
def test_p16_p73_a_lost_credential_never_erases_what_a_host_runs(bench: Bench, code: str) -> None:
    """A deleted record and an unknown credential forget settings of the host; documents stay (P16, P7)."""
    bench.stub.generation = 5
    agent = bench.start()
    agent.step()
    document = {"uid": "c-1", "kind": "other", "lineage": A, "generation": 7, "digest": "d", "document": {}}
    agent.handover.offer(document)
    bench.stub.script = lambda request: (
        (401, {"code": code, "message": "x"}, {}) if request.path.endswith("/health") else None
    )
    agent.step()
    assert (agent.enrolment.credential, agent.desired.position) == ("", ("", 0))
    assert [stored.position for stored in agent.handover.store.documents()] == [(A, 7)]
    bench.stub.script = lambda request: None
    bench.stub.lineage, bench.stub.generation = "b" * 16, 1
    agent.step()
    assert bool(agent.enrolment.credential) and agent.desired.position == ("b" * 16, 1)
    assert [stored.position for stored in agent.handover.store.documents()] == [(A, 7)], "nor does a restored plane"


def test_a_link_without_units_starts_the_reconciler_and_again_for_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    monkeypatch.setattr(Handover, "start_child", lambda handover: started.append(1))
    handover = Handover(str(tmp_path / "data"))
    handover.exchange.hand_over("a" * 24, {"kind": "x"})
    assert started == [1]
    handover.look()
    assert started == [1], "not again within a minute"
    handover._started -= 61
    handover.look()
    assert started == [1, 1]
    Handover(str(tmp_path / "data"), "/run/x").exchange.hand_over("b" * 24, {"kind": "x"})
    assert started == [1, 1], "where units are, they start it"


def test_the_status_shows_wanted_applied_and_the_step(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    run = agent.handover.observed.run
    put(run, "progress", {"progress": progress_document("trial-1", 1, 2, times.rfc3339(times.now()), 1, 40)})
    failed = {"digest": "d", "step": "s", "error": "it broke"}
    item = {"uid": "c-1", "kind": "trial", "wanted": {"generation": 2}, "applied": {"generation": 1}, "failed": failed}
    put(run, "observed", {"documents": [item], "transitions": []})
    lines = table({**gather(bench.flags.data), "verdict": ""}, times.now())
    assert any(line.startswith("Step") and "trial-1 (1 of 2), 40 %" in line for line in lines)
    text = next(line for line in lines if line.startswith("Document"))
    assert "wanted generation 2, applied 1, failed: it broke" in text


def test_p73_a_document_of_a_restored_plane_is_a_condition_until_an_operator_accepts_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = bench.start()
    agent.step()
    body = {"uid": "c-1", "kind": "other", "lineage": A, "generation": 7, "digest": "d", "document": {}}
    agent.handover.offer(body)
    agent.handover.offer({**body, "lineage": "b" * 16, "generation": 2, "digest": "e"})
    agent.step()
    sent = bench.stub.sent("PATCH", "/health")[-1].body
    assert sent["state"] == "unhealthy" and sent["message"].startswith("LineageChanged: ") and "c-1" in sent["message"]
    lines = table({**gather(bench.flags.data), "verdict": ""}, times.now())
    assert any("edgewright-agent accept c-1" in line for line in lines)
    assert cli.main(["accept", "c-1", "--data", bench.flags.data]) == 0
    assert [stored.position.generation for stored in agent.handover.store.documents()] == [2]
    agent.step()
    assert bench.stub.sent("PATCH", "/health")[-1].body["state"] == "healthy"
    assert cli.main(["accept", "c-1", "--data", bench.flags.data]) == 3
    assert "waits here" in capsys.readouterr().err


def test_without_units_the_link_starts_the_reconciler_for_a_request_made_on_the_host(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`retry` on a host without systemd waited for the next heartbeat, 15 minutes on a metered link."""
    monkeypatch.setattr(handover, "LOCAL_EVERY", 0.05)
    agent = bench.start()
    requests = exchange.folders(bench.flags.data)[REQUESTS]
    put(requests, "retry", {"target": "*"})
    agent._rest(0.3)
    assert names(requests) == []
