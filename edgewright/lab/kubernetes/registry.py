"""The lab's registry: Debian's docker-registry behind TLS, with a certificate of the lab's own CA.

It is a member of the lab like a host: its link can be cut, its power too.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

from edgewright.core.errors import Failed, TimedOut
from edgewright.lab import groups, network, processes
from edgewright.lab.kubernetes.programs import require
from edgewright.lab.state import REGISTRY as NAME
from edgewright.lab.state import Folder, LabState, Member
from edgewright.lab.tools import run

PORT = 5000
REPOSITORY = "edgewright/kubernetes"
STORAGE = "storage"
ARTEFACT = "artefact.json"
SMALL = 65536
"""Files of a storage up to this size are copied, larger ones (blobs, which never change) get a second name."""


def home(folder: Folder) -> Path:
    """Return the folder of the registry: keys, certificates, configuration, storage."""
    return folder.path / NAME


def ca_file(folder: Folder) -> Path:
    """Return the certificate of the lab's CA."""
    return home(folder) / "ca.crt"


def host(member: Member) -> str:
    """Return address and port, as references begin."""
    return f"{member.address}:{PORT}"


def contents(folder: Folder, member: Member) -> dict[str, str]:
    """Return the tree that the registry has: `host`, `repository`, `tag`, `digest`, and `tree`, its full reference."""
    known = json.loads((home(folder) / ARTEFACT).read_text())
    result = {"host": host(member), **{key: str(known[key]) for key in ("repository", "tag", "digest")}}
    return {**result, "tree": f"{result['host']}/{result['repository']}:{result['tag']}"}


def prepare(folder: Folder, member: Member, packed: Path) -> None:
    """Write what the registry needs; `packed` is a folder with its storage and with what is in it."""
    require("docker-registry")
    require("openssl")
    at = home(folder)
    at.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not ca_file(folder).exists():
        _certificates(at, member.address)
    seed(packed / STORAGE, at / "data")
    shutil.copy2(packed / ARTEFACT, at / ARTEFACT)
    write_config(at / "config.yml", at / "data", f"{member.address}:{PORT}", at)


def write_config(path: Path, data: Path, listen: str, tls: Path | None) -> None:
    """Write a configuration of docker-registry; without `tls` it speaks plain HTTP."""
    lines = [
        "version: 0.1",
        "log: {level: warn}",
        f"storage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}",
        "http:",
        f"  addr: {listen}",
    ]
    if tls is not None:
        lines += ["  tls:", f"    certificate: {tls / 'tls.crt'}", f"    key: {tls / 'tls.key'}"]
    path.write_text("\n".join(lines) + "\n")


def _certificates(at: Path, address: str) -> None:
    """Make the lab's CA and a certificate for an address, good for a year."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365"]
    command = ["openssl", "req", "-x509", *curve]
    authority = ["-subj", "/CN=Edgewright lab CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    run([*command, *authority, "-keyout", str(at / "ca.key"), "-out", str(at / "ca.crt")])
    server = ["-subj", "/CN=Edgewright lab registry", "-addext", f"subjectAltName=IP:{address}"]
    server += ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", str(at / "ca.crt"), "-CAkey", str(at / "ca.key")]
    run([*command, *server, "-keyout", str(at / "tls.key"), "-out", str(at / "tls.crt")])
    for name in ("ca.key", "tls.key"):
        (at / name).chmod(0o600)


def seed(storage: Path, data: Path) -> None:
    """Copy the storage of a registry; its blobs get a second name where the disk allows it. Raises `Failed`."""

    def copy(source: str, target: str) -> str:
        if Path(source).stat().st_size > SMALL:
            try:
                os.link(source, target)
                return target
            except OSError:
                pass
        try:
            return str(shutil.copy2(source, target))
        except OSError as error:  # `copytree` would continue, and end with an error that no sentence has
            why = error.strerror or str(error)
            hint = "Free space, or name a folder on another disk by --dir."
            raise Failed(f"The registry of the lab cannot be stored in {data}: {why}.", hint) from None

    shutil.copytree(storage, data, copy_function=copy, dirs_exist_ok=True)


def start(folder: Folder, state: LabState, member: Member) -> None:
    """Start the registry; returns at once."""
    command = [
        *network.inside(network.namespace_of(state.name, NAME)),
        "docker-registry",
        "serve",
        str(home(folder) / "config.yml"),
    ]
    member.pid, member.started = processes.launch(
        command, folder.path / "registry.log", groups.make(state.name, NAME), {"OTEL_TRACES_EXPORTER": "none"}
    )


def wait_ready(folder: Folder, member: Member, patience: float = 20.0) -> None:
    """Wait until the registry answers over TLS. Raises `Failed` when it ended, `TimedOut` past `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if answers(folder, member):
            return
        if not processes.alive(member.pid, member.started):
            log = (folder.path / "registry.log").read_text(errors="replace").strip().splitlines()
            raise Failed(f"The registry ended while it started: {(log or ['no output'])[-1][:300]}")
        time.sleep(0.1)
    raise TimedOut(f"The registry did not answer within {patience:.0f} s.", "See registry.log in the lab's folder.")


def answers(folder: Folder, member: Member) -> bool:
    """Return whether the registry answers this machine."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file(folder)))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(f"https://{host(member)}/v2/", timeout=3.0):
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


def cut_power(state: LabState, member: Member) -> None:
    """Kill the registry at once."""
    groups.freeze(state.name, NAME, frozen=False)
    processes.stop(member.pid, member.started, 5.0, first=signal.SIGKILL)
    groups.kill_all(state.name, NAME)
    member.pid, member.started, member.frozen = 0, "", False
