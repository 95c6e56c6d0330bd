"""Rules P36 and P37 at the agent: a restored plane is believed at once, an odd answer freezes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgewright.agent.kernel.state import write_checked
from edgewright.agent.kernel.status import gather, table
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.core import times
from tests.agent.conftest import Answer, Bench, Request

A, B = "a" * 16, "b" * 16
RESET = {"kind": "reset", "params": {}, "generation": 1}


def operation(digit: str) -> dict[str, Any]:
    return {**RESET, "id": digit * 24}


def results(bench: Bench) -> list[str]:
    return [request.path.split("/")[-2] for request in bench.stub.sent("POST", "/result")]


def test_p36_a_lower_generation_of_another_lineage_is_taken_at_once(bench: Bench) -> None:
    bench.stub.lineage, bench.stub.generation = A, 10
    agent = bench.start()
    agent.step()
    agent.step()
    sent = bench.stub.sent("PATCH", "/health")[-1].body["edgewright"]
    assert (sent["lineage"], sent["observedGeneration"]) == (A, 10)
    assert "restored" not in bench.heard.text, "the first lineage is not a change"
    bench.stub.lineage, bench.stub.generation = B, 3
    bench.stub.operations = [operation("c")]
    agent.step()
    assert agent.desired.position == (B, 3)
    assert results(bench) == ["c" * 24]
    agent.step()
    sent = bench.stub.sent("PATCH", "/health")[-1].body["edgewright"]
    assert (sent["lineage"], sent["observedGeneration"]) == (B, 3)
    assert bench.heard.text.count("was restored or set back") == 1
    assert len(bench.stub.sent("PUT", agent.enrolment.uid)) == 1, "the facts too: the plane has older ones"
    status = gather(bench.flags.data)
    assert status["lineage"] == B and "was restored or set back" in status["lineageMessage"]
    assert any(line.startswith("Plane restored") for line in table({**status, "verdict": ""}, times.now()))


def test_p36_the_lineage_survives_a_restart(bench: Bench) -> None:
    bench.stub.lineage, bench.stub.generation = A, 10
    agent = bench.start()
    agent.step()
    bench.kill(agent)
    bench.stub.generation = 9
    agent = bench.start()
    agent.step()
    assert agent.desired.position == (A, 10), "a lower generation of the same lineage is late and dropped"
    bench.stub.lineage = B
    agent.step()
    assert agent.desired.position == (B, 9)


def test_p36_an_operation_does_not_run_twice_but_its_result_is_sent_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.stub.lineage, bench.stub.generation = A, 4
    bench.stub.operations = [operation("c")]
    agent = bench.start()
    runs: list[str] = []
    real = DocumentStore.reset

    def reset(store: DocumentStore, operation: str) -> list[str]:
        runs.append(operation)
        return real(store, operation)

    monkeypatch.setattr(DocumentStore, "reset", reset)
    agent.step()
    assert runs == ["c" * 24] and results(bench) == ["c" * 24]
    bench.stub.lineage, bench.stub.generation = B, 2
    agent.step()
    assert runs == ["c" * 24], "its id is recorded at the agent"
    assert results(bench) == ["c" * 24] * 2, "the restored plane does not know the result any more"


def test_p36_agents_and_hubs_that_know_no_lineage_keep_working(bench: Bench) -> None:
    agent = bench.start()
    bench.stub.generation = 5
    agent.step()
    agent.step()
    assert "lineage" not in bench.stub.sent("PATCH", "/health")[-1].body["edgewright"]
    assert agent.desired.position == ("", 5)
    bench.stub.generation = 4
    agent.desired._beats = 99
    agent.step()
    assert agent.desired.position == ("", 5), "as in v0.1.0: lower is late"
    bench.stub.lineage, bench.stub.generation = A, 6
    agent.step()
    assert agent.desired.position == (A, 6) and "restored" not in bench.heard.text, "the hub was only updated"
    bench.stub.lineage, bench.stub.generation = "", 2
    agent.desired._beats = 99
    agent.step()
    assert agent.desired.position == ("", 2), "a hub that was set back to v0.1.0 is believed as well"


@pytest.mark.parametrize("odd", [2**70, 2**31, 0, -5, True, "7", None, 3.5, [1]])
def test_p37_one_odd_generation_freezes_nothing(bench: Bench, odd: object) -> None:
    bench.stub.lineage, bench.stub.generation = A, 3
    agent = bench.start()
    agent.step()

    def script(request: Request) -> Answer | None:
        if request.path.endswith("/config"):
            return 200, {"edgewright": {"generation": odd, "lineage": A, "operations": [operation("d")]}}, {}
        return None

    bench.stub.script = script
    agent.desired._beats = 99
    agent.step()
    assert agent.desired.position == (A, 3) and results(bench) == []
    assert "without a valid lineage and generation" in bench.heard.text
    bench.stub.script = lambda request: None
    bench.stub.generation = 4
    agent.step()
    assert agent.desired.position == (A, 4)


@pytest.mark.parametrize("header", ["1180591620717411303424", "-1", "x", "1e3", "²", "4294967296"])
def test_p37_an_odd_header_names_nothing(bench: Bench, header: str) -> None:
    agent = bench.start()
    agent.step()
    asked = len(bench.stub.sent("GET", "/config"))

    def script(request: Request) -> Answer | None:
        if request.path.endswith("/health"):
            return 204, None, {"Edgewright-Generation": header.encode().decode("latin-1"), "Edgewright-Lineage": "Q"}
        return None

    bench.stub.script = script
    agent.step()
    assert len(bench.stub.sent("GET", "/config")) == asked
    assert agent.desired.generation == 1


@pytest.mark.parametrize("generation", [2**70, -3, True, "12", None])
def test_p37_a_host_that_an_odd_answer_froze_thaws_with_this_agent(bench: Bench, generation: object) -> None:
    (bench.folder / "data").mkdir()
    body = {"generation": generation, "observed": generation, "config": {"clusterUids": []}, "tunnelTold": ""}
    write_checked(str(bench.folder / "data" / "desired.json"), json.loads(json.dumps(body)))
    bench.stub.generation = 3
    agent = bench.start()
    agent.step()
    assert (agent.desired.generation, agent.desired.observed) == (3, 3)


def test_p16_a_new_record_begins_without_lineage(bench: Bench) -> None:
    bench.stub.lineage, bench.stub.generation = A, 10
    agent = bench.start()
    agent.step()
    agent.desired.forget()
    assert agent.desired.position == ("", 0)
    agent.step()
    assert agent.desired.position == (A, 10) and "restored" not in bench.heard.text
