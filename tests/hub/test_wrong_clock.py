"""A real hub whose clock of day is wrong, by libfaketime: at a start, and while it serves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.hub.fake_clock import fake_clock
from tests.hub_fixture import running_hub
from tests.support import ROOT


def serve(data: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    import os

    command = [sys.executable, "-m", "edgewright.hub.cli", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=variables, check=False, cwd=ROOT)


def test_a_clock_that_was_ahead_at_one_start_locks_nobody_out(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    data = tmp_path / "d"
    with running_hub(data=data):
        pass  # a CA of today
    shift.write_text("+3y\n")
    with running_hub(data=data, environment=environment):
        pass
    with running_hub(data=data) as hub:  # TLS of the client is verified, by the right clock
        assert hub.client().get("/v1/users/info").status_code == 200


def test_a_first_start_with_a_clock_long_ago_serves_by_the_right_clock(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    shift.write_text("-20y\n")
    with running_hub(data=tmp_path / "d", environment=environment):
        pass
    with running_hub(data=tmp_path / "d") as hub:
        assert hub.client().get("/v1/users/info").status_code == 200


def test_a_ca_outside_its_dates_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    with running_hub(data=tmp_path / "d"):
        pass
    for text, sentence in (("+11y", "ended at 20"), ("-9y", "that clock is wrong")):
        shift.write_text(text + "\n")
        found = serve(tmp_path / "d", environment)
        assert found.returncode == 1
        assert "The hub's own CA in " in found.stderr and sentence in found.stderr
        assert "Traceback" not in found.stderr and "Something inside" not in found.stderr
