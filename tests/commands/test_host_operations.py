"""`host preflight` and `host reboot` over a client of their ports alone, and what a host's work looks like as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from edgewright.clients.ports import CanListHosts, CanOperateHosts
from edgewright.commands.host import operations
from edgewright.commands.host.operations import read_checks
from edgewright.commands.kernel import registry
from edgewright.core.errors import Failed, Refused, TimedOut
from edgewright.core.hosts import work_text
from tests.commands.test_ports import OnlyHosts, context
from tests.tui.samples import fleet

HOST, NAME = (str(fleet()[0]["metadata"][key]) for key in ("uid", "name"))
CHECKS = [
    {"id": "memory", "state": "ok", "text": "8000 MB"},
    {"id": "swap", "state": "failed", "text": "on: /dev/sda2\x1b[31m", "next": "swapoff -a"},
    {"id": "clock", "state": "warning", "text": "9 s behind", "next": "timedatectl"},
    "odd",
]


class OneOperation:
    """Answers one operation as a test wants it."""

    def __init__(self, state: str, result: dict[str, Any] | None) -> None:
        self.state, self.result = state, result
        self.asked: list[tuple[str, str]] = []

    async def create(self, uid: str, kind: str, params: Mapping[str, Any] | None = None, key: str | None = None) -> str:
        self.asked.append((uid, kind))
        return "o1"

    async def get(self, uid: str, operation_id: str) -> dict[str, Any]:
        return {"id": operation_id, "state": self.state, "result": self.result}


async def run(name: str, answers: OneOperation) -> Any:
    command = registry.by_name(name)
    assert command is not None
    ctx = context({CanListHosts: OnlyHosts(), CanOperateHosts: answers})
    verb = registry.acting(command)()
    plan = await verb.plan(ctx, ("edge-1",), {})
    return await verb.apply(ctx, plan, {}, lambda text: None)


async def test_p71_all_checks_are_listed_worst_first_and_a_failed_one_fails_the_verb() -> None:
    answers = OneOperation("succeeded", {"message": "3 checks: 1 failed.", "checks": CHECKS})
    outcome = await run("host preflight", answers)
    assert answers.asked == [(HOST, "preflight")]
    assert [item.name for item in outcome.result.items] == ["swap", "clock", "memory"]
    assert "\x1b" not in str(outcome.result.items) and outcome.result.items[0].cells[3] == "swapoff -a"
    ((_, error),) = outcome.failed
    assert "is not ready: swap." in error.message


async def test_a_host_without_failures_is_done() -> None:
    outcome = await run("host preflight", OneOperation("succeeded", {"checks": CHECKS[:1]}))
    assert outcome.failed == () and outcome.done == (HOST,)


@pytest.mark.parametrize(
    ("state", "message", "error"),
    [("refused", "only observed", Refused), ("failed", "broke", Failed), ("expired", "", Failed)],
)
async def test_the_reason_of_the_host_is_the_error(state: str, message: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=message or "expired"):
        await run("host preflight", OneOperation(state, {"message": message} if message else None))


async def test_a_host_that_does_not_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LONGEST", 0.0)
    with pytest.raises(TimedOut, match="did not answer the preflight"):
        await run("host preflight", OneOperation("pending", None))


async def test_p72_a_reboot_has_a_plan_and_asks_each_host_once() -> None:
    command = registry.by_name("host reboot")
    assert command is not None and command.danger == "destructive" and command.role != "viewer"
    answers = OneOperation("pending", None)
    ctx = context({CanListHosts: OnlyHosts(), CanOperateHosts: answers})
    verb = registry.acting(command)()
    plan = await verb.plan(ctx, ("edge-1",), {})
    assert plan.title == f"Reboot {NAME}" and any("reboots once" in line for line in plan.lines)
    outcome = await verb.apply(ctx, plan, {}, lambda text: None)
    assert answers.asked == [(HOST, "reboot")] and "asked to reboot" in outcome.message


def test_odd_checks_are_left_out() -> None:
    assert read_checks({}) == [] and read_checks({"checks": [5, None]}) == []
    assert read_checks({"checks": [{"id": 5, "state": "new"}]})[0].state == "new"


def test_p69_the_work_of_a_host_as_text() -> None:
    progress = {"step": "trial-1", "n": 2, "of": 3, "percent": 40, "attempt": 2, "since": "2026-11-28T10:00:00.000Z"}
    progress.update(deadline="2026-11-28T10:10:00.000Z", waitingFor="operator", errorClass="exit-3")
    failed = {"error": "it broke"}
    item = {"uid": "c", "kind": "trial", "wanted": {"generation": 2}, "applied": {"generation": 1}, "failed": failed}
    document = {"status": {"edgewright": {"progress": progress, "documents": [item, 5]}}}
    now = 1795860120.0
    assert work_text.lines(document, now) == [
        ("step", "trial-1, step 2 of 3, 40 %"),
        ("time", "for 2 min, attempt 2, limit in 8 min"),
        ("waits for", "operator (exit-3)"),
        ("trial", "c  wanted generation 2  applied generation 1  failed: it broke"),
    ]
    progress.update(step="cluster-0123abcd-preflight-0a1b", error="port 6443 is in use.")
    shown = dict(work_text.lines(document, now))
    assert shown["step"] == "Preflight, step 2 of 3, 40 %" and shown["waits for"] == "operator: port 6443 is in use"


@pytest.mark.parametrize(
    "odd", [{}, {"status": 5}, {"status": {"edgewright": {"progress": {"step": 5}, "documents": 7}}}]
)
def test_a_host_without_work_has_no_text(odd: dict[str, Any]) -> None:
    assert work_text.lines(odd, 0.0) == [] and work_text.progress_of(odd) == {}
