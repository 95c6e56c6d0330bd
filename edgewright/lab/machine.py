"""One host of the lab: a real systemd, booted by systemd-nspawn over its own writable disk layer.

A supervisor process owns it: it boots the host, boots it again when the host reboots itself, and ends when the host is
switched off. Killing the host's first process is the lab's power cut.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab import groups, network, processes
from edgewright.lab.kubernetes import hosts as kubernetes
from edgewright.lab.state import Folder, LabState, Member
from edgewright.lab.tools import run

REBOOT_CODE = 133
"""What systemd-nspawn --keep-unit ends with when the host asked for a reboot."""

SUPERVISOR = f"""
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn || exit 1
mkfifo /run/systemd/nspawn/typed || exit 1
trap 'kill -TERM $child' TERM
while :; do
  "$@" 0<>/run/systemd/nspawn/typed & child=$!
  wait $child; code=$?
  while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
  echo "host ended with $code"
  [ $code = {REBOOT_CODE} ] || exit $code
done
"""
"""nspawn refuses to reboot or end cleanly where /run is on a disk, hence the small tmpfs in a private mount view.
Its passive console (systemd 252) shows nothing before the end, hence the interactive one with a keyboard that is
never used."""


def mount_disk(folder: Folder, name: str, base: Path) -> Path:
    """Put the host's own layer over the base and return the root of its disk; a mounted one is taken as it is."""
    home = folder.host(name)
    for part in ("upper", "work", "root"):
        (home / part).mkdir(parents=True, exist_ok=True)
    root = home / "root"
    if not root.is_mount():
        options = f"lowerdir={base},upperdir={home / 'upper'},workdir={home / 'work'}"
        run(["mount", "-t", "overlay", f"{folder.name}-{name}", "-o", options, root])
    return root


def switch_on(folder: Folder, state: LabState, host: Member) -> None:
    """Start the supervisor of a host, which boots it; returns at once."""
    home = folder.host(host.name)
    command: list[str | Path] = [
        *network.inside(state.name),
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        SUPERVISOR,
        "keeper",
        "systemd-nspawn",
        "--quiet",
        f"--directory={home / 'root'}",
        f"--machine={host.name}",
        "--register=no",
        "--keep-unit",
        "--boot",
        "--console=interactive",
        "--resolv-conf=off",
        "--timezone=off",
        f"--network-bridge={network.bridge_of(host.name)}",
        "--kill-signal=SIGRTMIN+3",
    ]
    env: dict[str, str] = {}
    if state.kubernetes:
        kubernetes.own_folders(home, home / "root")
        command += kubernetes.nspawn_options(home)
        env = kubernetes.NSPAWN_ENVIRONMENT
    host.pid, host.started = processes.launch(command, home / "console.log", groups.make(state.name, host.name), env)


def is_on(host: Member) -> bool:
    """Return whether the supervisor of the host runs."""
    return processes.alive(host.pid, host.started)


def leader(host: Member) -> int:
    """Return the process id, on this machine, of the host's first process; 0 when it is not up."""
    for nspawn in processes.children(host.pid) if is_on(host) else []:
        for child in processes.children(nspawn):
            if Path(f"/proc/{child}/ns/pid").exists() and processes.start_time(child):
                return child
    return 0


def within(host: Member, *command: str, timeout: float = 20.0, check: bool = True) -> str:
    """Run a command in a host as its root, by its namespaces (no network needed), and return its output.

    Raises `Failed` when the host is off, or when the command fails and `check` is set.
    """
    first = leader(host)
    if not first:
        raise Failed(f"{host.name} is switched off.", f"Run `edgewright lab fault power-on {host.name}`.")
    return run(
        ["nsenter", f"--target={first}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *command],
        timeout=timeout,
        check=check,
    )


def condition(host: Member) -> str:
    """Return what systemd in the host reports of itself (`running`, `starting`, `degraded`), or `off` or `frozen`."""
    if not leader(host):
        return "off"
    if host.frozen:
        return "frozen"
    try:
        return within(host, "systemctl", "is-system-running", timeout=3.0, check=False).strip() or "starting"
    except Failed:
        return "starting"


def wait_booted(host: Member, patience: float) -> float:
    """Wait until the host has booted and return how many seconds that took. Raises `Failed` past `patience`."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if not is_on(host):
            raise Failed(f"{host.name} ended while it booted.", "See its console log, and `edgewright lab status`.")
        if condition(host) in ("running", "degraded"):
            return time.monotonic() - began
        time.sleep(0.1)
    raise Failed(f"{host.name} has not booted within {patience:.0f} s.", "See its console log.")


def cut_power(state: LabState, host: Member) -> None:
    """Kill the host's first process, and with it all of the host, at once: nothing in it gets a word in."""
    if host.frozen:
        groups.freeze(state.name, host.name, frozen=False)
        host.frozen = False
    first = leader(host)
    if first:
        processes.send(first, signal.SIGKILL)
    if not processes.wait_ended(host.pid, host.started, 5.0):
        groups.kill_all(state.name, host.name)
        processes.wait_ended(host.pid, host.started, 5.0)
    host.pid, host.started = 0, ""


def reboot(host: Member) -> None:
    """Ask the host to reboot, as Ctrl-Alt-Del does. Raises `Failed` when it is off."""
    first = leader(host)
    if not first:
        raise Failed(f"{host.name} is switched off.", f"Run `edgewright lab fault power-on {host.name}`.")
    processes.send(first, signal.SIGINT)


def unmount_disk(folder: Folder, name: str) -> None:
    """Take the host's disk off; a busy one is let go as soon as its last user ends."""
    root = folder.host(name) / "root"
    if root.is_mount():
        run(["umount", root], check=False)
        if root.is_mount():
            run(["umount", "--lazy", root], check=False)
