"""A cluster made by hand on hosts of a lab: proves the tree and the base before anything of the agent uses them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewright.lab.kubernetes import documents, settings, versions
from tests.e2e.fleet import Fleet, until

SOCKET = "unix:///run/edgewright/containerd/containerd.sock"
KUBECONFIG = "/etc/kubernetes/admin.conf"


class ByHand:
    """What a person would type, host by host."""

    def __init__(self, fleet: Fleet, version: str) -> None:
        self.fleet, self.version = fleet, version
        self.first = fleet.shown["hosts"][0]["name"]
        self.took: list[str] = []

    def timed(self, what: str, act: Callable[[], Any]) -> Any:
        """Run a step and note how long it took."""
        began = time.monotonic()
        result = act()
        self.took.append(f"{what}: {time.monotonic() - began:.1f} s")
        print(self.took[-1], flush=True)
        return result

    def address(self, host: str) -> str:
        """Return the address of a host."""
        return str(next(item["address"] for item in self.fleet.shown["hosts"] if item["name"] == host))

    def put(self, host: str, path: str, text: str) -> None:
        """Write a file in a host."""
        self.fleet.within(host, "python3", "-c", f"open({path!r}, 'w').write({text!r})")

    def activate(self, host: str) -> None:
        """Fetch the tree from the lab's registry and activate it."""
        registry = self.fleet.shown["registry"]
        self.put(host, "/root/activate.py", (Path(__file__).parent / "activate.py").read_text())
        words = ["python3", "/root/activate.py", registry["host"], registry["repository"], registry["digest"]]
        print(self.fleet.within(host, *words, timeout=180.0))

    def config(self, host: str) -> dict[str, Any]:
        """Return the registration of a node with what only lab hosts need."""
        registration = settings.cluster_config()["initConfiguration"]["nodeRegistration"]
        return {**registration, "criSocket": SOCKET, "imagePullPolicy": "IfNotPresent", "taints": []}

    def init(self) -> None:
        """Run `kubeadm init` on the first host."""
        api = {"advertiseAddress": self.address(self.first)}
        parts: list[dict[str, Any]] = [
            {"kind": "InitConfiguration", "localAPIEndpoint": api, "nodeRegistration": self.config(self.first)},
            {
                "kind": "ClusterConfiguration",
                "kubernetesVersion": self.version,
                "controlPlaneEndpoint": f"{self.address(self.first)}:6443",
                "networking": {"podSubnet": documents.POD_CIDR, "serviceSubnet": documents.SERVICE_CIDR},
            },
        ]
        for document in parts:
            document["apiVersion"] = "kubeadm.k8s.io/v1beta4"
        parts.append({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"})
        parts[-1] |= settings.KUBELET
        parts.append({"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"})
        parts[-1] |= settings.KUBE_PROXY
        self.put(self.first, "/root/init.yaml", "---\n".join(json.dumps(document) + "\n" for document in parts))
        print(self.fleet.within(self.first, "kubeadm", "init", "--config", "/root/init.yaml", timeout=300.0)[-600:])

    def join(self, host: str) -> None:
        """Join a host as a control plane."""
        command = ["kubeadm", "init", "phase", "upload-certs", "--upload-certs", "--kubeconfig", KUBECONFIG]
        key = self.fleet.within(self.first, *command, timeout=60.0).split()[-1]
        words = self.fleet.within(
            self.first, "kubeadm", "--kubeconfig", KUBECONFIG, "token", "create", "--print-join-command"
        ).split()
        discovery = {
            "token": words[words.index("--token") + 1],
            "apiServerEndpoint": words[2],
            "caCertHashes": [words[words.index("--discovery-token-ca-cert-hash") + 1]],
        }
        document = {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "JoinConfiguration",
            "nodeRegistration": self.config(host),
            "discovery": {"bootstrapToken": discovery},
            "controlPlane": {"localAPIEndpoint": {"advertiseAddress": self.address(host)}, "certificateKey": key},
        }
        self.put(host, "/root/join.yaml", json.dumps(document))
        self.fleet.within(host, "kubeadm", "join", "--config", "/root/join.yaml", timeout=300.0)

    def kubectl(self, *words: str, check: bool = True) -> str:
        """Run kubectl on the first host."""
        return self.fleet.within(self.first, "kubectl", f"--kubeconfig={KUBECONFIG}", *words, check=check, timeout=60.0)

    def apply(self, name: str) -> None:
        """Apply one of the lab's manifests."""
        text = documents.manifest(name, self.images())
        self.put(self.first, f"/root/{name}", text)
        self.kubectl("apply", "-f", f"/root/{name}")

    def images(self) -> list[str]:
        """Return the images of the tree."""
        shown = json.loads(self.fleet.lab("kubernetes", "list", "-o", "json"))
        return list(next(tree for tree in shown if tree["kubernetes"]["version"] == self.version)["images"])

    def ready(self, count: int, patience: float = 120.0) -> None:
        """Wait until that many nodes are Ready."""

        def look() -> bool:
            lines = self.kubectl("get", "nodes", "--no-headers", check=False).splitlines()
            return sum(line.split()[1] == "Ready" for line in lines) == count

        until(f"{count} nodes Ready", patience, look, 0.5)

    def rollout(self, what: str, namespace: str = "default") -> None:
        """Wait until a workload is there in full."""
        words = ["rollout", "status", what, "-n", namespace, "--timeout=180s"]
        self.fleet.within(self.first, "kubectl", f"--kubeconfig={KUBECONFIG}", *words, timeout=200.0)

    def ask(self, host: str, path: str = "/", *words: str) -> str:
        """Ask the web application through its port on a host."""
        url = f"http://{self.address(host)}:30080{path}"
        return self.fleet.within(host, "curl", "-s", "-S", "-m", "10", *words, url, timeout=30.0)


def one_node(fleet: Fleet, version: str = versions.DEFAULT) -> ByHand:
    """Make a cluster of the first host with flannel, DNS and the web application."""
    hand = ByHand(fleet, version)
    hand.timed("activate", lambda: hand.activate(hand.first))
    hand.timed("kubeadm init", hand.init)
    hand.apply("flannel.yaml")
    hand.timed("node Ready", lambda: hand.ready(1))
    hand.timed("cluster DNS", lambda: hand.rollout("deployment/coredns", "kube-system"))
    hand.apply("web.yaml")
    hand.timed("web application", lambda: hand.rollout("deployment/web"))
    return hand
