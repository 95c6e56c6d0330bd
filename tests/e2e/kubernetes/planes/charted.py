"""The hub's chart on a cluster of the lab: what a person types to install it, the database, clients of the plane."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from edgewright.lab.kubernetes import registry
from edgewright.wire.protocol import HUB_STATUS
from tests import postgres
from tests.deploy import images, parts
from tests.e2e.console import Console
from tests.e2e.fleet import product, until
from tests.e2e.kubernetes.formed import Formed
from tests.hub_fixture import RunningHub
from tests.support import ROOT

CHART = ROOT / "deploy" / "helm" / "edgewright-hub"
CLUSTER, NAMESPACE, RELEASE, SECRET = "lab", "edge", "plane", "edgewright-hub"
NAME, PORT = "plane.test", 30443
"""How hosts and consoles name the plane: a name with the addresses of all nodes, and a port that each node has."""
HOST = "edge-far"
MOUNTED = "/run/secrets/edgewright"
STATE = "/var/lib/edgewright/hub"


class Charted:
    """The cluster, the database outside of it, the release, and what uses the plane by its name."""

    def __init__(self, lab: Formed, server: postgres.Cluster, folder: Path) -> None:
        self.lab, self.server, self.folder = lab, server, folder
        self.nodes = {str(host["name"]): str(host["address"]) for host in lab.fleet.shown["hosts"]}
        self.url = f"https://{NAME}:{PORT}"
        (folder / "hosts").write_text(
            f"127.0.0.1 localhost\n{''.join(f'{ip} {NAME}{chr(10)}' for ip in self.nodes.values())}"
        )
        bind = f'mount --bind {folder / "hosts"} /etc/hosts; exec "$@"'
        self.prefix = ("unshare", "-m", "--propagation", "private", "sh", "-c", bind, "sh")
        (folder / "bin").mkdir()
        (folder / "bin" / "helm").symlink_to(parts.helm())
        (folder / "bin" / "kubectl").symlink_to(lab.programs / "kubectl")
        self.shell_env = {**lab.env, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        self.shell_env["KUBECONFIG"] = str(lab.kubeconfig(CLUSTER))
        self.ca, self.key = folder / "ca.crt", folder / "admin-api-key"
        self.notes = ""
        self.digests: list[str] = []
        self._agents: list[subprocess.Popen[bytes]] = []

    def shell(self, script: str, code: int = 0, timeout: float = 320.0) -> str:
        """Run what a person types, in the folder of the files that it makes; returns what was printed."""
        words = ["sh", "-ec", f"umask 077\n{script}"]
        done = subprocess.run(
            words, cwd=self.folder, env=self.shell_env, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == code, f"{script} -> {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr if code else done.stdout

    def kubectl(self, words: str) -> str:
        """Run kubectl in the namespace of the release."""
        return self.shell(f"kubectl -n {NAMESPACE} {words}")

    def database(self) -> str:
        """Make role and database as docs/high-availability.md does, reached by TLS with a password; returns the URL."""
        at, address = self.folder / "database", f"{self.lab.net}.1"
        at.mkdir()
        registry._certificates(at, address)
        for name in ("tls.crt", "tls.key"):
            placed = self.server.folder / name
            shutil.copyfile(at / name, placed)
            shutil.chown(placed, "postgres", "postgres")
            placed.chmod(0o600)
            setting = "ssl_cert_file" if name == "tls.crt" else "ssl_key_file"
            self.server.psql("postgres", f"ALTER SYSTEM SET {setting} = '{placed}'")
        self.server.psql("postgres", "ALTER SYSTEM SET ssl = on")
        with (self.server.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"hostssl hub hub {self.lab.net}.0/24 scram-sha-256\n")
        self.server.stop("fast")
        self.server.start()
        password = os.urandom(16).hex()
        self.server.psql("postgres", f"CREATE ROLE hub LOGIN PASSWORD '{password}'")
        self.server.psql("postgres", "CREATE DATABASE hub OWNER hub ENCODING 'UTF8' TEMPLATE template0")
        shutil.copyfile(at / "ca.crt", self.folder / "database-ca.crt")
        verified = f"sslmode=verify-full&sslrootcert={MOUNTED}/database-ca.crt"
        return f"postgresql+psycopg://hub:{password}@{address}/hub?{verified}"

    def image(self, tag: str, base: Path, epoch: int) -> str:
        """Build the hub's image without a daemon and push it to the lab's registry; returns its digest."""
        reference = f"{self.lab.fleet.shown['registry']['host']}/edgewright/hub:{tag}"
        ca = self.lab.fleet.folder / "lab" / "registry" / "ca.crt"
        words = ("forge", "hub-image", "--base", f"root:{base}", "--push", reference, "--ca", str(ca), "--yes")
        env = {**self.lab.env, "SOURCE_DATE_EPOCH": str(epoch)}
        done = product(env, *words, "-o", "json", timeout=600)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["digest"])

    def base(self) -> Path:
        """Return a Debian with Python."""
        return images.base_of_hub(self.folder)

    def prepare(self, url: str) -> None:
        """Make namespace and Secret by the commands of the chart's values."""
        (self.folder / "database-url").write_text(url + "\n")
        self.shell(
            "openssl rand -base64 32 | tr '+/' '-_' > secret.key\n"
            f"kubectl create namespace {NAMESPACE}\n"
            f"kubectl -n {NAMESPACE} create secret generic {SECRET} --from-file=database-url --from-file=secret.key"
            " --from-file=database-ca.crt"
        )

    def values(self, digest: str) -> str:
        """Write the values of a cluster without a load balancer; returns the name of the file."""
        values: dict[str, Any] = {
            "image": {"repository": f"{self.lab.fleet.shown['registry']['host']}/edgewright/hub", "digest": digest},
            "advertise": [NAME],
            "service": {"type": "NodePort", "nodePort": PORT},
            "extraArgs": ["--heartbeat", "2", "--silence-limit", "60"],
        }
        (self.folder / "values.yaml").write_text(json.dumps(values, indent=2) + "\n")
        return "values.yaml"

    def install(self, digest: str, verb: str = "install") -> str:
        """Install the chart, or upgrade the release, and wait until all pods are ready; returns what helm printed."""
        line = f"helm {verb} {RELEASE} {CHART} -n {NAMESPACE} -f {self.values(digest)} --wait --timeout 5m"
        return self.shell(line, timeout=400.0)

    def first_steps(self, notes: str) -> None:
        """Run the commands that helm printed: they give the first key and the CA."""
        lines = notes.partition("NOTES:")[2].splitlines()
        self.shell("\n".join(line for line in lines if line.startswith("  ")))
        self.key.chmod(0o600)

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the pods of the release that are not about to end, by name: node, ip, ready, restarts, digest."""
        items = json.loads(self.kubectl(f"get pods -l app.kubernetes.io/instance={RELEASE} -o json"))["items"]
        found = {}
        for item in items:
            if "deletionTimestamp" in item["metadata"]:
                continue
            status = item["status"]
            state = (status.get("containerStatuses") or [{}])[0]
            found[item["metadata"]["name"]] = {
                "node": item["spec"].get("nodeName"), "ip": status.get("podIP"), "ready": state.get("ready", False),
                "restarts": state.get("restartCount", 0), "image": item["spec"]["containers"][0]["image"],
            }  # fmt: skip
        return found

    def ready(self) -> int:
        """Return how many pods are ready."""
        return sum(pod["ready"] for pod in self.pods().values())

    def ask(self, address: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the plane at one node, over a new connection, by the plane's name."""
        context = ssl.create_default_context(cafile=str(self.ca))
        headers = {"ApiKey": self.key.read_text().strip(), "Host": f"{NAME}:{PORT}"}
        with httpx.Client(verify=context, timeout=10, headers=headers, trust_env=False) as client:
            request = client.build_request(method, f"https://{address}:{PORT}{path}", json=body)
            request.extensions["sni_hostname"] = NAME
            return client.send(request)

    def hubs_up(self) -> set[str]:
        """Return the addresses of the hubs that are up, as one of them lists them."""
        shown = self.ask(next(iter(self.nodes.values())), "GET", HUB_STATUS).json()["hubs"]
        return {hub["address"] for hub in shown if hub["state"] == "up"}

    def turned_unhealthy(self) -> list[str]:
        """Return the events of the host that uses the plane which say that it turned unhealthy."""
        events = json.loads(self.cli("event", "list", "-o", "json"))
        return [
            json.dumps(event)
            for event in events
            if event["involvedObject"]["name"] == HOST and "HostUnhealthy" in json.dumps(event)
        ]

    def cli(self, *words: str, code: int = 0) -> str:
        """Run the product's command line at the plane's name."""
        env = {**self.lab.env, "EDGEWRIGHT_URL": self.url, "EDGEWRIGHT_CA": str(self.ca)}
        env["EDGEWRIGHT_API_KEY_FILE"] = str(self.key)
        command = [*self.prefix, sys.executable, "-m", "edgewright", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == code, f"{words} -> {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def health(self) -> str:
        """Return the health of the host that uses the plane, empty where it is not known."""
        items = json.loads(self.cli("host", "list", "-o", "json"))
        return str(items[0]["status"]["health"].get("state")) if items else ""

    def agent(self) -> None:
        """Start the agent of a host that reaches the plane by its name."""
        self.cli("token", "create", "t", "--yes")
        token = json.loads(self.cli("token", "show", "t", "--reveal", "-o", "json"))["spec"]["token"]
        (self.folder / "token").write_text(token)
        (self.folder / "token").chmod(0o600)
        (self.folder / "user-data").write_text(f"#cloud-config\nstylus:\n  site:\n    name: {HOST}\n")
        words = [sys.executable, "-m", "edgewright.agent", "run", "--endpoint", self.url, "--ca", str(self.ca)]
        words += ["--token-file", "token", "--console", "", "--data", "agent", "--user-data", "user-data"]
        with (self.folder / "agent.out").open("wb") as out:
            env = {**self.lab.env, "PYTHONPATH": str(ROOT)}
            command = [*self.prefix, *words]
            self._agents.append(subprocess.Popen(command, env=env, cwd=self.folder, stdout=out, stderr=out))

    def console(self) -> Console:
        """Open the console in a terminal."""
        return Console(self.folder / "console", self.url, self.ca, self.key, 120, 30, self.prefix)

    def hub_at(self, pod: dict[str, Any]) -> RunningHub:
        """Return the hub of one pod by the pod's own address."""
        key = self.key.read_text().strip()
        return RunningHub(f"https://{pod['ip']}:8443", self.ca, key, self.folder, None)  # type: ignore[arg-type]

    def close(self) -> None:
        """End the agent."""
        for agent in self._agents:
            agent.terminate()
            agent.wait(20)


class Writer:
    """Writes a token again and again, each time over a new connection to the plane's name, as a program of a user does.

    It tries the addresses of the name one after the other; `acknowledged` are the UIDs that the plane answered with.
    """

    def __init__(self, place: Charted) -> None:
        self._place, self._stop = place, threading.Event()
        self.acknowledged: list[str] = []
        self.trouble: list[str] = []
        """Attempts at one address that failed: seconds since the begin, address, what."""
        self.failed: list[float] = []
        """Writes that no address took, and when."""
        self._began = time.monotonic()
        projects = json.loads(place.cli("project", "list", "-o", "json"))
        self._spec = {"defaultProjectUid": projects[0]["metadata"]["uid"]}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        number, run = 0, os.urandom(4).hex()  # each writer has names of its own
        while not self._stop.is_set():
            number += 1
            self._write(f"{run}-{number}")
            self._stop.wait(0.2)

    def _write(self, name: str) -> None:
        addresses = list(self._place.nodes.values())
        for address in addresses:
            try:
                answer = self._place.ask(
                    address, "POST", "/v1/edgehosts/tokens", {"metadata": {"name": name}, "spec": self._spec}
                )
            except httpx.TransportError as error:
                self._note(address, f"{type(error).__name__}: {error}")
                continue
            if answer.status_code == 201:
                self.acknowledged.append(answer.json()["uid"])
                return
            self._note(address, f"{answer.status_code} {answer.text[:200]}")
        self.failed.append(round(time.monotonic() - self._began, 1))

    def _note(self, address: str, what: str) -> None:
        self.trouble.append(f"{time.monotonic() - self._began:.1f} s {address} {what}")

    def lost(self) -> list[str]:
        """Return what was acknowledged and is not there."""
        address = next(iter(self._place.nodes.values()))
        path = "/v1/edgehosts/tokens/"
        return [uid for uid in self.acknowledged if self._place.ask(address, "GET", path + uid).status_code != 200]

    def shown(self) -> str:
        """Return what was seen in one line."""
        return f"{len(self.acknowledged)} writes acknowledged, failed {self.failed[:9]}, trouble {self.trouble[:9]}"


def settled(place: Charted, patience: float = 120.0) -> None:
    """Wait until both pods are ready, and the host is healthy."""
    until("two pods are ready", patience, lambda: place.ready() == 2, 0.5)
    until("the host is healthy", 30.0, lambda: place.health() == "healthy", 1.0)
