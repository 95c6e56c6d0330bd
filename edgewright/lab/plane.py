"""The lab's own hub: the product's `hub serve` in a network namespace of its own, and a token for the hosts."""

from __future__ import annotations

import secrets
import signal
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

from edgewright.core.errors import Failed, TimedOut
from edgewright.lab import groups, network, processes, product
from edgewright.lab.state import HUB, Folder, LabState, Member

PORT = 8443


def data_folder(folder: Folder) -> Path:
    """Return the hub's data folder."""
    return folder.path / "hub"


def ca_file(folder: Folder) -> Path:
    """Return the certificate by which hosts and consoles know the lab's hub."""
    return data_folder(folder) / "ca.crt"


def key_file(folder: Folder) -> Path:
    """Return the file with the lab administrator's API key."""
    return data_folder(folder) / "admin-api-key"


def log_file(folder: Folder) -> Path:
    """Return where the hub's output goes."""
    return folder.path / "hub.log"


def start(folder: Folder, state: LabState, hub: Member) -> None:
    """Start the hub; returns at once."""
    command = [
        *network.inside(network.namespace_of(state.name)),
        *product.command_line("hub", "serve"),
        "--listen",
        f"{hub.address}:{PORT}",
        "--advertise",
        hub.address,
        "--data",
        str(data_folder(folder)),
        *state.hub_options,
    ]
    places = groups.make(state.name, HUB)
    hub.pid, hub.started = processes.launch(command, log_file(folder), places, product.environment_for())


def wait_ready(folder: Folder, state: LabState, hub: Member, patience: float = 120.0) -> None:
    """Wait until the hub answers over TLS. Raises `Failed` when it ended, `TimedOut` past `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not processes.alive(hub.pid, hub.started):
            raise Failed(f"The hub ended while it started: {_last_lines(log_file(folder))}")
        if answers(folder, state):
            return
        time.sleep(0.1)
    raise TimedOut(f"The hub did not answer within {patience:.0f} s.", f"Its log is {log_file(folder)}.")


def answers(folder: Folder, state: LabState) -> bool:
    """Return whether the lab's hub answers this machine over TLS."""
    if not ca_file(folder).is_file() or not key_file(folder).is_file():
        return False
    try:
        context = ssl.create_default_context(cafile=str(ca_file(folder)))
        with urllib.request.urlopen(f"{state.endpoint}/edgewright/v1/features", timeout=3.0, context=context):
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


def cut_power(state: LabState, hub: Member) -> None:
    """Kill the hub at once, as a power cut would (the machine's page cache stays, unlike in a real one)."""
    groups.freeze(state.name, HUB, frozen=False)
    processes.stop(hub.pid, hub.started, 5.0, first=signal.SIGKILL)
    groups.kill_all(state.name, HUB)
    hub.pid, hub.started, hub.frozen = 0, "", False


def make_token(folder: Folder, state: LabState) -> Path:
    """Make a registration token for the hosts by the product's command line and return the file with it."""
    env = product.environment_for(state.endpoint, str(ca_file(folder)), str(key_file(folder)))
    name = f"lab-{secrets.token_hex(3)}"
    made = product.call(env, "token", "create", name)
    text = str(made.get("spec", {}).get("token", ""))
    if not text:
        raise Failed(f"The hub made token {name} but did not return its text.", f"The hub's log is {log_file(folder)}.")
    path = folder.path / "token"
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return path


def _last_lines(log: Path) -> str:
    """Return the last line of a log."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1] if lines else "no output"
