"""A real hub for tests: `with running_hub() as hub: ...` starts `hub serve` as a process of its own, with TLS."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.forked import Forked, can_fork
from tests.support import ROOT

START = 60.0
"""Seconds that a hub may take to start: normally two, more on a crowded machine."""


@dataclass
class RunningHub:
    """A hub that answers: `url`, `ca` (path), `admin_key`, `data` (directory); `client()` speaks as admin."""

    url: str
    ca: Path
    admin_key: str
    data: Path
    process: subprocess.Popen[str]
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    """Variables of the process beside those of this one."""
    prefix: tuple[str, ...] = ()
    """Words in front of the command, such as those that enter a network namespace."""
    _clients: list[httpx.Client] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.Client:
        """Return a client; without headers it is the admin's."""
        import ssl

        context = ssl.create_default_context(cafile=str(self.ca))
        sent = headers or {"ApiKey": self.admin_key}
        client = httpx.Client(base_url=self.url, verify=context, headers=sent, timeout=20)
        self._clients.append(client)
        return client

    def anonymous(self) -> httpx.Client:
        """Return a client without credential."""
        return self.client(**{"User-Agent": "test"})

    def viewer(self) -> httpx.Client:
        """Return a client of role viewer."""
        body = {"metadata": {"name": f"viewer-{time.monotonic_ns()}"}, "spec": {"edgewright": {"role": "viewer"}}}
        made = self.client().post("/v1/apiKeys", json=body).json()
        return self.client(ApiKey=made["apiKey"])

    def token(self, name: str = "t", **spec: Any) -> tuple[str, str]:
        """Make a registration token of the project Default; returns uid and text."""
        admin = self.client()
        project = admin.get("/v1/dashboard/projects/metadata").json()["items"][0]["metadata"]["uid"]
        body = {"metadata": {"name": name}, "spec": {"defaultProjectUid": project, **spec}}
        answer = admin.post("/v1/edgehosts/tokens", json=body)
        answer.raise_for_status()
        uid = answer.json()["uid"]
        return uid, admin.get(f"/v1/edgehosts/tokens/{uid}").json()["spec"]["token"]

    def register(self, uid: str, token: str, registration: str = "a" * 32, **extension: Any) -> httpx.Response:
        """Register a host the way an agent does; the answer's `status.serviceAuthToken` is its credential."""
        document = {
            "metadata": {"uid": uid, "name": uid, "labels": {"site": "berlin"}},
            "spec": {
                "device": {"archType": "amd64", "cpu": {"cores": 4}, "memory": {"sizeInMB": 8192}},
                "host": {"hostUid": uid, "hostAddress": "10.0.0.9", "hostAuthToken": token},
                "edgewright": {"registrationId": registration, **extension},
            },
        }
        return self.anonymous().post("/v1/edgehosts/register", json=document)

    def host(self, uid: str, token: str, **extension: Any) -> httpx.Client:
        """Register a host and return a client with its credential."""
        answer = self.register(uid, token, **extension)
        answer.raise_for_status()
        return self.client(Authorization=answer.json()["status"]["serviceAuthToken"])

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of hub.log."""
        path = self.data / "hub.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=20)

    def stop(self) -> int:
        """End the process in order; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.5)  # the hub ends its streams first, within a tenth of a second
        # Only now: a thread may still read a stream, and a socket closed under it would let it take bytes from whatever
        # connection gets the same number next.
        for client in self._clients:
            client.close()
        return self.process.wait(timeout=20)

    def start_again(self) -> None:
        """Start another process on the same data and the same address."""
        address = self.url.rpartition("/")[2]
        self.process = _spawn(self.data, [*self.arguments, "--listen", address], self.environment, self.prefix)
        self.url = _ready(self.process)


def _spawn(
    data: Path, arguments: list[str], more: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-m", "edgewright.hub.process.cli", "serve", "--data", str(data), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
    start = subprocess.Popen if prefix or not can_fork(more or {}) else Forked
    return start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)


def _ready(process: subprocess.Popen[str], seconds: float = START) -> str:
    """Return the address of the ready line."""
    assert process.stdout is not None and process.stderr is not None
    if not select.select([process.stdout], [], [], seconds)[0]:
        process.kill()
        raise AssertionError(f"the hub did not start within {seconds:g} s: {process.stderr.read()}")
    line = process.stdout.readline()
    if not line.startswith("hub ready at "):
        process.wait(timeout=20)
        raise AssertionError(f"the hub did not start ({process.returncode}): {line}{process.stderr.read()}")
    return line.split()[3]


@contextlib.contextmanager
def running_hub(
    *arguments: str,
    data: Path | None = None,
    listen: str = "127.0.0.1:0",
    environment: dict[str, str] | None = None,
    prefix: tuple[str, ...] = (),
    patience: float = START,
) -> Iterator[RunningHub]:
    """Run a hub for as long as the block lasts; `arguments` are further ones of `hub serve`.

    It must answer within `patience` seconds.
    """
    with contextlib.ExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-"))) / "data"
        process = _spawn(folder, [*arguments, "--listen", listen], environment, prefix)
        try:
            url = _ready(process, patience)
            hub = RunningHub(
                url=url,
                ca=folder / "ca.crt",
                admin_key=(folder / "admin-api-key").read_text().strip(),
                data=folder,
                process=process,
                arguments=list(arguments),
                environment=environment or {},
                prefix=prefix,
            )
            try:
                yield hub
            finally:
                hub.stop()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(timeout=20)
