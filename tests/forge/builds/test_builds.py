"""Builds as processes of their own: begun, watched, stopped, lost, forgotten. The processes here are real and tiny."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.core.errors import Cancelled, Conflict, Failed, NotFound
from edgewright.forge import builds
from edgewright.forge.builds import Build, Recorder, process, record, running
from edgewright.forge.progress import Job, Progress
from tests.support import ROOT

WORKER = """
import os, signal, sys, time
from pathlib import Path
from edgewright.forge.builds import Recorder, arguments_of
from edgewright.forge.progress import Cancelled, Job
job = None
def stop(number, frame):
    job.cancel()
signal.signal(signal.SIGTERM, stop)
assert sys.argv[1:3] == ["build", "run"]
part = Path("half.part")
with Recorder.of(sys.argv[3]) as recorder:
    how = arguments_of(recorder.folder)[0]
    job = Job(recorder)
    job.step("working")
    part.write_text("half")
    print("a word", os.getpid(), os.getsid(0), flush=True)
    try:
        for n in range(6000 if how == "long" else 3):
            job.at(n, 6000)
            time.sleep(0.01)
        if how == "bad":
            raise ValueError("secret words")
        recorder.made([part])
    except Cancelled:
        part.unlink()
        raise
"""


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(running, "program", lambda: [sys.executable, "-c", WORKER])
    yield
    for child in running._children:
        child.kill()
        child.wait()
    running.reap()


def wait_for(build_id: str, ready: Callable[[Build], bool], seconds: float = 30.0) -> Build:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        running.reap()
        build = builds.find(build_id)
        if ready(build):
            return build
        time.sleep(0.02)
    raise AssertionError(builds.find(build_id))


def test_a_build_runs_in_a_session_of_its_own_to_its_end() -> None:
    build_id = builds.start("iso", "shop", ["short"])
    assert builds.find(build_id).state in ("queued", "running", "done")
    done = wait_for(build_id, lambda build: build.over)
    assert (done.state, done.kind, done.name, done.error) == ("done", "iso", "shop", None)
    assert done.outputs == (str(done.folder / "half.part"),) and done.ended is not None
    lines = builds.last_lines(done)
    said = next(line for line in lines if line.startswith("a word"))
    assert said.split()[2] == said.split()[3] and int(said.split()[3]) != os.getsid(0)
    assert lines[0].endswith("working") and lines[-1].endswith("done")
    assert done.folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in done.folder.iterdir() if path.name != "half.part")


def test_a_build_goes_on_when_whoever_began_it_is_gone(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom edgewright.forge.builds import running\n"
        f"running.program = lambda: [sys.executable, '-c', {WORKER!r}]\n"
        "print(running.start('iso', 'shop', ['long']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    console = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    build = wait_for(console.stdout.strip(), lambda build: build.state == "running" and build.done > 0)
    assert process.alive(build.pid, str(record.read_json(build.folder / "build.json")["started"]))
    assert builds.cancel(build.id).state == "cancelled"


def test_progress_has_rate_and_time_left() -> None:
    build_id = builds.start("iso", "shop", ["long"])
    build = wait_for(build_id, lambda build: build.done > 0)
    assert build.step == "working" and build.total == 6000 and build.rate > 0 and build.left and build.left > 0
    assert build.progress is not None and 0 < build.progress < 1
    assert build.line.startswith("working")
    builds.cancel(build_id)


def test_stopping_cleans_up_and_says_so() -> None:
    build_id = builds.start("iso", "shop", ["long"])
    running_build = wait_for(build_id, lambda build: build.done > 0)
    stopped = builds.cancel(build_id)
    assert stopped.state == "cancelled" and stopped.error is not None and stopped.error["step"] == "working"
    assert not (stopped.folder / "half.part").exists()
    assert process.started(running_build.pid) == ""
    with pytest.raises(Conflict, match="has ended"):
        builds.cancel(build_id)


def test_one_that_has_not_begun_is_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "program", lambda: [sys.executable, "-c", "import time; time.sleep(60)"])
    build_id = builds.start("iso", "shop", ["x"])
    assert builds.find(build_id).state == "queued"
    assert builds.cancel(build_id).state == "cancelled"


def test_one_that_does_not_stop_is_left_alone_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"
    monkeypatch.setattr(running, "program", lambda: [sys.executable, "-c", deaf])
    build_id = builds.start("iso", "shop", ["x"])
    wait_for(build_id, lambda build: builds.last_lines(build) == ["x"])
    with pytest.raises(Failed, match="has not yet"):
        builds.cancel(build_id, patience=0.3)
    assert not builds.find(build_id).over


def test_one_whose_process_is_gone_is_lost() -> None:
    build_id = builds.start("iso", "shop", ["long"])
    build = wait_for(build_id, lambda build: build.state == "running")
    os.kill(build.pid, signal.SIGKILL)
    lost = wait_for(build_id, lambda build: build.over)
    assert lost.state == "lost" and "ended without" in lost.line
    with pytest.raises(Conflict):
        builds.cancel(build_id)


def test_a_reused_pid_is_neither_taken_for_the_build_nor_ended() -> None:
    with Recorder.new("iso", "shop") as recorder:
        pass
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        path = recorder.folder / "build.json"
        told = {**json.loads(path.read_text()), "state": "running", "pid": other.pid, "started": "another time"}
        path.write_text(json.dumps(told))
        assert builds.find(recorder.id).state == "lost"
        assert not process.signal_of(other.pid, "another time", signal.SIGKILL)
        assert other.poll() is None
        assert process.alive(other.pid, process.started(other.pid))
    finally:
        other.kill()
        other.wait()
    assert process.started(other.pid) == ""


def test_a_defect_is_told_without_its_words() -> None:
    build_id = builds.start("iso", "shop", ["bad"])
    failed = wait_for(build_id, lambda build: build.over)
    assert failed.state == "failed" and failed.error is not None and failed.error["code"] == "Defect"
    assert "secret words" not in json.dumps(failed.as_dict())
    assert any("ValueError" in line for line in builds.last_lines(failed))


def test_what_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "program", lambda: ["/nowhere/python"])
    with pytest.raises(Failed, match="cannot be started"):
        builds.start("iso", "shop", ["x"])
    assert builds.list_builds() == [] and list(builds.root().iterdir()) == []


def ended(name: str, error: BaseException | None = None) -> Build:
    recorder = Recorder.new("iso", name)
    with recorder:
        pass
    if error is not None:
        recorder.ended_by(error)
    return builds.find(recorder.id)


def test_errors_keep_their_sentence_and_the_step() -> None:
    recorder = Recorder.new("iso", "shop")
    with pytest.raises(Failed), recorder:
        recorder(Progress("writing the ISO"))
        raise Failed("The disk is full.", "Make room.", "NoSpace")
    build = builds.find(recorder.id)
    assert build.error == {
        "code": "NoSpace",
        "message": "The disk is full.",
        "hint": "Make room.",
        "step": "writing the ISO",
    }
    assert build.line == "The disk is full."
    assert ended("x", Cancelled()).state == ended("y", KeyboardInterrupt()).state == "cancelled"


def test_progress_is_written_at_most_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    recorder = Recorder.new("iso", "shop")
    monkeypatch.setattr(
        "edgewright.forge.builds.recorder.write_json", lambda path, told: writes.append(told.get("done", 0))
    )
    moment = [100.0]
    monkeypatch.setattr("edgewright.forge.builds.recorder.time.monotonic", lambda: moment[0])
    for number in range(100):
        moment[0] += 0.01
        recorder(Progress("one step", number, 100))
    assert writes == [0, 50]


def test_builds_are_found_by_id_by_its_beginning_and_by_name() -> None:
    first, second = ended("shop"), ended("depot")
    assert builds.find(first.id) == builds.find("shop") == first
    assert builds.find(second.id[:-1] if second.id[:-1] != first.id[:-1] else second.id) == second
    assert {build.id for build in builds.list_builds()} == {first.id, second.id}
    for word in ("", "nothing", "../" + first.id):
        with pytest.raises(NotFound):
            builds.find(word)
    if first.id[:6] == second.id[:6]:
        with pytest.raises(Conflict, match="2 builds"):
            builds.find(first.id[:6])


def test_only_an_ended_build_is_forgotten_and_what_it_made_stays(tmp_path: Path) -> None:
    recorder = Recorder.new("iso", "shop")
    made = tmp_path / "shop.iso"
    made.write_bytes(b"x")
    with recorder:
        recorder.made([made])
        with pytest.raises(Conflict, match="runs"):
            builds.delete(recorder.id)
    builds.delete(recorder.id)
    assert builds.list_builds() == [] and made.exists()


def test_the_label_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    iso = tmp_path / "shop.iso"
    iso.write_bytes(b"12345678")
    recorder = Recorder.new("iso", "shop")
    with recorder:
        recorder.made([iso])
    assert builds.find(recorder.id).label == "unproven"
    manifest = {
        "kind": "InstallerManifest",
        "iso": {"sha256": "ab", "size": 8},
        "checks": [{"name": "user-data", "ok": True, "detail": ""}],
        "proof": {"ok": True, "until": "registered", "proven": True, "isoSha256": "ab"},
    }
    beside = tmp_path / "shop.iso.manifest.json"
    beside.write_text(json.dumps({**manifest, "proof": None}))
    assert builds.find(recorder.id).label == "checked"
    beside.write_text(json.dumps(manifest))
    assert builds.find(recorder.id).label == "proven"
    iso.write_bytes(b"another size")
    assert builds.find(recorder.id).label == "unproven"
    iso.unlink()
    assert builds.find(recorder.id).label == ""


@pytest.mark.parametrize("text", ["", "[]", "{", '{"state": "flying"}', '{"state": 3}', "null"])
def test_a_record_that_is_none_is_passed_over(text: str) -> None:
    folder = record.new_folder()
    (folder / "build.json").write_text(text)
    assert builds.list_builds() == []


def test_odd_values_in_a_record_do_no_harm() -> None:
    folder = record.new_folder()
    told = {
        "state": "done",
        "kind": 7,
        "name": None,
        "created": "x",
        "outputs": [1, "a\x1b[2J"],
        "error": {"message": "\x1b"},
    }
    (folder / "build.json").write_text(json.dumps(told))
    build = builds.find(folder.name)
    assert build.error == {"message": "\ufffd"} and build.created == 0.0 and build.progress is None


def test_a_job_tells_a_recorder() -> None:
    recorder = Recorder.new("iso", "shop")
    with recorder:
        job = Job(recorder)
        job.step("hashing")
        job.at(10, 10)
        assert builds.find(recorder.id).step == "hashing"
    assert [line.split(" ", 1)[1] for line in builds.last_lines(builds.find(recorder.id))] == ["hashing", "done"]
