"""`host retry` and `host accept`: what the plan shows, what one operation carries, what is refused before it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from edgewright.clients.ports import CanListHosts, CanOperateHosts
from edgewright.commands.host import operations
from edgewright.commands.kernel import registry
from edgewright.core import times
from edgewright.core.errors import NotFound, Refused, TimedOut, UsageError
from edgewright.store.collections.hosts import HostRow
from tests.commands.test_ports import OnlyHosts, context
from tests.tui.samples import fleet

HOST, NAME = (str(fleet()[0]["metadata"][key]) for key in ("uid", "name"))
DIGEST = "c" * 64
WAITING = {
    "uid": "c-1",
    "kind": "trial",
    "wanted": {"generation": 5},
    "offered": {"lineage": "b" * 16, "generation": 1, "digest": DIGEST},
}


class Hosts(OnlyHosts):
    """One host with documents and the progress of a step."""

    def __init__(self, *documents: dict[str, Any], step: str = "trial-1") -> None:
        super().__init__()
        self.documents, self.step = documents, step

    async def get(self, uid: str) -> dict[str, Any]:
        document = deepcopy(await super().get(uid))
        judged = document["status"].setdefault("edgewright", {})
        judged["documents"] = list(self.documents)
        judged["progress"] = {"step": self.step, "n": 2, "of": 3, "waitingFor": "operator", "errorClass": "exit-3"}
        return document


class Answers:
    """Answers each operation with one result."""

    def __init__(self, state: str, message: str) -> None:
        self.state, self.message = state, message
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    async def create(self, uid: str, kind: str, params: Mapping[str, Any] | None = None, key: str | None = None) -> str:
        self.asked.append((uid, kind, dict(params or {})))
        return "o1"

    async def get(self, uid: str, operation_id: str) -> dict[str, Any]:
        return {"id": operation_id, "state": self.state, "result": {"message": self.message}}


async def planned(name: str, hosts: Hosts, args: dict[str, Any], answers: Answers, *targets: str) -> Any:
    command = registry.by_name(name)
    assert command is not None and command.for_role("operator") and not command.for_role("viewer")
    ctx = context({CanListHosts: hosts, CanOperateHosts: answers})
    verb = registry.acting(command)()
    plan = await verb.plan(ctx, targets or ("edge-1",), args)
    return plan, lambda: verb.apply(ctx, plan, args, lambda text: None)


@pytest.mark.parametrize("args", [{}, {"step": "trial-1"}])
async def test_p85_a_retry_shows_what_waits_and_asks_once(args: dict[str, Any]) -> None:
    answers = Answers("succeeded", "1 step starts again: trial-1.")
    plan, apply = await planned("host retry", Hosts(), args, answers)
    assert plan.title == f"Retry {NAME}" and plan.confirm_text is None
    assert "trial-1, step 2 of 3, waits for operator (exit-3)" in plan.lines[0]
    assert plan.cli == f"edgewright host retry {HOST}" + (" --step trial-1" if args else "")
    outcome = await apply()
    assert answers.asked == [(HOST, "retry", args)] and outcome.message == f"{NAME}: 1 step starts again: trial-1."


@pytest.mark.parametrize("named", ["preflight", "Preflight", "cluster-0123abcd-preflight-1"])
async def test_a_step_is_named_as_it_is_shown(named: str) -> None:
    answers = Answers("succeeded", "1 step starts again: Preflight.")
    hosts = Hosts(step="cluster-0123abcd-preflight-1")
    plan, apply = await planned("host retry", hosts, {"step": named}, answers)
    assert "Preflight, step 2 of 3" in plan.lines[0] and plan.lines[-1] == "Only Preflight starts again."
    await apply()
    assert answers.asked == [(HOST, "retry", {"step": "cluster-0123abcd-preflight-1"})]


async def test_p85_the_refusal_of_the_host_is_the_error() -> None:
    _, apply = await planned("host retry", Hosts(), {}, Answers("refused", "No step waits."))
    with pytest.raises(Refused, match="No step waits"):
        await apply()


async def test_p85_a_host_that_learns_of_it_later_times_out_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LONGEST", 0.0)
    _, apply = await planned("host retry", Hosts(), {}, Answers("pending", ""))
    with pytest.raises(TimedOut, match="did not answer the retry"):
        await apply()


async def test_a_host_with_rare_heartbeats_is_not_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "AT_ONCE", 0.0)
    row = HostRow(HOST, interval=900.0, last_seen=times.now() - 300)
    with pytest.raises(TimedOut, match="it reports every 15 min") as caught:
        await operations.wait_for_result(Answers("pending", ""), HOST, "preflight", {}, lambda text: None, row)
    assert "with its next heartbeat, due in 9 min; its result is an event" in caught.value.hint


async def test_p86_an_acceptance_shows_both_documents_and_carries_the_digest() -> None:
    answers = Answers("succeeded", "The document c-1, generation 1, applies from now on.")
    plan, apply = await planned("host accept", Hosts(WAITING), {}, answers)
    assert plan.confirm_text == NAME, "it is typed, as for what cannot be undone"
    assert "has: c-1  wanted generation 5  applied -" in plan.lines
    assert "will have: generation 1 (digest cccccccccccc)" in plan.lines
    assert (await apply()).message.endswith("applies from now on.")
    assert answers.asked == [(HOST, "accept", {"document": "c-1", "digest": DIGEST})]


async def test_p86_what_does_not_wait_is_not_asked() -> None:
    for documents, args, error in (
        ((), {}, NotFound),
        ((WAITING,), {"document": "c-2"}, NotFound),
        ((WAITING, {**WAITING, "uid": "c-2"}), {}, UsageError),
    ):
        answers = Answers("succeeded", "")
        with pytest.raises(error):
            await planned("host accept", Hosts(*documents), args, answers)
        assert answers.asked == []
