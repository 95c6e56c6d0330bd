"""The page of a host that is open by SSH: the screen of any host, from probes and local API, with the age of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.clients.local_api import calls
from edgewright.commands.site.api.session import SiteLocalApi, Value
from edgewright.core.errors import Unreachable
from edgewright.store.engine.store import Store
from tests.clients.local_api.stand_in import SAMPLES
from tests.commands.site.test_listed import FACTS, opened
from tests.commands.site.test_listed import NOW as AT
from tests.tui.driving import Driven, console, frame_text, press, said, settle, until
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.site_host import FINE, FULL, Sites, StandInHost
from tui.app import EdgewrightApp
from tui.screens.host.of_site import site_facts
from tui.terminal.paint.screen_text import screen_text

TARGET = "kairos@edge-7f3a"
KNOWN = {
    "identity.load": "load 0.42\ncpus 8",
    "network.addresses": "eno1 10.4.1.7 global\nlo 127.0.0.1 host",
    "network.routes": "eno1 00000000 0101040A 0003 0 0 0 00000000 0 0 0",
}


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


def shown(pilot: Driven) -> str:
    return " ".join(screen_text(pilot.app).split())


async def host_page(pilot: Driven) -> None:
    await until(pilot, lambda: "read 0s ago" in shown(pilot))
    await press(pilot, "h")
    await until(pilot, lambda: "MACHINE" in said(pilot))


def asked(sites: Sites, age: float = 75.0) -> SiteLocalApi:
    """Give a site what its local API answered."""
    assert sites.site is not None
    api = SiteLocalApi(sites.site)
    for name, call in (("host", calls.HOST), ("cluster", calls.CLUSTER)):
        api.values[name] = Value(call.view(SAMPLES[call.path]), NOW - age)
    return api


def test_of_two_connections_to_the_host_the_newest_answer_is_shown() -> None:
    older, newer = opened("edge-1", FACTS, AT - 300), opened("10.0.0.6", FACTS._replace(cpus=16), AT - 5)
    facts = site_facts(older, "edge-1", AT, [newer])
    assert facts.sources == "By the probes 5s ago." and facts.doc is not None
    assert facts.doc["spec"]["device"]["cpu"] == {"cores": 16}
    assert site_facts(older, "edge-1", AT).sources == "By the probes 5m ago."


async def test_the_probes_alone() -> None:
    async with console("doctor", TARGET, make_site=Sites(StandInHost(FULL)).make) as (pilot, plane, _):
        before = len(plane.calls)
        await host_page(pilot)
        text = said(pilot)
        assert "unhealthy" in text.splitlines()[0]
        assert "/ is full" in text and "By the probes 0s ago." in text and "heartbeat" not in text
        assert "local API" not in text
        assert "100 %" in text
        assert "Ubuntu 24.04" in text and "Linux 6.8.0-45" in text
        assert "site edge-7f3a by SSH" in frame_text(pilot.app, "title")
        assert len(plane.calls) == before
        await press(pilot, "question_mark")
        await until(pilot, lambda: "HERE: HOST" in said(pilot))
        listed = said(pilot).partition("EVERYWHERE")[0]
        assert ":site open" in listed and ":host " not in listed, "what a plane would do is refused here"


async def test_the_local_api_counts_where_a_user_has_logged_in() -> None:
    sites = Sites(StandInHost(FINE))
    async with console("doctor", TARGET, make_site=sites.make) as (pilot, _, _):
        await until(pilot, lambda: "read 0s ago" in shown(pilot))
        asked(sites)
        await press(pilot, "h")
        await until(pilot, lambda: "MACHINE" in said(pilot))
        text = said(pilot)
        assert "healthy" in text.splitlines()[0] and "Ready" in text.splitlines()[0]
        assert "by the local API 1m ago." in " ".join(text.split())
        for each in ("amd64  8 cpu", "4.8.2", "shop", "edge-7f3a-uid", "10.4.1.7"):
            assert each in text, each


async def test_of_disks_the_newer_answer_counts() -> None:
    sites = Sites(StandInHost(FULL))
    async with console("doctor", TARGET, make_site=sites.make) as (pilot, _, _):
        await until(pilot, lambda: "read 0s ago" in shown(pilot))
        api = asked(sites)
        await press(pilot, "h")
        await until(pilot, lambda: "DISKS" in said(pilot))
        assert "100 %" in said(pilot) and " 31 %" not in said(pilot)
        api.values["host"] = api.values["host"]._replace(at=NOW + 5)
        await press(pilot, "escape")
        await press(pilot, "h")
        await until(pilot, lambda: " 31 %" in said(pilot))


async def test_a_lost_connection_leaves_what_was_read_with_its_age() -> None:
    sites = Sites(StandInHost(FINE))
    async with console("doctor", TARGET, make_site=sites.make) as (pilot, _, _):
        await host_page(pilot)
        sites.hosts[:] = [Unreachable("The connection to edge-7f3a broke.")]
        assert sites.site is not None
        await sites.site.broke(Unreachable("The connection to edge-7f3a broke."))
        await pilot.pause(1.1)
        assert "There is no connection now." in " ".join(said(pilot).split())


async def test_verbs_of_the_plane_do_not_work_on_it_and_its_document_is_shown() -> None:
    async with console("doctor", TARGET, make_site=Sites(StandInHost(FINE)).make) as (pilot, _, _):
        await host_page(pilot)
        await press(pilot, "l")
        assert "MACHINE" in said(pilot)
        await press(pilot, "y")
        await until(pilot, lambda: "inUseClusters" in said(pilot) or "kernelVersion" in said(pilot))


# Pictures -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [(80, 24), pytest.param((132, 43), marks=pytest.mark.e2e), pytest.param((200, 60), marks=pytest.mark.e2e)],
    ids=["80x24", "132x43", "200x60"],
)  # fmt: skip
def test_picture(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    sites: Any = Sites(StandInHost({**FULL, **KNOWN}))
    made = session(fill(Store(clock=lambda: NOW)), start_view="doctor", start_target=TARGET, make_site=sites.make)

    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))
        asked(sites)
        await press(pilot, "h")
        await until(pilot, lambda: "MACHINE" in said(pilot))

    assert snap_compare(EdgewrightApp(made), terminal_size=size, run_before=ready)
