"""The real planner, engine and journal over a scripted world: order, faults at every step, and the way back."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from edgewright.agent.simulate.world.durations import SECONDS
from edgewright.agent.simulate.world.machines import MACHINES
from edgewright.core.clusters import model, steps
from edgewright.core.clusters.document import sealed
from tests.agent.world.scenarios import AT_A_STAGE, AT_THE_START, FAULTS, Outcome, Scenario, stages_of

STEPS = [spec.id for spec in steps.STEPS if spec.id not in steps.RESERVED]


def test_every_step_of_the_registry_has_a_machine_and_a_duration() -> None:
    assert set(MACHINES) == set(SECONDS) == set(STEPS)
    assert all(abs(sum(stage.share for stage in stages) - 1.0) < 1e-6 for stages in MACHINES.values())


def test_a_cluster_forms_in_the_order_of_the_design(tmp_path: Path) -> None:
    scenario = Scenario(tmp_path)
    outcome = scenario.run()
    assert outcome.problem == ""
    started = [line.split()[1:] for line in scenario.site.world.log if " starts " in line]
    first = [step for name, _, step, *_ in started if name == "n1"]
    own = [step for step in first if not steps.BY_ID[step].leader]
    assert own == ["preflight", "fetch", "activate", "runtime", "preload", "vip", "init", "mark", "keepalived"]
    assert [step for name, _, step, *_ in started if name == "n4"] == [*own[:5], "join-worker"]
    joins = [name for name, _, step, *_ in started if step == "join-control-plane"]
    assert joins == ["n2", "n3"]
    assert all(host.runner.starts.count(step) == 1 for host in scenario.site.hosts.values() for step in own[:5])
    assert scenario.site.world.plane_done is not None


@pytest.mark.e2e
def test_a_cluster_of_k3s_forms_in_the_scripted_world(tmp_path: Path) -> None:
    scenario = Scenario(tmp_path)
    kubernetes = model.Kubernetes(model.K3S, "v1.32.9+k3s1", {})
    scenario.document = scenario.site.document = sealed(dataclasses.replace(scenario.document, kubernetes=kubernetes))
    assert scenario.run().problem == ""


@pytest.mark.parametrize(
    ("step", "fault", "stage"),
    [("join-control-plane", "kill -9", 3), ("remove-member", "reconciler kill -9", 1)],
)
def test_a_fault_is_survived(tmp_path: Path, step: str, fault: str, stage: int) -> None:
    assert Scenario(tmp_path, step, fault, stage).run().problem == ""


def test_hosts_that_left_are_clean_and_join_again(tmp_path: Path) -> None:
    scenario = Scenario(tmp_path, "release")
    assert scenario.run(close=False).problem == ""
    site = scenario.site
    assert site.document is not None
    left = [host for host in site.hosts.values() if site.document.member(host.machine.uid) is None]
    assert [host.machine.name for host in left] == ["n3", "n4"]
    assert all(host.machine.clean for host in left)
    members = scenario.document.members
    site.document = sealed(dataclasses.replace(site.document, members=members, generation=9))
    site.advance()
    assert site.run(lambda site: site.settled(), 3600.0)
    assert site.world.formed == 1
    site.close()


@pytest.mark.e2e
@pytest.mark.timeout(1800)
def test_each_step_with_each_fault(tmp_path: Path) -> None:
    """Prints the table: for the worst stage, seconds until all is as wanted, and starts of the step."""
    rows = [f"{'step':20} " + " ".join(f"{fault:>18}" for fault in FAULTS)]
    failed, count, began = [], 0, time.monotonic()
    for step in STEPS:
        cells = []
        for fault in FAULTS:
            outcomes: list[Outcome] = []
            for stage in range(stages_of(step)) if fault in AT_A_STAGE else (0,):
                count += 1
                outcome = Scenario(tmp_path / str(count), step, fault, stage).run()
                outcomes.append(outcome)
                if outcome.problem:
                    failed.append(f"{step}, {fault}, stage {stage + 1}: {outcome.problem}")
            worst = max(outcomes, key=lambda outcome: (bool(outcome.problem), outcome.seconds))
            cells.append("failed" if worst.problem else f"{worst.seconds:.0f} s, {worst.starts} starts")
        rows.append(f"{step:20} " + " ".join(f"{cell:>18}" for cell in cells))
    print("\n" + "\n".join(rows))
    print(f"{count} scenarios, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    assert not failed
    assert set(AT_THE_START) | set(AT_A_STAGE) == set(FAULTS)
