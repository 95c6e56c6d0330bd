"""List and detail of clusters in each state, their keys, the way from a cluster to its hosts and back, Pulse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edgewright.clients.http.errors import UNKNOWN_PATH
from edgewright.clients.ports import CanCall, CanOperateHosts
from edgewright.commands.cluster import actions
from edgewright.core import times
from edgewright.core.errors import NotFound, Refused
from edgewright.store.collections.catalogue import measured
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.feed import FEED, EventRow
from edgewright.store.engine.store import Store
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import personal
from tests.tui.clusters import CASES, checklist, cluster, clusters, event
from tests.tui.driving import Driven, console, press, said, settle, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp
from tui.frame.feed import feed_line
from tui.terminal.paint.screen_text import screen_text
from tui.widgets.line_view import LineView

SIZES = ((80, 24), (132, 43), (200, 60))
IDS = [f"{width}x{height}" for width, height in SIZES]
Compare = Callable[..., bool]


class Reply(NamedTuple):
    data: Any


class Plane(FakePlane):
    """A plane with clusters; `retried` are hosts that were asked to start failed steps again."""

    def __init__(self, documents: list[dict[str, Any]] | None = None) -> None:
        super().__init__()
        self.documents = clusters() if documents is None else documents
        self.retried: list[tuple[str, str]] = []
        self.sent: list[tuple[str, str]] = []

    async def port(self, wanted: type) -> Any:
        return self if wanted in (CanCall, CanOperateHosts) else await super().port(wanted)

    async def create(self, uid: str, kind: str, params: Any = None) -> str:
        self.retried.append((uid, kind))
        return "op-1"

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        if method != "GET" and path != wire.SEARCH:
            self.sent.append((method, path))
        one = next((each for each in self.documents if path.endswith(f"/{each['metadata']['uid']}/overview")), None)
        if one is not None:
            return Reply(one)
        items = self.documents if path == wire.SEARCH else []
        return Reply({"items": items, "listmeta": {"count": len(items)}})


def filled(documents: list[dict[str, Any]], state: str = "live") -> Store:
    store = fill(Store(clock=lambda: NOW), None, state)
    store.emit("plane", CLUSTERS.seen, {"docs": documents, "complete": True}, NOW - 3)
    text = "Cluster 'pos-berlin' is unhealthy: 1 node not ready: edge-7f3a."
    events = [event("k1", 840, "Warning", "degraded", text, "ClusterUnhealthy")]
    store.emit("plane", FEED.seen, {"docs": events}, NOW - 3)
    store.flush()
    return store


def app_of(view: str, target: str = "", documents: list[dict[str, Any]] | None = None, state: str = "live") -> Any:
    documents = clusters() if documents is None else documents
    store = filled(documents, state)
    made = session(store, start_view=view, start_target=target)
    made.make_context = lambda: context_of(Plane(documents), store)
    return EdgewrightApp(made)


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("view", ["clusters", "pulse"])
def test_sizes(snap_compare: Compare, view: str, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(view), terminal_size=size, run_before=ready)


async def test_80_columns_have_the_age_where_no_cluster_is_simulated() -> None:
    documents = [each for each in clusters() if not each["status"]["edgewright"]["simulated"]]
    async with console("clusters", plane=Plane(documents), size=(80, 24)) as (pilot, _, _):
        await ready(pilot)
        header = next(text for text in screen_text(pilot.app).splitlines() if "CLUSTER" in text)
        assert header.split()[-4:-1] == ["KIND", "REPORT", "AGE"], header


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("case", CASES)
def test_cluster(snap_compare: Compare, case: str, size: tuple[int, int]) -> None:
    assert snap_compare(app_of("cluster", f"c-{case}"), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("state", ["empty", "lost"])
@pytest.mark.parametrize("view", ["clusters", "cluster"])
def test_without(snap_compare: Compare, view: str, state: str, size: tuple[int, int]) -> None:
    """No cluster, or no longer this one; a plane that cannot be reached."""
    documents: list[dict[str, Any]] | None = [] if state == "empty" else None
    app = app_of(view, "c-healthy" if view == "cluster" else "", documents, "live" if state == "empty" else "lost")
    if state == "lost":
        app.session.make_context = None
    assert snap_compare(app, terminal_size=size, run_before=ready)


async def test_the_way_through_cluster_and_host_and_back() -> None:
    """Enter on a node opens its host, where the cluster and the site are one key away; Esc goes up; `y` is raw."""
    async with console("cluster", "c-degraded", plane=Plane(), size=(132, 43)) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": clusters(), "complete": True}, NOW)
        await settle(pilot)
        assert "1 node not ready" in said(pilot)
        await press(pilot, "enter")
        assert view(pilot) == "host" and pilot.app.path[-1] == ("host", "uid-edge-7f3a")  # type: ignore[attr-defined]
        keys = [line.key for line in pilot.app.screen.query_one("#facts", LineView).lines if line.key]
        assert keys[:2] == ["cluster/c-pos-berlin", "hosts/tag.site:berlin-04"]
        await press(pilot, "escape", "y")
        assert view(pilot) == "raw" and "healthState: UnHealthy" in said(pilot)


async def test_the_list_follows_the_stream_without_asking_again() -> None:
    plane = Plane()
    async with console("clusters", plane=plane) as (pilot, _, made):
        await ready(pilot)
        asked: list[str] = []
        plane.call = lambda *words, **more: asked.append(str(words)) or Plane.call(plane, *words, **more)  # type: ignore[method-assign,func-returns-value]
        document = cluster("forming")
        document["status"]["state"] = "Running"
        made.store.emit("plane", CLUSTERS.seen, {"docs": [document]}, NOW)
        await settle(pilot)
        line = next(row for row in screen_text(pilot.app).splitlines() if " pos-ulm " in row)
        assert "Running" in line and not asked


async def test_retry_asks_the_host_whose_step_waits() -> None:
    plane = Plane()
    async with console("cluster", "c-failed", plane=plane) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": clusters(), "complete": True}, NOW)
        await settle(pilot)
        await press(pilot, "r")
        assert view(pilot) == "ConfirmModal" and "no space left on device" in said(pilot)
        await press(pilot, "enter")
        assert plane.retried == [("uid-edge-7f3a", "retry")]


async def test_retry_waits_for_the_report_of_a_host_that_gave_up_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "LOOK_EVERY", 0.01)
    gave_up = {**cluster("failed"), "metadata": {**cluster("failed")["metadata"], "uid": "c-forming"}}
    asked = 0

    class Late(Plane):
        async def call(self, method: str, path: str, *words: Any, **more: Any) -> Reply:
            nonlocal asked
            if path == wire.SEARCH:
                asked += 1
            return Reply({"items": [gave_up]}) if asked > 2 else await super().call(method, path, *words, **more)

    plane = Late([cluster("forming")])
    context = context_of(plane, filled(plane.documents))
    plan = await actions.ClusterRetry().plan(context, ("c-forming",), {})
    assert asked == 3 and plan.touches == ("uid-edge-7f3a",) and "no space left on device" in plan.lines[0]


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (
            "forming",
            "No host of pos-ulm has reported a step that waits for an operator. Try again when one reports it.",
        ),
        ("healthy", "No step of pos-kiel waits for an operator. What failed otherwise is tried again by itself."),
    ],
)
async def test_retry_names_what_it_waits_for(case: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "LOOK_EVERY", 0.01)
    plane = Plane([cluster(case)])
    with pytest.raises(Refused) as refusal:
        await actions.ClusterRetry().plan(context_of(plane, filled(plane.documents)), (f"c-{case}",), {})
    assert f"{refusal.value.message} {refusal.value.hint}".startswith(text)


async def test_a_release_takes_the_host_under_the_cursor() -> None:
    async with console("cluster", "c-degraded", plane=Plane()) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": clusters(), "complete": True}, NOW)
        await settle(pilot)
        screen: Any = pilot.app.screen
        assert screen.arguments("cluster release") == {"host": "edge-7f3a"}
        assert screen.arguments("cluster delete") == {}


async def test_the_log_of_a_unit_of_a_node_is_chosen() -> None:
    async with console("cluster", "c-degraded", plane=Plane()) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": clusters(), "complete": True}, NOW)
        await settle(pilot)
        await press(pilot, "l")
        assert view(pilot) == "ChooseModal" and "edgewright-containerd.service" in said(pilot)
        assert "k3s.service" not in said(pilot)
        await press(pilot, "enter")
        assert view(pilot) == "logs" and pilot.app.path[-1][1] == "uid-edge-7f3a/kubelet.service"  # type: ignore[attr-defined]


class Reporting(Plane):
    """A plane that has a kubeconfig and certificates of its clusters."""

    certificates: tuple[dict[str, str], ...] = ({"name": "apiserver", "expiry": "2027-01-01T00:00:00.000Z"},)

    async def call(self, method: str, path: str, *words: Any, **more: Any) -> Reply:
        if path == protocol.path(personal.PATH, uid="c-healthy"):
            raise NotFound("The plane does not know the request.", "", UNKNOWN_PATH)  # as a Palette
        if path == protocol.path(wire.KUBECONFIG_CLIENT, uid="c-healthy"):
            return Reply("kind: Config\nusers: []\n")
        if path == protocol.path(wire.CERTIFICATES, uid="c-healthy"):
            authority = {"name": "ca", "certificates": list(self.certificates)}
            return Reply({"machineCertificates": [{"name": "edge-7f3a", "certificateAuthorities": [authority]}]})
        return await super().call(method, path, *words, **more)


@pytest.mark.parametrize("screen", ["cluster", "clusters"])
async def test_the_kubeconfig_of_the_cluster_in_front_is_shown(screen: str) -> None:
    """`K` names no cluster itself: it takes the one of the screen, or that under the cursor."""
    documents = [cluster("healthy")]
    async with console(screen, "c-healthy", plane=Reporting(documents)) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": documents, "complete": True}, NOW)
        await ready(pilot)
        await press(pilot, "K")
        assert view(pilot) == "FormModal", said(pilot)
        await press(pilot, "enter", "enter")
        assert view(pilot) == "RunModal" and "kind: Config" in said(pilot), said(pilot)


@pytest.mark.parametrize("width", [50, 80, 200])
async def test_certificates_are_listed_until_the_list_is_closed(width: int) -> None:
    plane = Reporting([cluster("healthy")])
    async with console("cluster", "c-healthy", plane=plane, size=(width, 24)) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": clusters(), "complete": True}, NOW)
        await ready(pilot)
        await press(pilot, "E")
        assert view(pilot) == "RunModal"
        shown = said(pilot)
        assert all(word in shown for word in ("ENDS", "edge-7f3a", "apiserver", "2027-01-01T00:00:00")), shown
        await press(pilot, "enter")
        assert view(pilot) == "cluster"
        plane.certificates = ()
        await press(pilot, "E")
        assert view(pilot) == "RunModal" and "No control plane has reported" in said(pilot)


@pytest.mark.parametrize("screen", ["cluster", "clusters"])
async def test_a_deleted_cluster_is_not_shown_as_healthy(screen: str) -> None:
    document = cluster("healthy")
    document["status"]["state"] = wire.DELETED
    async with console(screen, "c-healthy", plane=Reporting([document]), size=(132, 43)) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": [document], "complete": True}, NOW)
        await ready(pilot)
        text = screen_text(pilot.app)
        first = next(row for row in text.splitlines() if "Deleted" in row)
        assert "unknown" in first and "This cluster is deleted" in text and "Nothing is wrong" not in text, text


@pytest.mark.parametrize(
    "step", ["join-control-plane-e1-1", "join-control-plane-0123456789ab", "end-grant-0123456789ab-0"]
)
def test_feeds_name_steps_without_digests(step: str) -> None:
    row = EventRow(
        "k2", NOW, "Normal", "StepStarted", f"Step cluster-12345678-{step} has started.", "edgehost", "u", "e1"
    )
    assert feed_line(row).text in ("e1 Step join-control-plane has started.", "e1 Step end-grant has started.")


async def test_pulse_follows_a_cluster_that_forms() -> None:
    """Its progress is in heartbeats, which are no change: the plane is asked."""
    before, after = cluster("forming"), cluster("forming")
    after["status"]["edgewright"]["checklist"] = checklist(9, "running", "edge-7f3a")
    async with console("pulse", plane=Plane([after])) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": [before], "complete": True}, NOW)
        await settle(pilot)
        assert "forms: Form the cluster, 6 of 12 steps" in said(pilot)
        pilot.app.screen.follow_forming()  # type: ignore[attr-defined]
        await ready(pilot)
        assert "forms: Serve the VIP, 9 of 12 steps" in said(pilot)


async def test_the_direct_way_is_measured_when_a_cluster_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    asked: list[str] = []

    async def measure(row: Any) -> bool:
        asked.append(row.uid)
        measured.note(row.uid, direct=("open", "the first use of the API proves whose it is"))
        return True

    documents = [cluster("healthy")]
    async with console("clusters", plane=Plane(documents), size=(200, 60), measure_way=measure) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": documents, "complete": True}, NOW)
        await ready(pilot)
        assert asked == []
        await press(pilot, "enter")
        await ready(pilot)
        text = screen_text(pilot.app)
        assert asked == ["c-healthy"] and "direct answers, measured 0s ago" in text, text
        assert "the first use of the API proves whose it is" in text


async def test_what_a_verb_of_this_machine_measured_is_shown_with_its_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plane does not know whether there is a direct route from here; `kube reach` and the like do."""
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    with monkeypatch.context() as earlier:
        earlier.setattr(times, "now", lambda: NOW - 180)
        measured.note("c-healthy", direct=("yes", ""), ssh=("no", "permission denied (publickey)."))
    documents = [cluster("healthy")]
    async with console("cluster", "c-healthy", plane=Plane(documents), size=(200, 60)) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": documents, "complete": True}, NOW)
        await ready(pilot)
        text = screen_text(pilot.app)
        assert "direct reached, measured 3m ago" in text, text
        assert "by SSH not reached, measured 3m ago" in text and "permission denied (publickey)." in text
