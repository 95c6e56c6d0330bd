"""The loop against a stub plane: registration, heartbeats, facts, desired state, refusals, recovery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.agent.kernel.state import read_checked
from edgewright.core.text import clean
from tests.agent.conftest import Answer, Authority, Bench, Pair, Request, StubPlane


def saying(status: int, code: object, message: str = "no", **headers: str) -> Callable[[Request], Answer | None]:
    """Return a script that refuses registrations."""

    def script(request: Request) -> Answer | None:
        if request.path.endswith("/register"):
            return status, {"code": code, "message": message}, headers
        return None

    return script


def status_of(bench: Bench) -> dict[str, Any]:
    body, problem = read_checked(str(bench.folder / "data" / "status.json"))
    assert body is not None, problem
    return body


def test_p9_the_registration_id_is_on_disk_before_the_first_try(bench: Bench) -> None:
    seen: list[str] = []

    def script(request: Request) -> Answer | None:
        body, _ = read_checked(str(bench.folder / "data" / "registration.json"))
        assert body is not None
        seen.append(body["registrationId"])
        assert request.body["spec"]["edgewright"]["registrationId"] == body["registrationId"]
        return 503, {"code": "ServiceUnavailable", "message": "later"}, {}

    bench.stub.script = script
    agent = bench.start()
    agent.step()
    bench.kill(agent)
    bench.start().step()
    assert len(seen) == 2 and seen[0] == seen[1] and len(seen[0]) == 32


def test_p10_the_credential_survives_a_kill_and_is_used(bench: Bench) -> None:
    agent = bench.start()
    assert 57 <= agent.step() <= 63
    bench.kill(agent)
    again = bench.start()
    again.step()
    assert len(bench.stub.sent("POST", "/register")) == 1
    assert {r.headers.get("authorization") for r in bench.stub.sent("PATCH", "/health")} == {"ewh_1_secret"}
    assert all(r.headers["edgewright-agent"] for r in bench.stub.requests)


def test_p10_a_credential_goes_to_the_plane_that_gave_it_and_to_no_other(
    bench: Bench, start_stub: Callable[[Pair], StubPlane], tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = bench.start()
    first.step()
    bench.kill(first)
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "other ca")
    other = start_stub(stranger.issue("other"))
    moved = bench.start(endpoint=other.url, ca=str(stranger.file))
    moved.step()
    bench.kill(moved)
    kinds = [request.method for request in other.requests]
    assert kinds[0] == "POST" and "PATCH" in kinds, "it registers there before it beats"
    assert "authorization" not in other.requests[0].headers
    before = len(bench.stub.sent("PATCH", "/health"))
    back = bench.start()
    back.step()
    assert len(bench.stub.sent("POST", "/register")) == 1, "the first plane's credential was kept for the way back"
    assert len(bench.stub.sent("PATCH", "/health")) == before + 1


def test_p17_seq_rises_within_a_boot_also_over_restarts(bench: Bench) -> None:
    for _ in range(3):
        agent = bench.start()
        agent.step()
        agent.step()
        bench.kill(agent)
    numbers = [r.body["edgewright"]["seq"] for r in bench.stub.sent("PATCH", "/health")]
    assert len(numbers) == 6 and numbers == sorted(set(numbers))


def test_p20_facts_are_told_when_they_change_and_not_otherwise(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    agent.step()
    assert bench.stub.sent("PUT", agent.enrolment.uid) == [], "the registration told them"
    (bench.folder / "root/etc").mkdir(parents=True, exist_ok=True)
    (bench.folder / "root/etc/os-release").write_text("ID=debian\nVERSION_ID=13\n")
    agent._facts_at -= 1000
    agent.step()
    agent.step()
    (put,) = bench.stub.sent("PUT", agent.enrolment.uid)
    assert put.body["spec"]["device"]["os"]["version"] == "13"
    assert "labels" not in put.body["metadata"] and "hostAuthToken" not in put.body["spec"]["host"]


def test_p20_why_a_step_failed_is_told_with_the_beat_that_tells_that_it_did(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = bench.start()
    agent.step()
    listed: list[dict[str, Any]] = [{"uid": "c1", "kind": "cluster", "failed": {"step": "s", "error": "no space left"}}]
    monkeypatch.setattr(agent.handover, "documents", lambda host_uid="": listed)
    agent.step()
    agent.step()
    (put,) = bench.stub.sent("PUT", agent.enrolment.uid)
    assert put.body["spec"]["edgewright"]["documents"] == listed, "and once, though facts are read once a minute"
    listed = []
    agent.step()
    agent.step()
    (_, put) = bench.stub.sent("PUT", agent.enrolment.uid)
    assert "documents" not in put.body["spec"]["edgewright"]


def test_p22_desired_state_is_asked_for_when_it_moved_and_every_tenth_beat(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    assert len(bench.stub.sent("GET", "/config")) == 1
    agent.step()
    assert len(bench.stub.sent("GET", "/config")) == 1
    bench.stub.generation = 2
    agent.step()
    assert len(bench.stub.sent("GET", "/config")) == 2 and agent.desired.generation == 2
    agent.step()
    assert bench.stub.sent("PATCH", "/health")[-1].body["edgewright"]["observedGeneration"] == 2
    for _ in range(10):
        agent.step()
    assert len(bench.stub.sent("GET", "/config")) == 3
    bench.stub.generation = 1
    agent.desired._beats = 99
    agent.step()
    assert agent.desired.generation == 2, "a lower generation is late and dropped"


def test_p24_p25_an_operation_is_done_once_and_its_result_repeated(bench: Bench) -> None:
    bench.stub.operations = [{"id": "c" * 24, "kind": "reset", "params": {}, "generation": 1}]
    lose = True

    def script(request: Request) -> Answer | None:
        if request.path.endswith("/result") and lose:
            return 503, {"code": "ServiceUnavailable", "message": "lost"}, {}
        return None

    bench.stub.script = script
    agent = bench.start()
    agent.step()
    bench.kill(agent)
    lose = False
    again = bench.start()
    again.step()
    again.step()
    results = bench.stub.sent("POST", "/result")
    assert len(results) == 2 and results[0].body == results[1].body
    assert results[0].body["state"] == "succeeded" and "c" * 24 in results[0].path


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_p25_a_result_that_the_plane_will_never_take_is_not_repeated(bench: Bench, status: int) -> None:
    bench.stub.operations = [{"id": "c" * 24, "kind": "reset", "generation": 1}]
    bench.stub.script = lambda request: (
        (status, {"code": "x", "message": "y"}, {}) if request.path.endswith("/result") else None
    )
    agent = bench.start()
    agent.step()
    agent.step()
    assert len(bench.stub.sent("POST", "/result")) == 1


def test_p26_a_reset_forgets_the_cluster_and_nothing_else(bench: Bench) -> None:
    bench.stub.config["clusterUids"] = ["cluster-1"]
    agent = bench.start()
    agent.step()
    before = (agent.enrolment.uid, agent.enrolment.registration_id, agent.enrolment.credential)
    assert agent.desired._config["clusterUids"] == ["cluster-1"]
    bench.stub.generation, bench.stub.operations = 2, [{"id": "c" * 24, "kind": "reset", "generation": 2}]
    agent.step()
    (result,) = bench.stub.sent("POST", "/result")
    assert result.body["state"] == "succeeded" and "was forgotten" in result.body["message"]
    bench.kill(agent)
    again = bench.start()
    assert "clusterUids" not in again.desired._config, "also after a restart"
    assert before == (again.enrolment.uid, again.enrolment.registration_id, again.enrolment.credential)
    del bench.stub.config["clusterUids"]
    bench.stub.generation, bench.stub.operations = 3, [{"id": "d" * 24, "kind": "reset", "generation": 3}]
    again.step()
    assert "nothing was left to forget" in bench.stub.sent("POST", "/result")[-1].body["message"]


def test_p27_an_observing_agent_refuses_every_operation(bench: Bench) -> None:
    bench.stub.operations = [{"id": f"{n}" * 24, "kind": kind} for n, kind in enumerate(("reset", "collect-logs", "x"))]
    agent = bench.start(observe=True)
    agent.step()
    assert bench.stub.sent("POST", "/register")[0].body["spec"]["edgewright"]["observed"] is True
    results = bench.stub.sent("POST", "/result")
    assert [r.body["state"] for r in results] == ["refused"] * 3
    assert all("only observed" in r.body["message"] for r in results)


def test_p28_an_intent_waits_on_disk_until_it_is_taken(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.script = lambda request: (503, None, {}) if request.path.endswith("/intents") else None
    identifier = agent.outbox.offer("hostName", "kasse-2", 1, "kasse-1", "anna", "label was wrong")
    agent.step()
    bench.kill(agent)
    bench.stub.script = lambda request: None
    again = bench.start()
    again.step()
    again.step()
    first, second = bench.stub.sent("POST", "/intents")
    assert first.body == second.body and first.body["id"] == identifier
    assert first.body["base"] == {"generation": 1, "value": "kasse-1"}


def test_p30_the_tunnel_is_answered_once_for_each_change(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    for generation, wanted in ((2, "enabled"), (3, "enabled"), (4, "disabled")):
        bench.stub.generation = generation
        bench.stub.config["tunnelConfig"] = {"remoteSsh": wanted}
        agent.step()
    told = [r.body["ssh"] for r in bench.stub.sent("PATCH", "/tunnelStatus")]
    assert [ssh["state"] for ssh in told] == ["Failed", "Deleted"] and "no tunnel yet" in told[0]["message"]


def test_an_outage_is_told_and_so_is_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.script = lambda request: (503, {"code": "ServiceUnavailable", "message": "starting"}, {})
    for expected in (1, 2, 4, 8, 16, 32, 60, 60):
        assert 0 <= agent.step() <= expected
    assert bench.heard.text.count("starting") == 1
    bench.stub.script = lambda request: None
    assert agent.plane_link.lost_since is not None
    agent.plane_link.lost_since -= 300
    agent.step()
    assert "answers again after 5 min" in bench.heard.text
    events = [event for r in bench.stub.sent("POST", "/bulk") for event in r.body]
    assert [event["reason"] for event in events] == ["HostRegistered", "PlaneReached"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Date": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"Date": "Tue, 03 Nov 2026 00:00:00 GMT", "Edgewright-Clock": "doubted"},
    ],
)
def test_p41_a_wrong_clock_of_the_plane_is_no_condition_of_the_host(bench: Bench, headers: dict[str, str]) -> None:
    agent = bench.start()
    bench.stub.script = lambda request: (204, None, headers) if request.path.endswith("/health") else None
    agent.step()
    agent.step()
    assert "clock" not in bench.stub.sent("PATCH", "/health")[-1].body["message"]


def test_p5_a_clock_that_is_off_is_a_condition(bench: Bench) -> None:
    agent = bench.start()
    bench.stub.script = lambda request: (
        (204, None, {"Date": "Tue, 03 Nov 2026 00:00:00 GMT"}) if request.path.endswith("/health") else None
    )
    agent.step()
    agent.step()
    last = bench.stub.sent("PATCH", "/health")[-1].body
    assert last["state"] == "unhealthy" and "ahead of the plane's" in last["message"]


def test_a_full_disk_is_told_to_the_plane(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = bench.start()
    agent.step()
    monkeypatch.setattr(
        "edgewright.agent.kernel.state.write_checked", lambda *a: (_ for _ in ()).throw(OSError(28, "full"))
    )
    agent.step()
    agent.step()
    last = bench.stub.sent("PATCH", "/health")[-1].body
    assert last["state"] == "unhealthy" and "disk is full" in last["message"]
    assert bench.heard.text.count("disk is full") == 1


@pytest.mark.parametrize(
    "answer",
    [
        (200, None, {}),
        (200, [], {}),
        (200, {"status": 5}, {}),
        (200, {"status": {"serviceAuthToken": 7}}, {}),
        (302, None, {}),
    ],
)
def test_an_answer_that_is_none_is_a_sentence(bench: Bench, answer: Answer) -> None:
    bench.stub.script = lambda request: answer
    agent = bench.start()
    agent.step()
    assert agent.enrolment.uid in bench.heard.text or "not understood" in bench.heard.text
    assert not agent.enrolment.registered


def test_a_plane_that_answers_nonsense_to_a_registered_host_is_survived(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.generation = 9
    answers: list[Answer] = [
        (200, [1], {}),
        (200, {"edgewright": []}, {}),
        (200, {"edgewright": {"operations": 5}}, {}),
        (404, None, {}),
    ]
    for answer in answers:

        def script(request: Request, answer: Answer = answer) -> Answer | None:
            return answer if request.path.endswith("/config") else None

        bench.stub.script = script
        assert agent.step() >= 0
    assert clean(bench.heard.text.replace("\n", " "), 10**6) == bench.heard.text.replace("\n", " ")


def test_what_nobody_foresaw_is_told_with_its_place_and_the_agent_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = bench.start()
    agent.step()
    monkeypatch.setattr("edgewright.agent.plane.documents.heartbeat_body", lambda *a, **more: 1 // 0)
    assert agent.step() >= 60
    assert "unexpected ZeroDivisionError in test_agent_loop.py:" in bench.heard.text
    monkeypatch.undo()
    assert agent.step() <= 63
