"""A cluster that hosts of a lab form by themselves, from a profile and an answer file on the command line."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from edgewright.lab.kubernetes import build, documents
from tests.e2e.fleet import Fleet, product, until

WATCHED = ("/etc", "/opt", "/var/lib")
ALLOWED = (
    "/etc/cni", "/etc/resolv.conf", "/etc/machine-id", "/var/lib/cni", "/var/lib/containerd", "/var/lib/dbus",
    "/var/lib/edgewright", "/var/lib/local-path", "/var/lib/private", "/var/lib/systemd", "/opt/cni", "/opt/edgewright",
)  # fmt: skip
"""What may differ after a host has left: folders of the agent with its content store, of the lab's base, and the data
of local volumes, which a host never removes because the cluster made it and not the host."""


class Formed:
    """One lab, its command line, and the clusters that are made on it."""

    def __init__(self, fleet: Fleet, version: str) -> None:
        self.fleet, self.version = fleet, version
        self.folder = fleet.folder / "documents"
        self.folder.mkdir()
        hub = fleet.shown["hub"]
        self.env = {**fleet.env}
        self.run("context", "add", "lab", "--url", hub["url"], "--ca", hub["ca"], "--api-key-file", hub["apiKeyFile"])
        self.net = str(fleet.shown["hosts"][0]["address"]).rpartition(".")[0]
        self.vip = f"{self.net}.200"
        tree = build.find(version)
        self.programs = tree.folder / "bin"
        self.images = list(tree.images())
        self.took: list[str] = []
        wanted = {host["uid"] for host in fleet.shown["hosts"]}
        until("all hosts registered", 180.0, lambda: wanted <= self._registered(), 1.0)

    def _registered(self) -> set[str]:
        return {host["metadata"]["uid"] for host in json.loads(self.run("host", "list", "-o", "json"))}

    def run(self, *words: str, code: int = 0, timeout: float = 120.0) -> str:
        """Run the product's command line; returns its output."""
        done = product(self.env, *words, timeout=timeout)
        assert done.returncode == code, f"{' '.join(words)} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def timed(self, what: str, act: Callable[[], Any]) -> Any:
        """Run a step and note how long it took."""
        began = time.monotonic()
        result = act()
        self.took.append(f"{what}: {time.monotonic() - began:.1f} s")
        print(self.took[-1], flush=True)
        return result

    def profile(self, name: str) -> None:
        """Apply the directory of a profile with the lab's tree, network, volumes and web application."""
        root = self.folder / name
        documents.write_profile(root, name, self.version, self.fleet.shown["registry"], self.images)
        self.run("--yes", "apply", "-f", str(root))
        self.run("--yes", "profile", "publish", name)

    def apply(self, name: str, hosts: list[str]) -> str:
        """Apply the answer file of a cluster whose hosts are all control planes; returns what was printed."""
        pool = {"name": "control-planes", "role": "control-plane", "works": True, "hosts": hosts}
        path = self.folder / f"{name}.yaml"
        documents.write_cluster(path, name, "lab", self.vip, [pool])
        return self.run("--yes", "apply", "-f", str(path))

    def show(self, name: str) -> dict[str, Any]:
        """Return a cluster as `cluster show -o json` prints it."""
        shown: dict[str, Any] = json.loads(self.run("cluster", "show", name, "-o", "json"))
        return shown

    def healthy(self, name: str, hosts: int, patience: float = 600.0) -> None:
        """Wait until the plane has a cluster as running and healthy, and all of its hosts have applied the document."""

        def look() -> bool:
            text = self.run("cluster", "show", name)
            applied = re.search(
                rf"^ *applied +{hosts} of {hosts} host", text, re.MULTILINE
            )  # the checklist counts, too
            return "Running, healthy" in text and applied is not None

        until(f"cluster {name} with {hosts} hosts", patience, look, 1.0)

    def kubeconfig(self, name: str) -> Path:
        """Let the plane hand out the stored kubeconfig of operators of a cluster; returns its file."""
        path = self.folder / f"{name}.kubeconfig"

        def look() -> bool:
            path.unlink(missing_ok=True)
            return product(self.env, "cluster", "kubeconfig", name, "--stored", "--out", str(path)).returncode == 0

        until(f"kubeconfig of {name}", 60.0, look, 1.0)
        assert path.stat().st_mode & 0o777 == 0o600
        return path

    def kubectl(self, name: str, *words: str, check: bool = True, timeout: float = 60.0) -> str:
        """Run kubectl on this machine with the kubeconfig that the plane handed out, through the VIP."""
        path = self.folder / f"{name}.kubeconfig"
        command = [str(self.programs / "kubectl"), f"--kubeconfig={path}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0 or not check, f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout if done.returncode == 0 else ""

    def ask(self, host: str, path: str = "/", *words: str, patience: float = 90.0) -> str:
        """Ask the web application through its service on a host, until it answers."""
        address = next(item["address"] for item in self.fleet.shown["hosts"] if item["name"] == host)
        command = ("curl", "-s", "-S", "-f", "-m", "5", *words, f"http://{address}:30080{path}")

        def look() -> str:
            return self.fleet.within(host, *command, check=False, timeout=20.0)

        answer: str = until(f"{path} on {host}", patience, look, 0.5)
        return answer

    def store(self, host: str, path: str, text: str, patience: float = 90.0) -> None:
        """Store a text by the web application, which may have no pod right after a rollout, until it returns it."""
        address = next(item["address"] for item in self.fleet.shown["hosts"] if item["name"] == host)
        command, url = ("curl", "-s", "-S", "-f", "-m", "5"), f"http://{address}:30080{path}"

        def stored() -> bool:
            self.fleet.within(host, *command, "-X", "PUT", "-d", text, url, check=False, timeout=20.0)
            return self.fleet.within(host, *command, url, check=False, timeout=20.0) == text

        until(f"{path} on {host} stores a text", patience, stored, 0.5)

    def holder(self) -> str:
        """Return the host that has the VIP."""
        names = [host["name"] for host in self.fleet.status()["hosts"] if host["leader"]]
        with_it = [name for name in names if f"{self.vip}/" in self.fleet.within(name, "ip", "-o", "address", "show")]
        assert len(with_it) == 1, f"hosts with the VIP: {with_it}"
        return str(with_it[0])

    def explained(self) -> str:
        """Return what is needed to understand a failure: clusters with their checklists, hosts, plane, machine."""
        lab = self.fleet.folder / "lab"
        looks: dict[str, Callable[[], str]] = {"machine": partial(shell, "uptime; free -m; df -h / /tmp")}
        for name in sorted(path.stem for path in self.folder.glob("*.yaml")):
            looks[f"cluster {name}"] = partial(self.run, "cluster", "show", name)
        for host in self.fleet.shown["hosts"]:
            for what, command in HOST_LOOKS.items():
                looks[f"{host['name']}: {what}"] = partial(
                    self.fleet.within, host["name"], "sh", "-c", command, check=False
                )
        for log in ("hub.log", "registry.log"):
            looks[log] = partial(shell, f"tail -n 25 {lab / log}")
        return "\n".join(f"--- {what}\n{attempt(look)}" for what, look in looks.items())

    def traces(self, host: str) -> dict[str, list[str]]:
        """Return what a cluster leaves on a host, by kind: processes, mounts, links, tables, files, units."""
        looks = {
            "processes": "ps -eo comm= | sort -u | grep -E 'kube|etcd|containerd|keepalived|flannel|coredns|pause'",
            "mounts": "awk '{print $2}' /proc/self/mounts | grep -E 'kubelet|containerd|netns|cni' | sort -u",
            "links": "ip -o link | awk -F': ' '{print $2}' | cut -d@ -f1 | sort",
            "tables": "nft list tables",
            "units": "systemctl list-units --all --plain --no-legend 'kube*' 'edgewright-*' | awk '{print $1}' | sort",
            "files": f"find {' '.join(WATCHED)} -xdev -maxdepth 3 | sort",
        }
        seen = {
            kind: self.fleet.within(host, "sh", "-c", look, check=False).splitlines() for kind, look in looks.items()
        }
        seen["files"] = [path for path in seen["files"] if not path.startswith(ALLOWED)]
        return seen


HOST_LOOKS = {
    "units": "systemctl is-system-running; systemctl list-units --failed --plain --no-legend",
    "steps": "journalctl -q --no-pager -o short-iso -n 40 -u 'edgewright-reconciler*' -u 'edgewright-step*'",
    "kubelet": "journalctl -q --no-pager -o cat -n 15 -u kubelet",
    "containerd": "journalctl -q --no-pager -o cat -n 8 -u edgewright-containerd",
    "pods": "timeout 15 /run/edgewright/kubernetes/kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes,pods -A",
}


def shell(command: str) -> str:
    """Run a command on this machine and return what it printed."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20.0, check=False)
    return done.stdout + done.stderr


def attempt(look: Callable[[], str]) -> str:
    """Return what a look returns; one that fails returns its error, so that the others are not lost."""
    try:
        return look().rstrip()
    except Exception as error:
        return f"({type(error).__name__}: {str(error)[:500]})"
