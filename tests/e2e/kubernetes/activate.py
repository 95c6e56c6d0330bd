"""Runs in a lab host: fetches a tree from the registry and activates it by hand, as the agent's steps do.

activate.py REGISTRY REPOSITORY DIGEST
"""

import hashlib
import json
import os
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

REGISTRY, REPOSITORY, DIGEST = sys.argv[1:4]
TREE = Path("/opt/edgewright/kubernetes") / DIGEST.split(":")[1]
LINKS, UNITS = Path("/run/edgewright/kubernetes"), Path("/run/systemd/system")
STATE, RUN = Path("/var/lib/edgewright/containerd"), Path("/run/edgewright/containerd")
BEGAN = time.monotonic()


def report(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:5.1f} s] {text}", flush=True)


def fetch(kind: str, digest: str) -> bytes:
    request = urllib.request.Request(f"https://{REGISTRY}/v2/{REPOSITORY}/{kind}/{digest}")
    request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json")
    with urllib.request.urlopen(request, context=ssl.create_default_context()) as answer:
        data: bytes = answer.read()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == digest, f"{digest} does not match"
    return data


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


manifest = json.loads(fetch("manifests", DIGEST))
tree = json.loads(fetch("blobs", manifest["config"]["digest"]))
TREE.mkdir(parents=True)
for layer in manifest["layers"]:
    blob = Path("/opt/layer")
    blob.write_bytes(fetch("blobs", layer["digest"]))
    with tarfile.open(blob) as archive:
        archive.extractall(TREE)
    blob.unlink()
report(f"tree of {tree['version']} fetched and unpacked")

LINKS.mkdir(parents=True)
for name, component in tree["components"].items():
    (LINKS / name).symlink_to(TREE / component["path"])
plugins = Path("/opt/cni/bin")
plugins.mkdir(parents=True)
for plugin in (TREE / "cni").iterdir():
    (plugins / plugin.name).write_bytes(plugin.read_bytes())
    (plugins / plugin.name).chmod(0o755)
names = {
    "@STATE@": str(STATE),
    "@RUN@": str(RUN),
    "@BIN@": str(LINKS),
    "@SOCKET@": str(RUN / "containerd.sock"),
    "@CERTS@": "/run/edgewright/certs.d",
    "@PAUSE@": tree["pause"],
    "@CONFIG@": str(RUN / "config.toml"),
    "@RUNTIME@": "edgewright-containerd.service",
}
UNITS.mkdir(parents=True, exist_ok=True)
for folder in (STATE, RUN):
    folder.mkdir(parents=True)
for template, target in (
    ("containerd.toml", RUN / "config.toml"),
    ("containerd.service", UNITS / "edgewright-containerd.service"),
    ("kubelet.service", UNITS / "kubelet.service"),
):
    text = (TREE / "templates" / template).read_text()
    for name, value in names.items():
        text = text.replace(name, value)
    target.write_text(text)
run("systemctl", "daemon-reload")
run("systemctl", "start", "edgewright-containerd")
report("containerd runs")
images = subprocess.Popen(["tar", "-C", str(TREE / "images"), "-cf", "-", "."], stdout=subprocess.PIPE)
address = f"--address={names['@SOCKET@']}"
done = subprocess.run(
    [LINKS / "ctr", address, "-n", "k8s.io", "images", "import", "--local", "-"],
    stdin=images.stdout,
    capture_output=True,
    text=True,
    check=False,
)
assert done.returncode == 0, done.stderr
for image in tree["images"]:
    labels = ["io.cri-containerd.pinned=pinned", "io.cri-containerd.image=managed"]
    run(str(LINKS / "ctr"), address, "-n", "k8s.io", "images", "label", image["ref"], *labels)
report(f"{len(tree['images'])} images imported and pinned")
for name in ("kubeadm", "kubelet", "kubectl", "ctr", "etcdctl"):
    link = Path("/usr/local/bin") / name
    if not link.is_symlink():
        os.symlink(LINKS / name, link)
