"""The local API of a site in the console: the login, what is shown with its age, and what is shown when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.site.api.session import SHOWN, SiteLocalApi, Value
from edgewright.core.errors import Unreachable
from edgewright.store.engine.store import Store
from tests.clients.local_api.stand_in import HOST, MGMT, PASSWORD, SAMPLES, USER, StandInLocalApi
from tests.tui.driving import Driven, console, frame_text, press, said, settle, until
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tui.app import EdgewrightApp
from tui.terminal.paint.screen_text import screen_text

TARGET = "kairos@edge-7f3a"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StandInLocalApi]:
    with StandInLocalApi(tmp_path / "api") as made:
        yield made


class Wire:
    """A TCP connection, as a channel of SSH gives it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, size: int = 65536) -> bytes:
        return await self._reader.read(size)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def aclose(self) -> None:
        self._writer.close()


class HostWithApi(StandInHost):
    """A host whose port 5080 is the stand-in of its API."""

    def __init__(self, server: StandInLocalApi) -> None:
        super().__init__({**FINE, "network.listen": "0016\n13D8"})
        self.server = server
        self.places: list[tuple[str, int]] = []

    async def open_stream(self, host: str, port: int) -> Any:
        self.places.append((host, port))
        return Wire(*await asyncio.open_connection("127.0.0.1", self.server.port))


def shown(pilot: Driven) -> str:
    return " ".join(screen_text(pilot.app).split())


async def logged_in(pilot: Driven, password: str = PASSWORD) -> None:
    await until(pilot, lambda: "read 0s ago" in shown(pilot))
    assert "answers: local API 5080" in shown(pilot)
    await press(pilot, "a")
    await until(pilot, lambda: "Local API of kairos@edge-7f3a, port 5080" in shown(pilot))
    await press(pilot, "tab", *password, "enter")


async def test_the_page_has_everything_with_its_age(server: StandInLocalApi) -> None:
    host = HostWithApi(server)
    async with console("doctor", TARGET, make_site=Sites(host).make) as (pilot, _, opened):
        await logged_in(pilot)
        await until(pilot, lambda: frame_text(pilot.app, "crumb").endswith(f"as {USER}"))
        text = said(pilot)
        for each in (
            "local API, 0s ago",
            "edge-7f3a-uid",
            "4.8.2 local airgap",
            "Running, Healthy",
            "bundle-1.tar.zst",
        ):
            assert each in text, each
        assert "canary" not in text and "Certificate" in text
        assert frame_text(pilot.app, "crumb").split()[-2:] == ["as", USER]
        assert set(host.places) == {("127.0.0.1", 5080)}
        asked = len(server.asked)
        await press(pilot, "R")
        await until(pilot, lambda: len(server.asked) > asked + 10)
        site = opened.sites[TARGET]
        await site.aclose()
        await until(pilot, lambda: server.sessions == 0)
        assert TARGET not in opened.local_apis


async def test_a_wrong_password_is_a_sentence_and_can_be_typed_again(server: StandInLocalApi) -> None:
    async with console("doctor", TARGET, make_site=Sites(HostWithApi(server)).make) as (pilot, _, _):
        await logged_in(pilot, "wrong")
        await until(pilot, lambda: "does not accept kairos with this password" in shown(pilot))
        assert "wrong" not in said(pilot).replace("5 wrong passwords", "")
        await press(pilot, "L")
        await until(pilot, lambda: "Local API of kairos@edge-7f3a" in shown(pilot))
        await press(pilot, "tab", *PASSWORD, "enter")
        await until(pilot, lambda: "edge-7f3a-uid" in said(pilot))


async def test_what_the_host_does_not_have_is_shown_with_the_reason(server: StandInLocalApi) -> None:
    server.answers[f"{MGMT}/cluster/details"] = (404, b'{"message": "no cluster is formed"}')
    server.answers[f"{HOST}/link/status"] = (500, b'{"message": "not today"}')
    async with console("doctor", TARGET, make_site=Sites(HostWithApi(server)).make) as (pilot, _, _):
        await logged_in(pilot)
        await until(pilot, lambda: "ERRORS OF THE HOST" in said(pilot))
        text = shown(pilot) + said(pilot)
        assert "no cluster is formed" in text and "not today" in text


async def test_no_password_is_asked_for_where_the_probes_found_no_api(server: StandInLocalApi) -> None:
    host = HostWithApi(server)
    host.outputs["network.listen"] = "0016"
    async with console("doctor", TARGET, make_site=Sites(host).make) as (pilot, _, _):
        await until(pilot, lambda: "read 0s ago" in shown(pilot))
        await press(pilot, "a")
        reason = "The probes found no local API 0s ago: nothing listens on port 5080."
        await until(pilot, lambda: reason in shown(pilot))
        assert "password" not in shown(pilot)
        await press(pilot, "question_mark")
        await until(pilot, lambda: "HERE: LOCAL API" in said(pilot))
        await press(pilot, "escape", "L")
        await until(pilot, lambda: "Local API of kairos@edge-7f3a, port 5080" in shown(pilot))


async def test_a_session_that_has_ended_asks_for_the_password(server: StandInLocalApi) -> None:
    async with console("doctor", TARGET, make_site=Sites(HostWithApi(server)).make) as (pilot, _, _):
        await logged_in(pilot)
        await until(pilot, lambda: "ERRORS OF THE HOST" in said(pilot))
        for path in list(server.answers):
            server.answers[path] = (401, b'{"message": "expired"}')
        await press(pilot, "R")
        await until(pilot, lambda: "not logged in" in shown(pilot))
        assert "edge-7f3a-uid" in said(pilot)


# Pictures -------------------------------------------------------------------------------------------------------------

SIZES = ((80, 24), (132, 43), (200, 60))


def prefilled(state: str) -> Any:
    """Return what makes the page of a state without a server."""

    def of(made: Any, site: Any) -> SiteLocalApi:
        api = SiteLocalApi(site, now=lambda: NOW)
        api.user = "" if state == "empty" else USER
        api.reading = state == "loading"
        if state in ("healthy", "faulty", "stale"):
            for name, call in SHOWN:
                api.values[name] = Value(call.view(SAMPLES[call.path]), NOW - 75)
            api.fingerprint = ":".join(["AB"] * 32)
        if state == "faulty":
            api.values["cluster"] = Value(None, NOW - 75, "edge-7f3a has no cluster: no cluster is formed.")
            api.problem = "The local API of edge-7f3a does not answer within 15 s. Try again."
        made.local_apis[TARGET] = api
        return api

    return of


def picture(state: str) -> tuple[EdgewrightApp, Callable[[Driven], Any]]:
    store = Store(clock=lambda: NOW)
    host = StandInHost(FINE)
    sites = Sites(host)
    made = session(fill(store), start_view="doctor", start_target=TARGET, make_site=sites.make)

    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))
        prefilled(state)(made, sites.site)
        await press(pilot, "a")
        if state == "empty":
            await until(pilot, lambda: "Local API of kairos@edge-7f3a" in shown(pilot))
            await press(pilot, "escape")
        if state == "stale":
            sites.hosts[:] = [Unreachable("The connection to edge-7f3a broke.")]
            assert sites.site is not None
            await sites.site.broke(Unreachable("The connection to edge-7f3a broke."))
        await until(pilot, lambda: "Local API" in frame_text(pilot.app, "crumb"))
        await settle(pilot)

    return EdgewrightApp(made), ready


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_healthy(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    app, ready = picture("healthy")
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.e2e
@pytest.mark.parametrize("state", ["loading", "empty", "faulty", "stale"])
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_state(snap_compare: Callable[..., bool], size: tuple[int, int], state: str) -> None:
    app, ready = picture(state)
    assert snap_compare(app, terminal_size=size, run_before=ready)
