"""Fetches are few, of one caller too; they wait in threads of their own, and a role that may only read causes none."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from edgewright.core.errors import Unreachable
from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.hub.http.problems import Problem
from edgewright.hub.packs import fetcher, fetching
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.registry_documents import FAILED
from edgewright.hub.resources.registries import sync
from edgewright.wire import protocol
from tests.hub.packs.sources import added, helm_body, helm_server
from tests.hub.people import person, project
from tests.hub_fixture import RunningHub, running_hub
from tests.oci.raw_server import RawServer

Serve = Callable[..., RawServer]


async def test_fetches_that_hang_leave_reading_the_database_its_threads(inside: Any) -> None:
    hub, admin = inside
    ends = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    hanging = [asyncio.create_task(hub.part(Fetcher).run(ends.wait, f"key {number}")) for number in range(5)]
    try:
        await asyncio.sleep(0.05)
        assert (await asyncio.wait_for(admin.get(protocol.AUDITS), 5)).status_code == 200
        assert [task.done() for task in hanging] == [False] * 5
    finally:
        ends.set()
        await asyncio.gather(*hanging)


async def test_one_caller_leaves_room_for_others() -> None:
    made, ends = Fetcher(), threading.Event()
    hanging = [asyncio.create_task(made.run(ends.wait, "key a")) for _ in range(fetcher.OF_ONE)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await made.run(ends.wait, "key a")
    assert refused.value.status == 429 and "Retry-After" in refused.value.headers
    others = [asyncio.create_task(made.run(ends.wait, f"key {number}")) for number in range(fetcher.WAITING - 10)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as busy:
        await made.run(ends.wait, "key z")
    assert busy.value.status == 503
    ends.set()
    await asyncio.gather(*hanging, *others)
    assert await made.run(lambda: 1, "key a") == 1


async def test_a_turn_lasts_until_its_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "AT_ONCE", 1)
    made, ends, ran = Fetcher(), threading.Event(), []
    first = asyncio.create_task(made.run(ends.wait))
    await asyncio.sleep(0.02)
    first.cancel()
    second = asyncio.create_task(made.run(lambda: ran.append(1)))
    await asyncio.sleep(0.05)
    assert first.cancelled() and not ran
    ends.set()
    await second
    assert ran == [1]


async def test_work_that_ends_its_thread_is_an_error_and_ends_no_loop() -> None:
    made = Fetcher()
    with pytest.raises(RuntimeError, match="SystemExit"):
        await made.run(lambda: sys.exit(3), "key a")
    assert await made.run(lambda: 1, "key a") == 1


async def test_all_who_ask_for_a_pack_get_the_outcome_of_one_fetch() -> None:
    made, calls = Fetcher(), []

    def work() -> None:
        calls.append(1)
        time.sleep(0.05)
        raise Unreachable("The registry does not answer.", "Try again.")

    outcomes = await asyncio.gather(
        *(made.once("uid", lambda: made.run(work, "key a")) for _ in range(30)), return_exceptions=True
    )
    assert calls == [1] and {type(outcome) for outcome in outcomes} == {Problem}
    with pytest.raises(Problem):
        await made.once("uid", lambda: made.run(work, "key a"))
    assert calls == [1, 1]


def test_a_role_that_may_only_read_causes_no_fetch(hub: RunningHub, serve: Serve) -> None:
    admin, server = hub.client(), helm_server(serve)
    registry, _ = added(admin, helm_body(server.host))
    listed = admin.get(protocol.PACKS, params={"filters": f"spec.registryUid={registry}"}).json()["items"]
    uid = next(item["metadata"]["uid"] for item in listed if item["spec"]["version"] == "1.2.3")
    viewer, ours = person(hub, VIEWER).client, project(hub)
    requests = len(server.requests)
    paths = (f"/v1/packs/{uid}", f"/v1/packs/{uid}/readme", f"{protocol.OWN_PACKS}/{uid}")
    for path in paths:
        answer = viewer.get(path)
        assert answer.status_code == 403 and "edgewright pack fetch demo" in answer.json()["message"]
    assert len(server.requests) == requests
    assert person(hub, "", {ours: OPERATOR}).client.get(paths[0]).status_code == 200
    assert [viewer.get(path).status_code for path in paths] == [200] * 3
    admin.delete(f"/v1/registries/{registry}")


async def test_a_failure_that_nobody_expected_is_the_state_of_its_registry(
    inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    body = helm_body("127.0.0.1:9")
    body["spec"]["createOption"] = {"skipSync": True}
    uid = (await admin.post(protocol.HELM_REGISTRIES, json=body)).json()["uid"]

    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(fetching, "look", broken)
    sync.begin(hub, uid)
    await asyncio.gather(*hub.part(Fetcher).tasks)
    state = (await admin.get(f"{protocol.HELM_REGISTRIES}/{uid}/sync/status")).json()
    assert state["status"] == FAILED and "hub.log" in state["message"]


@pytest.mark.e2e
def test_p50_the_end_of_a_hub_waits_for_no_registry(serve: Serve) -> None:
    ends = threading.Event()

    def silent(link: socket.socket, request: bytes) -> None:
        ends.wait(60)

    server = serve(silent)
    try:
        with running_hub() as hub:
            hub.client().post(protocol.HELM_REGISTRIES, json=helm_body(server.host))
            until = time.monotonic() + 10
            while not server.requests and time.monotonic() < until:
                time.sleep(0.05)
            began = time.monotonic()
            assert hub.stop() == 0 and time.monotonic() - began < 5
    finally:
        ends.set()
