"""`make bench` runs every benchmark whatever became of the one before it, and says so in a table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import pairs
from benchmarks.lib.ending import SIGNALS
from tests.support import ROOT
from tools import bench
from tools.bench import Benchmark

SCRIPTS = {
    "good": "print('1.0 x the floor')",
    "missed": "import sys; sys.exit(1)",
    "broken": "1 / 0",
    "refused": "raise SystemExit('the bare server did not start')",
    "endless": "import time; time.sleep(60)",
    "lacking": "import sys; sys.stderr.write('there is no tree\\n'); sys.exit(77)",
    "last": "import sys; print(sys.argv[1:])",
}
TABLE = (
    Benchmark("good"),
    Benchmark("absent", needs=("no-such-program-of-edgewright",)),
    Benchmark("missed"),
    Benchmark("broken"),
    Benchmark("refused"),
    Benchmark("endless", minutes=0.005),
    Benchmark("lacking"),
    Benchmark("last", ("--short",)),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in SCRIPTS.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "BENCHMARKS", TABLE)


def test_each_outcome_is_one_row_and_the_next_one_runs(capfd: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 1
    out = capfd.readouterr().out
    rows = {line.split()[0]: line for line in out.rpartition("== last")[2].splitlines()[2:] if line.strip()}
    assert list(rows)[: len(TABLE)] == [benchmark.name for benchmark in TABLE]
    assert "skipped" in rows["absent"] and "not installed: no-such-program-of-edgewright" in rows["absent"]
    assert "skipped" in rows["lacking"] and "there is no tree" in rows["lacking"]
    assert "missed" in rows["missed"] and "ok" in rows["good"] and "too long" in rows["endless"]
    assert "failed" in rows["broken"] and "ZeroDivisionError" in rows["broken"]
    assert "failed" in rows["refused"] and "bare server did not start" in rows["refused"]
    assert "['--short']" in out and "2 ok, 2 skipped, 1 missed, 2 failed, 1 too long" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good", "absent"], 0),
        (["good", "missed"], 0),
        (["missed", "--strict"], 1),
        (["broken", "good"], 1),
        (["last", "--full"], 0),
    ],
)
def test_only_a_failure_makes_the_exit_code(arguments: list[str], code: int) -> None:
    assert bench.main(arguments) == code


def test_an_unknown_name_is_usage(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["goood"])
    assert ended.value.code == 2 and "no benchmark goood; there are: good" in capfd.readouterr().err


def test_every_file_is_a_benchmark_or_a_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert files == {benchmark.name for benchmark in bench.BENCHMARKS} | set(bench.HELPERS)


def test_pairs_compare_each_pair_with_itself_and_the_console_with_the_trivial_app() -> None:
    """A slow second pair changes the figures of both trees, not their ratio."""
    old: pairs.Runs = {
        "key to paint, trivial (ms)": [[1.0, 1.0], [4.0, 4.0]],
        "key to paint, Hosts (ms)": [[3.0, 3.0], [12.0, 12.0]],
    }
    new: pairs.Runs = {
        "key to paint, trivial (ms)": [[1.0, 1.0], [4.0, 4.0]],
        "key to paint, Hosts (ms)": [[1.5, 1.5], [6.0, 6.0]],
    }
    lines = pairs.report(old, new).splitlines()
    hosts = next(line for line in lines if line.startswith("key to paint, Hosts"))
    assert "new/old 0.50 (0.50 to 0.50)" in hosts and "x trivial 3.00, 1.50" in hosts
    assert "95th percentile" in lines


def test_pairs_refuse_a_folder_that_is_no_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pairs.main([str(tmp_path), str(ROOT)])
    assert ended.value.code == 2 and f"{tmp_path} is not a checkout of this project" in capsys.readouterr().err


ENDLESS = """
import subprocess, sys, time
from benchmarks.lib.ending import run_main

def main():
    server = subprocess.Popen(["sleep", "600"])
    try:
        print(server.pid, flush=True)
        time.sleep(600)
    finally:
        server.kill()
        server.wait()

run_main(main)
"""


@pytest.mark.parametrize("number", SIGNALS, ids=[number.name for number in SIGNALS])
def test_a_benchmark_that_is_told_to_end_ends_what_it_started(number: signal.Signals) -> None:
    """Its API server and etcd stayed behind: `finally` does not run when Python leaves by a signal."""
    words = [sys.executable, "-c", ENDLESS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        server = Path("/proc") / process.stdout.readline().strip()
        assert server.is_dir()
        process.send_signal(number)
        assert process.wait(20) == 128 + number and not server.exists()


def test_a_second_signal_does_not_cut_off_the_end_and_one_that_is_ignored_stays_so() -> None:
    """Ctrl-C twice left the servers behind; `nohup` promises that a closed terminal ends nothing."""
    slow = ENDLESS.replace("finally:", "finally:\n        print('ends', flush=True)\n        time.sleep(1)")
    words = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", slow]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None and process.stderr is not None
        server = Path("/proc") / process.stdout.readline().strip()
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "ends\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130 and not server.exists()
        assert process.stderr.read() == "", "no traceback"


def test_each_benchmark_ends_that_way() -> None:
    scripts = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text("utf-8")]
    assert len(scripts) > 25
    assert [path.name for path in scripts if "    run_main(main)\n" not in path.read_text("utf-8")] == []
