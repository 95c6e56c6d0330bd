"""P136: a personal kubeconfig by the rights of a user's role, signed on a control plane, valid for a day."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from edgewright.clients.http.transport import Reply
from edgewright.core import times
from edgewright.core.errors import Refused
from edgewright.store.collections.catalogue.personal_key import key_and_request
from edgewright.store.collections.catalogue.personal_kubeconfig import Personal, fetch
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import personal
from tests.hub.clusters.plane import Site
from tests.hub.people import Person, person
from tests.hub_fixture import RunningHub


class World:
    """A cluster with two control planes, and a user of each role."""

    def __init__(self, hub: RunningHub) -> None:
        self.site = Site(hub, 2)
        self.uid = self.site.create(controls=1, workers=1)
        self.host = self.site.hosts[0]
        assert self.site.observe(self.uid, self.host, 1).status_code == 204
        self.people = {role: person(hub, "", {self.site.project: role}) for role in personal.GROUPS}
        self.path = protocol.path(personal.PATH, uid=self.uid)

    def request(self, who: Person, role: str, group: str = "") -> str:
        return key_and_request(personal.user_name(who.email, who.uid), group or personal.GROUPS[role])[1]

    def offered(self) -> list[dict[str, Any]]:
        config = self.site.agents[self.host].get(protocol.path(protocol.HOST_CONFIG, uid=self.host)).json()
        operations: list[dict[str, Any]] = config["edgewright"]["operations"]
        return operations

    def end(self, operation: str, **result: Any) -> httpx.Response:
        path = protocol.path(protocol.OPERATION_RESULT, uid=self.host, operationId=operation)
        return self.site.agents[self.host].post(path, json={"state": protocol.OP_SUCCEEDED, "message": "", **result})

    def clear(self) -> None:
        for operation in self.offered():
            self.end(operation["id"])


@pytest.fixture(scope="module")
def world(hub: RunningHub) -> Iterator[World]:
    yield World(hub)


class Caller:
    """The port that verbs use, over a client of a test."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    async def call(
        self, method: str, path: str, what: str, *, body: Any = None, params: Mapping[str, Any] | None = None, **_: Any
    ) -> Reply:
        answer = await asyncio.to_thread(self.client.request, method, path, json=body, params=params)
        assert answer.is_success, answer.text
        return Reply(answer.status_code, answer.json(), {})


def signed(request: str) -> tuple[str, str]:
    """Return what a cluster would answer: a certificate for a request, and its CA."""
    wanted, key = x509.load_pem_x509_csr(request.encode()), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")]), datetime.now(UTC)

    def made(subject: x509.Name, public: Any) -> str:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public)
        builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    return made(wanted.subject, wanted.public_key()), made(name, key.public_key())


async def test_p136_each_role_gets_its_own_rights(world: World) -> None:
    """The key is made by the caller; the kubeconfig has the certificate that the host signed for it."""
    for role, who in world.people.items():
        reports: list[str] = []

        async def answer(role: str = role) -> None:
            while not (operations := await asyncio.to_thread(world.offered)):
                await asyncio.sleep(0.05)
            (operation,) = operations
            assert (operation["kind"], operation["params"]["role"]) == ("kubeconfig", role)
            certificate, ca = signed(operation["params"]["request"])
            ended = await asyncio.to_thread(world.end, operation["id"], certificate=certificate, ca=ca)
            assert ended.status_code == 204, ended.text

        waiting = fetch(Caller(who.client), world.uid, "shop", "https://192.0.2.1:6443", "", reports.append)
        made: Personal = (await asyncio.gather(waiting, answer()))[0]
        assert (made.user, made.role) == (f"edgewright:user:{who.email}", role)
        ends = times.parse(made.until)
        assert ends is not None and 86_300 < ends - times.now() <= 86_400
        config = yaml.safe_load(made.content)
        user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
        assert (cluster["server"], cluster["tls-server-name"]) == ("https://192.0.2.1:6443", "kubernetes")
        certificate = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
        assert certificate.subject.rfc4514_string() == personal.subject(made.user, role)
        key = serialization.load_pem_private_key(base64.b64decode(user["client-key-data"]), None)
        assert key.public_key() == certificate.public_key()
        assert world.host in reports[0]


def test_p136_each_one_is_in_the_audit_log(world: World) -> None:
    who = world.people["operator"]
    asked = who.client.post(world.path, json={"request": world.request(who, "viewer"), "role": "viewer"})
    assert asked.status_code == 202, asked.text
    text = (
        f"for edgewright:user:{who.email} with the role viewer, valid until {asked.json()['until']}, "
        f"is asked of the host '{world.host}'"
    )
    audits = world.site.admin.get(f"{protocol.AUDITS}?limit=5").json()["items"]
    (entry,) = [audit for audit in audits if text in str(audit)]
    assert who.email in str(entry["spec"]["actor"])
    world.clear()


def test_p136_nobody_gets_more_rights_than_the_own(world: World) -> None:
    """Neither by asking for a higher role, nor by another group, nor by another way to the same operation."""
    viewer, operator = world.people["viewer"], world.people["operator"]
    higher = {"request": world.request(viewer, "admin"), "role": "admin"}
    assert viewer.client.post(world.path, json=higher).status_code == 403
    assert viewer.client.get(world.path, params={"role": "operator"}).status_code == 403
    for group in ("system:masters", personal.GROUPS["admin"]):
        answer = viewer.client.post(world.path, json={"request": world.request(viewer, "viewer", group)})
        assert answer.status_code == 422 and answer.json()["code"] == personal.E_REQUEST, answer.text
    other = viewer.client.post(world.path, json={"request": world.request(operator, "viewer")})
    assert other.status_code == 422, "a user of another name"
    path = protocol.path(protocol.OPERATIONS, uid=world.host)
    params = {"cluster": world.uid, "request": "x", "user": "edgewright:user:x", "role": "admin"}
    assert operator.client.post(path, json={"kind": "kubeconfig", "params": params}).status_code == 422
    assert not world.offered()


def weak(world: World, who: Person) -> str:
    key = rsa.generate_private_key(65537, 1024)
    subject = x509.Name.from_rfc4514_string(personal.subject(personal.user_name(who.email, who.uid), "viewer"))
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def named(world: World, who: Person) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(personal.subject(personal.user_name(who.email, who.uid), "viewer"))
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("kubernetes")]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def plain(who: Person, curve: ec.EllipticCurve, *extensions: x509.ExtensionType) -> bytes:
    """Return a request (DER) of the viewer's subject."""
    subject = x509.Name.from_rfc4514_string(personal.subject(personal.user_name(who.email, who.uid), "viewer"))
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(ec.generate_private_key(curve), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"


def other_version(world: World, who: Person) -> str:
    return pem(plain(who, ec.SECP256R1()).replace(b"\x02\x01\x00", b"\x02\x01\x01", 1))


def x400_address(world: World, who: Person) -> str:
    """Return a request with a subjectAltName of a kind that the library has no type for."""
    name = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3004a3023000"))
    return pem(plain(who, ec.SECP256R1(), name))


def small_curve(world: World, who: Person) -> str:
    return pem(plain(who, ec.SECP192R1()))


@pytest.mark.parametrize(
    "make", [weak, named, lambda world, who: "no request", other_version, x400_address, small_curve]
)
def test_p136_what_is_not_a_plain_request_is_refused(world: World, make: Any) -> None:
    who = world.people["viewer"]
    answer = who.client.post(world.path, json={"request": make(world, who)})
    assert answer.status_code == 422 and answer.json()["code"] == personal.E_REQUEST, answer.text


def test_p136_only_the_request_that_was_checked_goes_to_the_host(world: World) -> None:
    """Readers of PEM differ: with a no-break space in the first of two requests, an API takes the second one."""
    who = world.people["viewer"]
    good = world.request(who, "viewer")
    first, second, *rest = good.split("\n")
    text = "\n".join([first, second + "\u00a0", *rest]) + world.request(who, "admin")
    assert who.client.post(world.path, json={"request": text}).status_code == 202
    (operation,) = world.offered()
    assert operation["params"]["request"] == good
    world.clear()


def test_p136_requests_are_bounded_and_need_a_cluster_with_an_api(world: World) -> None:
    who = world.people["viewer"]
    answers = [who.client.post(world.path, json={"request": world.request(who, "viewer")}) for _ in range(9)]
    assert [answer.status_code for answer in answers] == [202] * 8 + [409]
    assert answers[-1].json()["code"] == protocol.E_TOO_MANY_OPERATIONS
    world.clear()
    site = Site(world.site.hub, 1, project=world.site.project)
    early = who.client.get(protocol.path(personal.PATH, uid=site.create()))
    assert early.status_code == 404 and early.json()["code"] == wire.E_NO_KUBECONFIG, early.text


async def test_p136_a_host_that_refuses_is_quoted(world: World) -> None:
    async def answer() -> None:
        while not (operations := await asyncio.to_thread(world.offered)):
            await asyncio.sleep(0.05)
        refused = {"state": protocol.OP_REFUSED, "message": "This agent does not support it."}
        await asyncio.to_thread(lambda: world.end(operations[0]["id"], **refused))

    waiting = fetch(Caller(world.people["viewer"].client), world.uid, "shop", "https://x:6443", "", lambda _: None)
    with pytest.raises(Refused, match="does not support it"):
        await asyncio.gather(waiting, answer())
