"""Open sites in the lists of hosts and clusters, without a plane and beside one: rows, ages, enter, refused verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.clients.ssh.auth.asking import NoAnswers
from edgewright.commands.site.opened import Site
from edgewright.core.errors import Unreachable
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW, fill, session
from tests.tui.samples import host as host_document
from tests.tui.sites.site_host import FINE, FULL, StandInHost
from tests.tui.sites.test_doctor_screen import SIZES, fixed_clock
from tests.tui.sites.test_open_sites import Fleet
from tui.app import EdgewrightApp
from tui.screens.site.opens import close, follow
from tui.terminal.paint.screen_text import screen_text

__all__ = ["fixed_clock"]
NODES = "edge-7f3a Ready control-plane 3d v1.33.3 10.4.1.7\nedge-8 NotReady <none> 3d v1.33.3 10.4.1.8"
BOOT = "5f0d7a1c-3e1b-4c59-9a53-0c2f3f0a9d11"
CLUSTER = {"kubernetes.api": "readyz check passed", "kubernetes.nodes": NODES}


def fleet() -> Fleet:
    return Fleet(store_7=StandInHost({**FULL, **CLUSTER}), store_8=StandInHost(FINE))


def same() -> Fleet:
    """Two ways to edge-7f3a, another host of its cluster, and one of which that is not known."""

    def host(outputs: dict[str, str], name: str, system: str, proof: str = "") -> StandInHost:
        identity = outputs["identity.host"].replace("edge-7f3a", name)
        known = {"identity.host": f"{identity}\nboot-id {BOOT}\nmachine-id {32 * system}", "kubernetes.waits": proof}
        return StandInHost({**outputs, **CLUSTER, **known})

    proof = f"cluster {BOOT}\nclaims"
    return Fleet(
        edge1=host(FULL, "edge-7f3a", "a", proof),
        edge2=host(FULL, "edge-7f3a", "a", proof),
        store_8=host(FINE, "edge-8", "b", proof),
        store_9=host(FINE, "edge-9", "c"),
    )


def without_plane(made: Any) -> None:
    made.context_name = made.plane = ""
    made.store.restore(Model())


async def opened(pilot: Driven, made: Any, sites: Fleet, *targets: str) -> list[Site]:
    """Open sites as Doctor does, and leave it."""
    for target in targets:
        site = made.sites[target] = sites.make(target)
        await site.connect(NoAnswers())
        follow(pilot.app, made, site)
        await site.read()
    await settle(pilot)
    return [made.sites[target] for target in targets]


def shown(pilot: Driven) -> list[str]:
    return screen_text(pilot.app).splitlines()


def beside(pilot: Driven, name: str = "detail") -> str:
    lines: Any = pilot.app.screen.query_one(f"#{name}").lines  # type: ignore[attr-defined]
    return " ".join(each.plain.strip() for each in lines)


def row(pilot: Driven, name: str) -> str:
    return next((line for line in shown(pilot) if name in line), "")


async def test_without_a_plane_the_lists_show_what_is_open_until_it_is_closed() -> None:
    async with console("hosts", hosts=[], size=(110, 30)) as (pilot, plane, made):
        without_plane(made)
        await settle(pilot)
        await until(pilot, lambda: ":site open user@host" in "\n".join(shown(pilot)))
        seven, eight = await opened(pilot, made, fleet(), "store-7", "store-8")
        assert "2 by SSH" in frame_text(pilot.app, "crumb")
        assert all(word in row(pilot, "store-7") for word in ("▲", "by SSH", "unhealthy", "0s"))
        assert "healthy" in row(pilot, "store-8") and "hosts" not in frame_text(pilot.app, "title")
        await eight.broke(Unreachable("The connection broke."))
        await settle(pilot)
        assert "▬" in row(pilot, "store-8") and "SSH lost" in row(pilot, "store-8")
        close(pilot.app, made, eight)
        await until(pilot, lambda: list(pilot.app.screen.query_one("#table").keys) == ["ssh:store-7"])  # type: ignore[attr-defined]
        pilot.app.open_view("clusters", "")  # type: ignore[attr-defined]
        await until(pilot, lambda: "ssh:store-7" in row(pilot, "1/2"))
        assert "by SSH" in row(pilot, "1/2") and "1 by SSH" in frame_text(pilot.app, "crumb")
        close(pilot.app, made, seven)
        await until(pilot, lambda: not row(pilot, "1/2"))
        assert not plane.calls


async def test_enter_opens_the_one_screen_of_hosts_and_of_clusters_and_s_opens_doctor() -> None:
    async with console("hosts", hosts=[], size=(80, 24)) as (pilot, _, made):
        without_plane(made)
        await opened(pilot, made, fleet(), "store-7")
        await press(pilot, "enter")
        assert view(pilot) == "host" and "By the probes 0s ago." in "\n".join(shown(pilot))
        await press(pilot, "s")
        assert view(pilot) == "doctor"
        await press(pilot, "escape")
        assert view(pilot) == "host"
        await press(pilot, "escape")
        assert view(pilot) == "hosts"
        await press(pilot, "s")
        assert view(pilot) == "doctor" and list(made.sites) == ["store-7"]
        pilot.app.open_view("clusters", "")  # type: ignore[attr-defined]
        await until(pilot, lambda: bool(row(pilot, "1/2")))
        assert "s site" in frame_text(pilot.app, "keys") and "delete" not in frame_text(pilot.app, "keys")
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "cluster")
        text = "\n".join(shown(pilot))
        assert "1 of 2 nodes not ready: edge-8" in text and "By SSH, as this one host sees it" in text
        assert "control planes" in text and "workers" in text and "plane unreachable" not in text.lower()
        await press(pilot, "y")
        await until(pilot, lambda: "reportedAt" in said(pilot))


@pytest.mark.e2e
async def test_one_host_and_one_cluster_are_one_row_and_the_other_connection_goes_on() -> None:
    async with console("hosts", hosts=[], size=(200, 60)) as (pilot, _, made):
        without_plane(made)
        one, two, eight, _nine = await opened(pilot, made, same(), "edge1", "edge2", "store-8", "store-9")
        assert "3 by SSH" in frame_text(pilot.app, "crumb") and "edge1, edge2 (edge-7f3a)" in row(pilot, "edge1")
        await press(pilot, "home")
        assert "2 connections lead to it: edge1, edge2." in beside(pilot)
        await one.broke(Unreachable("The connection broke."))
        await settle(pilot)
        (line,) = [each for each in shown(pilot) if "edge1, edge2 (edge-7f3a)" in each and "unhealthy" in each]
        assert "by SSH" in line and "edge1 (SSH lost), edge2." in beside(pilot)
        await press(pilot, "s")
        assert view(pilot) == "doctor" and pilot.app.screen.target == "edge2"  # type: ignore[attr-defined]
        await press(pilot, "o")
        assert row(pilot, "same host as edge1") and row(pilot, "same host as edge2")
        pilot.app.open_view("clusters", "")  # type: ignore[attr-defined]
        await until(pilot, lambda: "ssh:edge1, store-8" in row(pilot, "3 by SSH"))
        assert "1/2" in row(pilot, "ssh:store-9") and "2 by SSH" in frame_text(pilot.app, "crumb")
        await press(pilot, "home", "enter")
        await until(pilot, lambda: view(pilot) == "cluster")
        text = " ".join(" ".join(shown(pilot)).split())
        assert (
            "It may be the same cluster as ssh:store-9" in text and "Read from edge1 (SSH lost), edge2, store-8" in text
        )
        await press(pilot, "s")
        assert view(pilot) == "doctor" and pilot.app.screen.target == "edge2"  # type: ignore[attr-defined]
        pilot.app.open_view("cluster", "ssh:store-8")  # type: ignore[attr-defined]
        await until(pilot, lambda: pilot.app.screen.target == "ssh:edge1")  # type: ignore[attr-defined]
        for site in (one, two):  # the row has the uid of another one from now on
            close(pilot.app, made, site)
        await settle(pilot)
        await until(pilot, lambda: pilot.app.screen.target == "ssh:store-8")  # type: ignore[attr-defined]
        assert "1 of 2 nodes not ready: edge-8" in "\n".join(shown(pilot)) and eight.is_open


@pytest.mark.parametrize("keys", [("l",), ("ctrl+d",), ("t",)])
async def test_verbs_of_a_plane_are_refused_with_one_sentence(keys: tuple[str, ...]) -> None:
    async with console("hosts", hosts=[], size=(80, 24)) as (pilot, plane, made):
        await opened(pilot, made, fleet(), "store-7")
        await press(pilot, *keys)
        assert view(pilot) == "hosts" and "known by SSH alone (store-7)" in newest_message(made)
        assert not plane.calls


async def test_ctrl_r_reads_again_what_is_pointed_at_or_connects_again() -> None:
    async with console("hosts", hosts=[], size=(80, 24)) as (pilot, _, made):
        without_plane(made)
        sites = fleet()
        (site,) = await opened(pilot, made, sites, "store-7")
        host = sites.hosts["store_7"]
        assert isinstance(host, StandInHost) and len(host.scripts) == 1
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: len(host.scripts) == 2)
        await site.broke(Unreachable("The connection broke."))  # the next try would be in 30 s
        await until(pilot, lambda: site.next_try is not None)
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: site.is_open)


async def test_beside_a_plane_they_are_rows_of_their_own_and_counted_so() -> None:
    hosts = [host_document("edge-1", "berlin"), host_document("edge-2", "berlin")]
    async with console("hosts", hosts=hosts, state="lost", size=(132, 43)) as (pilot, _, made):
        (site,) = await opened(pilot, made, fleet(), "store-7")
        assert "2 + 1 by SSH" in frame_text(pilot.app, "crumb") and "2 hosts" in frame_text(pilot.app, "title")
        table: Any = pilot.app.screen.query_one("#table")
        stale = {key for index, key in enumerate(table.keys) if "stale" in table._row(index).state}
        assert stale == {"uid-edge-1", "uid-edge-2"}, "the plane is out of reach, the site is not"
        await site.broke(Unreachable("The connection broke."))
        await settle(pilot)
        assert all("stale" in table._row(index).state for index in range(3))
        made.store.restore(Model())  # another plane is used: the site is open as before
        await until(pilot, lambda: list(table.keys) == ["ssh:store-7"])


async def test_a_host_of_the_plane_that_is_open_too_is_one_row() -> None:
    hosts = [host_document("store-7", "berlin"), host_document("edge-2", "berlin")]
    sites = fleet()
    host = sites.hosts["store_7"]
    assert isinstance(host, StandInHost)
    host.facts.plane_uid = "uid-store-7"
    async with console("hosts", hosts=hosts, size=(200, 60)) as (pilot, _, made):
        await opened(pilot, made, sites, "store-7")
        assert set(pilot.app.screen.query_one("#table").keys) == {"uid-store-7", "uid-edge-2"}  # type: ignore[attr-defined]
        assert "SSH" not in frame_text(pilot.app, "crumb")
        await press(pilot, "end")
        assert "open, unhealthy 0s ago" in "\n".join(shown(pilot))
        await press(pilot, "s")
        assert view(pilot) == "doctor" and list(made.sites) == ["store-7"]


@pytest.mark.parametrize(
    ("size", "name"),
    [
        ((80, 24), "hosts"),
        *(pytest.param(size, name, marks=pytest.mark.e2e) for size in SIZES[1:] for name in ("hosts", "clusters")),
    ],
)
def test_picture(snap_compare: Callable[..., bool], size: tuple[int, int], name: str) -> None:
    made = session(fill(Store(clock=lambda: NOW), []), start_view=name)
    without_plane(made)
    app = EdgewrightApp(made)

    async def ready(pilot: Driven) -> None:
        _, eight = await opened(pilot, made, fleet(), "store-7", "store-8")
        await eight.broke(Unreachable("The connection broke."))
        table: Any = pilot.app.screen.query_one("#table")
        await until(pilot, lambda: bool(table.keys) and not table._flashing)  # new rows are shown as such for a moment

    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["hosts", "clusters", "sites"])
@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]], ids=["80x24", "200x60"])
def test_picture_of_one_row(snap_compare: Callable[..., bool], size: tuple[int, int], name: str) -> None:
    made = session(fill(Store(clock=lambda: NOW), []), start_view=name)
    without_plane(made)
    app = EdgewrightApp(made)

    async def ready(pilot: Driven) -> None:
        one, *_ = await opened(pilot, made, same(), "edge1", "edge2", "store-8", "store-9")
        await one.broke(Unreachable("The connection broke."))
        if name == "sites":
            await until(pilot, lambda: "\n".join(shown(pilot)).count("310 ms") == 3)
            return
        table: Any = pilot.app.screen.query_one("#table")
        await until(pilot, lambda: bool(table.keys) and not table._flashing)

    assert snap_compare(app, terminal_size=size, run_before=ready)
