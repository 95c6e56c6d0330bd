"""`site fix`: the plan, what is run, whether the symptom is gone, the undo, a link that is cut, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.journal import open_journal
from edgewright.commands.site import fix, fix_hosts
from edgewright.commands.site.open_verbs import SiteFix
from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, Refused, TimedOut, Unreachable, UsageError
from edgewright.store.engine.store import Store
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW
from tests.tui.sites.site_host import FINE, StandInHost

TARGET = "ops@edge-7f3a"
KUBELET = (
    "Id=kubelet.service\nLoadState=loaded\nSubState=dead\nUnitFileState=enabled\nConditionResult=yes\nType=simple\n"
)
STOPPED = {**FINE, "units.state": f"system running\n{KUBELET}ActiveState=inactive\n"}
RUNNING = {**FINE, "units.state": f"system running\n{KUBELET}ActiveState=active\n"}
STARTING = {**FINE, "units.state": f"system starting\n{KUBELET}ActiveState=activating\nSubState=start-pre\n"}
LOST = Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost")


class Dialled:
    """What connecting gives, one after the other."""

    def __init__(self, *hosts: StandInHost | EdgewrightError) -> None:
        self.hosts = list(hosts)

    async def __call__(self, target: str, ctx: CommandContext) -> StandInHost:
        host = self.hosts.pop(0) if len(self.hosts) > 1 else self.hosts[0]
        if isinstance(host, EdgewrightError):
            raise host
        host.alive = True
        return host


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, quiet_home: object) -> CommandContext:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    monkeypatch.setattr(fix, "SETTLE", 0.0)
    monkeypatch.setattr(fix, "AGAIN", 0.0)
    monkeypatch.setattr(fix_hosts, "PAUSE", 0.0)
    made = context_of(FakePlane(), Store(), False)
    made.journal = open_journal()
    return made


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return lambda *hosts: monkeypatch.setattr(fix_hosts, "connect", Dialled(*hosts))


async def done(context: CommandContext, **args: Any) -> tuple[Plan, Outcome, list[str]]:
    given = {"host": TARGET, **args}
    plan = await registry.acting(SiteFix)().plan(context, (), given)
    said: list[str] = []
    return plan, await registry.run(SiteFix, context, (), given, plan=plan, report=said.append), said


def repairing_host(host: StandInHost, *, then: Callable[[], str] = lambda: "\nrc 0\n") -> StandInHost:
    def repaired(command: str) -> str:
        host.outputs.update(RUNNING if "start" in command else STOPPED)
        return then()

    host.repaired = repaired
    return host


async def test_a_fix_is_planned_run_and_the_host_read_again(context: CommandContext, dial: Callable[..., None]) -> None:
    host = repairing_host(StandInHost(STOPPED))
    dial(host)
    plan, outcome, _ = await done(context, finding="unit-stopped:kubelet")
    assert "command  systemctl start kubelet" in plan.lines and "undo     systemctl stop kubelet" in plan.lines
    assert plan.cli == f"edgewright site fix {TARGET} unit-stopped:kubelet --fix unit-start:kubelet"
    assert host.repairs == ["systemctl start kubelet"] and outcome.done == (TARGET,) and not outcome.failed
    assert (
        "No longer there: a unit is enabled and does not run (kubelet). No fault is found any more."
        in outcome.result.text
    )
    document = outcome.result.document
    assert document["gone"] and document["undo"] == f"edgewright site fix {TARGET} --undo unit-start:kubelet"
    entries = [json.loads(line) for line in open_journal().path.read_text().splitlines()]
    assert (
        len(entries) == 2 and "systemctl start kubelet" in json.dumps(entries[0]) and TARGET in json.dumps(entries[1])
    )

    plan, outcome, _ = await done(context, undo="unit-start:kubelet")
    assert host.repairs[1:] == ["systemctl stop kubelet"] and plan.title.endswith("take back: start kubelet")
    assert "The fix was taken back. Likely cause now: kubelet, the kubelet," in outcome.message


async def test_a_symptom_alone_names_its_only_finding(context: CommandContext, dial: Callable[..., None]) -> None:
    dial(StandInHost(STOPPED))
    plan = await registry.acting(SiteFix)().plan(context, (), {"host": TARGET, "finding": "unit-stopped"})
    assert plan.payload.finding == "unit-stopped:kubelet"


async def test_a_symptom_that_stays_is_a_failure(context: CommandContext, dial: Callable[..., None]) -> None:
    host = StandInHost(STOPPED)
    host.repaired = lambda command: "Job for kubelet failed.\n\nrc 1\n"
    dial(host)
    _, outcome, said = await done(context, finding="unit-stopped:kubelet")
    ((target, error),) = outcome.failed
    assert target == TARGET and error.code == "FixFailed" and error.exit_code == 1
    assert (
        "The command ended with 1: Job for kubelet failed. Still there: a unit is enabled and does not run (kubelet)."
        in error.message
    )
    assert "--undo unit-start:kubelet" in error.hint and "Job for kubelet failed." in outcome.result.text
    assert len([text for text in host.scripts if "\nrun 0 " in text]) == 3, "read before, after, and once more"
    assert any("once more" in line for line in said)


async def test_a_unit_that_is_starting_is_waited_for(context: CommandContext, dial: Callable[..., None]) -> None:
    host = StandInHost(STOPPED)
    host.repaired = lambda command: host.outputs.update(STARTING) or "\nrc 0\n"
    dial(host)
    _, outcome, said = await done(context, finding="unit-stopped:kubelet")
    assert "kubelet is still starting: read it again later." in outcome.message
    assert sum("still starting" in line for line in said) == fix.STARTING


async def test_a_host_that_is_not_read_after_the_command(
    context: CommandContext, dial: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = StandInHost(STOPPED)

    def lost_later() -> str:
        host.alive = False
        return "\nrc 0\n"

    monkeypatch.setattr(fix_hosts, "BACK", 0.05)
    dial(repairing_host(host, then=lost_later), LOST)
    with pytest.raises(
        Unreachable, match=r"`systemctl start kubelet` ran and ended with 0; .* could not be read after"
    ):
        await done(context, finding="unit-stopped:kubelet")
    assert "NotReadAfter" in open_journal().path.read_text()


@pytest.mark.parametrize("finished", [True, False])
async def test_a_link_that_is_cut_while_it_runs(
    finished: bool, context: CommandContext, dial: Callable[..., None]
) -> None:
    def cut() -> str:
        raise LOST

    host, again = StandInHost(STOPPED), StandInHost(RUNNING if finished else STOPPED)
    repairing_host(host, then=cut)
    dial(host, LOST, TimedOut("too slow"), again)
    _, outcome, said = await done(context, finding="unit-stopped:kubelet")
    assert any("whether it was done is not known" in line for line in said)
    text = outcome.result.text
    assert "The connection broke meanwhile; the host was read after its return." in text
    assert ("No longer there" in text) is finished and bool(outcome.failed) is not finished
    assert not again.repairs, "it is not run twice"


async def test_a_host_that_does_not_come_back(
    context: CommandContext, dial: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut() -> str:
        raise LOST

    monkeypatch.setattr(fix_hosts, "BACK", 0.05)
    dial(repairing_host(StandInHost(STOPPED), then=cut), LOST)
    with pytest.raises(Unreachable, match=r"`systemctl start kubelet` ran, and .* is not there again: whether it was"):
        await done(context, finding="unit-stopped:kubelet")
    assert "OutcomeUnknown" in open_journal().path.read_text()


async def test_what_cannot_be_fixed_is_said(context: CommandContext, dial: Callable[..., None]) -> None:
    full = {**FINE, "disk.space": "/dev/sda2 30408704 30408704 0 100% / /", "disk.usage": "23068672 /var/log/journal"}
    dial(StandInHost(full))
    with pytest.raises(NotFound, match="There is no fix to apply for disk-full:/"):
        await done(context, finding="disk-full")
    with pytest.raises(NotFound, match="has no finding swap-on"):
        await done(context, finding="swap-on")
    dial(StandInHost(STOPPED))
    with pytest.raises(NotFound, match="swap-off does not fix unit-stopped:kubelet"):
        await done(context, finding="unit-stopped", fix="swap-off")
    with pytest.raises(Refused, match="has no undo"):
        await done(context, undo="var-tmp-rights")
    with pytest.raises(InvalidInput, match="There is no fix unit-start:sshd"):
        await done(context, undo="unit-start:sshd")
    for args in ({}, {"finding": "a", "undo": "swap-off"}):
        with pytest.raises(UsageError):
            await done(context, **args)
    dial(StandInHost(STOPPED, "refused"))
    with pytest.raises(Refused, match="A fix needs root"):
        await done(context, finding="unit-stopped")


async def test_it_is_refused_read_only(context: CommandContext, dial: Callable[..., None]) -> None:
    host = StandInHost(STOPPED)
    dial(host)
    context.read_only = True
    with pytest.raises(Refused, match="read-only"):
        await done(context, finding="unit-stopped:kubelet")
    assert not host.repairs
