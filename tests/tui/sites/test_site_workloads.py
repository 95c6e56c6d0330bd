"""`w` on a site: the pods of the cluster of its host on the screens of workloads, with their keys, and no plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.core.errors import Unreachable
from edgewright.store.engine import events as kinds
from tests.tui.driving import Driven, console, frame_text, press, until
from tests.tui.fake_cluster_api import FakeClusterApi
from tests.tui.samples import NOW
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tests.tui.workloads import NAMESPACES, PODS, meta, pod
from tui.terminal.paint.screen_text import screen_text

TARGET = "kairos@edge-7f3a"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


class Opening:
    """Opens a fake API, and records whose."""

    def __init__(self, error: Exception | None = None) -> None:
        pods = [pod("till-0"), pod("oven-0", "kitchen", "CrashLoopBackOff")]
        self.api = FakeClusterApi({PODS: pods, NAMESPACES: [{"metadata": meta("shop")}]})
        self.asked: list[str] = []
        self.error = error

    async def __call__(self, uid: str, report: Callable[[str], None]) -> Any:
        self.asked.append(uid)
        if self.error is not None:
            raise self.error
        return self.api


def doctor(opening: Opening, sites: Sites | None = None, size: tuple[int, int] = (80, 24), **fields: Any) -> Any:
    made = sites or Sites(StandInHost(FINE))
    return console("doctor", TARGET, size=size, make_site=made.make, open_cluster=opening, **fields)


def shown(pilot: Driven) -> str:
    return " ".join(screen_text(pilot.app).split())


async def pods_of(pilot: Driven) -> None:
    await until(pilot, lambda: "read 0s ago" in shown(pilot))
    await press(pilot, "w")
    await until(pilot, lambda: "till-0" in shown(pilot))


async def test_w_shows_the_pods_with_the_title_of_the_site() -> None:
    opening = Opening()
    async with doctor(opening) as (pilot, _, _):
        await pods_of(pilot)
        assert opening.asked == [f"ssh:{TARGET}"]
        assert "site edge-7f3a by SSH" in frame_text(pilot.app, "title")
        crumb = frame_text(pilot.app, "crumb")
        assert crumb.startswith("Pods") or "› Pods" in crumb
        assert "ssh:" not in shown(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: "CONTAINERS" in shown(pilot))
        assert "site edge-7f3a by SSH" in frame_text(pilot.app, "title")


async def test_the_verbs_are_there_with_a_plane_that_has_no_relay() -> None:
    opening = Opening()
    async with doctor(opening) as (pilot, _, made):
        lacks = {"state": "live", "role": "operator", "missing": ["CanRelay", "CanCall"]}
        made.store.emit("plane", kinds.SOURCE_STATE, lacks)
        await pods_of(pilot)
        assert "ctrl+d" in shown(pilot) or "delete" in shown(pilot)
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: "Delete pod" in shown(pilot))
        assert f"kube delete ssh:{TARGET}" in shown(pilot)


async def test_the_api_ends_with_its_site() -> None:
    opening = Opening()
    sites = Sites(StandInHost(FINE))
    async with doctor(opening, sites) as (pilot, _, session):
        await pods_of(pilot)
        assert sites.site is not None and f"ssh:{TARGET}" in session.opened
        await sites.site.aclose()
        assert f"ssh:{TARGET}" not in session.opened


async def test_what_is_wrong_with_the_way_is_on_the_screen() -> None:
    opening = Opening(Unreachable("127.0.0.1:6443 is not reached from edge-7f3a.", "Check kube-apiserver."))
    async with doctor(opening) as (pilot, _, _):
        await until(pilot, lambda: "read 0s ago" in shown(pilot))
        await press(pilot, "w")
        await until(pilot, lambda: "is not reached from edge-7f3a" in shown(pilot))
