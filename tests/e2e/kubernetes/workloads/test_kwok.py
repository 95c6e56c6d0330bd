"""Pods that kwok keeps: what the console shows of each is what the API prints for `kubectl get`, while they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from edgewright.store.workloads.kinds import BY_VIEW
from edgewright.store.workloads.nodes import NodeRow
from edgewright.store.workloads.pods import PodRow
from edgewright.yamltext.writer import write
from tests.e2e.kubernetes.workloads import kwok
from tests.e2e.kubernetes.workloads.api_server import ApiServer
from tests.e2e.kubernetes.workloads.console import make
from tests.e2e.kubernetes.workloads.kwok import Keeper
from tests.support import missing
from tests.tui.driving import Driven, settle
from tui.screens.workloads.list import WorkloadsScreen
from tui.terminal.paint.screen_text import screen_text

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
PODS = 12
STATES = {
    ("1/1", "Running", False), ("1/1", "Running", True), ("0/1", "Running", False), ("0/1", "Pending", False),
    ("0/1", "CrashLoopBackOff", False), ("0/1", "CrashLoopBackOff", True),
}  # fmt: skip
"""Ready containers, status, and whether one has started again: what pods of kwok pass."""
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
"""What kubectl asks for: the API makes the cells of its columns."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    program = kwok.program()
    if program is None:
        missing("kwok", kwok.HINT)
    made = ApiServer(tmp_path_factory.mktemp("api"))
    try:
        (made.folder / "kubeconfig").write_text(write(made.config()))
        (made.folder / "address").write_text(made.address)
        kwok.start(made, program)
        asyncio.run(fill(made))
        yield made
    finally:
        made.stop()


async def fill(server: ApiServer) -> None:
    keeper = Keeper(server)
    await keeper.maker.namespaces(["shop"])
    await keeper.nodes(["edge-1", "edge-2", "edge-3"], [1, 0, 0])
    for at in range(PODS):
        label = kwok.CRASHES if at == 3 else kwok.FLAPS if at == 4 else ""
        await keeper.pod("shop", f"web-{at}", int(at == 5), label, placed=at != 6)
    await keeper.running(PODS, 1)
    await keeper.maker.aclose()


async def seen(server: ApiServer, path: str, view: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return rows of the console, and cells of `kubectl get -o wide`, of one version of a list: by name."""
    client = Keeper(server).maker.client
    listed = (await client.get(path)).content
    version = msgspec.json.decode(listed)["metadata"]["resourceVersion"]
    asked = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
    table = (await client.get(path, params=asked, headers={"Accept": TABLE})).json()
    await client.aclose()
    columns = [each["name"] for each in table["columnDefinitions"]]
    cells = [dict(zip(columns, each["cells"], strict=True)) for each in table["rows"]]
    rows = [
        BY_VIEW[view].row_of(msgspec.Raw(msgspec.json.encode(each)))[1] for each in msgspec.json.decode(listed)["items"]
    ]
    return {row.name: row for row in rows}, {each["Name"]: each for each in cells}


async def until(truth: Callable[[], Awaitable[bool]], within: float = 300.0) -> None:
    async with asyncio.timeout(within):
        while not await truth():
            await asyncio.sleep(1.0)


async def test_a_row_has_what_kubectl_prints(server: ApiServer) -> None:
    """In each state that a pod passes: running, waiting for a node, ended and begun again, not ready."""
    states: set[tuple[str, str, bool]] = set()

    async def passed() -> bool:
        rows, cells = await seen(server, "/api/v1/pods", "pods")
        assert len(rows) == PODS and rows.keys() == cells.keys()
        for name, row in rows.items():
            assert isinstance(row, PodRow)
            shown = (
                f"{row.ready}/{row.containers}",
                row.status,
                str(row.restarts),
                row.node or "<none>",
                row.ip or "<none>",
            )
            cell = cells[name]
            restarts = str(cell["Restarts"]).partition(" ")[0]  # "3 (20s ago)"
            assert shown == (cell["Ready"], cell["Status"], restarts, cell["Node"], cell["IP"])
            states.add((*shown[:2], row.restarts > 0))
        return states >= STATES

    await until(passed)
    rows, _ = await seen(server, "/api/v1/pods", "pods")
    assert "3 node(s) didn't match Pod's node affinity/selector" in rows["web-6"].reason
    assert rows["web-5"].gpu == 1 and rows["web-5"].node == "edge-1"
    assert time.time() - rows["web-3"].restarted < 120


async def test_the_screen_follows_what_kwok_changes(server: ApiServer) -> None:
    app = make(server.folder, "pods")
    async with app.run_test(size=(132, 43)) as pilot:

        def front() -> WorkloadsScreen:
            assert isinstance(app.screen, WorkloadsScreen)
            return app.screen

        async def shows(*words: str) -> None:
            end = time.monotonic() + 300
            while not any(all(word in line for word in words) for line in screen_text(app).splitlines()):
                assert time.monotonic() < end, screen_text(app)
                await pilot.pause(0.1)
            await settle(pilot)

        await shows("web-11", "1/1", "Running")
        await shows("web-3", "0/1", "CrashLoopBackOff")
        before = restarts(pilot)
        await shows("web-3", "1/1", "Running", str(before + 1))
        await shows("web-4", "0/1", "Running")
        await shows("web-4", "1/1", "Running")
        assert front().table.keys and "Pending" in screen_text(app)


def restarts(pilot: Driven) -> int:
    (line,) = [line for line in screen_text(pilot.app).splitlines() if "web-3 " in line]
    return int(line.partition("CrashLoopBackOff")[2].split()[0])


async def test_leases_are_renewed_and_a_node_falls_ill(server: ApiServer) -> None:
    keeper = Keeper(server)
    _, renewed = await keeper.changes(15)
    assert renewed >= 3
    await keeper.unwell("edge-3")
    await keeper.maker.aclose()

    async def tainted() -> bool:
        rows, cells = await seen(server, "/api/v1/nodes", "nodes")
        for name, row in rows.items():
            assert isinstance(row, NodeRow) and row.status == cells[name]["Status"]
        return [rows[name].status for name in ("edge-1", "edge-3")] == ["Ready", "NotReady"]

    await until(tainted)
