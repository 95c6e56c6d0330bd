"""`lab rehearse`: the steps of the guide in their order, each with its proof; what fails leaves the lab up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Failed
from edgewright.lab import cli, fleet, product, rehearsal, status
from edgewright.lab.kubernetes import build, cluster
from tests.lab.kubernetes.test_cluster import lab
from tui.screens.first_run.cluster_steps import TITLES

SENTENCE = "web/web answers: HTTP 200 in 0.1 s, asked through the relay of the plane"


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A lab whose hub answers from memory; returns the calls. The application answers the second time."""
    _, state = lab(tmp_path, 1)
    calls: list[tuple[str, ...]] = []
    host = {
        "metadata": {"uid": f"{state.name}-edge1", "name": "edge1"},
        "status": {"health": {"state": "healthy", "agentVersion": "1.2.0"}},
    }

    def call(env: dict[str, str], *words: str, timeout: float = 60.0) -> Any:
        calls.append(words)
        if words[:2] == ("kube", "ask") and calls.count(words) == 1:
            raise Failed("None of 1 service of lab answers: web/web HTTP 503.")
        replies = {
            ("token", "list"): [{"metadata": {"name": "lab-1"}}], ("host", "list"): [host],
            ("kube", "ask", "lab"): [{"sentence": SENTENCE}],
        }  # fmt: skip
        return replies.get(words)

    def bring_up(folder: Any, specs: fleet.LabOptions, log: Any) -> Any:
        assert (specs.hosts, specs.kubernetes, specs.cluster) == (1, "v1.36.3", False)
        folder.save(state)
        return state

    monkeypatch.setattr(product, "call", call)
    monkeypatch.setattr(fleet, "bring_up", bring_up)
    monkeypatch.setattr(fleet, "take_down", lambda *words: calls.append(("down",)) or True)  # type: ignore[func-returns-value]
    monkeypatch.setattr(build, "find", lambda version: None)
    monkeypatch.setattr(cluster, "publish", lambda *words: calls.append(("publish",)))
    monkeypatch.setattr(cluster, "create", lambda *words: calls.append(("create",)))
    monkeypatch.setattr(cluster, "follow", lambda *words: None)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(cli, "shortcomings", lambda: [])
    monkeypatch.setattr(status, "document", lambda *words: {})
    monkeypatch.setattr(status, "ways_in", lambda shown: "")
    return calls


def test_the_steps_are_those_of_the_guide_to_an_application_that_answers(
    called: list[tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["rehearse", "--dir", str(tmp_path), "-o", "json"]) == 0
    steps = json.loads(capsys.readouterr().out)
    assert [step["step"] for step in steps] == list(range(1, 8))
    assert tuple(step["title"] for step in steps[4:]) == TITLES
    assert [step["fact"] for step in steps[2:4]] == ["agent 1.2.0 on 1 of 1", "edge1 is registered and healthy"]
    assert steps[-1]["fact"] == SENTENCE
    order = [words[0] for words in called if words[0] not in ("host", "token")]
    assert order == ["publish", "create", "kube", "kube", "down"]


def test_a_step_that_fails_is_the_next_one_and_leaves_the_lab(
    called: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*words: Any) -> None:
        raise Failed("The cluster lab waits for an operator: Preload images failed.", "Remove the cause.")

    monkeypatch.setattr(cluster, "follow", failing)
    assert cli.main(["rehearse", "--dir", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == f"6 {'Cluster':<20}     -    not done"
    assert "The lab stays" in shown.err and "waits for an operator" in shown.err and ("down",) not in called


def test_a_lab_that_is_to_stay_stays(
    called: list[tuple[str, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["rehearse", "--dir", str(tmp_path), "--stay"]) == 0
    assert ("down",) not in called
    assert f"The lab stays. End it by `edgewright lab down --dir {tmp_path}`." in capsys.readouterr().err


def test_lines_name_the_time_of_all_steps() -> None:
    proofs = [rehearsal.Proof(title, "proof", 20.0) for title in rehearsal.TITLES]
    assert rehearsal.lines(proofs).splitlines()[-1] == "All 7 steps are done, in 2.3 min."
