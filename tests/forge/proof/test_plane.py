"""What a proof asks of the plane, with a client that stands in for the network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.palette.pages import Page
from edgewright.core.cloudconfig.findings import Finding, error, note, unknown
from edgewright.core.errors import EdgewrightError, Failed, NotFound, Refused
from edgewright.forge.proof.failures import refusal_in
from edgewright.forge.proof.plane import REFUSALS, ProofPlane, masked
from edgewright.hub.resources.hosts.rejections import ALERTS

NOW = 1_800_000_000.0
SHIPS = "ewt_ships0000000"


class StandInClient:
    """Answers as a plane would; `fails` names calls that raise."""

    def __init__(self, tokens: list[dict[str, Any]], fails: dict[str, EdgewrightError] | None = None) -> None:
        self.documents, self.fails = tokens, fails or {}
        self.calls: list[str] = []
        self.known: dict[str, dict[str, Any]] = {}
        self.news: list[dict[str, Any]] = []
        self.hosts = SimpleNamespace(get=self._host, delete=self._delete_host)
        self.events = SimpleNamespace(page=self._events)
        self.tokens = SimpleNamespace(
            all=self._tokens, get=self._token, create=self._create_token, delete=self._delete_token
        )

    async def __aenter__(self) -> StandInClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def _called(self, name: str, detail: str = "") -> None:
        self.calls.append(f"{name} {detail}".strip())
        if name in self.fails:
            raise self.fails[name]

    async def _tokens(self) -> list[dict[str, Any]]:
        self._called("tokens")
        return self.documents

    async def _events(self, limit: int) -> Page:
        self._called("events")
        return Page(list(self.news), len(self.news), "", 0)

    async def _token(self, uid: str) -> dict[str, Any]:
        self._called("token", uid)
        return {"metadata": {"uid": uid}, "spec": {}}

    async def _create_token(self, name: str, project: str, expiry: float, description: str) -> str:
        self._called("create_token", f"{name} {project}")
        self.documents.append({"metadata": {"uid": "t9", "name": name}, "spec": {"token": "ewt_proof000000"}})
        return "t9"

    async def _delete_token(self, uid: str) -> None:
        self._called("delete_token", uid)

    async def _delete_host(self, uid: str) -> None:
        self._called("delete_host", uid)

    async def _host(self, uid: str) -> dict[str, Any]:
        self._called("host", uid)
        if uid not in self.known:
            raise NotFound(f"There is no host {uid}.")
        return self.known[uid]


def token(text: str = SHIPS, *, active: bool = True, expiry: str = "2099-01-01T00:00:00.000Z") -> dict[str, Any]:
    project = {"uid": "p1", "name": "Default"}
    spec = {"token": text, "expiry": expiry, "defaultProject": project}
    return {"metadata": {"uid": "t1", "name": "berlin-line"}, "spec": spec, "status": {"isActive": active}}


def plane(client: StandInClient) -> ProofPlane:
    return ProofPlane(lambda project: client, "lab")  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("documents", "project", "state", "words"),
    [
        ([token()], "", "ok", "berlin-line"),
        ([token()], "Default", "ok", "berlin-line"),
        ([token()], "Other", "bad", "berlin-line is for the project Default"),
        ([token(active=False)], "", "bad", "berlin-line of the user-data was revoked"),
        ([token(expiry="2020-01-01T00:00:00.000Z")], "", "bad", "berlin-line of the user-data expired at 2020-01-01"),
        ([token("ewt_another0000")], "", "bad", "ewt_sh…00"),
        ([], "", "bad", "not known at lab"),
        ([token("")], "", "unknown", "does not show the text"),
    ],
)
def test_the_token_that_ships(documents: list[dict[str, Any]], project: str, state: str, words: str) -> None:
    verdict = plane(StandInClient(documents)).judge(SHIPS, "", project, now=NOW)
    assert verdict.state == state
    assert words in f"{verdict.name} {verdict.sentence}"
    assert SHIPS not in str(verdict)
    assert verdict.hint or state != "bad"


def test_a_plane_that_does_not_tell_is_unknown_and_no_failure() -> None:
    client = StandInClient([], {"tokens": Refused("Your role may not list tokens.")})
    assert plane(client).judge(SHIPS).state == "unknown"


def test_its_own_token_is_told_before_anything_else_can_fail() -> None:
    client, made = StandInClient([]), list[str]()
    assert plane(client).make_token("proof-1", "p1", made.append) == "ewt_proof000000"
    assert made == ["t9"]
    client = StandInClient([], {"token": Failed("The plane is gone.")})
    made.clear()
    with pytest.raises(Failed):
        plane(client).make_token("proof-1", "p1", made.append)
    assert made == ["t9"], "it is there and must be deleted"


def test_a_host_counts_with_its_health_known() -> None:
    client = StandInClient([])
    assert plane(client).see("proof-1") is None
    client.known["proof-1"] = {"status": {"edgewright": {"healthState": "unknown"}}}
    seen = plane(client).see("proof-1")
    assert seen is not None
    assert seen.health == ""
    client.known["proof-1"] = {"metadata": {"labels": {"site": "berlin"}}, "status": {"health": {"state": "Healthy"}}}
    seen = plane(client).see("proof-1")
    assert seen is not None
    assert (seen.health, seen.tags) == ("healthy", {"site": "berlin"})


def test_what_is_gone_already_is_no_failure() -> None:
    client = StandInClient([], {"delete_host": NotFound("gone"), "delete_token": NotFound("gone")})
    plane(client).forget_host("proof-1")
    plane(client).forget_token("t9")
    assert client.calls == ["delete_host proof-1", "delete_token t9"]


@pytest.mark.parametrize("text", ["", "short", "ewt_0123456789abcdef"])
def test_a_masked_token_cannot_be_used(text: str) -> None:
    assert not text or text not in masked(text)


def event(uid: str, reason: str, message: str) -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "reason": reason, "message": message}


def test_refusals_are_read_from_the_events_that_are_new() -> None:
    client = StandInClient([])
    client.news = [event("e1", "RegistrationRefused", "'proof-1' was refused: an old story.")]
    ours = plane(client)
    assert ours.reports("proof-1") == []
    client.news += [
        event("e2", "RegistrationRefused", "'proof-1' was refused: The token is not known here."),
        event(
            "e3",
            "PlaneNotTrusted",
            "10.0.0.9 does not trust this hub's certificate: it has the certificate of another CA.",
        ),
        event("e4", "HostUnhealthy", "proof-1 is silent."),
    ]
    assert [(one.about_host, one.message[:9]) for one in ours.reports("proof-1")] == [
        (True, "'proof-1'"), (False, "10.0.0.9 "),
    ]  # fmt: skip
    client.fails["events"] = Failed("no")
    assert ours.reports("proof-1") == []


def user_data(**site: Any) -> dict[str, Any]:
    return {"stylus": {"site": {"paletteEndpoint": "https://10.77.0.1:8443", "edgeHostToken": "t" * 20, **site}}}


@pytest.mark.parametrize(
    ("finding", "site", "any_store", "state"),
    [
        (error("p", "Not signed by a CA in caCerts.", "", "UnknownCA"), {"caCerts": ["x"]}, True, "bad"),
        (error("p", "Not signed by a CA here.", "", "UnknownCA"), {}, False, "bad"),
        (error("p", "Not signed by a CA here.", "", "UnknownCA"), {}, True, "unknown"),
        (error("p", "It is for another name.", "h", "CertificateNameMismatch"), {}, True, "bad"),
        (unknown("p", "It does not answer.", "", "Unreachable"), {}, True, "unknown"),
        (note("p", "It answers.", code="Fine"), {"caCerts": ["x"]}, True, "ok"),
    ],
)
def test_whether_the_host_would_trust_its_plane(
    monkeypatch: pytest.MonkeyPatch, finding: Finding, site: dict[str, Any], any_store: bool, state: str
) -> None:
    async def check(document: Any, seconds: float) -> list[Finding]:
        return [finding]

    monkeypatch.setattr("edgewright.forge.proof.plane.check_endpoint", check)
    verdict = plane(StandInClient([])).trusted(user_data(**site), any_store=any_store)
    assert (verdict.state, verdict.name) == (state, "10.77.0.1:8443")
    if state == "bad":
        assert verdict.hint == "h" or verdict.hint.startswith("Put the plane's ca.crt into caCerts")


def test_the_hubs_words_for_a_refusal_are_known() -> None:
    """forge and hub do not import each other: what one writes into an event, the other reads."""
    for word, sentence in ALERTS.values():
        assert word in REFUSALS and refusal_in(f"10.0.0.9 {sentence}"), sentence
    assert refusal_in("'proof-1' was refused: The token is not known here. It came from 10.0.0.9.") == "refused"
    for text in ("10.77.0.1:8443 cannot be reached.", "The plane asks for a pause.", "10.77.0.1 cannot answer now."):
        assert refusal_in(text) == "", text
