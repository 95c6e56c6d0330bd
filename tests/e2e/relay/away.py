"""One host in a network namespace of its own: real agent and relay, stand-ins at its ports, a link that may be slow."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edgewright.agent.kernel.state import read_checked
from edgewright.hub.security import pki
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import Site
from tests.hub_fixture import RunningHub
from tests.support import ROOT

NET = "10.254.77"
HUB = f"{NET}.1"
STANDIN = Path(__file__).with_name("standin.py")


class OwnSite(Site):
    """A site whose one host is a real agent."""

    def address(self, number: int) -> str:
        return f"{NET}.{number}"


class Namespace:
    """The network of the host: two bridges with a cable between them, which the lab's emulator can replace."""

    def __init__(self) -> None:
        tag = os.getpid() % 99_999
        self.name = f"site{os.getpid()}"
        self.near, self.far, self.cable = f"sn{tag}", f"sf{tag}", f"sc{tag}"
        self._emulator: subprocess.Popen[bytes] | None = None
        for line in (
            f"netns add {self.name}",
            f"link add {self.near} type bridge",
            f"link add {self.far} type bridge",
            f"link add {self.cable}a type veth peer name {self.cable}b",
            f"link add {self.cable}h type veth peer name eth0 netns {self.name}",
            f"link set {self.cable}a master {self.near}",
            f"link set {self.cable}b master {self.far}",
            f"link set {self.cable}h master {self.far}",
            f"addr add {HUB}/24 dev {self.near}",
            *(f"link set {self.cable}{end} up" for end in "abh"),
            f"link set {self.near} up",
            f"link set {self.far} up",
            f"-n {self.name} addr add {NET}.2/24 dev eth0",
            f"-n {self.name} link set eth0 up",
            f"-n {self.name} link set lo up",
        ):
            _ip(line)

    def words(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]

    def slow(self, milliseconds: int, kilobits: int) -> None:
        """Carry all packets by the emulator: so late in each direction, and so many bits a second."""
        _ip(f"link set {self.cable}a down")
        words = [
            sys.executable,
            "-m",
            "edgewright.lab.emulator",
            f"{self.cable}p",
            self.near,
            f"{self.cable}q",
            self.far,
        ]
        numbers = [str(number) for number in (milliseconds, 0, 0, kilobits)]
        self._emulator = subprocess.Popen([*words, *numbers], cwd=ROOT)
        until(lambda: Path(f"/sys/class/net/{self.cable}q/master").exists())

    def fast(self) -> None:
        """Carry all packets by the cable again."""
        if self._emulator is not None:
            self._emulator.kill()
            self._emulator.wait(10)
            self._emulator = None
        _ip(f"link set {self.cable}a up")

    def cut(self, *, off: bool) -> None:
        """Let no packet pass, or all."""
        _ip(f"link set {self.cable}a {'down' if off else 'up'}")

    def remove(self) -> None:
        self.fast()
        for link in (f"{self.cable}a", self.near, self.far):
            _ip(f"link del {link}", check=False)
        _ip(f"netns del {self.name}", check=False)


def _ip(line: str, *, check: bool = True) -> None:
    subprocess.run(["ip", *line.split()], check=check, timeout=20)


class Host:
    """The processes of the host, and its cluster."""

    def __init__(self, net: Namespace, hub: RunningHub, endpoints: str, folder: Path) -> None:
        self.net, self.hub, self.folder = net, hub, folder
        self.processes: list[subprocess.Popen[Any]] = []
        try:
            self._set_up(endpoints)
        except BaseException:
            self.end()
            raise

    def _set_up(self, endpoints: str) -> None:
        hub, folder = self.hub, self.folder
        self.site = OwnSite(hub, 0)
        token, data, sock = folder / "token", folder / "data", folder / "relay.sock"
        token.write_text(self.site.token)
        token.chmod(0o600)
        (folder / "user-data").write_text("#cloud-config\nstylus:\n  site:\n    name: edge1\n")
        certificate, key = self._server_certificate()
        standin = self._start(sys.executable, str(STANDIN), str(certificate), str(key), out=subprocess.PIPE)
        assert standin.stdout is not None and standin.stdout.readline() == b"ready\n"
        agent = [sys.executable, "-m", "edgewright.agent"]
        common = ["--endpoint", endpoints, "--ca", str(hub.ca), "--data", str(data)]
        common += ["--user-data", str(folder / "user-data")]
        self.relay = self._start(*agent, "relay", *common, "--socket", str(sock), out="relay.out")
        words = ["--token-file", str(token), "--console", "", "--relay", str(sock)]
        self.agent = self._start(*agent, "run", *common, *words, out="agent.out")
        until(lambda: (data / "registration.json").exists() and "ewh_" in (data / "registration.json").read_text())
        self.uid = _stored(data / "identity.json", "uid")
        self.site.hosts = [self.uid]
        admin = hub.client()
        until(lambda: admin.get(f"/v1/edgehosts/{self.uid}").json()["status"]["health"].get("state") == "healthy")
        self.cluster = self.site.create(controls=1, name="away")
        host = hub.client(Authorization=_stored(data / "registration.json", "credential"))
        files = {"client": self.kubeconfig(), "admin": self.kubeconfig()}
        path = protocol.path(wire.KUBECONFIGS, uid=self.cluster)
        host.put(path, json=files).raise_for_status()

    def _server_certificate(self) -> tuple[Path, Path]:
        """Return a certificate for `kubernetes`, signed by the CA of the cluster: here that of the hub."""
        folder = self.folder / "pki"
        folder.mkdir()
        for name in (pki.CA_CERT, pki.CA_KEY):
            (folder / name).write_bytes((self.hub.data / name).read_bytes())
        pki._make_leaf(folder, [x509.DNSName("kubernetes")])
        return folder / pki.SERVER_CERT, folder / pki.SERVER_KEY

    def kubeconfig(self) -> str:
        """Return a kubeconfig as kubeadm writes one."""
        folder = self.folder / "pki"
        certificate = x509.load_pem_x509_certificate((folder / pki.SERVER_CERT).read_bytes())
        data = {
            "client-certificate-data": certificate.public_bytes(serialization.Encoding.PEM),
            "client-key-data": (folder / pki.SERVER_KEY).read_bytes(),
        }
        user = {name: base64.b64encode(value).decode() for name, value in data.items()}
        authority = base64.b64encode((folder / pki.CA_CERT).read_bytes()).decode()
        cluster = {"server": f"https://{NET}.200:6443", "certificate-authority-data": authority}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )

    def _start(self, *words: str, out: Any = None) -> subprocess.Popen[Any]:
        target = (self.folder / out).open("wb") if isinstance(out, str) else out
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(self.net.words(*words), stdout=target, stderr=target, env=env, cwd=ROOT)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(10)


def _stored(path: Path, key: str) -> str:
    body, problem = read_checked(str(path))
    assert body is not None, problem
    return str(body[key])


def resident(pid: int) -> float:
    """Return the resident megabytes of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")) / 1024


def until(check: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.1)
