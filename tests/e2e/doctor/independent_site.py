"""Two lab hosts for the independent faults: programs of Debian put into them, a node with a kubelet, proofs of faults."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from edgewright.core.doctor.findings import DESTRUCTIVE, Diagnosis
from tests.e2e.doctor.hosts import DoctorHost
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_node import ASK, PATH
from tests.e2e.fleet import KUBERNETES_CACHE, Fleet
from tests.support import missing

PROGRAMS = ("nft", "chronyd", "chronyc", "docker-registry", "faketime", "openssl")
DNS = """
import socket, sys
names = dict(line.split() for line in open(sys.argv[1]) if line.strip())
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 53))
while True:
    asked, peer = server.recvfrom(512)
    labels, at = [], 12
    while asked[at]:
        labels.append(asked[at + 1 : at + 1 + asked[at]].decode().lower())
        at += 1 + asked[at]
    question, kind = asked[12 : at + 5], asked[at + 2]
    known = names.get(".".join(labels))
    answer = bytes.fromhex("c00c00010001000000050004") + socket.inet_aton(known) if known and kind == 1 else b""
    flags = b"\\x81\\x80" if known else b"\\x81\\x83"
    counts = b"\\0\\1" + (b"\\0\\1" if answer else b"\\0\\0") + b"\\0" * 4
    server.sendto(asked[:2] + flags + counts + question + answer, peer)
"""
"""A name server: the records of a file, NXDOMAIN for all others."""
FRONT = """
import socket, ssl, sys, threading
where, cert, key, to = sys.argv[1:5]
server = socket.create_server((where, 8443), family=socket.AF_INET6 if ":" in where else socket.AF_INET)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
loose = ssl.create_default_context()
loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
def serve(plain):
    try:
        with context.wrap_socket(plain, server_side=True) as client:
            if to == "page":
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nContent-Length: 6\\r\\n\\r\\nLog in")
                return
            with loose.wrap_socket(socket.create_connection((to, 8443), 10)) as plane:
                plane.settimeout(None)
                threading.Thread(target=pump, args=(plane, client), daemon=True).start()
                pump(client, plane)
    except OSError:
        plain.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
"""Something before the plane: ends TLS with a certificate of its own, passes on to the plane or shows a page."""
NODE = r"""
mkdir -p /var/lib/kubelet/static /etc/cni/net.d /etc/containerd/certs.d
cat >/etc/cni/net.d/10-bridge.conflist <<'END'
{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.0.0/24"}]]}},{"type":"portmap","capabilities":{"portMappings":true}}]}
END
cat >/etc/containerd/config.toml <<END
version = 3
[plugins."io.containerd.cri.v1.images"]
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "$SECOND:5000/pause:3.10"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"
END
cat >/var/lib/kubelet/config.yaml <<'END'
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {webhook: {enabled: false}, anonymous: {enabled: true}}
authorization: {mode: AlwaysAllow}
failCgroupV1: false
failSwapOn: true
staticPodPath: /var/lib/kubelet/static
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupsPerQOS: false
enforceNodeAllocatable: ["none"]
cgroupDriver: cgroupfs
localStorageCapacityIsolation: false
featureGates: {KubeletInUserNamespace: true}
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
END
cat >/etc/systemd/system/kubelet.service <<'END'
[Service]
Environment=PATH=/opt/case/bin:/usr/sbin:/usr/bin:/sbin:/bin
BindPaths=/dev/null:/dev/kmsg
ExecStart=/opt/case/bin/kubelet --config=/var/lib/kubelet/config.yaml
Restart=always
RestartSec=3
[Install]
WantedBy=multi-user.target
END
: >/dev/kmsg
echo 1 >/run/k1; echo 10 >/run/k10
shown() { grep -q " $2 " /proc/mounts || mount --bind $1 $2; }  # a second time would double all of them: they are peers
shown /run/k1 /proc/sys/kernel/panic_on_oops; shown /run/k1 /proc/sys/vm/overcommit_memory; shown /run/k10 /proc/sys/kernel/panic
echo 1 >/proc/sys/net/ipv4/ip_forward
cp -a /opt/case/cni /opt/cni/bin 2>/dev/null || { mkdir -p /opt/cni; cp -a /opt/case/cni /opt/cni/bin; }
systemctl daemon-reload; systemctl enable -q kubelet; systemctl restart containerd; systemctl restart kubelet
"""
"""A kubelet without an API server; the kernel's settings that it insists on are shown to it and not changed."""
SETTLE = 4.0
"""Seconds between the proof of a fault and the reading: an engineer comes later than the fault."""
TIDY = "systemctl reset-failed; sync; journalctl -q --rotate; journalctl -q --vacuum-time=1s >/dev/null 2>&1; "
HOST_RUNS = (
    "systemctl is-active -q edgewright-agent && systemctl is-active -q ssh && systemctl is-active -q systemd-networkd"
)
NODE_RUNS = f"for u in containerd kubelet case-etcd1 case-etcd2 case-etcd3; do systemctl is-active -q $u || exit 1; done; {PATH} {ASK} endpoint health"


class Result(NamedTuple):
    """What one case gave. `there` when its proofs held; `named` are all symptoms in the order of Doctor."""

    case: Case
    there: bool
    named: tuple[str, ...]
    texts: tuple[str, ...]
    destructive: bool
    seconds: float
    back: str

    @property
    def first(self) -> str:
        """Return the first cause that Doctor gave, "none" for none."""
        return self.named[0] if self.named else "none"


class CaseHost(DoctorHost):
    """A host on whose machine scripts may run too."""

    name = ""
    others: CaseHost | None = None
    fleet: Fleet | None = None

    def on_machine(self, script: str) -> tuple[int, str]:
        """Run a script on the machine below, about this host."""
        assert self.fleet is not None and self.others is not None
        given = {
            **self.variables,
            "PATH": os.environ["PATH"],
            "LOOP": self._loop,
            "IMAGE": str(self._image),
            "LEADER": str(self.leader),
            "ROOT": f"/proc/{self.leader}/root",
            "ROOT2": f"/proc/{self.others.leader}/root",
            "HUB": str(self.fleet.folder / "lab" / "hub"),
            "LAB": str(self.fleet.shown["name"]),
        }
        done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, timeout=60, env=given)
        return done.returncode, done.stdout + done.stderr

    def holds(self, proof: str, patience: float) -> bool:
        """Wait until a proof holds in the host."""
        deadline = time.monotonic() + patience
        while True:
            if self.run(f"{{ {proof}; }} >/dev/null 2>&1 && echo case-holds").strip().endswith("case-holds"):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(1)

    def put(self, programs: tuple[str, ...]) -> None:
        """Copy programs of this machine with the libraries that the host lacks; both are Debian 12."""
        root = Path(f"/proc/{self.leader}/root")
        for program in programs:
            shutil.copy2(program, root / program.lstrip("/"))
            linked = subprocess.run(
                ["ldd", program], capture_output=True, text=True, check=False
            ).stdout  # static: none
            for line in linked.splitlines():
                path = line.partition("=>")[2].split(" (")[0].strip()
                if path and not (root / path.lstrip("/")).exists():
                    shutil.copy2(path, root / path.lstrip("/"))

    def make_node(self) -> str:
        """Make a Kubernetes node of the host; returns why not."""
        tree = sorted((Path(KUBERNETES_CACHE) / "parts").glob("tree-v*"))
        why = self.put_kubernetes()
        if why:
            return why
        shutil.copytree(tree[-1] / "cni", f"/proc/{self.leader}/root/opt/case/cni", dirs_exist_ok=True)
        said = self.run(NODE)
        return "" if self.holds(NODE_RUNS, 40) else said or "?"

    def make(self, case: Case) -> bool:
        """Make a fault; returns whether its proof holds."""
        assert self.fleet is not None and self.others is not None
        if case.prepare:
            self.on_machine(case.prepare)
        if case.other:
            self.others.run(case.other)
        if case.lab:
            self.fleet.lab("fault", *(self.name if word == "$NAME" else word for word in case.lab))
        if case.inject:
            self.run(case.inject)
        if case.machine:
            self.on_machine(case.machine)
        self.clock = case.clock
        there = self.others.holds(case.other_proof, 5) and self.holds(case.proof, case.patience)
        time.sleep(SETTLE)
        return there

    def take(self, case: Case, node: bool) -> str:
        """Take a fault back; returns what still runs differently."""
        assert self.fleet is not None and self.others is not None
        self.clock = ""
        if case.undo:
            self.run(case.undo)
        if case.machine_undo:
            self.on_machine(case.machine_undo)
        if case.lab_undo:
            self.fleet.lab("fault", *(self.name if word == "$NAME" else word for word in case.lab_undo))
        if case.other_undo:
            self.others.run(case.other_undo)
        if case.lab_undo or not case.undo:
            self.run("systemctl restart edgewright-agent --no-block")
        back = "" if self.holds(HOST_RUNS, 40) else "the agent or sshd does not run"
        if node and not self.holds(NODE_RUNS, 40):
            back = "a unit of the node does not run"
        time.sleep(2)
        self.run(TIDY)
        self.renew(case.inject)
        return back


def result(host: CaseHost, case: Case, node: bool) -> Result:
    """Make a fault, read the host, take the fault back."""
    there = host.make(case)
    try:
        examined, diagnosis = host.examine()
    finally:
        back = host.take(case, node)
    return Result(case, there, named(diagnosis), texts(diagnosis), destructive(diagnosis), examined.seconds, back)


def named(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the symptoms of a diagnosis, the first cause first."""
    first = [diagnosis.first.symptom] if diagnosis.first else []
    return tuple(dict.fromkeys(first + [finding.symptom for finding in diagnosis.findings]))


def texts(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return what Doctor says."""
    return tuple(f"{finding.symptom} ({finding.certainty}): {finding.text}" for finding in diagnosis.findings)


def destructive(diagnosis: Diagnosis) -> bool:
    """Return whether the first fix of a finding removes data."""
    return any(finding.fixes and finding.fixes[0].danger == DESTRUCTIVE for finding in diagnosis.findings)


def make_lab(make_fleet: Callable[..., Fleet], *more: str) -> Fleet:
    """Return a lab of two hosts for a set of cases; skips where a program of it or of `more` is not installed."""
    for program in (*PROGRAMS, *more):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed")
    return make_fleet("--hosts", "2")


def at_rest(host: CaseHost) -> Iterator[CaseHost]:
    """Yield a host that `make_site` has attached, when it has settled; detach it in the end."""
    time.sleep(3)
    try:
        yield host
    finally:
        host.detach()


def make_site(fleet: Fleet, folder: Path, *, node: bool) -> tuple[CaseHost, CaseHost]:
    """Return the host of the cases and its neighbour."""
    shown = fleet.status()["hosts"]
    first, second = (
        CaseHost(int(mine["leader"]), str(mine["address"]), str(other["address"]), folder)
        for mine, other in ((shown[0], shown[1]), (shown[1], shown[0]))
    )
    for host, other, each in ((first, second, shown[0]), (second, first, shown[1])):
        host.name, host.others, host.fleet = str(each["name"]), other, fleet
        host.variables |= {"NAME": host.name, "UID_OF_HOST": fleet.uid(host.name)}
    first.variables["OTHER_UID"] = fleet.uid(second.name)
    first.put(("/usr/sbin/nft", "/usr/sbin/chronyd", "/usr/bin/chronyc"))
    place = Path(f"/proc/{second.leader}/root/opt/case")
    place.mkdir(parents=True, exist_ok=True)
    (place / "dns.py").write_text(DNS)
    (place / "front.py").write_text(FRONT)
    registry = shutil.which("docker-registry")
    if registry:
        shutil.copy2(registry, place / "docker-registry")
    if node:
        why = first.make_node()
        assert why == "", why
    first.attach()
    return first, second
