"""P136: the host signs for the user and the group that the plane names, and for nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import paths, personal
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.kube import signing
from edgewright.agent.kernel.operations import Outcome
from edgewright.agent.reconcile.requests import Request
from edgewright.core import times
from edgewright.store.collections.catalogue.personal_key import key_and_request
from edgewright.wire import protocol
from edgewright.wire.protocol.personal import GROUPS, VALID, user_name
from tests.agent.clusters import support

NOW = 1_790_000_000.0
USER = user_name("ana@example.com", "u-1")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"


class Api:
    """What the cluster's API does with a request that is approved."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.approved = False

    def post(self, path: str, body: Any) -> Any:
        self.asked.append(body["spec"])
        return body

    def put(self, path: str, body: Any) -> None:
        self.approved = body["status"]["conditions"][0]["type"] == "Approved"

    def get(self, path: str) -> Any:
        return {"status": {"certificate": base64.b64encode(CERTIFICATE.encode()).decode()} if self.approved else {}}

    def delete(self, path: str) -> None: ...


class Stored:
    kind, released, document = "cluster", "", {"uid": "c1"}


class Store:
    def get(self, uid: str) -> Stored | None:
        return Stored() if uid == "c1" else None


Ask = Callable[..., Outcome]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def ask(tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> Ask:
    host = Host(str(tmp_path))
    host.write(f"{paths.KUBERNETES}/pki/ca.crt", b"CA")
    monkeypatch.setattr(signing, "admin", lambda host: api)

    class Driver:
        def context_of(self, document: Any) -> Context:
            return support.context(host, support.cluster(1, 1), host_uid)

    host_uid = "host-1"
    run = personal.signing(Store(), Driver(), lambda: NOW)  # type: ignore[arg-type]

    def made(request: str = "", **changes: Any) -> Outcome:
        nonlocal host_uid
        host_uid = str(changes.pop("on", "host-1"))
        request = request or key_and_request(USER, GROUPS["viewer"])[1]
        params = {"cluster": "c1", "user": USER, "role": "viewer", "until": times.rfc3339(NOW + VALID)}
        outcome = run(Request("1", protocol.OP_KUBECONFIG, {**params, "request": request, **changes}, {}))
        assert outcome is not None
        return outcome

    return made


def test_p136_the_api_of_the_cluster_signs(ask: Ask, api: Api) -> None:
    outcome = ask()
    assert outcome.state == protocol.OP_SUCCEEDED, outcome.message
    assert outcome.certificate == {"certificate": CERTIFICATE, "ca": "CA"}
    (asked,) = api.asked
    assert asked["signerName"] == "kubernetes.io/kube-apiserver-client" and asked["usages"] == ["client auth"]
    assert asked["expirationSeconds"] == VALID


@pytest.mark.parametrize(
    ("user", "group"),
    [(USER, "system:masters"), (USER, GROUPS["admin"]), ("kubernetes-admin", GROUPS["viewer"])],
)
def test_p136_another_subject_is_refused(ask: Ask, api: Api, user: str, group: str) -> None:
    outcome = ask(key_and_request(user, group)[1])
    assert outcome.state == protocol.OP_REFUSED and "another subject" in outcome.message
    assert not api.asked


def test_p136_what_is_compared_is_what_is_signed(ask: Ask, api: Api) -> None:
    """openssl reads a first request with a no-break space, the API (Go) does not, and would take the second one."""
    good, bad = key_and_request(USER, GROUPS["viewer"])[1], key_and_request(USER, GROUPS["admin"])[1]
    outcome = ask(good.replace("\n", "\u00a0\n", 2).replace("-----\u00a0", "-----") + bad)
    assert outcome.state == protocol.OP_SUCCEEDED, outcome.message
    assert base64.b64decode(api.asked[0]["request"]).decode() == good


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "system:masters"}, {"user": "system:admin"}, {"user": "edgewright:user:a,O=system:masters"},
        {"cluster": "c2"}, {"cluster": "../c1"}, {"request": "x" * 5000}, {"request": "no request"},
        {"until": times.rfc3339(NOW + 60)}, {"until": ""}, {"on": "host-2"},
    ],
)  # fmt: skip
def test_p136_what_cannot_be_used_is_refused(ask: Ask, api: Api, changes: dict[str, Any]) -> None:
    outcome = ask(**changes)
    assert outcome.state == protocol.OP_REFUSED, outcome.message
    assert not api.asked


def test_p136_no_plane_makes_it_longer(ask: Ask, api: Api) -> None:
    assert ask(until=times.rfc3339(NOW + 30 * 86_400)).state == protocol.OP_SUCCEEDED
    assert api.asked[0]["expirationSeconds"] == VALID
