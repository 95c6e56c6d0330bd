"""The screens of workloads over a real API server and the product's own route: watch, namespaces, 410, a lost API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgewright.clients.kube import watching
from edgewright.commands.kernel import registry
from edgewright.commands.kube import draining
from edgewright.commands.kube.changes import editing
from edgewright.commands.kube.changes.scaling import RESTARTED
from edgewright.commands.kube.local_api import open_api
from edgewright.commands.kube.object_verbs import (
    KubeManifest,
    KubeNodeDrain,
    KubeObjectDelete,
    KubeObjectEdit,
    KubeObjectRestart,
    KubeObjectScale,
    KubePodShell,
)
from edgewright.core.errors import Conflict, Failed, InvalidInput, NotFound
from edgewright.store.engine.store import Store
from edgewright.store.workloads import usage
from edgewright.store.workloads.kinds import BY_VIEW, PODS
from edgewright.yamltext.documents import read_one
from tests.e2e.kubernetes.workloads.api_server import ApiServer
from tests.e2e.kubernetes.workloads.console import context_of, make
from tests.e2e.kubernetes.workloads.stand_in_plane import UID, StandInPlane
from tests.e2e.kubernetes.workloads.stand_ins import Maker
from tests.tui.driving import Driven, frame_text, press, settle
from tui.screens.workloads.list import WorkloadsScreen
from tui.terminal.paint.screen_text import screen_text

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SPACES = ("shop", "kitchen")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: till, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec: {containers: [{name: main, image: "registry.example/till:1"}]}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    made = ApiServer.written(tmp_path_factory.mktemp("api"))
    asyncio.run(fill(made))
    yield made
    made.stop()


async def fill(server: ApiServer) -> None:
    maker = Maker(server, time.time())
    await maker.namespaces(SPACES)
    await maker.node("edge-1", gpus=2)
    await maker.node("edge-2", ready=False)
    for at in range(12):
        state = "CrashLoopBackOff" if at == 3 else "Running"
        await maker.pod(SPACES[at % 2], f"web-{at}", f"edge-{at % 2 + 1}", state, int(at == 4))
    await maker.aclose()


async def wait(pilot: Driven, truth: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, screen_text(pilot.app)
        await pilot.pause(0.05)
    await settle(pilot)


def front(pilot: Driven) -> WorkloadsScreen:
    screen = pilot.app.screen
    assert isinstance(screen, WorkloadsScreen)
    return screen


async def test_the_screens_follow_a_real_api(server: ApiServer) -> None:
    app = make(server.folder, "pods")
    maker = Maker(server, time.time())
    async with app.run_test(size=(132, 43)) as pilot:
        await wait(pilot, lambda: len(front(pilot).table.keys) >= 12)
        screen = front(pilot)
        assert screen.table.keys[0] == "kitchen/web-3" and "CrashLoopBackOff" in screen_text(app)
        await maker.pod("shop", "late-0", "edge-1")
        await wait(pilot, lambda: "shop/late-0" in screen.table.keys)
        await maker.client.delete("/api/v1/namespaces/shop/pods/late-0?gracePeriodSeconds=0")
        await wait(pilot, lambda: "shop/late-0" not in screen.table.keys)
        await wait(pilot, lambda: screen._opened and len(screen._opened.namespaces) >= 5)
        await press(pilot, str(screen._opened.namespaces.index("kitchen") + 1))  # type: ignore[union-attr]
        assert {key.partition("/")[0] for key in screen.table.keys} == {"kitchen"}
        await press(pilot, "0", "w", *["down"] * 5, "enter")
        await wait(pilot, lambda: front(pilot).view == "nodes" and "1/2" in screen_text(app))
        assert "NotReady" in screen_text(app)
    await maker.aclose()


async def test_a_version_that_is_too_old_is_listed_again(server: ApiServer) -> None:
    """A real 410: the watch begins at a version that etcd has compacted."""
    seen: list[Any] = []
    api = await open_api(context_of(StandInPlane(server.folder), Store()), UID, seen.append)
    watched: Any = watching.Watched(api, PODS.path(), PODS.row_of, lambda keys: None)
    watched._version, watched.complete = "1", True
    task = asyncio.create_task(watched.run())
    try:
        end = time.monotonic() + 30
        while not watched.rows:
            assert time.monotonic() < end, watched.error
            await asyncio.sleep(0.05)
        assert watched.live and int(watched._version) > 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await api.aclose()
    assert any("directly" in str(text) for text in seen)


async def test_an_api_that_stops_answering_is_stale_and_comes_back(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "CHECK_EVERY", 1.0)
    monkeypatch.setattr(watching, "CHECK_WITHIN", 1.0)
    app = make(server.folder, "pods")
    async with app.run_test(size=(132, 43)) as pilot:
        await wait(pilot, lambda: len(front(pilot).table.keys) >= 12)
        stopped = asyncio.create_task(asyncio.to_thread(server.pause, 6.0))
        await wait(pilot, lambda: "stale" in frame_text(app, "crumb"))
        assert len(front(pilot).table.keys) >= 12 and "does not answer" in screen_text(app)
        await stopped
        await wait(pilot, lambda: "watched" in frame_text(app, "crumb"))


@pytest.fixture
async def ready(server: ApiServer) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    context = context_of(StandInPlane(server.folder), Store())
    api = await open_api(context, UID, lambda _: None)
    yield context, {"api": api, "cluster": UID, "name": "workloads"}
    await api.aclose()


async def rows(api: Any, path: str, view: str) -> list[Any]:
    items = msgspec.json.decode(await api.request("GET", path))["items"]
    return [BY_VIEW[view].row_of(msgspec.Raw(msgspec.json.encode(each)))[1] for each in items]


async def test_verbs_against_the_real_api(
    server: ApiServer, ready: tuple[Any, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apply with the difference of the server, delete, and a drain that a real budget stops."""
    context, given = ready
    monkeypatch.setenv("PATH", str(server.folder), prepend=":")
    file = tmp_path / "till.yaml"
    file.write_text(DEPLOYMENT)
    arguments = {"file": str(file)}
    plan = await registry.acting(KubeManifest)().plan(context, (UID,), arguments)
    assert any("replicas: 2" in text for text in plan.lines) and plan.cannot_undo
    outcome = await registry.run(KubeManifest, context, (UID,), arguments, plan=plan)
    assert "deployment.apps/till serverside-applied" in outcome.result.text
    again = await registry.acting(KubeManifest)().plan(context, (UID,), arguments)
    assert again.lines == ("nothing differs",) and not again.cannot_undo
    file.write_text(DEPLOYMENT.replace("replicas: 2", "replicas: many"))
    with pytest.raises(Failed, match="replicas"):
        await registry.acting(KubeManifest)().plan(context, (UID,), arguments)

    (web,) = [row for row in await rows(given["api"], "/api/v1/namespaces/shop/pods", "pods") if row.name == "web-0"]
    with pytest.raises(Failed, match="No shell in shop/web-0: kubectl exec ended with code 1"):
        await registry.run(KubePodShell, context, (UID,), {"pod": web, "container": "main"})  # there is no kubelet

    maker = Maker(server, time.time())
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "till-1", "uid": "0000", "controller": True}
    await maker.pod("shop", "till-1-a", "edge-2", app="till", metadata={"ownerReferences": [owner]})
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "till"}}}
    budget = {"metadata": {"name": "till"}, "spec": spec}
    await maker.send("POST", "/apis/policy/v1/namespaces/shop/poddisruptionbudgets", budget)
    api = given["api"]
    nodes = [row for row in await rows(api, "/api/v1/nodes", "nodes") if row.name == "edge-2"]
    draining_args = {**given, "view": "nodes", "objects": nodes}
    monkeypatch.setattr(draining, "WITHIN", 3.0)
    monkeypatch.setattr(draining, "RETRY", 1.0)
    plan = await registry.acting(KubeNodeDrain)().plan(context, (UID,), draining_args)
    assert "waits: shop/till-1-a: budget till allows none now (0 healthy, 0 needed)" in plan.lines
    with pytest.raises(Failed, match="edge-2 is not empty") as caught:
        await registry.run(KubeNodeDrain, context, (UID,), draining_args, plan=plan)
    assert "shop/till-1-a" in caught.value.message + caught.value.hint or "other pod" in caught.value.message
    cordoned = [row for row in await rows(api, "/api/v1/nodes", "nodes") if row.name == "edge-2"]
    assert cordoned[0].status == "NotReady,cordoned"
    pods = [row for row in await rows(api, "/api/v1/namespaces/kitchen/pods", "pods") if row.name == "web-1"]
    outcome = await registry.run(KubeObjectDelete, context, (UID,), {**given, "view": "pods", "objects": pods})
    assert outcome.done == ("kitchen/web-1",)
    await maker.aclose()


async def test_edit_scale_and_restart_against_the_real_api(
    server: ApiServer, ready: tuple[Any, dict[str, Any]]
) -> None:
    """The server finds the difference, refuses what it does not know, and nothing is written over another change."""
    context, given = ready
    maker, api = Maker(server, time.time()), given["api"]
    path = "/apis/apps/v1/namespaces/kitchen/deployments"
    document = read_one(DEPLOYMENT.replace("shop", "kitchen"), "The deployment")
    await maker.send("POST", path, document)
    (row,) = [each for each in await rows(api, path, "deployments") if each.name == "till"]
    given = {**given, "view": "deployments", "objects": [row]}
    before = msgspec.json.decode(await api.request("GET", f"{path}/till"))
    text = editing.text_of(before)
    edit = registry.acting(KubeObjectEdit)()

    async def planned(old: str, new: str) -> Any:
        assert old in text
        return await edit.plan(context, (UID,), {**given, "before": before, "edited": text.replace(old, new)})

    with pytest.raises(InvalidInput, match="unknown field"):
        await planned("replicas: 2", "replicsa: 2")
    with pytest.raises(InvalidInput, match="replicas"):
        await planned("replicas: 2", "replicas: -2")
    with pytest.raises(InvalidInput, match=r"selector.*immutable"):
        await planned("matchLabels:\n      app: till", "matchLabels:\n      app: other")
    plan = await planned("till:1", "till:2")
    changes = [line.strip() for line in plan.lines if line[:1] in "+-"]
    assert len(changes) == 2 and changes[0].endswith("registry.example/till:1"), plan.lines
    await maker.status(f"{path}/till", {"replicas": 1, "observedGeneration": 1})  # a status is no change of a user
    arguments = {**given, "before": before, "edited": text.replace("till:1", "till:2")}
    outcome = await registry.run(KubeObjectEdit, context, (UID,), arguments, plan=plan)
    assert outcome.message == "deployment kitchen/till edited."
    now = msgspec.json.decode(await api.request("GET", f"{path}/till"))
    assert now["spec"]["template"]["spec"]["containers"][0]["image"].endswith("till:2")
    assert "edgewright" in {each["manager"] for each in now["metadata"]["managedFields"]}
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await registry.run(KubeObjectEdit, context, (UID,), arguments, plan=plan)

    await registry.run(KubeObjectScale, context, (UID,), {**given, "replicas": "5"})
    await registry.run(KubeObjectRestart, context, (UID,), given)
    now = msgspec.json.decode(await api.request("GET", f"{path}/till"))
    assert now["spec"]["replicas"] == 5 and RESTARTED in now["spec"]["template"]["metadata"]["annotations"]
    with pytest.raises(NotFound):
        await api.request("GET", f"{usage.BASE}/pods")
    await maker.aclose()
