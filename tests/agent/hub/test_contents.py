"""Blobs from a real hub over TLS: named by a trial, continued after a cut, refused with another content (P80, P87)."""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.plane.blobs import FOLDER, PART, BlobFolder
from edgewright.agent.plane.contents import Contents
from edgewright.agent.reconcile.compose import make_reconciler
from edgewright.agent.reconcile.exchange import OWN
from edgewright.agent.reconcile.handover import Handover
from edgewright.wire import protocol
from tests.agent.hub.test_link import state, until
from tests.agent.hub.test_with_hub import HostRig, fresh
from tests.hub_fixture import RunningHub, running_hub

PIECE = protocol.BLOB_PIECE
CONTENT = os.urandom(2 * PIECE + 4321)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--heartbeat", "60", "--silence-limit", "600") as running:
        with running.client() as client:
            for offset in range(0, len(CONTENT), PIECE):
                query = {"size": len(CONTENT), "offset": offset}
                sent = client.put(f"{protocol.BLOBS}/{DIGEST}", params=query, content=CONTENT[offset : offset + PIECE])
                assert sent.status_code == 200, sent.text
            assert client.put(f"{protocol.BLOBS}/{OTHER}", content=b"other").status_code == 200
        yield running


@pytest.fixture(autouse=True)
def short_reconciler(monkeypatch: pytest.MonkeyPatch, reconciler_in_process: None) -> None:
    """Let the reconciler look once where the link would start it; one that waits stays for a minute."""

    def start_child(handover: Handover) -> None:
        reconciler = make_reconciler(os.path.dirname(handover._places[OWN]), handover._run, Root(handover._root))
        if reconciler.open():
            reconciler.tick()
            reconciler.close()

    monkeypatch.setattr(Handover, "start_child", start_child)


class Relay:
    """Passes bytes to the hub; each connection is cut after so many bytes to the agent, unless `most` is 0."""

    def __init__(self, hub: RunningHub) -> None:
        self.most = 0
        self.sent: list[int] = []
        self._port = int(hub.url.rsplit(":", 1)[1])
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass, args=(near, far, 0), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, self.most), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, most: int) -> None:
        passed = 0
        try:
            while data := source.recv(65536):
                target.sendall(data)
                passed += len(data)
                if most and passed >= most:
                    break
        except OSError:
            pass
        for end in (source, target):
            with_shutdown(end)
        self.sent.append(passed)


def with_shutdown(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


@pytest.fixture
def relay(hub: RunningHub) -> Iterator[Relay]:
    relay = Relay(hub)
    yield relay
    relay.close()


class Trial:
    """A host that registers and is asked for a trial which names blobs."""

    def __init__(self, hub: RunningHub, folder: Path, name: str, *blobs: str, endpoint: str = "") -> None:
        self.hub, self.name = hub, name
        self.rig = HostRig(hub, folder, name, fresh(hub), **({"endpoint": endpoint} if endpoint else {}))
        self.rig.agent.step()
        body = {"kind": "trial", "params": {"steps": [1], "blobs": list(blobs)}}
        made = hub.client().post(f"/edgewright/v1/hosts/{name}/operations", json=body)
        assert made.status_code == 201, made.text
        self.operation = str(made.json()["uid"])
        self.blobs = folder / "data" / FOLDER

    def take(self) -> None:
        """Let the reconciler of the host store the document; fetching begins."""
        self.rig.agent.step()
        assert state(self.hub, self.name, self.operation) == "succeeded"

    def fetch(self) -> None:
        """Let what is missing be fetched once more, without the wait after a failure."""
        agent = self.rig.agent
        agent.contents._not_before = 0.0
        agent.contents.look(agent.connection.another)
        agent.contents.wait(20)


def test_p80_p87_a_host_gets_what_its_trial_names_and_its_step_runs_then(hub: RunningHub, tmp_path: Path) -> None:
    trial = Trial(hub, tmp_path, "trial-1", DIGEST)
    trial.take()
    trial.rig.agent.contents.wait(20)
    assert (trial.blobs / DIGEST).read_bytes() == CONTENT and [file.name for file in trial.blobs.iterdir()] == [DIGEST]

    def applied() -> bool:
        handover = trial.rig.agent.handover
        handover.start_child()
        return bool((handover.documents() or [{}])[0].get("applied"))

    until(applied, 20)
    plane = trial.rig.agent.connection.another()
    assert plane.blob(OTHER, 0, 9).status == 404, "what its desired state does not name is not there for it"
    plane.client.close()


def test_p80_a_fetch_continues_after_each_cut(hub: RunningHub, tmp_path: Path, relay: Relay) -> None:
    trial = Trial(hub, tmp_path, "trial-2", DIGEST, endpoint=relay.url)
    trial.take()
    trial.rig.agent.contents.wait(20)
    (trial.blobs / DIGEST).unlink()
    relay.most = 1_300_000  # TLS and one piece pass, a second one does not
    relay.sent.clear()
    sizes = []
    for _ in range(12):
        trial.fetch()
        part = trial.blobs / (DIGEST + PART)
        if not part.exists():
            break
        sizes.append(part.stat().st_size)
    assert (trial.blobs / DIGEST).read_bytes() == CONTENT
    assert len(sizes) >= 1 and sizes == sorted(sizes) and sizes[0] >= PIECE, sizes
    assert sum(relay.sent) < 2 * len(CONTENT), "what has arrived is not sent again"


def test_p80_another_content_is_refused_and_never_used(hub: RunningHub, tmp_path: Path) -> None:
    trial = Trial(hub, tmp_path, "trial-3", OTHER)
    with closing(sqlite3.connect(hub.data / "hub.db")) as database:
        database.execute("UPDATE blob_pieces SET data = ? WHERE digest = ?", (b"OTHER", OTHER))
        database.commit()
    trial.take()
    trial.rig.agent.contents.wait(20)
    assert list(trial.blobs.iterdir()) == []
    assert "arrived with another content" in trial.rig.heard.text
    with closing(sqlite3.connect(hub.data / "hub.db")) as database:
        database.execute("UPDATE blob_pieces SET data = ? WHERE digest = ?", (b"other", OTHER))
        database.commit()
    trial.fetch()
    assert (trial.blobs / OTHER).read_bytes() == b"other"


def test_p80_a_disk_without_room_is_reported_and_heartbeats_continue(hub: RunningHub, tmp_path: Path) -> None:
    trial = Trial(hub, tmp_path, "trial-4", DIGEST)
    agent = trial.rig.agent
    agent.contents = Contents(
        agent.flags.data, agent.handover.digests, agent.handover.content_arrived, agent.agent_log,
        BlobFolder(str(trial.blobs), spare=1 << 60),
    )  # fmt: skip
    trial.take()
    agent.contents.wait(20)
    assert "The disk has no room" in trial.rig.heard.text and not (trial.blobs / DIGEST).exists()
    agent.step()
    assert agent.plane_link.lost_since is None, "not a failed try of the link"
    assert (agent.handover.observed.progress() or {})["waitingFor"] == "content: 1 blob of 1 not here yet"


def test_p80_what_no_document_names_gives_its_room_to_what_is_missing(hub: RunningHub, tmp_path: Path) -> None:
    """What an earlier document named was removed when the next one had arrived, for which it left no room."""
    trial = Trial(hub, tmp_path, "trial-5", DIGEST)
    agent = trial.rig.agent
    trial.blobs.mkdir(parents=True, exist_ok=True)
    (trial.blobs / ("f" * 64)).write_bytes(b"x" * 2 * PIECE)
    agent.contents = Contents(
        agent.flags.data, agent.handover.digests, agent.handover.content_arrived, agent.agent_log,
        BlobFolder(str(trial.blobs), most_bytes=3 * PIECE),
    )  # fmt: skip
    trial.take()
    agent.contents.wait(20)
    assert [file.name for file in trial.blobs.iterdir()] == [DIGEST]


def test_p80_a_blob_that_the_plane_does_not_have_stops_no_other(hub: RunningHub, tmp_path: Path) -> None:
    trial = Trial(hub, tmp_path, "trial-6", DIGEST)
    trial.take()
    agent = trial.rig.agent
    agent.contents.wait(20)
    (trial.blobs / DIGEST).unlink()
    both = Contents(agent.flags.data, lambda: {"0" * 64, DIGEST}, lambda: None, agent.agent_log)
    both.look(agent.connection.another)
    both.wait(20)
    assert (trial.blobs / DIGEST).read_bytes() == CONTENT
    assert f"The plane does not have blob {'0' * 12}" in trial.rig.heard.text


def test_p80_what_no_document_names_any_more_is_removed(tmp_path: Path) -> None:
    wanted = {DIGEST}
    loaded = Contents(str(tmp_path), lambda: wanted, lambda: None, AgentLog(console=""))
    loaded.folder._folder = str(tmp_path)
    for name in (DIGEST, OTHER, "f" * 64 + PART):
        (tmp_path / name).write_bytes(b"")
    loaded.look(lambda: pytest.fail("nothing is missing"))
    assert [file.name for file in tmp_path.iterdir()] == [DIGEST]
