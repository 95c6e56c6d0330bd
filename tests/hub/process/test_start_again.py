"""A hub that starts again in place ends instead when a signal asks for that meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright.core.errors import ExitCode
from tests.support import ROOT

SCRIPT = """
import os, sys, threading
from edgewright.hub.process import cli, serve

make, number = serve.make_app, int(sys.argv.pop(1))


def made(hub):
    begin = hub.begin_stop

    def interrupted():
        if not hub.stopping:
            os.kill(os.getpid(), number)  # while the process ends in order to start again
        begin()

    hub.begin_stop = interrupted
    threading.Timer(1.0, lambda: hub.start_again()).start()
    return make(hub)


serve.make_app = made
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.e2e
@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.DONE)], ids=["ctrl-c", "stop"]
)
def test_a_signal_ends_a_hub_that_is_starting_again(tmp_path: Path, number: int, code: ExitCode) -> None:
    command = [sys.executable, "-c", SCRIPT, str(int(number)), "serve", "--data", str(tmp_path / "d")]
    process = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        assert process.wait(timeout=20) == int(code)
    finally:
        process.kill()
        process.wait(timeout=20)
    assert "this hub starts again" in (tmp_path / "d" / "hub.log").read_text()
