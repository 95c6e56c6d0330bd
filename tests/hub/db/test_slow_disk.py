"""SIGTERM on a slow disk (P50): the hub ends in time, what was acknowledged is there, the rest was refused."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.hub.db import migrations, schema
from edgewright.hub.db.engines import open_engines
from edgewright.hub.db.records import Live
from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import Writer
from edgewright.hub.http.problems import StorageProblem
from tests.hub.attack import read_one, secure
from tests.hub.slow_disk import SlowDisk
from tests.hub_fixture import RunningHub, running_hub


class Sites:
    """Boxes that register one after the other until the hub is gone; `answers` has (uid, status, credential)."""

    def __init__(self, hub: RunningHub, token: str, count: int) -> None:
        self._hub, self._token = hub, token
        self.answers: list[tuple[str, int, str]] = []
        self.broken = 0
        self._threads = [threading.Thread(target=self._register, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _register(self, number: int) -> None:
        client = self._hub.anonymous()
        client.timeout = httpx.Timeout(60)
        for turn in range(1000):
            uid = f"s-{number}-{turn}"
            body = {"metadata": {"uid": uid}, "spec": {"host": {"hostUid": uid, "hostAuthToken": self._token}}}
            try:
                answer = client.post("/v1/edgehosts/register", json=body)
            except httpx.TransportError:
                self.broken += 1
                return
            told = answer.json()
            self.answers.append((uid, answer.status_code, told.get("status", {}).get("serviceAuthToken", "")))
            if answer.status_code == 503:
                # a number where the connection itself was refused (P3)
                assert answer.headers["retry-after"] and told["code"] in (503, "ServiceUnavailable")

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize(
    ("sync", "within"),
    [
        (0.0, 10),
        (0.8, 10),
        pytest.param(3.0, 20, marks=pytest.mark.e2e),
        pytest.param(25.0, 30, marks=pytest.mark.e2e),
    ],
)
def test_p50_sigterm_ends_in_time_and_loses_nothing_acknowledged(tmp_path: Path, sync: float, within: float) -> None:
    disk = SlowDisk(tmp_path)
    with running_hub(data=tmp_path / "d", environment=disk.environment) as hub:
        _, token = hub.token()
        host = hub.host("own", token)
        disk.syncs_take(sync)
        sites = Sites(hub, token, 6)
        beat = threading.Thread(
            target=lambda: host.patch(
                "/v1/edgehosts/own/health",
                json={"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}},
                timeout=60,
            )
        )
        beat.start()
        time.sleep(sync + 1.0 if sync < 10 else 1.2)
        began = time.monotonic()
        hub.process.send_signal(signal.SIGTERM)
        code = hub.process.wait(timeout=60)
        took = time.monotonic() - began
        sites.wait()
        beat.join()
        disk.syncs_take(0)
        counts = {status: sum(answer[1] == status for answer in sites.answers) for status in (200, 503)}
        print(f"{sync:g} s a sync: ended after {took:.1f} s, answers {counts}, {sites.broken} connections cut")
        assert (code, took < within) == (0, True), took
        log = hub.log()
        assert not [line for line in log if "trace" in line]
        statuses = {status for _, status, _ in sites.answers}
        assert statuses <= {200, 503}, statuses
        if sync:
            assert 503 in statuses or sites.broken, "somebody was not served, and knows it"
        hub.start_again()
        for uid, status, credential in sites.answers:
            if status == 200:
                found = hub.client(Authorization=credential).get(f"/v1/edgehosts/{uid}/config")
                assert found.status_code == 200, uid
        stored = {item["metadata"]["uid"] for item in _hosts(hub)}
        acknowledged = {uid for uid, status, _ in sites.answers if status == 200}
        assert acknowledged <= stored
        assert hub.register("after", token).status_code == 200


def _hosts(hub: RunningHub) -> list[dict[str, dict[str, str]]]:
    answer = hub.client(ApiKey=hub.admin_key, **{"Edgewright-Page-Limit": "1000"}).post(
        "/v1/dashboard/edgehosts/search?limit=1000", json={}
    )
    items: list[dict[str, dict[str, str]]] = answer.json()["items"]
    return items


def test_p50_a_body_that_is_not_complete_gets_503(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub, secure(hub) as link:
        link.sendall(b"POST /v1/edgehosts/register HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.3)
        began = time.monotonic()
        hub.process.send_signal(signal.SIGTERM)
        assert read_one(link).startswith(b"HTTP/1.1 503")
        assert hub.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 10


def test_p50_a_peer_that_does_not_read_does_not_delay_the_end(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        idle = [secure(hub) for _ in range(3)]
        client = hub.client()
        client.get("/v1/users/info").raise_for_status()
        began = time.monotonic()
        hub.process.send_signal(signal.SIGTERM)
        assert hub.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 4.5  # before `PEERS`, when those that do not read are cut
        for link in idle:
            link.close()


async def test_p50_what_is_queued_is_refused_when_commits_are_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, readers = open_engines(tmp_path, None)
    migrations.migrate(engine)
    writer = Writer(engine, asyncio.get_running_loop())

    begun = threading.Event()

    def store(key: str, seconds: float) -> Callable[[Tx], str]:
        def run(tx: Tx) -> str:
            begun.set()
            time.sleep(seconds)
            tx.run(schema.settings.insert().values(key=key, value=""))
            return key

        return run

    monkeypatch.setattr("edgewright.hub.db.writer.DRAIN", 0.5)
    first = writer.submit(store("first", 0.6))
    await asyncio.to_thread(begun.wait, 20)
    queued = [writer.submit(store(f"q{number}", 0)) for number in range(3)]
    beat = writer.beat(Live().beat("h", 1, 1, 0))
    writer.begin_stop()
    with pytest.raises(StorageProblem):
        writer.submit(store("late", 0))
    assert await first == "first"
    waiting: list[asyncio.Future[Any]] = [*queued, beat]
    for future in waiting:
        with pytest.raises(StorageProblem) as refused:
            await future
        assert refused.value.status == 503
    assert await asyncio.to_thread(writer.stop, 5)
    with readers.connect() as connection:
        assert [row.key for row in connection.execute(schema.settings.select())] == ["first"]


async def test_p50_what_the_disk_never_confirms_is_refused_at_the_end(tmp_path: Path) -> None:
    engine, _ = open_engines(tmp_path, None)
    migrations.migrate(engine)
    writer = Writer(engine, asyncio.get_running_loop())
    going_on = threading.Event()
    begun = threading.Event()
    stuck = writer.submit(lambda tx: begun.set() or going_on.wait(20))  # type: ignore[func-returns-value]
    await asyncio.to_thread(begun.wait, 20)
    assert not await asyncio.to_thread(writer.stop, 0.2)
    writer.give_up()
    with pytest.raises(StorageProblem, match="not confirmed"):
        await stuck
    going_on.set()
    assert await asyncio.to_thread(writer.stop, 5)


async def test_the_log_of_the_database_does_not_grow_without_end(tmp_path: Path) -> None:
    engine, readers = open_engines(tmp_path, None)
    migrations.migrate(engine)
    writer = Writer(engine, asyncio.get_running_loop())
    for number in range(600):
        row = schema.settings.insert().values(key=f"k{number}", value="x" * 50_000)
        await writer.submit(lambda tx, row=row: tx.run(row))  # type: ignore[misc]
    assert (tmp_path / "hub.db").stat().st_size > 15_000_000
    assert (tmp_path / "hub.db-wal").stat().st_size < 15_000_000
    assert await asyncio.to_thread(writer.stop, 5)
    engine.dispose()
    readers.dispose()
