"""What the cases of clusters share: a fault at a moment inside of a host, the journal of its steps, etcd, the table."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.fleet import UNIT, Fleet, product, until
from tests.e2e.kubernetes.agreement import read_journal
from tests.e2e.kubernetes.formed import Formed

DATA = "/var/lib/edgewright"
RECONCILER = "edgewright-reconciler.service"
AGENT = ("/usr/bin/python3", "/usr/local/lib/edgewright/edgewright-agent.pyz")
LINKS = "/run/edgewright/kubernetes"
PKI = "/etc/kubernetes/pki"


def kill_kubeadm(when: str) -> tuple[str, str]:
    """Return what a strike waits for, and what it does, to kill the kubeadm that runs as soon as something is true.

    Its process is looked for before: the moments are shorter than a search.
    """
    return "pid=$(pgrep -x kubeadm)", f"until {when}; do sleep 0.02; done; kill -9 $pid && echo killed"


class Strike:
    """Waits inside of a host for a moment that is too short for a look from outside, then does something at once."""

    def __init__(self, lab: Cases, host: str, moment: str, act: str = "true") -> None:
        self.host, self.moment = host, moment
        script = f"until {moment}; do sleep 0.05; done; {act}; date +%s.%N"
        command = [*lab.inside(host), "sh", "-c", script]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def done(self, patience: float) -> str:
        """Wait until it has struck; return what was printed, the moment (epoch seconds) in the last line."""
        try:
            return self._child.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            self.cancel()
            raise AssertionError(f"not within {patience:g} s on {self.host}: {self.moment}") from None

    def cancel(self) -> None:
        """End the wait."""
        self._child.kill()
        self._child.communicate()


class Cases(Formed):
    """A lab for several cases; what was seen is printed as a table at the end."""

    def __init__(self, fleet: Fleet, version: str) -> None:
        super().__init__(fleet, version)
        self.rows: list[str] = []
        self.names = [str(host["name"]) for host in fleet.shown["hosts"]]
        self._leaders: dict[str, int] = {}

    def saw(self, case: str, text: str) -> None:
        """Note what was seen in a case."""
        self.rows.append(f"{case} | {text}")
        print(self.rows[-1], flush=True)

    def form(
        self, name: str, control: list[str], workers: list[str] | None = None, vip: str = "",
        profiles: list[dict[str, Any]] | None = None,
    ) -> str:  # fmt: skip
        """Apply the answer file of a cluster; returns what was printed."""
        pools = [{"name": "control-planes", "role": "control-plane", "works": True, "hosts": control}]
        if workers is not None:
            pools.append({"name": "workers", "hosts": workers})
        answers = {"profiles": profiles or [{"name": "lab"}], "vip": vip or self.vip, "pools": pools}
        path = self.folder / f"{name}.yaml"
        body = {"apiVersion": "edgewright/v1", "kind": "Cluster", "metadata": {"name": name}, "answers": answers}
        self.write(path, body)
        return self.run("--yes", "apply", "-f", str(path))

    def inside(self, host: str) -> list[str]:
        """Return the beginning of a command that runs in a host."""
        words = ["--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        return ["nsenter", f"--target={self.leader(host)}", *words]

    def leader(self, host: str) -> int:
        """Return the first process of a host on this machine; it is asked for again when the host was restarted."""
        known = self._leaders.get(host, 0)
        if not known or not Path(f"/proc/{known}/root/run").is_dir():
            known = int(next(item["leader"] for item in self.fleet.status()["hosts"] if item["name"] == host))
            assert known, f"{host} is off"
            self._leaders[host] = known
        return known

    def sh(self, host: str, script: str, timeout: float = 60.0, check: bool = True) -> str:
        """Run a script in a host; returns what it printed."""
        command = [*self.inside(host), "sh", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0 or not check, f"{script} in {host}: {done.stdout}{done.stderr}"
        return done.stdout

    def var_lib(self, host: str) -> Path:
        """Return a host's /var/lib on this machine: it is read also while the host is off."""
        return self.fleet.folder / "lab" / "hosts" / host / "var-lib"

    def address(self, host: str) -> str:
        """Return the address of a host."""
        return str(next(item["address"] for item in self.fleet.shown["hosts"] if item["name"] == host))

    def cut_at(self, host: str, moment: str, patience: float, act: str = "true") -> None:
        """Cut the power of a host at a moment inside of it, after it has done something."""
        first = self.leader(host)
        Strike(self, host, moment, act).done(patience)
        os.kill(first, signal.SIGKILL)
        self.power_cut(host)

    def power_cut(self, *hosts: str) -> None:
        """Cut the power of hosts."""
        for host in hosts:
            self._leaders.pop(host, None)
            self.fleet.lab("fault", "power-cut", host)

    def power_on(self, *hosts: str) -> None:
        """Give it back."""
        for host in hosts:
            self.fleet.lab("fault", "power-on", host)

    @contextmanager
    def plane_off(self) -> Iterator[None]:
        """Let the plane be off; it is on again at the end whatever happened."""
        self.fleet.lab("fault", "power-cut", "hub")
        try:
            yield
        finally:
            self.fleet.lab("fault", "power-on", "hub")

    def records(self, host: str) -> list[dict[str, Any]]:
        """Return the transitions of a host's steps in order, with `name` (such as `init`) and `about` (its target)."""
        return read_journal(self.var_lib(host) / "edgewright/reconciler/journal.jsonl")

    def step(self, host: str, name: str) -> dict[str, Any]:
        """Return the newest record of a kind of step, an empty one without any."""
        return next((row for row in reversed(self.records(host)) if row["name"] == name), {})

    def attempts(self, host: str, name: str) -> int:
        """Return how often a kind of step has started on a host."""
        return sum(1 for row in self.records(host) if row["name"] == name and row["state"] == "running")

    def runs(self, host: str, name: str) -> bool:
        """Return whether a step runs."""
        return bool(self.step(host, name).get("state") == "running")

    def wait_step(self, host: str, name: str, state: str, patience: float) -> dict[str, Any]:
        """Wait until the newest step of a kind is in a state; returns its record."""

        def look() -> dict[str, Any]:
            record = self.step(host, name)
            return record if record.get("state") == state else {}

        found: dict[str, Any] = until(f"{name} on {host} is {state}", patience, look, 0.5)
        return found

    def etcd(self, host: str) -> list[dict[str, Any]]:
        """Return the members as the etcd of a host reports them; empty when it does not answer."""
        keys = f"--cacert={PKI}/etcd/ca.crt --cert={PKI}/etcd/healthcheck-client.crt"
        keys += f" --key={PKI}/etcd/healthcheck-client.key --endpoints=127.0.0.1:2379"
        command = f"{LINKS}/etcdctl {keys} --command-timeout=3s member list --write-out=json"
        text = self.sh(host, command, check=False)
        try:
            members: list[dict[str, Any]] = json.loads(text)["members"]
        except (ValueError, KeyError):
            return []
        return members

    def voters(self, host: str) -> list[str]:
        """Return the names of the voters of etcd that have started."""
        return sorted(str(m["name"]) for m in self.etcd(host) if m.get("name") and not m.get("isLearner"))

    def ca(self, host: str) -> str:
        """Return the digest of the cluster's CA on a host."""
        return self.sh(host, f"sha256sum {PKI}/ca.crt", check=False)[:64]

    def ready(self, name: str) -> list[str]:
        """Return the nodes that are ready; empty while the API does not answer."""
        words = ("--request-timeout=3s", "get", "nodes", "--no-headers")
        lines = [line.split() for line in self.kubectl(name, *words, check=False).splitlines()]
        return sorted(fields[0] for fields in lines if len(fields) > 1 and fields[1] == "Ready")

    def unready(self, name: str) -> list[str]:
        """Return the nodes that are not ready."""
        words = ("--request-timeout=3s", "get", "nodes", "--no-headers")
        lines = [line.split() for line in self.kubectl(name, *words, check=False).splitlines()]
        return sorted(fields[0] for fields in lines if len(fields) > 1 and "NotReady" in fields[1])

    def lease(self, name: str) -> dict[str, Any]:
        """Return the Lease of the leader."""
        words = ("--request-timeout=3s", "-n", "kube-system", "get", "lease", "edgewright-leader", "-o", "json")
        text = self.kubectl(name, *words, check=False)
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def leading(self, name: str) -> str:
        """Return the host that has the Lease, "" when that cannot be read."""
        uid = str((self.lease(name).get("spec") or {}).get("holderIdentity") or "")
        return next((host for host in self.names if self.fleet.uid(host) == uid), "")

    def update(self, host: str) -> None:
        """Install another build of the agent over the present one, as an operator does."""
        fresh = self.fleet.disk(host) / "root/new.pyz"
        shutil.copyfile(self.fleet.disk(host) / AGENT[1][1:], fresh)
        with zipfile.ZipFile(fresh, "a") as archive:
            archive.writestr(f"build-{time.time():.0f}.txt", "another build")
        words = ["install", "--endpoint", self.fleet.shown["endpoint"], "--token-file", "/etc/edgewright/token"]
        words += ["--ca", "/etc/edgewright/ca.crt", "--user-data", "/etc/edgewright/user-data"]
        done = self.fleet.within(host, AGENT[0], "/root/new.pyz", *words, timeout=60.0)
        assert f"write  {AGENT[1]}" in done and f"systemctl restart {UNIT}" in done

    def kill_reconciler(self, host: str) -> int:
        """Kill the reconciler with signal 9; returns its process id, 0 when it did not run."""
        pid = int(self.sh(host, f"systemctl show -p MainPID --value {RECONCILER}").strip() or 0)
        if pid:
            self.fleet.within(host, "kill", "-9", str(pid), check=False)
        return pid

    def invocation(self, host: str, step: str) -> str:
        """Return the id that systemd gave to this run of a step's unit: another run has another one."""
        return self.sh(host, f"systemctl show -p InvocationID --value edgewright-step-{step}.service").strip()

    def image(self, name: str) -> str:
        """Return the complete name of an image of the lab's tree."""
        return next(ref for ref in self.images if ref.rpartition(":")[0].rpartition("/")[2] == name)

    def write(self, path: Path, document: dict[str, Any]) -> None:
        """Write a file of a user; JSON is YAML too."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n")

    def shown(self, name: str) -> str:
        """Return what `cluster show` prints."""
        return product(self.env, "cluster", "show", name).stdout

    def wait_shown(self, name: str, text: str, patience: float) -> None:
        """Wait until `cluster show` prints a text."""
        until(f"`{text}` in cluster show {name}", patience, lambda: text in self.shown(name), 1.0)

    def table(self) -> str:
        """Return what was seen, a line for each case."""
        return "\n".join(["case | seen", *self.rows, *self.took])


def cases_lab(make_fleet: Callable[..., Fleet], version: str, *words: str) -> Cases:
    """Return three hosts that have registered, with the profile `lab`; `words` are further ones of `lab up`."""
    lab = Cases(make_fleet("--hosts", "3", "--kubernetes", version, *words), version)
    lab.profile("lab")
    return lab
