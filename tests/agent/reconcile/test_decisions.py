"""P85, P86: a step starts again, a document of a restored plane is accepted; from the plane, and at most once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.facts.booted import booted
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.reconcile.compose import make_reconciler
from edgewright.agent.reconcile.decisions import accept, retry
from edgewright.agent.reconcile.exchange import REQUESTS, RESULTS, get, put
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile.journal import CannotRecord
from edgewright.agent.reconcile.reconciler import Parts, Reconciler
from edgewright.agent.reconcile.runner import UnitState
from edgewright.agent.reconcile.steps import State
from edgewright.agent.reconcile.trial import Trial, trial_document
from edgewright.core.hosts.work_text import booted_text, document_text
from edgewright.wire import protocol
from tests.agent.reconcile.test_engine import FakeRunner

A, B = "a" * 16, "b" * 16
OPERATION = "0123456789abcdef01234567"
DIGEST = "c" * 64


class Host:
    """A host whose steps fail until a test lets them succeed; its reconciler may be killed."""

    def __init__(self, folder: Path) -> None:
        self.data, self.run = str(folder / "data"), str(folder / "run")
        self.now = 1_790_000_000.0
        self.runner = FakeRunner()
        self.trial = Trial(os.path.join(self.data, "trial"))
        self.handover = Handover(self.data, self.run)
        self.kinds: list[str] = []
        self.reconciler = self.start()

    def start(self) -> Reconciler:
        made: list[Reconciler] = []
        handlers: dict[str, Any] = {
            protocol.OP_RETRY: retry(lambda: made[0].engine, lambda: made[0].wanted()),
            protocol.OP_ACCEPT: accept(self.handover.store),
        }
        seen = {"slot": "active", "bootId": "boot"}
        parts = Parts(self.runner, {"trial": self.trial}, handlers, {}, "boot", lambda: self.now, lambda: seen)
        made.append(Reconciler(self.data, self.run, parts, lambda p, s: None))
        assert made[0].open()
        return made[0]

    def offer(self, generation: int, *seconds: int, lineage: str = A, digest: str = "") -> None:
        body = {"uid": "c-1", "kind": "trial", "lineage": lineage, "generation": generation}
        body.update(digest=digest or str(seconds), document=trial_document(digest or "c-1", seconds))
        self.handover.offer(body)

    def fail(self, times: int = 3) -> None:
        for _ in range(times):
            self.now += (self.reconciler.tick() or 0) + 1
            for step in self.reconciler.running():
                self.runner.units[step.unit] = UnitState("ended", 3)
            self.reconciler.tick()
            self.now += 301

    def ask(self, kind: str, operation: str = OPERATION, **params: str) -> dict[str, Any]:
        put(self.reconciler.places[REQUESTS], operation, {"kind": kind, "params": params})
        self.reconciler.tick()
        return get(self.reconciler.places[RESULTS], operation) or {}

    def waiting(self) -> str:
        return str((self.handover.observed.progress() or {}).get("waitingFor", ""))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_p85_a_step_that_waits_for_an_operator_starts_again(host: Host) -> None:
    host.offer(1, 60)
    host.fail()
    host.reconciler.tick()
    assert host.waiting() == "operator"
    result = host.ask("retry")
    (step,) = host.reconciler.running()
    assert result["state"] == "succeeded" and result["message"] == f"1 step starts again: {step.step}."
    assert host.waiting() == "" and (step.equal, len(step.starts)) == (0, 1)


def test_p85_the_same_operation_is_never_carried_out_again(host: Host) -> None:
    host.offer(1, 60)
    host.fail()
    host.ask("retry")
    host.fail(4)
    starts = len(host.runner.starts)
    for _ in range(3):  # the plane offers it again; the reconciler was killed as well
        host.reconciler.close()
        host.reconciler = host.start()
        assert host.ask("retry")["state"] == "succeeded"
    host.reconciler.tick()
    assert host.waiting() == "operator" and len(host.runner.starts) == starts
    assert host.ask("retry", "f" * 24)["state"] == "succeeded" and host.waiting() == ""


def test_p85_one_that_was_cut_off_is_reported_and_not_repeated(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.offer(1, 60)
    host.fail()
    real = host.reconciler.engine.retry

    def cut(names: set[str]) -> Any:
        real(names)
        raise KeyboardInterrupt

    monkeypatch.setattr(host.reconciler.engine, "retry", cut)
    with pytest.raises(KeyboardInterrupt):
        host.ask("retry")
    host.reconciler.close()
    host.reconciler = host.start()
    host.reconciler.tick()
    result = get(host.reconciler.places[RESULTS], OPERATION) or {}
    assert result["state"] == "failed" and "not started again" in result["message"]
    assert len(host.reconciler.running()) == 1, "what it had changed was durable"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "No step of this host waits"),
        ({"step": "trial-x-1"}, "This host has no step trial-x-1."),
        ({"step": "../etc"}, "This host has no step ../etc."),
    ],
)
def test_p85_what_does_not_wait_is_refused(host: Host, params: dict[str, str], words: str) -> None:
    host.offer(1, 60)
    result = host.ask("retry", **params)
    assert result["state"] == "refused" and words in result["message"]


def test_p85_a_running_step_and_one_of_an_earlier_document_are_left_alone(host: Host) -> None:
    host.offer(1, 60)
    host.fail()
    earlier = next(iter(host.reconciler.wanted()))
    host.offer(2, 61, digest="other")
    host.reconciler.tick()
    (step,) = host.reconciler.running()
    assert host.ask("retry", step=step.step)["message"].startswith(f"The step {step.step} is running")
    assert "has no step" in host.ask("retry", "f" * 24, step=earlier)["message"]
    found = host.reconciler.engine.step(earlier)
    assert found is not None and found.state in (State.FAILED, State.OPERATOR)


def test_p85_a_journal_that_cannot_be_written_changes_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.offer(1, 60)
    host.fail()
    append = host.reconciler.journal.append

    def full(step: str, record: Any) -> None:
        if not step.startswith("op-"):
            raise CannotRecord("The journal cannot be written: No space left on device.")
        append(step, record)

    monkeypatch.setattr(host.reconciler.journal, "append", full)
    result = host.ask("retry")
    assert result["state"] == "failed" and "journal cannot be written" in result["message"]
    assert host.reconciler.running() == []


def test_p86_an_operator_accepts_the_version_that_was_seen(host: Host) -> None:
    host.offer(5, 60)
    host.offer(1, 30, lineage=B, digest=DIGEST)
    (reported,) = host.handover.documents()
    assert reported["offered"] == {"lineage": B, "generation": 1, "digest": DIGEST}
    assert "offered by another history of the plane: generation 1 (digest cccccccccccc)" in document_text(reported)
    other = host.ask("accept", "1" * 24, document="c-1", digest="d" * 64)
    assert other["state"] == "refused" and "Another version of c-1 waits now (digest cccccccccccc" in other["message"]
    result = host.ask("accept", document="c-1", digest=DIGEST)
    assert result["state"] == "succeeded" and "generation 1, applies from now on" in result["message"]
    stored = host.handover.store.get("c-1")
    assert stored is not None and stored.position == (B, 1) and "offered" not in host.handover.documents()[0]
    again = host.ask("accept", "2" * 24, document="c-1", digest=DIGEST)
    assert again["state"] == "refused" and "No document c-1 of another lineage waits" in again["message"]


def test_p86_without_a_name_only_a_single_document_is_accepted(host: Host) -> None:
    for uid in ("c-1", "c-2"):
        for lineage, digest in ((A, "x"), (B, "y")):
            body = {"uid": uid, "kind": "trial", "lineage": lineage, "generation": 1, "digest": digest}
            host.handover.offer({**body, "document": {}})
    assert "2 documents wait; name one: c-1, c-2" in host.ask("accept")["message"]
    assert host.ask("accept", "1" * 24, document="c-2")["state"] == "succeeded"
    assert host.ask("accept", "2" * 24)["state"] == "succeeded", "only one is left"


def test_the_reconciler_of_a_host_carries_out_both(tmp_path: Path) -> None:
    reconciler = make_reconciler(str(tmp_path), root=Root(str(tmp_path / "host")))
    assert reconciler.open()
    for number, kind in enumerate(("retry", "accept")):
        put(reconciler.places[REQUESTS], f"{number}" * 24, {"kind": kind, "params": {}})
    reconciler.tick()
    messages = [(get(reconciler.places[RESULTS], f"{number}" * 24) or {}).get("message", "") for number in (0, 1)]
    assert messages == [
        "No step of this host waits for its next try or for an operator.",
        "No document of another lineage waits on this host.",
    ]
    reconciler.close()


def tree(folder: Path, cmdline: str, **files: str) -> Root:
    for name, text in {"proc/cmdline": cmdline, "proc/sys/kernel/random/boot_id": "boot-1", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Root(str(folder))


def test_p73_booted_is_what_the_host_observes(host: Host, tmp_path: Path) -> None:
    host.offer(1, 60)
    host.reconciler.tick()
    assert host.handover.observed.documents()[0]["booted"] == {"slot": "active", "bootId": "boot"}
    release = 'KAIROS_NAME="edgewright-appliance-debian"\nKAIROS_VERSION="v0.2.0"\n'
    sums = f"{DIGEST}  rootfs.squashfs\n{'d' * 64}  kernel\n"
    files = {"etc/kairos-release": release, "run/initramfs/live/cOS/SHA256SUMS": sums}
    line = "cos-img/filename=/cOS/active.img edgewright.slot=active"
    assert booted(tree(tmp_path / "a", line, **files)) == {
        "bootId": "boot-1", "slot": "active", "image": "edgewright-appliance-debian v0.2.0", "digest": DIGEST,
    }  # fmt: skip
    recovery = booted(tree(tmp_path / "b", "cos-img/filename=/cOS/recovery.img", **files))
    assert recovery["slot"] == "recovery" and "digest" not in recovery, "its partition has no sums of its own"
    plain = booted(tree(tmp_path / "c", "root=/dev/sda1", **{"etc/os-release": "ID=debian\nVERSION_ID=12\n"}))
    assert plain == {"bootId": "boot-1"}, "no image is named: unknown, and not the distribution"
    image = {"usr/lib/os-release": 'IMAGE_ID="kiosk"\nIMAGE_VERSION=7\n'}
    assert booted(tree(tmp_path / "d", "", **image))["image"] == "kiosk 7"


@pytest.mark.parametrize(
    ("reported", "seen", "text"),
    [
        ({}, 90, "unknown"),
        ({"booted": {"bootId": "b-123456789"}, "bootId": "b-123456789"}, None, "unknown"),
        ({"booted": {"bootId": "b-123"}, "bootId": "b-123"}, 90, "image unknown, boot b-123, reported 10 s ago"),
        (
            {"booted": {"bootId": "old"}, "bootId": "new"},
            90,
            "unknown: booted again as new since the last facts, reported 10 s ago",
        ),
        (
            {"booted": {"bootId": "b", "slot": "passive", "image": "kiosk 7", "digest": DIGEST}, "bootId": "b"},
            90,
            "passive slot, kiosk 7 (sha256 cccccccccccc), boot b, reported 10 s ago",
        ),
    ],
)  # fmt: skip
def test_p73_what_is_booted_as_text_with_its_age(reported: dict[str, Any], seen: float | None, text: str) -> None:
    assert booted_text({"spec": {"edgewright": reported}}, seen, 100) == text
