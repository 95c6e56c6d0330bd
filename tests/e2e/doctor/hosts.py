"""A host of the lab for Doctor: scripts run in it, parts of Kubernetes put into it, faults made and taken back."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.clients.ssh.probes.reading import Examined, examine
from edgewright.clients.ssh.probes.sets import chosen
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.findings import MACHINE, Diagnosis
from tests.e2e.doctor.fault import FAKETIME, Fault
from tests.e2e.fleet import KUBERNETES_CACHE

LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81
PROP = r"""
set -e
export PATH=/opt/case/bin:$PATH
mkdir -p /opt/spectrocloud/bin /var/lib/etcd/1 /var/lib/etcd/2 /var/lib/etcd/3 /etc/kubernetes/manifests
ln -sf /opt/case/bin/etcdctl /opt/spectrocloud/bin/etcdctl
ln -sf /opt/case/bin/ctr /usr/local/bin/ctr
kubeadm init phase certs all --kubernetes-version v1.36.3 --apiserver-advertise-address $FIRST >/dev/null
echo '# stand-in: etcd runs as a unit' >/etc/kubernetes/manifests/etcd.yaml
P=/etc/kubernetes/pki/etcd
peers=m1=https://127.0.0.1:2380,m2=https://127.0.0.1:12380,m3=https://127.0.0.1:22380
for n in 1 2 3; do
  case $n in 1) c=2379 p=2380 m=2381 ;; 2) c=12379 p=12380 m=12381 ;; 3) c=22379 p=22380 m=22381 ;; esac
  cat >/etc/systemd/system/case-etcd$n.service <<END
[Service]
ExecStart=/opt/case/bin/etcd --name m$n --data-dir /var/lib/etcd/$n --listen-client-urls https://127.0.0.1:$c --advertise-client-urls https://127.0.0.1:$c --listen-peer-urls https://127.0.0.1:$p --initial-advertise-peer-urls https://127.0.0.1:$p --initial-cluster $peers --listen-metrics-urls http://127.0.0.1:$m --cert-file $P/server.crt --key-file $P/server.key --trusted-ca-file $P/ca.crt --client-cert-auth --peer-cert-file $P/peer.crt --peer-key-file $P/peer.key --peer-trusted-ca-file $P/ca.crt --peer-client-cert-auth --quota-backend-bytes 12000000 --heartbeat-interval 300 --election-timeout 3000 --unsafe-no-fsync
END
done
cat >/usr/lib/systemd/system/containerd.service <<'END'
[Service]
Environment=PATH=/opt/case/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/opt/case/bin/containerd
Restart=always
RestartSec=2
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable -q containerd
systemctl start --no-block containerd case-etcd1 case-etcd2 case-etcd3
"""
"""Parts of Kubernetes that run for real without a cluster: etcd (three members on one host), containerd, certificates."""


class DoctorHost:
    """One booted host, entered through its namespaces; what reads it is a shell there, as over SSH."""

    def __init__(self, leader: int, address: str, neighbour: str, folder: Path) -> None:
        self.leader = leader
        self.variables = {
            "NET": address.rpartition(".")[0],
            "FIRST": address,
            "SECOND": neighbour,
            "DISK": "/dev/case0",
        }
        self._image = folder / f"disk-{leader}.img"
        self._loop = ""
        self.clock = ""
        self.user = 0

    def words(self) -> list[str]:
        """Return the command line that runs a shell in the host, reading its script from stdin."""
        words = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", "env", "-i"]
        words += ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        if self.clock:
            words += [f"LD_PRELOAD={FAKETIME}", f"FAKETIME={self.clock}", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        if self.user:
            words += ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return [*words, "sh", "-s"]

    def run(self, script: str, patience: float = 90.0) -> str:
        """Run a script in the host and return what it printed; its status does not count."""
        before = "".join(f"{name}={value}\n" for name, value in self.variables.items())
        clock, self.clock = self.clock, ""
        try:
            done = subprocess.run(
                self.words(), input=before + script, capture_output=True, text=True, timeout=patience, check=False
            )
        finally:
            self.clock = clock
        return done.stdout + done.stderr

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        """Run a script as the port of SSH does.

        With another clock once more when it does not end: a program that is killed while it holds the semaphore of
        libfaketime lets each later one hang at its start, also what ends a probe after its time.
        """
        began = time.monotonic()
        for last in (not self.clock, True):
            try:
                done = await asyncio.to_thread(
                    subprocess.run, self.words(), input=script, capture_output=True, timeout=timeout, check=False
                )
                break
            except subprocess.TimeoutExpired:
                if last:
                    raise
                print(f"the script did not end within {timeout:g} s with the clock {self.clock}: once more")
        cut = len(done.stdout) > limit
        return ScriptResult(done.returncode, done.stdout[:limit], done.stderr[:limit], cut, time.monotonic() - began)

    async def aclose(self) -> None:
        """Nothing is open."""

    def examine(self, *names: str) -> tuple[Examined, Diagnosis]:
        """Return what the probes gave and the diagnosis."""
        examined = asyncio.run(examine(self, chosen(names)))
        return examined, diagnose(examined.facts)

    def attach(self) -> None:
        """Give the host a disk of its own, `$DISK`, of 48 MB; its number is new: the log has errors of those before."""
        with self._image.open("wb") as image:
            image.truncate(48 << 20)
        self._loop = f"/dev/loop{add_loop(int(time.monotonic() * 10) % 1_000_000)}"
        subprocess.run(["losetup", self._loop, str(self._image)], check=True)
        device = os.stat(self._loop).st_rdev
        self.run(f"rm -f /dev/case0; mknod /dev/case0 b {os.major(device)} {os.minor(device)}")

    def detach(self) -> None:
        """Take the disk back."""
        if self._loop:
            subprocess.run(["losetup", "-d", self._loop], check=False)
            with Path("/dev/loop-control").open("rb") as control, contextlib.suppress(OSError):  # one in use is left
                fcntl.ioctl(control, LOOP_CTL_REMOVE, int(self._loop.removeprefix("/dev/loop")))
            self._loop = ""
        self._image.unlink(missing_ok=True)

    def renew(self, script: str) -> None:
        """Give the host another disk after a script that used its own."""
        if "$DISK" in script and self._loop:
            self.detach()
            self.attach()

    def put_kubernetes(self) -> str:
        """Put parts of Kubernetes into the host; returns why not, "" when they are there."""
        parts = Path(KUBERNETES_CACHE) / "parts"
        trees = sorted(parts.glob("tree-v*")) if parts.is_dir() else []
        etcds = sorted(parts.glob("etcd-v*"))
        if not trees or not etcds:
            return "Kubernetes is not built: edgewright lab kubernetes build"
        place = Path(f"/proc/{self.leader}/root/opt/case/bin")
        place.mkdir(parents=True, exist_ok=True)
        for name in ("kubernetes", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "etcdctl"):
            _copy(trees[-1] / "bin" / name, place / name)
        etcd = next(path for path in sorted(etcds[-1].rglob("etcd")) if path.is_file())
        _copy(etcd, place / "etcd")
        for name in ("kubeadm", "kubelet", "kubectl"):
            (place / name).unlink(missing_ok=True)
            (place / name).symlink_to("kubernetes")
        said = self.run(PROP, 120)
        return "" if "rror" not in said else said

    def inject(self, fault: Fault, other: DoctorHost) -> None:
        """Make a fault and wait until it shows."""
        self.clock = fault.clock
        if fault.other:
            other.variables["FIRST"] = self.variables["FIRST"]
            other.run(fault.other)
        self.run(fault.inject)
        time.sleep(fault.settle)

    def take_back(self, fault: Fault, other: DoctorHost) -> None:
        """Undo a fault."""
        self.clock = ""
        if fault.undo:
            self.run(fault.undo)
        if fault.other_undo:
            other.run(fault.other_undo)
        self.renew(fault.inject)

    def healthy(self, patience: float = 45.0) -> str:
        """Wait until Doctor finds nothing; returns "" then, else what it still finds.

        What the kernel of the machine has logged does not count: it may be of another lab.
        """
        deadline = time.monotonic() + patience
        while True:
            _, diagnosis = self.examine()
            left = [finding for finding in diagnosis.findings if finding.object != MACHINE]
            if not left:
                return ""
            if time.monotonic() > deadline:
                return "; ".join(f"{f.key}: {f.text}" for f in left)
            time.sleep(2)


def add_loop(number: int) -> int:
    """Add a loop device with this number, or the next one that is free: runs beside this one take numbers too."""
    with Path("/dev/loop-control").open("rb") as control:
        while True:
            with contextlib.suppress(FileExistsError):
                fcntl.ioctl(control, LOOP_CTL_ADD, number)
                return number
            number += 1


def _copy(source: Path, target: Path) -> None:
    """Copy a program, unless it is there (and may be running)."""
    if not target.exists():
        shutil.copy2(source, target)
