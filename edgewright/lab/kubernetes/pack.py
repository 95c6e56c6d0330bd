"""The tree as an artefact: packed by `forge image --for tree` into the storage of a registry, once per tree.

`lab up` starts its registry on a copy of that storage, so that no lab waits for the packing.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from edgewright.core.errors import Failed, TimedOut
from edgewright.lab import processes, product
from edgewright.lab.kubernetes import programs, registry
from edgewright.lab.kubernetes.cache import Cache
from edgewright.lab.kubernetes.registry import ARTEFACT, STORAGE


def packed(cache: Cache, tree: Path, version: str, arch: str) -> Path:
    """Return the folder with the storage of a registry that has the tree, and `artefact.json` about it."""

    def make(folder: Path) -> None:
        port = _free_port()
        storage = folder / STORAGE
        storage.mkdir()
        config = folder / "registry.yml"
        registry.write_config(config, storage, f"127.0.0.1:{port}", None)
        programs.require("docker-registry")
        log = cache.folder / "work" / "registry.log"
        pid, started = processes.launch(["docker-registry", "serve", config], log, env={"OTEL_TRACES_EXPORTER": "none"})
        try:
            _wait(port, pid, started, log)
            cache.report(f"tree of {version}: packing it with `edgewright forge image --for tree`")
            (folder / ARTEFACT).write_text(json.dumps(_forge(cache, tree, version, arch, port), indent=1) + "\n")
        finally:
            processes.stop(pid, started, 3.0)
            config.unlink(missing_ok=True)

    return cache.part(f"artefact-{version}-{arch}", {"tree": tree.name}, make)


def artefact(folder: Path) -> dict[str, Any]:
    """Return what is known of a packed tree: `repository`, `tag`, `digest`, `size`."""
    document: dict[str, Any] = json.loads((folder / ARTEFACT).read_text())
    return document


def _forge(cache: Cache, tree: Path, version: str, arch: str, port: int) -> dict[str, Any]:
    target = f"127.0.0.1:{port}/{registry.REPOSITORY}"
    command = ["forge", "image", "--for", "tree", "--tree", str(tree), "--kubernetes", f"kubeadm:{version[1:]}"]
    command += ["--arch", arch, "--push", target, "--temp", str(cache.folder / "work"), "--yes", "-o", "json"]
    (cache.folder / "work").mkdir(exist_ok=True)
    lines = programs.run(
        product.command_line(*command), f"The artefact of {version}", cache.folder, env=product.environment_for()
    )
    text = "\n".join(lines)
    try:
        document = json.loads(text[text.index("\n{") + 1 if not text.startswith("{") else 0 :])
    except ValueError:
        raise Failed(f"`edgewright forge image --for tree` printed no document: {text.strip()[-300:]}") from None
    _, _, tag = str(document["reference"]).rpartition(":")
    facts = {key: document[key] for key in ("digest", "size", "architecture", "kubernetes", "images")}
    return {"repository": registry.REPOSITORY, "tag": tag, **facts}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, pid: int, started: str, log: Path, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if not processes.alive(pid, started):
                lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
                raise Failed(f"docker-registry ended while it started: {lines[-1][:300]}") from None
            time.sleep(0.1)
    raise TimedOut(f"docker-registry did not answer within {patience:.0f} s.", f"Its log is {log}.")
