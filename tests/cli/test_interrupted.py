"""Ctrl-C and SIGTERM at any moment: one sentence that says what is left, 130, never a traceback or a crash log."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewright.cli import errors
from tests.forge.isos import USER_DATA, kairos_iso
from tests.support import ROOT

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
SLOW_COPY = """
from edgewright.forge.iso import methods
real = methods.overwrite
def overwrite(known, data, part, job):
    result = real(known, data, part, job)
    print("READY", flush=True)
    for n in range(3000):
        job.at(n, 3000)
        time.sleep(0.02)
    return result
methods.overwrite = overwrite
"""
SLOW_PROOF = """
from edgewright.forge.proof import prove
def slow(iso, wish, job, **kw):
    print("READY", flush=True)
    try:
        for n in range(3000):
            job.check()
            time.sleep(0.02)
    finally:
        print("host, token and machine are gone", flush=True)
prove.prove = slow
"""
BEGUN = """
import edgewright.main as product
begin = product._main
def begun(words):
    print("READY", flush=True)
    return begin(words)
product._main = begun
"""
RUN = "from edgewright.main import main\nsys.exit(main(sys.argv[1:]))\n"


def started(tmp_path: Path, before: str, *words: str) -> subprocess.Popen[str]:
    """Return the command line as a process that runs `before` first and got as far as `READY`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(tmp_path / "ew")}
    child = subprocess.Popen(
        [sys.executable, "-c", f"import sys, time\n{before}\n{RUN}", *words],
        env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert child.stdout is not None
    line = child.stdout.readline()
    if line.strip() != "READY":
        raise AssertionError(child.communicate(timeout=60)[1])
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_a_stopped_build_leaves_nothing_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    base = kairos_iso(tmp_path)
    (tmp_path / "ud").write_bytes(USER_DATA)
    words = ["forge", "iso", "--base", str(base), "--user-data", "ud", "--out", "out.iso", "--offline"]
    child = started(tmp_path, SLOW_COPY, *words)
    time.sleep(0.1)
    child.send_signal(number)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Stopped; nothing partial is left." in told and "Traceback" not in told and "sent" not in told
    assert not list(tmp_path.glob("out.iso*"))


@BOTH
def test_a_stopped_proof_is_no_crash(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "x.iso").write_bytes(b"")
    child = started(tmp_path, SLOW_PROOF, "forge", "verify", "x.iso", "--bios")
    time.sleep(0.1)
    child.send_signal(number)
    out, told = child.communicate(timeout=60)
    assert child.returncode == 130 and "host, token and machine are gone" in out
    assert told.strip().endswith("Run it again to start over.") and "Stopped; nothing partial is left." in told
    assert "went wrong" not in told and not list((tmp_path / "ew").rglob("crashes/*"))


@pytest.mark.parametrize("module", ["edgewright.cli.main", "edgewright.cli.command_line",
                                    "edgewright.forge.iso.write"])  # fmt: skip
def test_an_interrupt_while_modules_are_loaded(tmp_path: Path, module: str) -> None:
    """What Ctrl-C some 50 ms after the start meets: an import is under way somewhere."""
    before = f"""
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
print("READY", flush=True)
"""
    (tmp_path / "ud").write_bytes(USER_DATA)
    child = started(tmp_path, before, "forge", "iso", "--base", "b.iso", "--user-data", "ud", "-o", "out.iso")
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130, told
    assert "Interrupted" in told and "Traceback" not in told


@pytest.mark.parametrize(("number", "delays"), [(signal.SIGINT, (0.0, 0.03)), (signal.SIGTERM, (0.01,))])
def test_a_signal_soon_after_the_start_gives_no_traceback(
    tmp_path: Path, number: signal.Signals, delays: tuple[float, ...]
) -> None:
    (tmp_path / "ud").write_bytes(USER_DATA)
    for delay in delays:
        child = started(tmp_path, BEGUN, "forge", "iso", "--base", "b.iso", "--user-data", "ud", "-o", "out.iso")
        time.sleep(delay)
        child.send_signal(number)
        _, told = child.communicate(timeout=60)
        assert "Traceback" not in told, (delay, told)
        assert child.returncode in (130, 3, -signal.SIGTERM), (delay, child.returncode, told)


DROPPED = """
from edgewright.cli import main as cli
class Late:
    def __del__(self):
        raise KeyboardInterrupt
def slow(*_):
    Late()
    time.sleep(20)
    return 0
cli.run = slow
print("READY", flush=True)
"""


def test_a_signal_in_a_callback_that_no_exception_leaves_is_not_lost(tmp_path: Path) -> None:
    """The callback that Python has for each module that it loads dropped a Ctrl-C once, with a traceback."""
    _, stderr = (child := started(tmp_path, DROPPED, "host", "list")).communicate(timeout=60)
    assert (child.returncode, stderr.strip()) == (130, "Interrupted.")


def test_a_cancelled_task_is_an_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    assert errors.end(asyncio.CancelledError(), ["forge", "verify", "x.iso"]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted; nothing partial is left."
    assert errors.end(KeyboardInterrupt(), ["-o", "json", "host", "delete", "forge"]) == 130
    assert "what was already sent may have been done" in capsys.readouterr().err
