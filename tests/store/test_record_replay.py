"""Recordings: replay at any time is what the live reducer had; cut and spoilt files are borne."""

from __future__ import annotations

import gzip
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.times import rfc3339
from edgewright.store.collections.feed import FEED
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import Model
from edgewright.store.engine.record import Recorder, read
from edgewright.store.engine.replay import Replay
from edgewright.store.engine.store import Store

Maker = Callable[..., dict[str, Any]]


def recorded(host: Maker, path: Path, count: int = 40) -> tuple[list[float], list[Model]]:
    """Record a little history; return times and the live model at each."""
    clock = [1000.0]
    store = Store(clock=lambda: clock[0])
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("before")]})
    recorder = Recorder(store, path)
    times, models = [], []
    for number in range(count):
        clock[0] += 7.0
        health = "unhealthy" if number % 3 else "healthy"
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"edge-{number % 7}", health)]})
        if number % 10 == 9:
            store.emit("plane", kinds.HOSTS_REMOVED, {"uids": [f"edge-{number % 7}"]})
        store.flush()
        times.append(clock[0])
        models.append(store.model)
    recorder.close()
    recorder.close()
    return times, models


def test_the_model_at_any_time_is_the_live_one(host: Maker, tmp_path: Path) -> None:
    path = tmp_path / "fleet.rec"
    times, models = recorded(host, path, 1200)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    replay = Replay.open(path)
    assert list(replay.model.hosts) == ["before"]
    for index in [0, 5, 1199, 600, 599, 3, 1000, 700]:
        assert replay.seek(times[index]) == models[index]
    assert replay.now == times[700]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.integers(-50, 50), max_size=20))
def test_stepping_there_and_back_is_the_same_as_going_straight(host: Maker, tmp_path: Path, steps: list[int]) -> None:
    path = tmp_path / "fleet.rec"
    if not path.exists():
        recorded(host, path)
    wandering, straight = Replay.open(path), Replay.open(path)
    for step in steps:
        wandering.step(step)
    assert wandering.model == straight.to(wandering.position)


def test_a_cut_file_gives_what_came_before(host: Maker, tmp_path: Path) -> None:
    path = tmp_path / "fleet.rec"
    recorded(host, path)
    whole = read(path)
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    assert read(path) == whole[:-1]


def test_a_recording_can_be_continued_after_a_cut(host: Maker, tmp_path: Path) -> None:
    path = tmp_path / "fleet.rec"
    recorded(host, path)
    path.write_bytes(path.read_bytes()[:-9])
    before = len(read(path))
    _, models = recorded(host, path)
    replay = Replay.open(path)
    assert len(replay) > before and replay.to(len(replay)) == models[-1]


def test_a_packed_recording_is_read_too_even_cut(host: Maker, tmp_path: Path) -> None:
    plain, packed = tmp_path / "fleet.rec", tmp_path / "fleet.rec.gz"
    recorded(host, plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(packed) == read(plain)
    packed.write_bytes(packed.read_bytes()[:-40])
    assert 0 < len(read(packed)) <= len(read(plain))


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(NotFound):
        read(path)
    for text in ("", "hello\n", '{"a":1}\n', '{"format":"other"}\n', "[1]\n"):
        path.write_text(text)
        with pytest.raises(InvalidInput):
            read(path)
    path.write_text('{"format":"edgewright-recording","version":99}\n')
    with pytest.raises(InvalidInput, match="99"):
        read(path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(junk=b'{"\xa4": 1}', where=0)
@given(junk=st.binary(max_size=60), where=st.integers(0, 100))
def test_junk_in_the_middle_never_raises(host: Maker, tmp_path: Path, junk: bytes, where: int) -> None:
    path = tmp_path / "fleet.rec"
    recorded(host, path, 5)
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(2 + where % (len(lines) - 1), junk.replace(b"\n", b" ") + b"\n")
    path.write_bytes(b"".join(lines))
    Replay(read(path))
    path.unlink()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        Recorder(Store(), tmp_path / "no" / "such" / "folder")


def test_a_slow_recording_is_on_disk_all_the_same(host: Maker, tmp_path: Path) -> None:
    clock = [1000.0]
    store = Store(clock=lambda: clock[0])
    recorder = Recorder(store, tmp_path / "fleet.rec")
    for number in range(3):
        clock[0] += 1.0
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"edge-{number}")]})
    assert len(read(tmp_path / "fleet.rec")) == 3  # the picture and two events, no close yet
    recorder.close()
    assert len(read(tmp_path / "fleet.rec")) == 4


def test_documents_and_troubles_of_a_recording(host: Maker, tmp_path: Path) -> None:
    clock = [1_795_442_400.0]
    store = Store(clock=lambda: clock[0])
    recorder = Recorder(store, tmp_path / "fleet.rec")
    for number, severity in enumerate(("Info", "Warning", "Error")):
        clock[0] += 10.0
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("edge-1", heartbeats=number)]})
        told = {"metadata": {"uid": f"e{number}", "creationTimestamp": rfc3339(clock[0])}, "severity": severity}
        store.emit("plane", FEED.seen, {"docs": [told, None]})
    recorder.close()
    replay = Replay.open(tmp_path / "fleet.rec")
    assert replay.document("hosts", "edge-1") is None  # not seen yet at the first picture
    replay.to(2)
    assert (replay.document("hosts", "edge-1") or {})["status"]["edgewright"]["heartbeats"] == 0
    replay.seek(replay.end)
    assert (replay.document("hosts", "edge-1") or {})["status"]["edgewright"]["heartbeats"] == 2
    assert (replay.document("feed", "e1") or {})["severity"] == "Warning"
    assert replay.document("hosts", "edge-9") is None and replay.document("planets", "mars") is None
    assert replay.troubles() == (replay.start + 20.0, replay.start + 30.0)
