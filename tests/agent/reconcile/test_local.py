"""What an operator at the host does with the reconciler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgewright.agent import cli
from edgewright.agent.reconcile import engine
from edgewright.agent.reconcile.exchange import names
from edgewright.agent.reconcile.journal import Journal
from edgewright.agent.reconcile.observed import Observed
from edgewright.agent.reconcile.steps import Step
from tests.support import ROOT


def test_a_retry_of_no_step_is_not_reported_as_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, own = str(tmp_path), str(tmp_path / "reconciler")
    assert cli.main(["retry", "trial-x-1", "--data", data]) == 3
    assert "There is no step trial-x-1" in capsys.readouterr().err and names(str(tmp_path / "operations")) == []
    assert cli.main(["retry", "--data", data]) == 0 and "No step waits" in capsys.readouterr().out
    record = Step("trial-x-1", "trial", "x").record()
    journal = Journal(own)
    for state, message in (("done", "No step waits"), ("waiting: operator", "tries again")):
        journal.append("trial-x-1", {**record, "state": state})
        for arguments in (["retry"], ["retry", "trial-x-1"]):
            assert cli.main([*arguments, "--data", data]) == 0 and message in capsys.readouterr().out
    journal.close()


def test_a_trial_and_a_retry_are_files_for_the_reconciler(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOOK", 0.02)
    data = str(tmp_path)
    assert cli.main(["trial", "1", "--data", data]) == 0 and cli.main(["retry", "--data", data]) == 0
    assert names(str(tmp_path / "operations")) == ["retry", "wake"]
    assert cli.main(["trial", "0", "--data", data]) == 7 and cli.main(["retry", "--data", data + "/none"]) == 3
    assert "1 to 86400 seconds" in capsys.readouterr().err
    assert cli.main(["reconcile", "--data", data]) == 0, "without systemd steps are processes"
    (document,) = Observed(str(tmp_path / "reconciler/run")).documents()
    assert document["applied"]["generation"] == document["wanted"]["generation"] == 1


def test_a_reader_that_has_gone_gets_no_traceback(tmp_path: Path) -> None:
    """`edgewright-agent status | head` ended with one."""
    command = [sys.executable, "-m", "edgewright.agent", "trial", "1", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
