"""A real API server without kubelets: kube-apiserver and etcd of the ready parts, as two processes on loopback.

Each has an address of its own in 127.0.0.0/8, so that the API is at port 6443 as that of a cluster is, and several
live side by side. Nothing runs pods or nodes: who needs some makes them through the API and sets their status, which
is a stand-in for kubelets, or starts kwok beside it.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from edgewright.lab.kubernetes import versions
from edgewright.yamltext.writer import write
from tests.support import missing

NAME = "workloads"
START_WITHIN = 300.0
"""Seconds: on a busy machine it takes a minute or two, and one that fails ends by itself."""


def parts() -> tuple[Path, Path] | None:
    """Return the programs `kubernetes` and `etcd` of the ready parts, None when there are none."""
    cache = Path(os.environ.get("EDGEWRIGHT_KUBERNETES_CACHE") or Path.home() / ".cache/edgewright/kubernetes")
    patterns = (f"kubernetes-{versions.DEFAULT}-*/kubernetes", "etcd-*/etcd")
    programs = [sorted((cache / "parts").glob(pattern)) for pattern in patterns]
    return (programs[0][-1], programs[1][-1]) if all(programs) else None


class ApiServer:
    """A running API; `kubeconfig` is a text with the rights of an admin, as a plane would give it."""

    def __init__(self, folder: Path) -> None:
        """Start it. Raises `RuntimeError` with the end of its log when it does not become ready."""
        programs = parts()
        if programs is None:
            missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
        assert programs is not None
        self.folder = folder
        self.address = f"127.{random.randrange(20, 250)}.{random.randrange(1, 250)}.{random.randrange(2, 250)}"
        for name in ("kube-apiserver", "kubectl", "kube-scheduler", "kube-controller-manager"):
            (folder / name).symlink_to(programs[0])
        self.kubectl = folder / "kubectl"
        self._certificates()
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self.beside("etcd", self._etcd(programs[1]))
            self.beside("api", self._api())
            self._await()
        except BaseException:
            self.stop()
            raise

    @classmethod
    def written(cls, folder: Path) -> ApiServer:
        """Start one whose address and kubeconfig are files of its folder, where a stand-in for the plane has them."""
        made = cls(folder)
        (folder / "kubeconfig").write_text(write(made.config()))
        (folder / "address").write_text(made.address)
        return made

    def _certificates(self) -> None:
        def openssl(*words: str) -> None:
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca", "-days", "30")
        for name, subject, names in (
            ("server", "/CN=kube-apiserver", f"subjectAltName=DNS:kubernetes,IP:{self.address},IP:127.0.0.1"),
            ("client", "/O=system:masters/CN=tester", ""),
        ):
            more = ("-addext", names) if names else ()
            openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, *more)
            openssl(
                "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.crt", "-days", "30", "-copy_extensions", "copy",
            )  # fmt: skip
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "accounts.key")

    def _etcd(self, program: Path) -> list[str]:
        client, peer = f"http://{self.address}:2379", f"http://{self.address}:2380"
        return [
            str(program), "--name", "one", "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync",
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", f"one={peer}", "--log-level", "error",
        ]  # fmt: skip

    def _api(self) -> list[str]:
        values = {
            "etcd-servers": f"http://{self.address}:2379", "bind-address": self.address, "secure-port": "6443",
            "advertise-address": self.address, "endpoint-reconciler-type": "none",
            "tls-cert-file": "server.crt", "tls-private-key-file": "server.key", "client-ca-file": "ca.crt",
            "service-account-issuer": "https://kubernetes", "service-account-key-file": "accounts.key",
            "service-account-signing-key-file": "accounts.key", "authorization-mode": "Node,RBAC",
            "service-cluster-ip-range": "10.96.0.0/16", "disable-admission-plugins": "ServiceAccount",
            "max-requests-inflight": "2000", "max-mutating-requests-inflight": "1000", "profiling": "false",
        }  # fmt: skip
        return [str(self.folder / "kube-apiserver"), *(f"--{name}={value}" for name, value in values.items())]

    def beside(self, name: str, words: list[str]) -> None:
        """Start a program in the folder, which is its home too; it ends with the API, and `log` has what it wrote."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                words, cwd=self.folder, env={**os.environ, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._processes.append(process)

    def _await(self) -> None:
        latest = time.monotonic() + START_WITHIN
        while time.monotonic() < latest:
            for process, name in zip(self._processes, ("etcd", "api"), strict=True):
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended: {self.log(name)}")
            try:
                if self.ask("/readyz") == b"ok":
                    self.ask("/api/v1/namespaces/default")
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"the API is not ready: {self.log('api')}")

    def log(self, name: str) -> str:
        """Return the end of a log."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-2000:]

    def context(self) -> ssl.SSLContext:
        """Return what trusts the API and shows the certificate of the tester."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        context.load_cert_chain(self.folder / "client.crt", self.folder / "client.key")
        return context

    def ask(self, path: str) -> bytes:
        """Return an answer of the API. Raises `OSError`."""
        url = f"https://{self.address}:6443{path}"
        with urllib.request.urlopen(url, timeout=10, context=self.context()) as response:
            data: bytes = response.read()
        return data

    def config(self, server: str = "") -> dict[str, Any]:
        """Return the kubeconfig of the tester."""

        def data(name: str) -> str:
            return base64.b64encode((self.folder / name).read_bytes()).decode()

        cluster = {"server": server or f"https://{self.address}:6443", "certificate-authority-data": data("ca.crt")}
        user = {"client-certificate-data": data("client.crt"), "client-key-data": data("client.key")}
        return {
            "apiVersion": "v1", "kind": "Config", "current-context": NAME,
            "clusters": [{"name": NAME, "cluster": cluster}], "users": [{"name": NAME, "user": user}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        }  # fmt: skip

    def pause(self, seconds: float) -> None:
        """Stop the API for a time, as a link that is lost does: connections stay, nothing answers."""
        import signal

        self._processes[1].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._processes[1].send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Process id of the API server."""
        return self._processes[1].pid

    def stop(self) -> None:
        """End all processes and remove what they stored."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(20)
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)
