"""A registry, a base and the command line, for the tests of `forge image`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.fleet import command_environment, product, until
from tests.forge.image import parts

NEEDED = {
    **{"docker-registry": "docker-registry", "skopeo": "skopeo", "umoci": "umoci", "buildah": "buildah"},
    **{"mksquashfs": "squashfs-tools", "unsquashfs": "squashfs-tools"},
}


TAG = "kubeadm-1.36.3-v4.10.0"


PASSWORD = "of the test's own key"


def tool(*words: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=env)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


class Place:
    """A registry on loopback, a base image made of this machine's own shell, and Kubernetes' stand-in programs."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        (folder / "home").mkdir()
        self.env = command_environment(folder / "home") | {"COSIGN_PASSWORD": PASSWORD}
        self.env["EDGEWRIGHT_HOME"] = str(folder / "ew")
        self.temp = folder / "temp"
        self.temp.mkdir()

    def image(self, base: str, *more: str) -> dict[str, Any]:
        """Build an image and return its document; nothing may be left in the temporary folder."""
        done = self.run(base, *more, "-o", "json")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def run(self, base: str, *more: str) -> subprocess.CompletedProcess[str]:
        words = [
            "forge",
            "image",
            "--for",
            "appliance",
            "--base",
            base,
            "--kubernetes",
            "kubeadm:1.36.3",
            "--pe-version",
            "v4.10.0",
        ]
        words += ["--push", f"{self.address}/edge/debian", "--binaries", str(self.folder / "kube")]
        done = product(self.env, *words, "--temp", str(self.temp), *more, timeout=120)
        assert not list(self.temp.iterdir()), "nothing may be left behind"
        return done

    def tags(self, repository: str = "edge/debian") -> list[str]:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/{repository}/tags/list", timeout=10) as answer:
                return list(json.loads(answer.read())["tags"] or [])
        except urllib.error.HTTPError:
            return []

    def skopeo(self, *words: str) -> str:
        return tool("skopeo", "--insecure-policy", *words, env=self.env)

    def unpacked(self, tag: str) -> Path:
        """Pull an image with skopeo, unpack it with umoci, and return its root."""
        where = self.folder / f"pulled-{tag}"
        self.skopeo(
            "copy", "-q", "--src-tls-verify=false", f"docker://{self.address}/edge/debian:{tag}", f"oci:{where}:got"
        )
        tool("umoci", "unpack", "--image", f"{where}:got", f"{where}-bundle")
        return Path(f"{where}-bundle") / "rootfs"

    def digest(self, tag: str) -> str:
        reference = f"docker://{self.address}/edge/debian:{tag}"
        return str(json.loads(self.skopeo("inspect", "--tls-verify=false", reference))["Digest"])


@contextmanager
def _registry(folder: Path, address: str, more: str) -> Iterator[None]:
    """Run a registry on loopback; `more` are further lines of its configuration."""
    (folder / "registry.yml").write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}\nhttp:\n  addr: '{address}'\n{more}"
    )
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "registry.yml")], stdout=log, stderr=log, start_new_session=True
        )
    try:
        until("the registry listens", 20, lambda: _listens(address))
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _base(place: Place) -> None:
    """Make a base image of a shell with its libraries and stand-ins of kernel, init and agent; push it."""
    root = place.folder / "rootfs"
    for program in ("/bin/sh", "/bin/cat", "/bin/mkdir"):
        libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for path in [*re.findall(r"(/\S+)", libraries), program]:
            target = root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(path), target)
    for name, data in parts.SYSTEM.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    layout = f"{place.folder / 'base'}:v1"
    tool("umoci", "init", "--layout", layout.rpartition(":")[0])
    tool("umoci", "new", "--image", layout)
    tool("umoci", "insert", "--image", layout, str(root), "/")
    place.skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", f"docker://{place.address}/base/debian:12")
    for kind in ("oci-archive", "docker-archive"):
        place.skopeo("copy", "-q", f"oci:{layout}", f"{kind}:{place.folder / kind}.tar:base:v1")
    folder = parts.programs(place.folder / "kube/bin").parent
    (folder / "images").mkdir()
    (folder / "images/pause.tar").write_bytes(parts.images_archive("registry.k8s.io/pause:3.10"))
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")
