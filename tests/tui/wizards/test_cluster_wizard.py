"""Driving the cluster wizard by keys: which hosts are offered, what is created, and the file that does the same."""

from __future__ import annotations

import copy
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.commands.cluster import actions, wizard_answers
from edgewright.core.errors import TimedOut, Unreachable
from edgewright.forge.answer_files import read_document
from edgewright.store.engine.store import Store
from tests.tui.driving import console, newest_message, press, until, view
from tests.tui.plane import context_of
from tests.tui.samples import NOW, fill
from tests.tui.test_viewer import become
from tests.tui.wizards.cluster_plane import ANSWERS, SHORT, ClusterPlane, at, on, shown, small_fleet, state, wizard
from tui.wizards.parts.drafts import draft_file


def plane_of(*known: Any) -> ClusterPlane:
    plane = ClusterPlane(*known)
    plane.hosts = {each["metadata"]["uid"]: each for each in small_fleet()}
    return plane


def opened(plane: ClusterPlane, **fields: Any) -> Any:
    return console("cluster-new", plane=plane, hosts=small_fleet(), **fields)


@pytest.mark.e2e
async def test_keys_make_a_cluster_and_the_written_file_makes_the_same(tmp_path: Path) -> None:
    plane, path = plane_of(), tmp_path / "store-7.yaml"
    async with opened(plane, size=(100, 40)) as (pilot, _, made):
        await press(pilot, *"store-7", "pagedown")
        await on(pilot, "profile")
        assert "shop" in shown(pilot) and "ADD-ONS" in shown(pilot)
        await press(pilot, "enter", "pagedown")
        await on(pilot, "variables")
        await press(pilot, "pagedown")
        assert "City is needed." in shown(pilot)
        await press(pilot, *"Berlin", "pagedown")
        await on(pilot, "network")
        await until(pilot, lambda: "pods 100.64.0.0/18, services 100.64.64.0/18" in shown(pilot))
        await press(pilot, "tab", *"10.4.1.100", "pagedown")
        await on(pilot, "hosts")
        assert "edge-7f3a" in shown(pilot) and "is unhealthy" not in shown(pilot).split("FREE")[0]
        await press(pilot, "enter", "pagedown")
        await on(pilot, "preflight")
        assert "shop-1  4 of 4 checks ok" in shown(pilot) and "The plane would accept it." in shown(pilot)
        await press(pilot, "pagedown")
        await on(pilot, "settings")
        await press(pilot, "pagedown")
        await on(pilot, "summary")
        assert "NEVER CHANGES" in shown(pilot) and "10.4.1.100:6443" in shown(pilot)
        await press(pilot, "w", "ctrl+u", *str(path), "enter")
        await until(pilot, path.is_file)
        await on(pilot, "summary")
        await press(pilot, "b")
        await until(pilot, lambda: view(pilot) == "cluster")
        assert "Cluster store-7 is created; its hosts form it now." in [row.text for row in made.store.model.messages]
        assert not draft_file("cluster-new.json").exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await created_by_the_command_line(plane, path) == plane.bodies[0]


async def created_by_the_command_line(plane: ClusterPlane, path: Path) -> Any:
    """Return the body that `cluster create FILE` sends for the same plane."""
    ctx = context_of(plane, fill(Store(clock=lambda: NOW), small_fleet()))
    planned = await actions.ClusterCreate().plan(ctx, (), {"file": str(path)})
    return planned.payload.body


async def test_an_answer_file_of_every_answer_means_what_the_wizard_creates(tmp_path: Path) -> None:
    plane, path = plane_of(), tmp_path / "a.yaml"
    async with opened(plane, size=(100, 70)) as (pilot, _, _):
        await at(pilot, "summary")
        api, document = wizard(pilot).api, wizard(pilot).document(covered=False)
        api.save(path, document)
        assert await created_by_the_command_line(plane, path) == plane.checked[-1]
        assert read_document(path) == document
        assert "hunter2" in path.read_text() and "hunter2" not in shown(pilot)
        await press(pilot, "v")
        assert "hunter2" not in shown(pilot) and "max_unavailable: 2" in shown(pilot)
    pools = document["answers"]["pools"]
    assert pools[1]["hosts"] == [{"name": "shop-2", "address": "10.4.1.12", "nic": "eno1"}]
    assert pools[1]["taints"] == [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    assert document["answers"]["namespaces"] == [{"name": "tills", "cpu": 0.5, "memory": 4096}]


def test_hosts_of_one_name_are_named_by_uid() -> None:
    answers = {**wizard_answers.initial(), **copy.deepcopy(ANSWERS)}
    names = ["shop-1", "shop-1", "shop-2"]
    (first,) = wizard_answers.document(answers, names)["answers"]["pools"][0]["hosts"]
    assert first == "uid-shop-1"


async def test_why_a_host_is_not_offered_is_shown_and_one_that_turns_unhealthy_is_named() -> None:
    plane = plane_of()
    async with opened(plane, size=(100, 40)) as (pilot, _, made):
        await at(pilot, "hosts")
        text = shown(pilot)
        assert "belongs to the cluster pos-kiel" in text and "is unhealthy" in text and "shop-3" in text
        lost = small_fleet()[3]
        lost["status"]["edgewright"]["healthState"] = "unhealthy"
        fill(made.store, [*small_fleet()[:3], lost, *small_fleet()[4:]])
        wizard(pilot)._known = None
        await press(pilot, "pagedown")
        assert state(pilot).key == "hosts" and "shop-1 is unhealthy" in newest_message(made)


@pytest.mark.e2e
async def test_pools_are_added_changed_and_removed_and_hosts_move() -> None:
    async with opened(plane_of(), size=(100, 40)) as (pilot, _, made):
        await at(pilot, "hosts", pools=ANSWERS["pools"][:1])
        await press(pilot, "plus", *"workers", "pagedown")
        assert [pool["name"] for pool in state(pilot).pools] == ["control-planes", "workers"]
        await press(pilot, "down", "down", "down")
        await until(pilot, lambda: True)
        wizard(pilot).query_one("#hosts").point_at("host/uid-shop-2")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert [host["name"] for host in state(pilot).pools[1]["hosts"]] == ["shop-2"]
        wizard(pilot).query_one("#hosts").point_at("member/uid-shop-2")  # type: ignore[attr-defined]
        await press(pilot, "enter", *"10.4.9.9", "pagedown")
        assert state(pilot).pools[1]["hosts"][0]["address"] == "10.4.9.9"
        await press(pilot, "pagedown")
        await on(pilot, "preflight")
        assert "10.4.9.9 is not on the host; it reports eno1 10.4.1.12" in shown(pilot)
        await press(pilot, "escape")
        await on(pilot, "hosts")
        wizard(pilot).query_one("#hosts").point_at("pool/1")  # type: ignore[attr-defined]
        await press(pilot, "x")
        assert len(state(pilot).pools) == 1 and [host["name"] for host in state(pilot).hosts] == ["shop-1"]
        await press(pilot, "plus", *"more", "tab", "down", "pagedown")
        assert "The control planes of a cluster are in one pool" in newest_message(made)


@pytest.mark.e2e
async def test_a_failed_preflight_is_named_and_creating_takes_the_key_twice() -> None:
    plane = plane_of()
    plane.checks["uid-shop-2"] = SHORT
    async with opened(plane, size=(100, 40)) as (pilot, _, made):
        await at(pilot, "preflight")
        assert "1.2 GB free on /" in shown(pilot) and "Free space." in shown(pilot)
        await press(pilot, "pagedown", "pagedown")
        await on(pilot, "summary")
        await press(pilot, "b")
        assert "Preflight failed on shop-2" in newest_message(made) and not plane.bodies
        await press(pilot, "b")
        await until(pilot, lambda: view(pilot) == "cluster")
    assert len(plane.bodies) == 1


async def test_what_the_cluster_waives_is_a_warning_of_the_preflight() -> None:
    plane = plane_of()
    plane.checks["uid-shop-1"] = [{"id": "swap", "state": "failed", "text": "2 GB are on"}]
    async with opened(plane, size=(100, 40)) as (pilot, _, _):
        await at(pilot, "preflight", pools=ANSWERS["pools"][:1])
        assert "2 GB are on (waived by the cluster)" in shown(pilot) and not state(pilot).unready()


@pytest.mark.e2e
async def test_a_host_that_does_not_answer_is_named_with_the_reason() -> None:
    plane = plane_of()
    plane.failing = TimedOut("The host shop-1 did not answer the preflight within 20 s.", "It answers later.")
    async with opened(plane) as (pilot, _, _):
        await at(pilot, "preflight", pools=ANSWERS["pools"][:1])
        assert "did not answer the preflight within 20 s" in shown(pilot)
        plane.failing = None
        await press(pilot, "c")
        await on(pilot, "preflight")
        assert "4 of 4 checks ok" in shown(pilot)


async def test_what_the_plane_refuses_is_shown_and_nothing_is_created() -> None:
    plane = plane_of()
    plane.wrong = ["The VIP 10.4.1.100 is outside of the network of shop-1. Choose a free address of that network."]
    async with opened(plane, size=(100, 40)) as (pilot, _, made):
        await at(pilot, "summary")
        assert "The plane refuses this cluster" in shown(pilot) and "outside of the network of shop-1" in shown(pilot)
        await press(pilot, "b")
        assert "Not created: The VIP 10.4.1.100" in newest_message(made)
        assert not plane.bodies
        plane.wrong = []
        await press(pilot, "b")
        await until(pilot, lambda: "The plane would accept it" in shown(pilot))
        assert not plane.bodies, "what was refused before is shown before it is created"


async def test_a_plane_that_is_back_creates_what_it_could_not_check() -> None:
    """A dead link is no refusal, and the summary does not stay with it."""
    plane = plane_of()
    async with opened(plane, size=(100, 40)) as (pilot, _, made):
        await at(pilot, "hosts")
        plane.failure = Unreachable("10.4.0.2:8443 does not answer.", "Check the link.")
        await press(pilot, "pagedown", "pagedown", "pagedown")
        await on(pilot, "summary")
        await until(pilot, lambda: "The plane could not check it: 10.4.0.2:8443 does not answer." in shown(pilot))
        assert "refuses" not in shown(pilot) and "would accept" not in shown(pilot)
        await press(pilot, "b", "b")
        assert "10.4.0.2:8443 does not answer." in newest_message(made) and not plane.bodies
        plane.failure = None
        await press(pilot, "b", "b")
        await until(pilot, lambda: bool(plane.bodies))


@pytest.mark.parametrize(("fields", "reason"), [({"read_only": True}, "read-only"), ({"role": "viewer"}, "role admin")])
async def test_nobody_creates_who_may_not(fields: dict[str, Any], reason: str) -> None:
    plane = plane_of()
    role = fields.pop("role", "")
    async with opened(plane, **fields) as (pilot, _, made):
        if role:
            await become(pilot, made, role)
        await at(pilot, "summary")
        await press(pilot, "b")
        assert reason in newest_message(made)
    assert not plane.bodies


@pytest.mark.e2e
async def test_answers_are_there_again_and_can_be_deleted() -> None:
    path = draft_file("cluster-new.json")
    async with opened(plane_of()) as (pilot, _, _):
        await at(pilot, "network")
        await press(pilot, "tab", "ctrl+u", *"10.4.1.200")
        await wizard(pilot)._drafts.settled()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with opened(plane_of()) as (pilot, _, made):
        await on(pilot, "network")
        assert "10.4.1.200" in shown(pilot) and "shop" in str(state(pilot).profiles)
        assert any("Continued where it was left" in row.text for row in made.store.model.messages)
        await press(pilot, *["escape"] * 4)
        await press(pilot, "down", "enter")
        await until(pilot, lambda: not path.exists())


@pytest.mark.parametrize(
    "text",
    [pytest.param("{", marks=pytest.mark.e2e), '{"format": 1, "answers": {"pools": [7]}}'],
)
async def test_a_draft_that_cannot_be_read_is_named_and_does_not_stop_the_wizard(text: str) -> None:
    path = draft_file("cluster-new.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    async with opened(plane_of()) as (pilot, _, made):
        await on(pilot, "about")
        assert any("stored draft of the cluster" in row.text for row in made.store.model.messages)


async def test_an_example_file_is_read_by_the_rules_of_the_wizard() -> None:
    from edgewright.core.clusters import definition

    content = yaml.safe_load(definition.EXAMPLE)
    assert wizard_answers.problems(content) == []
    content["metadata"]["name"] = "Store 7"
    content["answers"]["vip"] = "api.example.org"
    found = wizard_answers.problems(content)
    assert [wizard_answers.page_of(problem) for problem in found] == ["about", "network"]


async def test_a_plane_that_does_not_answer_is_named_and_asked_again() -> None:
    plane = plane_of()
    plane.failure = Unreachable("10.4.0.2:8443 does not answer.", "Check the link.")
    async with opened(plane) as (pilot, _, _):
        await on(pilot, "about")
        await press(pilot, *"s", "pagedown")
        await on(pilot, "profile")
        assert "10.4.0.2:8443 does not answer." in shown(pilot) and "c asks again" in shown(pilot)
        plane.failure = None
        await press(pilot, "c")
        await until(pilot, lambda: "( ) shop" in shown(pilot))
