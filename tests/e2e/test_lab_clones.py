"""Two machines with one identity, on machines that boot: a copied data folder is refused, or noticed (P17, P39)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.fleet import UNIT, Fleet, Plane, until

pytestmark = [pytest.mark.e2e]

DATA, ETC = "var/lib/edgewright", "etc/edgewright"
BEAT = 3


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    made = make_fleet("--hosts", "2", "--heartbeat", str(BEAT))
    until("both hosts are registered", 20, lambda: len(made.plane().hosts()) == 2)
    return made


@pytest.fixture(scope="module")
def plane(fleet: Fleet) -> Plane:
    return fleet.plane()


def alerts(plane: Plane) -> dict[str, dict[str, Any]]:
    """Return the alerts by kind."""
    status, page = plane.ask("GET", "/edgewright/v1/alerts")
    assert status == 200, page
    return {alert["kind"]: alert for alert in page["items"]}


def copy_identity(fleet: Fleet) -> str:
    """Make edge2 a copy of edge1 as far as its agent goes; returns where its journal ended before."""
    fleet.within("edge2", "systemctl", "stop", UNIT)
    for part in (DATA, ETC):
        target = fleet.disk("edge2") / part
        for old in target.iterdir():
            if not old.is_dir():  # the reconciler's folders stay: the identity is in files
                old.unlink()
        for path in (fleet.disk("edge1") / part).iterdir():
            if path.is_file() and path.name != "agent.lock":
                shutil.copy2(path, target / path.name)
    cursor = fleet.cursor("edge2")
    fleet.within("edge2", "systemctl", "start", UNIT)
    return cursor


def test_hosts_of_the_lab_are_no_clones_of_each_other(fleet: Fleet, plane: Plane) -> None:
    """They share this machine's firmware, and a reboot gives a new boot id."""
    fleet.lab("fault", "reboot", "edge1")
    beats = {uid: plane.judgement(uid).get("heartbeats", 0) for uid in plane.hosts()}
    until(
        "both beat on",
        60,
        lambda: all(plane.judgement(uid).get("heartbeats", 0) >= count + 4 for uid, count in beats.items()),
    )
    assert alerts(plane) == {}


def test_a_copied_folder_is_not_used_on_another_machine(fleet: Fleet, plane: Plane) -> None:
    cursor = copy_identity(fleet)
    sentence = "belongs to another machine"
    until("the journal of the copy says so", 20, lambda: sentence in fleet.journal("edge2", cursor), 0.3)
    assert "remove identity.json*" in fleet.journal("edge2", cursor)
    assert alerts(plane) == {}, "it never calls"


def test_a_copy_without_a_binding_is_noticed_and_named(fleet: Fleet, plane: Plane) -> None:
    """As two hosts of v0.1.0 that were copied before: both use the identity, and each binds it to its own machine."""
    fleet.within("edge2", "systemctl", "stop", UNIT)
    for path in (fleet.disk("edge2") / DATA).glob("binding.json*"):
        path.unlink()
    fleet.within("edge2", "systemctl", "start", UNIT)
    alert = until("the plane reports two machines", 20 * BEAT, lambda: alerts(plane).get("duplicate-identity"))
    assert alert["hostUids"] == [fleet.uid("edge1")]
    for host in fleet.shown["hosts"]:
        assert host["address"] in alert["message"]
    until(
        "the host is not shown healthy", 10, lambda: plane.judgement(fleet.uid("edge1"))["healthState"] == "unhealthy"
    )
    sentence = "Another machine reports to the plane as"
    until("both hosts report it", 20, lambda: all(sentence in fleet.console(name) for name in ("edge1", "edge2")))
    fleet.lab("fault", "power-cut", "edge2")
    heard = plane.judgement(fleet.uid("edge1"))["heartbeats"]
    until("edge1 is heard again", 30 * BEAT, lambda: plane.judgement(fleet.uid("edge1"))["heartbeats"] > heard + 1)
