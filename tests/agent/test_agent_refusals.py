"""What the agent does when a plane refuses it: a sentence for each reason, and patience."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Bench
from tests.agent.test_agent_loop import saying, status_of

REFUSALS = [
    (401, "InvalidEdgeToken", "does not know the registration token"),
    (401, "EdgeTokenExpired", "has expired"),
    (401, "EdgeTokenRevoked", "was revoked"),
    (409, "DuplicateEdgeHostUid", "Another registration already uses the host UID"),
    (400, "ProjectRequired", "no default project"),
    (404, "ResourceNotFound", "has no project"),
    (401, "InvalidPairingKey", "pairing key"),
    (422, 605, "finds the registration of"),
    (403, "SomethingNew", "refused the registration"),
]


@pytest.mark.parametrize(("status", "code", "words"), REFUSALS)
def test_p11_each_refusal_says_its_own_sentence_in_the_journal_and_on_the_console(
    bench: Bench, status: int, code: object, words: str
) -> None:
    bench.stub.script = saying(status, code, "because\x1b[2J of it")
    agent = bench.start()
    wait = agent.step()
    assert 60 <= wait <= 66, "the ceiling of P4, spread a little"
    assert words in bench.heard.text and words in bench.console.read_text()
    assert "\x1b" not in bench.heard.text + bench.console.read_text()
    agent.step()
    agent.step()
    assert bench.heard.text.count(words) == 1, "the same reason is told once"
    told = status_of(bench)
    assert told["phase"] == "refused" and words in told["message"] and told["code"] == str(code)
    bench.stub.script = lambda request: None
    agent.step()
    assert "Registered with" in bench.heard.text


def test_every_refusal_has_a_sentence_of_its_own() -> None:
    assert len({words for _, _, words in REFUSALS}) == len(REFUSALS)


def test_p11_a_changed_reason_is_told_again(bench: Bench) -> None:
    agent = bench.start()
    for code, words in (("EdgeTokenExpired", "has expired"), ("EdgeTokenRevoked", "was revoked")) * 2:
        bench.stub.script = saying(401, code)
        agent.step()
        assert bench.heard.text.rstrip().splitlines()[-1].count(words) == 1


def test_p11_a_new_token_needs_no_restart(bench: Bench) -> None:
    bench.stub.script = saying(401, "InvalidEdgeToken")
    agent = bench.start()
    agent.step()
    Path(bench.flags.token_file).write_text("ewt_second\n")
    agent.step()
    tokens = [r.body["spec"]["host"]["hostAuthToken"] for r in bench.stub.sent("POST", "/register")]
    assert tokens == ["ewt_test", "ewt_second"]


def test_p13_waiting_for_approval_is_no_error(bench: Bench) -> None:
    bench.stub.script = saying(403, "EdgeHostNotPreRegistered")
    agent = bench.start()
    assert 30 <= agent.step() <= 33
    assert "waits for approval" in bench.heard.text and agent.enrolment.uid in bench.console.read_text()
    assert status_of(bench)["phase"] == "waiting"


def test_p4_retry_after_is_a_minimum(bench: Bench) -> None:
    bench.stub.script = saying(429, "TooManyRequests", **{"Retry-After": "120"})
    assert bench.start().step() >= 120


def test_p16_a_deleted_host_registers_anew_with_a_new_id(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.script = lambda request: (
        (401, {"code": "HostGone", "message": "deleted"}, {}) if request.path.endswith("/health") else None
    )
    assert 60 <= agent.step() <= 66
    assert "has deleted this host" in bench.heard.text
    bench.stub.script = lambda request: None
    agent.step()
    first, second = (r.body["spec"]["edgewright"]["registrationId"] for r in bench.stub.sent("POST", "/register"))
    assert first != second and agent.enrolment.registered


def test_p10_a_lost_credential_registers_again_with_the_same_id(bench: Bench) -> None:
    agent = bench.start()
    agent.step()
    bench.stub.script = lambda request: (
        (401, {"code": "UnAuthorizedAccess", "message": "who"}, {}) if request.path.endswith("/health") else None
    )
    agent.step()
    bench.stub.script = lambda request: None
    agent.step()
    first, second = (r.body["spec"]["edgewright"]["registrationId"] for r in bench.stub.sent("POST", "/register"))
    assert first == second


def test_no_token_at_all_is_told(bench: Bench) -> None:
    agent = bench.start(token_file="")
    assert agent.step() >= 60
    assert "neither a registration token nor a pairing key" in bench.heard.text
    assert bench.stub.requests == []
