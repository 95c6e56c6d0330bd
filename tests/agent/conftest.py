"""A stub plane over real TLS, certificates of every kind, and an agent that runs without waiting."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgewright.agent.kernel.agent import Agent
from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.operations import Exchange
from edgewright.agent.kernel.settings import Flags
from edgewright.agent.kernel.systemd_notify import Notifier
from edgewright.agent.reconcile.compose import make_reconciler
from edgewright.agent.reconcile.exchange import OWN
from edgewright.agent.reconcile.handover import Handover

TODAY = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Pair(NamedTuple):
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class Authority:
    """A CA that signs server certificates of every kind."""

    chain = b""
    """Certificates (PEM) that a server has to show with its own."""

    def __init__(self, folder: Path, name: str = "test ca") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name.replace(' ', '-')}.crt"
        self.file.write_bytes(self.certificate())

    def certificate(self, first: int = -400, last: int = 400) -> bytes:
        """Return its own certificate (PEM), valid from `first` to `last` days from today: each call renews it."""
        made = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY + first * DAY)
            .not_valid_after(TODAY + last * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        )
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def below(self, name: str, first: int = -10, last: int = 100) -> Authority:
        """Return an intermediate CA that this one signed; what it issues comes with its certificate."""
        made = object.__new__(Authority)
        made.folder, made.key = self.folder, ec.generate_private_key(ec.SECP256R1())
        made.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(made.name)
            .issuer_name(self.name)
            .public_key(made.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY + first * DAY)
            .not_valid_after(TODAY + last * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        made.file = self.file
        made.chain = certificate.public_bytes(serialization.Encoding.PEM)
        return made

    def issue(self, label: str, host: str = "127.0.0.1", first: int = -1, last: int = 30) -> Pair:
        """Make a server certificate for `host`, valid from `first` to `last` days from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host))]
        except ValueError:
            names = [x509.DNSName(host)]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY + first * DAY)
            .not_valid_after(TODAY + last * DAY)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        pair = Pair(self.folder / f"{label}.crt", self.folder / f"{label}.key")
        pair.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + self.chain)
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return pair


class Request(NamedTuple):
    """A request that the stub plane got."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


Answer = tuple[int, Any, dict[str, str]]
Script = Callable[[Request], "Answer | None"]


class StubPlane:
    """Answers as the protocol says unless a script answers first; keeps every request."""

    def __init__(self, pair: Pair) -> None:
        self.requests: list[Request] = []
        self.script: Script = lambda request: None
        self.generation: Any = 1
        self.lineage: Any = ""
        """Of its database; the empty text is a hub v0.1.0, which names none."""
        self.config: dict[str, Any] = {"clusterUids": [], "tunnelConfig": {"remoteSsh": "disabled"}}
        self.operations: list[dict[str, Any]] = []
        self.received: list[bytes] = []
        """All bytes that callers sent, decrypted, in their order."""
        self.header: Callable[[str, str], str] = lambda name, value: value
        """Changes headers that the server sends itself, such as `Date`; an empty value leaves one out."""
        stub = self

        class Recorder(ssl.SSLSocket):
            def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
                count = super().recv_into(buffer, nbytes, flags)
                stub.received.append(bytes(memoryview(buffer)[:count]))
                return count

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

            def send_header(self, keyword: str, value: str) -> None:
                changed = stub.header(keyword, value)
                if changed:
                    super().send_header(keyword, changed)

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                data = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, json.loads(data) if data else None)
                stub.requests.append(request)
                status, body, extra = stub.script(request) or stub.answer(request)
                sent = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = serve

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        context.sslsocket_class = Recorder
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *a: None  # type: ignore[method-assign]
        self.port = int(self.server.server_address[1])
        self.url = f"https://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def sent(self, method: str, ending: str) -> list[Request]:
        """Return the requests of a method whose path ends so."""
        return [r for r in self.requests if r.method == method and r.path.endswith(ending)]

    def answer(self, request: Request) -> Answer:
        if request.path == "/v1/edgehosts/register":
            document = {**request.body, "status": {"state": "ready", "serviceAuthToken": "ewh_1_secret"}}
            document["status"]["edgewright"] = {"generation": self.generation}
            return 200, document, {}
        if request.path.endswith("/health"):
            named = {"Edgewright-Lineage": str(self.lineage)} if self.lineage else {}
            return 204, None, {"Edgewright-Generation": str(self.generation), "Edgewright-Interval": "60", **named}
        if request.path.endswith("/config"):
            tag = f"{self.lineage}-{self.generation}" if self.lineage else f"{self.generation}"
            if request.headers.get("if-none-match") == f'"{tag}"':
                return 304, None, {}
            extension = {"generation": self.generation, "interval": 60, "operations": self.operations}
            if self.lineage:
                extension["lineage"] = self.lineage
            return 200, {**self.config, "edgewright": extension}, {"ETag": f'"{tag}"'}
        if request.path.endswith("/bulk"):
            return 201, {"uids": [event["metadata"]["uid"] for event in request.body]}, {}
        return 204, None, {}


class Heard:
    """A stream that keeps the lines that an agent told."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        return


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def good_pair(authority: Authority) -> Pair:
    return authority.issue("good")


@pytest.fixture
def stub(good_pair: Pair) -> Iterator[StubPlane]:
    plane = StubPlane(good_pair)
    yield plane
    plane.close()


@pytest.fixture
def start_stub() -> Iterator[Callable[[Pair], StubPlane]]:
    planes: list[StubPlane] = []

    def start(pair: Pair) -> StubPlane:
        planes.append(StubPlane(pair))
        return planes[-1]

    yield start
    for plane in planes:
        plane.close()


class Bench:
    """Makes agents on one data folder, as if the host was started again and again."""

    def __init__(self, folder: Path, stub: StubPlane, ca: Path) -> None:
        self.folder, self.stub = folder, stub
        self.heard = Heard()
        self.console = folder / "console"
        token = folder / "token"
        token.write_text("ewt_test\n")
        self.flags = Flags(
            endpoint=stub.url,
            token_file=str(token),
            ca=str(ca),
            data=str(folder / "data"),
            console=str(self.console),
            root=str(folder / "root"),
        )

    def start(self, **changes: Any) -> Agent:
        """Start an agent up to its first step."""
        agent = Agent(self.flags._replace(**changes), AgentLog(self.heard, str(self.console)), Notifier())  # type: ignore[arg-type]
        agent.folder.open()
        agent._begin()
        return agent

    def kill(self, agent: Agent) -> None:
        """End an agent as kill -9 does: nothing more is written."""
        agent.folder.close()
        agent.connection.drop()


@pytest.fixture
def bench(tmp_path: Path, stub: StubPlane, authority: Authority) -> Bench:
    return Bench(tmp_path, stub, authority.file)


def exchange_on(data: str) -> Exchange:
    """Return the folders between link and reconciler, without a start of the reconciler."""
    handover = Handover(data, "units")
    return handover.exchange


@pytest.fixture(autouse=True)
def reconciler_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the reconciler where the link would start it as a child process, to its end."""

    def start_child(handover: Handover) -> None:
        reconciler = make_reconciler(os.path.dirname(handover._places[OWN]), handover._run, Root(handover._root))
        assert reconciler.open()
        try:
            reconciler.run()
        finally:
            reconciler.close()

    monkeypatch.setattr(Handover, "start_child", start_child)
