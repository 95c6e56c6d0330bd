"""Pictures of the logs of open sites: reading, empty, lines of all kinds, two hosts with faults, a lost connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.core.errors import Unreachable
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, frame_text, press, said, settle, until
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.log_host import LogHost
from tests.tui.sites.site_host import Sites
from tui.app import EdgewrightApp
from tui.frame.links import open_key
from tui.screens.doctor.logs import SiteLogScreen

Compare = Callable[..., bool]
SIZES = ((80, 24), (132, 43), (200, 60))
NAMES = ["80x24", "132x43", "200x60"]
TARGET = "kairos@edge-7f3a"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    stopped = SimpleNamespace(monotonic=lambda: 0.0)  # a skew is exact to half of the time that an answer takes
    monkeypatch.setattr("edgewright.clients.ssh.logs.host_log.time", stopped)


def filled(ahead: float = 0.0) -> LogHost:
    host = LogHost(ahead=ahead)
    zap: list[Mapping[str, Any]] = [
        {
            "level": "info",
            "ts": 1,
            "logger": "upgrade",
            "msg": "image is pulled",
            "image": "k8s/pause:3.10",
            "took": 4.2,
        },
        {"level": "error", "ts": 1, "msg": "cannot reach the registry", "err": "dial tcp 10.4.1.9:443: i/o timeout"},
        {"level": "warn", "ts": 1, "msg": "login", "user": "ana", "password": "canary-7f3a"},
    ]
    for number in range(30):
        host.write(f"I1123 14:0{number % 6}:11.000001    77 kubelet.go:7] sync of pod {number}", NOW - 200 + number)
    for number, document in enumerate(zap):
        host.write(json.dumps(document), NOW - 60 + number, "palette-agent.service")
    host.write("Out of memory: killed process 4242 (etcd)", NOW - 20, "kernel", 3)
    host.write("Started containerd container runtime.", NOW - 5, "containerd.service")
    return host


def app_of(host: LogHost, *others: Any) -> EdgewrightApp:
    made = Sites(host, *others)
    store = Store(clock=lambda: NOW)
    return EdgewrightApp(session(fill(store), start_view="doctor", start_target=TARGET, make_site=made.make))


def log_of(units: str, text: str, *keys: str) -> Callable[[Driven], Any]:
    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))
        open_key(pilot.app, f"site-log/{TARGET}/{units}")
        await until(pilot, lambda: isinstance(pilot.app.screen, SiteLogScreen) and text in said(pilot))
        await press(pilot, *keys)

    return ready


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_lines(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(filled()), terminal_size=size, run_before=log_of("all", "containerd"))


def test_wrapped_errors_with_hits(snap_compare: Compare) -> None:
    ready = log_of("all", "containerd", "w", "L", "L", "slash", *"registry", "enter")
    assert snap_compare(app_of(filled()), terminal_size=(80, 24), run_before=ready)


def test_empty(snap_compare: Compare) -> None:
    ready = log_of("kubelet", "Nothing was logged yet.")
    assert snap_compare(app_of(LogHost()), terminal_size=(80, 24), run_before=ready)


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES[1:], ids=NAMES[1:])
def test_empty_and_wide(snap_compare: Compare, size: tuple[int, int]) -> None:
    ready = log_of("kubelet", "Nothing was logged yet.")
    assert snap_compare(app_of(LogHost()), terminal_size=size, run_before=ready)


def _faulty(size_ready: Callable[[Driven], Any]) -> Callable[[Driven], Any]:
    async def ready(pilot: Driven) -> None:
        await size_ready(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, SiteLogScreen)
        two = filled(ahead=3600)
        other = Sites(two).make("ana@edge-b")
        screen.session.sites["ana@edge-b"] = other
        await other.connect(None)  # type: ignore[arg-type]
        await press(pilot, "m", "enter")
        await until(pilot, lambda: "1 h ahead" in said(pilot))
        two.streams[-1].report("left 4041")
        two.write("cut", NOW)
        two.write("and on it goes", NOW)
        await until(pilot, lambda: "and on it goes" in said(pilot))

    return ready


@pytest.mark.parametrize("size", SIZES[:2], ids=NAMES[:2])
def test_two_hosts_with_a_wrong_clock_and_a_slow_link(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(filled()), terminal_size=size, run_before=_faulty(log_of("all", "containerd")))


@pytest.mark.parametrize("size", SIZES[:1], ids=NAMES[:1])
def test_stale(snap_compare: Compare, size: tuple[int, int]) -> None:
    host = filled()
    away = Unreachable("Nothing answers at 10.4.1.7:22.", "Check the network.", "NoAnswer")

    async def ready(pilot: Driven) -> None:
        await log_of("all", "containerd")(pilot)
        site = pilot.app.session.sites[TARGET]  # type: ignore[attr-defined]
        site._pauses = (12.0,)
        host.alive = False
        await until(pilot, lambda: "retry in 12s" in frame_text(pilot.app, "title"))

    assert snap_compare(app_of(host, away), terminal_size=size, run_before=ready)
