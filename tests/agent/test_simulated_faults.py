"""A made-up host reports what its facts show: the same rules, the same figures as a real one."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from edgewright.agent.facts.vitals import parse_units, temperature
from edgewright.agent.kernel import conditions
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.simulate.faults import Trouble
from edgewright.agent.simulate.fleet import make_hosts
from edgewright.agent.simulate.host import Fleet, SimulatedHost
from edgewright.agent.simulate.log import simulated_log
from edgewright.agent.simulate.symptoms import SYMPTOMS, Symptom, facts_with
from edgewright.core.filters.filters import parse
from edgewright.core.problems import causes_of
from edgewright.store.collections.hosts import host_row


class Plane:
    """Stores the newest document and heartbeat of one host, as a plane does."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.beat: dict[str, Any] = {}

    async def call(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        if method == "PATCH":
            self.beat = body
        elif method == "PUT":
            self.facts = body
        return _Reply()

    def document(self) -> dict[str, Any]:
        """Return the host as readers get it: its facts with the gauges and the health of the newest heartbeat."""
        spec = {**self.facts["spec"]}
        gauges = {name: self.beat["edgewright"][name] for name in ("cpuPercent", "memoryUsedMB")}
        spec["edgewright"] = {**spec["edgewright"], **gauges}
        health = {"state": self.beat["state"], "message": self.beat["message"]}
        return {**self.facts, "spec": spec, "status": {"health": health, "state": "ready"}}


class _Reply:
    status = 200
    headers: dict[str, str] = {}

    def json(self) -> dict[str, Any]:
        return {}


def row_with(symptom: Symptom, index: int = 0) -> tuple[Any, Plane]:
    plane = Plane()
    fleet = Fleet(make_hosts(40, 1), plane, "t", 1, None)  # type: ignore[arg-type]
    host: SimulatedHost = fleet.hosts[index]
    host.credential = "c"
    host._measure(symptom)

    async def beat() -> None:
        await host._beat()
        await host._send_facts()

    asyncio.run(beat())
    return host_row(plane.document(), 0.0), plane


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom.name)
def test_each_fault_is_in_the_facts_that_the_columns_show(symptom: Symptom) -> None:
    row, plane = row_with(symptom)
    assert row.health == "unhealthy"
    (kind,) = {cause.kind for cause in causes_of(row.reason)}
    extension = plane.facts["spec"]["edgewright"]
    if symptom.disk[0]:
        assert kind == "disk" and f"{row.disk_mount} {row.disk_percent:.0f} %" in row.reason
        assert parse("disk>=90%").matches(row.get, 0.0)
    elif symptom.memory:
        assert kind == "memory" and f"memory {int(row.memory_percent)} % used" == row.reason
        assert parse("used>=95%").matches(row.get, 0.0)
    elif symptom.degrees:
        assert kind == "heat" and f"temperature {extension['temperatureC']} °C" == row.reason
    elif symptom.units:
        assert kind == "unit" and all(unit in row.reason for unit in extension["failedUnits"])
    else:
        assert kind == "clock" and "4 min behind" in row.reason


def test_a_host_without_a_fault_is_healthy_and_its_facts_are_its_own_again() -> None:
    row, _ = row_with(Symptom(""))
    assert row.health == "healthy" and row.disk_percent < 80
    made = make_hosts(1, 1)[0].facts
    before = made.device["disks"]
    facts_with(made, SYMPTOMS[0])
    assert made.device["disks"] is before and made.fullest[1] < 80


def test_a_fault_of_a_mount_point_that_a_host_lacks_fills_its_root() -> None:
    for host in make_hosts(30, 2):
        facts = facts_with(host.facts, Symptom("x", disk=("/var/lib/data", 99)))
        assert facts.fullest[1] == 99
    assert Trouble("silent", 0.0).symptom.name == "" and random.Random(1).choice(SYMPTOMS)


def test_the_log_of_a_failed_unit_shows_why() -> None:
    params = {"lines": 5, "unit": "kubelet.service"}
    assert any("failed to run kubelet" in line for line in simulated_log("h", 1e9, params, ("kubelet.service",)))
    assert {line.partition("]: ")[2] for line in simulated_log("h", 1e9, params)} == {"running"}


def test_failed_units_are_those_that_failed_or_are_restarted_again_and_again() -> None:
    text = (
        "Id=kubelet.service\nActiveState=activating\nSubState=auto-restart\n\n"
        "Id=containerd.service\nActiveState=failed\nSubState=failed\n\n"
        "Id=docker.service\nActiveState=inactive\nSubState=dead\n\nId=chronyd.service\nActiveState=active\nSubState=running\n"
    )
    assert parse_units(text) == ["kubelet.service", "containerd.service"]


def test_the_hottest_zone_counts_and_a_broken_sensor_does_not(tmp_path: Any) -> None:
    for number, value in enumerate(("51000", "94000", "-273000", "999000", "x")):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(value)
    assert temperature(Root(str(tmp_path))) == 94
    assert temperature(Root(str(tmp_path / "none"))) is None


def test_small_changes_of_temperature_are_no_new_facts() -> None:
    made = make_hosts(1, 1)[0].facts
    calm = [facts_with(made, Symptom("", degrees=degrees)).digest for degrees in (51, 58, 94)]
    assert calm[0] == calm[1] != calm[2]
    assert conditions.judge(facts_with(made, Symptom("", degrees=89)), "", 0.0, 0.0).message == ""
