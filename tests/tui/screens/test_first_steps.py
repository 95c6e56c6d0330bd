"""The steps from a new plane to its first host: what is done, what is next, and the host as it registers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from edgewright.commands.cluster.deployed import Application, Deployed, applications_of
from edgewright.commands.kube import ask
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.profiles import ProfileRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.tokens import TokenRow
from edgewright.store.engine import events
from edgewright.store.engine.model import Model
from tests.tui.driving import console, newest_message, press, said, until, view
from tests.tui.samples import NOW
from tests.tui.wizards.cluster_plane import ClusterPlane
from tests.tui.wizards.installing import StandIn, every_build
from tui.screens.first_run.cluster_steps import cluster_steps
from tui.screens.first_run.steps_content import Progress, is_local_only, lines_of, progress_of, steps_of, summary
from tui.screens.pulse.content import Pulse
from tui.screens.pulse.list import calm_lines
from tui.session import FirstRun
from tui.widgets.lines import text_of

URL = "https://10.4.0.2:8443"


def progress(**values: Any) -> Progress:
    return Progress(**{"url": URL, "movable": True, "tokens": (), "builds": (), "hosts": (), **values})


def states(**values: Any) -> list[str]:
    return [step.state for step in steps_of(progress(**values), NOW)]


TOKEN = TokenRow("t1", name="first-hosts", active=True, expiry=NOW + 86400 * 29)
HOST = HostRow("h1", name="berlin-04", health="healthy", registered=NOW - 12)


def test_one_step_after_the_other_is_next() -> None:
    done = every_build()[2]
    assert states(url="https://127.0.0.1:8443") == ["warn", "later", "later", "later"]
    assert states() == ["done", "next", "later", "later"]
    assert states(tokens=(TOKEN,)) == ["done", "done", "next", "later"]
    assert states(tokens=(TOKEN,), builds=(every_build()[0],)) == ["done", "done", "work", "next"]
    assert states(tokens=(TOKEN,), builds=(done,)) == ["done", "done", "done", "next"]
    assert states(tokens=(TOKEN,), builds=(done,), hosts=(HOST,)) == ["done"] * 4
    assert states(hosts=(HOST,)) == ["done"] * 4  # by the install command and a token that is used up
    assert states(url="https://127.0.0.1:8443", hosts=(HOST,)) == ["warn", "done", "done", "done"]


def test_simulated_hosts_are_named_as_not_counted() -> None:
    step = steps_of(progress(simulated=12), NOW)[3]
    assert step.fact == "waiting for it to register; 12 simulated hosts not counted"


def test_the_summary_names_what_is_done_and_what_is_next() -> None:
    assert summary(steps_of(progress(), NOW)) == "1 of 4 steps done. Next: registration token."
    assert summary(steps_of(progress(hosts=(HOST,)), NOW)) == "All steps are done."


PROFILE = ProfileRow("p1", name="store", version="1.2.0", kind="full", state="published")
CLUSTER = ClusterRow(
    "c1", name="store-7", state="Running", health="healthy", hosts=1, applied=1, profiles=("store",), created=NOW - 60
)


def later(*values: Any) -> list[tuple[str, str, str]]:
    found = steps_of(progress(hosts=(HOST,)), NOW, cluster_steps(Deployed(*values)))[4:]
    return [(step.key, step.state, step.fact) for step in found]


def test_profile_cluster_and_application_follow_each_with_its_proof() -> None:
    assert [step.state for step in steps_of(progress(), NOW, cluster_steps(None))][4:] == ["later"] * 3
    assert [state for _, state, _ in later()] == ["next", "later", "later"]
    assert [state for _, state, _ in later((PROFILE,))] == ["done", "next", "later"]
    forming = msgspec.structs.replace(CLUSTER, state="Provisioning", health="unknown")
    assert later((PROFILE,), (forming,))[1] == ("cluster/c1", "work", "store-7: provisioning, its hosts form it")
    broken = msgspec.structs.replace(CLUSTER, health="unhealthy", reason="node edge-1 is not ready")
    assert later((PROFILE,), (broken,))[1][1:] == ("warn", "store-7 is unhealthy: node edge-1 is not ready")
    web = Application("web", False, "0 of 1 pods are ready")
    waiting = later((PROFILE,), (CLUSTER,), (web,))
    assert waiting[2][1:] == ("work", "web is not ready yet: 0 of 1 pods are ready")
    done = later((PROFILE,), (CLUSTER,), (web._replace(ready=True),))
    assert [state for _, state, _ in done] == ["done"] * 3
    assert done[1][2] == "store-7 runs and is healthy, 1 of 1 host have applied it"
    assert done[2][2] == "web answers its probes on store-7"


def test_applications_are_the_add_on_layers_with_the_state_that_the_control_plane_reports() -> None:
    packs = [{"name": "edge-k8s", "layer": "k8s"}, {"name": "web", "layer": "addon"}, {"name": "db", "layer": "addon"}]
    states = [
        {"name": name, "condition": {"status": status, "message": message}}
        for name, status, message in (("edge-k8s", "True", ""), ("web", "True", ""), ("db", "False", "0 of 1 pods"))
    ]
    document = {"spec": {"clusterProfileTemplates": [{"packs": packs}]}, "status": {"packs": states}}
    assert applications_of(document) == (Application("web", True), Application("db", False, "0 of 1 pods"))


async def test_steps_after_the_host_are_asked_of_the_plane_and_enter_opens_the_wizard() -> None:
    plane = ClusterPlane()
    async with console("first-steps", ways=FirstRun(), installer=StandIn(), plane=plane, size=(100, 40)) as (
        pilot, _, _,
    ):  # fmt: skip
        await until(pilot, lambda: "shop 1.0.0 is published" in said(pilot))
        assert "► 6 Cluster" in said(pilot)
        pilot.app.screen.query_one("#steps").point_at("cluster")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "cluster-new")


async def test_enter_on_the_application_asks_it_and_shows_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_application(_ctx: Any, uid: str, _report: Any) -> ask.Answered:
        return ask.Answered(f"shop/{uid}", 200, 0.4, "relay")

    async def known(_ctx: Any) -> Deployed:
        return Deployed((PROFILE,), (CLUSTER,), (Application("web", True),))

    monkeypatch.setattr(ask, "ask_application", ask_application)
    monkeypatch.setattr("tui.screens.first_run.steps.deployed", known)
    facts = SimpleNamespace(url=URL, ca="", movable=True)
    ways = FirstRun(deployment=lambda: facts)
    async with console("first-steps", ways=ways, installer=StandIn(), size=(120, 40)) as (pilot, _, made):
        await until(pilot, lambda: "web answers its probes on store-7" in said(pilot))
        await press(pilot, "end", "enter")
        await until(pilot, lambda: "shop/c1 answers: HTTP 200 in 0.4 s, asked through the relay" in said(pilot))
        assert view(pilot) == "first-steps" and "HTTP 200" in newest_message(made)


def test_own_tokens_ended_ones_and_observed_hosts_are_no_steps() -> None:
    tokens = {
        "a": TokenRow("a", name="this-machine", active=True, expiry=NOW + 9),
        "b": TokenRow("b", name="old", active=True, expiry=NOW - 9),
        "c": TokenRow("c", name="revoked", active=False, expiry=NOW + 9),
        "d": TOKEN,
    }
    hosts = {"o": HostRow("o", observed=True), "s": HostRow("s", simulated=True), "h1": HOST}
    hosts["proof-3f9c21ab"] = HostRow("proof-3f9c21ab")
    found = progress_of(Model(tokens=tokens, hosts=hosts), None, every_build(), NOW)
    assert [row.uid for row in found.tokens] == ["t1"] and [row.uid for row in found.hosts] == ["h1"]
    assert {shown.build.state for shown in found.builds} <= {"done", "running", "queued"}


def test_addresses_of_this_machine_alone_are_known() -> None:
    assert all(map(is_local_only, ("https://127.0.0.1:8443", "https://localhost:1", "https://[::1]:8443")))
    assert not any(map(is_local_only, (URL, "https://[fd00::2]:8443", "https://hub.example.net")))


def test_every_width_names_every_step() -> None:
    for width in (38, 78, 98):
        text = text_of(lines_of(steps_of(progress(tokens=(TOKEN,)), NOW), [], width, 24))
        for title in ("Address of the hub", "Registration token", "Installer, or install command", "First host"):
            assert title in text
        assert all(len(one) <= width for one in text.split("\n"))


@pytest.mark.parametrize(("healthy", "simulated", "named"), [(1, 0, True), (2, 0, False), (1, 1, False)])
def test_pulse_names_the_first_steps_while_the_hub_has_its_own_machine_alone(
    healthy: int, simulated: int, named: bool
) -> None:
    text = text_of(calm_lines(Pulse(NOW, NOW, healthy=healthy, simulated=simulated), 80))
    assert (":first-steps" in text) == named


async def test_a_host_that_registers_shows_at_once_and_ticks_the_step() -> None:
    facts = SimpleNamespace(url=URL, ca="/c/ca.crt", movable=True)
    ways = FirstRun(deployment=lambda: facts)
    async with console("first-steps", ways=ways, installer=StandIn()) as (pilot, _, made):
        store = made.store
        store.emit("plane", events.HOSTS_REMOVED, {"uids": list(store.model.hosts)})
        store.flush()
        await until(pilot, lambda: "waiting for it to register" in said(pilot))
        document = {
            "metadata": {"uid": "edge-1", "name": "berlin-04", "creationTimestamp": "2026-11-23T14:00:00Z"},
            "spec": {},
            "status": {"state": "ready", "health": {"state": "healthy"}},
        }
        store.emit("plane", events.HOSTS_SEEN, {"docs": [document]})
        store.flush()
        await until(pilot, lambda: "√ 4 First host" in said(pilot))
        assert "berlin-04" in said(pilot) and "steps done. Next: profile" in said(pilot)


async def test_it_is_left_with_a_word_on_what_is_next_and_opened_again() -> None:
    facts = SimpleNamespace(url="https://127.0.0.1:8443", ca="", movable=False)
    async with console(ways=FirstRun(deployment=lambda: facts), installer=StandIn()) as (pilot, _, made):
        await press(pilot, ":", *"first-steps", "enter")
        await until(pilot, lambda: view(pilot) == "first-steps")
        await press(pilot, "home", "enter")
        assert "hub configure --data DIR" in newest_message(made)
        await press(pilot, "escape")
        assert view(pilot) == "pulse" and "Next: address of the hub. :first-steps opens them again" in newest_message(
            made
        )


async def test_the_address_of_a_plane_elsewhere_is_told_and_stays() -> None:
    facts = SimpleNamespace(url="https://api.example.net", ca="", movable=False)
    async with console("first-steps", ways=FirstRun(deployment=lambda: facts), installer=StandIn()) as (pilot, _, made):
        await until(pilot, lambda: "sites use https://api.example.net" in said(pilot))
        await press(pilot, "home", "enter")
        assert view(pilot) == "first-steps" and "cannot change the address" in newest_message(made)


async def test_the_install_command_names_this_plane_and_closes_by_enter() -> None:
    facts = SimpleNamespace(url=URL, ca="/c/ca.crt", movable=True)
    async with console("first-steps", ways=FirstRun(deployment=lambda: facts), installer=StandIn()) as (pilot, _, _):
        await until(pilot, lambda: "or show the install command" in said(pilot))
        await press(pilot, "home", "down", "down", "down", "enter")
        assert view(pilot) == "ReadModal"
        text = " ".join(said(pilot).split())
        assert (
            f"--endpoint {URL} --token-file token --ca ca.crt" in text and "scp dist/edgewright-agent.pyz token" in text
        )
        await press(pilot, "enter")
        assert view(pilot) == "first-steps"


def test_a_rejected_box_is_above_the_steps() -> None:
    lines = text_of(lines_of(steps_of(progress(), NOW), ["10.4.0.9: The token is revoked. Give another one."], 78, 24))
    assert lines.split("\n")[1].startswith("▲ 10.4.0.9: The token is revoked.")
