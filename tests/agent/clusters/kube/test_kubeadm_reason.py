"""Why kubeadm failed is in the error of the step, so that nobody has to look for it in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters.host import ERRORS, Host
from edgewright.agent.clusters.kube import init
from edgewright.core.errors import Failed
from tests.agent.clusters.support import FakeHost, cluster, context

PREFLIGHT = """\
error: error execution phase preflight: [preflight] Some fatal errors occurred:
\t[ERROR Port-6443]: Port 6443 is in use
\t[ERROR Mem]: the system RAM (900 MB) is less than the minimum 1700 MB
[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`
To see the stack trace of this error execute with --v=5 or higher
"""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (PREFLIGHT, "Port 6443 is in use; the system RAM (900 MB) is less than the minimum 1700 MB"),
        (
            "error: error execution phase wait-control-plane: failed while waiting for the API\nTo see the stack trace",
            "wait-control-plane: failed while waiting for the API",
        ),
        ("panic: runtime error", "its log has no reason"),
    ],
)
def test_the_error_of_the_step_has_the_reason_of_kubeadm(
    output: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path)

    def stream(command: Any, environment: Any = None, feed: Any = None, errors: Any = None) -> int:
        errors += output.splitlines()
        return 1

    monkeypatch.setattr(host, "stream", stream)
    with pytest.raises(Failed) as raised:
        init.kubeadm(context(host, cluster()), ["init"])
    assert raised.value.message == f"kubeadm init ended with 1: {reason}."


def test_error_output_is_in_the_log_and_its_last_lines_are_returned(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []
    script = "echo begin; for n in $(seq 100); do echo error $n >&2; done; exit 3"
    assert Host(str(tmp_path)).stream(["sh", "-c", script], errors=lines) == 3
    shown = capfd.readouterr()
    assert shown.out == "begin\n" and shown.err.splitlines() == [f"error {n}" for n in range(1, 101)]
    assert lines == [f"error {n}" for n in range(101 - ERRORS, 101)]


def test_a_log_that_takes_nothing_ends_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []

    def refuses(_file: int, _data: bytes) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("edgewright.agent.clusters.host.os.write", refuses)
    script = f"echo error >&2; sleep 0.2; touch {tmp_path}/done"
    assert Host(str(tmp_path)).stream(["sh", "-c", script], errors=lines) == 0
    assert lines == ["error"] and (tmp_path / "done").exists()
