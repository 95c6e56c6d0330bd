#!/usr/bin/env python3
"""STAND-IN for k3s in tests. This is not k3s: it writes the files that k3s documents, and runs nothing.

It refuses arguments and settings that the documentation of `k3s server` and `k3s agent` does not have.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

NOTE = "STAND-IN: this is not k3s, it only writes the files that k3s documents"
NODE = {"node-name", "node-ip", "node-label", "node-taint", "private-registry", "server", "token"}
SERVER = NODE | {
    "advertise-address", "cluster-cidr", "service-cidr", "tls-san", "write-kubeconfig", "write-kubeconfig-mode",
    "agent-token", "etcd-arg", "cluster-init", "disable", "flannel-backend",
}  # fmt: skip
FILE_CONFIG = """\
apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:6443
    certificate-authority: {data}/agent/server-ca.crt
  name: local
users:
- name: user
  user:
    client-certificate: {data}/agent/client-kubelet.crt
    client-key: {data}/agent/client-kubelet.key
"""


def main(arguments: list[str]) -> int:
    print(NOTE)
    role, root = arguments[0], Path(arguments[-1])  # the last one is the folder that is `/` of the made-up host
    flags = dict(zip(arguments[1:-1:2], arguments[2:-1:2], strict=True))
    assert role in ("server", "agent") and set(flags) == {"--config", "--data-dir"}, arguments
    settings = json.loads((root / flags["--config"].lstrip("/")).read_text())
    unknown = set(settings) - (SERVER if role == "server" else NODE)
    if unknown:
        print(f"{NOTE}; unknown settings: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    data = flags["--data-dir"]
    for name in ("agent/server-ca.crt", "agent/client-kubelet.crt", "agent/client-kubelet.key", "data/current/bin/cni"):
        put(root, f"{data}/{name}", f"{NOTE}: {name}\n")
    authority = (root / "stand-in-ca.pem").read_text()  # the test knows its key
    put(root, f"{data}/agent/server-ca.crt", authority)
    put(root, f"{data}/agent/kubelet.kubeconfig", FILE_CONFIG.format(data=data))
    if role == "server":
        for name in (
            "server-ca.crt",
            "serving-kube-apiserver.crt",
            "etcd/server-ca.crt",
            "etcd/client.crt",
            "etcd/client.key",
        ):
            put(root, f"{data}/server/tls/{name}", authority if name == "server-ca.crt" else f"{NOTE}: {name}\n")
        put(root, f"{data}/server/db/etcd/member/snap/db", NOTE)
        put(root, settings["write-kubeconfig"], NOTE)
    put(root, "/run/k3s/containerd/containerd.sock", "")
    return 0


def put(root: Path, name: str, text: str) -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
