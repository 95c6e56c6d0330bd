"""What is written on a host's disk before it boots: its name, address and keys, the agent, its token and user-data."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab import product
from edgewright.lab.state import Folder, LabState, Member
from edgewright.lab.tools import run

SITES = ("berlin", "kiel", "munich", "hamburg")


def lab_key(folder: Folder) -> Path:
    """Return the SSH key that opens every host of this lab, made on first use."""
    if not folder.key.is_file():
        folder.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", folder.name, "-f", folder.key])
    return folder.key


def write_system(folder: Folder, state: LabState, host: Member, root: Path) -> None:
    """Write what makes the disk this very host: name, machine id (made at first boot), address, SSH keys."""
    (root / "etc/hostname").write_text(host.name + "\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{host.address} {host.name}\n")
    (root / "etc/machine-id").write_text("")
    (root / "etc/resolv.conf").unlink(missing_ok=True)  # the base brought the one of the machine that made it
    (root / "etc/resolv.conf").write_text("")
    authorised = root / "root/.ssh/authorized_keys"
    authorised.parent.mkdir(mode=0o700, exist_ok=True)
    authorised.write_text(lab_key(folder).with_suffix(".pub").read_text())
    authorised.chmod(0o600)
    key = root / "etc/ssh/ssh_host_ed25519_key"
    if not key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", key])
    network = root / "etc/systemd/network/10-host0.network"
    network.parent.mkdir(parents=True, exist_ok=True)
    network.write_text(
        "[Match]\nName=host0\n\n[Network]\nLinkLocalAddressing=no\n"
        f"Address={host.address}/24\nGateway={state.subnet}.1\n"
    )
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit in ("systemd-networkd.service", "ssh.service"):
        link = wants / unit
        if not link.is_symlink():
            link.symlink_to(f"/lib/systemd/system/{unit}")
    scrub = wants.parent / "e2scrub_reap.service"
    if not scrub.is_symlink():  # its CPU class is idle: on a busy machine a host would boot for a minute and more
        scrub.symlink_to("/dev/null")
    # a journal on disk, so that what the agent logged before a power cut can be read after it
    (root / "var/log/journal").mkdir(parents=True, exist_ok=True)


def user_data(state: LabState, host: Member, token: str, ca: str) -> str:
    """Return the user-data file of a host, as an installer would carry it."""
    number = int(host.address.rpartition(".")[2]) - 11
    lines = [
        "#cloud-config",
        "stylus:",
        "  site:",
        f"    paletteEndpoint: {state.endpoint}",
        f"    edgeHostToken: {token}",
        f"    name: {state.name}-{host.name}",
        f"    hostName: {host.name}",
        "    tags:",
        f"      site: {SITES[number % len(SITES)]}",
        f"      lab: {state.name}",
    ]
    if ca:
        lines.append("    caCerts:")
        lines.append("      - |")
        lines.extend(f"        {line}" for line in ca.strip().splitlines())
    return "\n".join(lines) + "\n"


def write_agent(
    folder: Folder, state: LabState, host: Member, root: Path, agent: Path, token: Path, ca: Path | None
) -> None:
    """Install the agent on the disk as its own `install` verb does it, with token, CA and user-data beside it."""
    data = folder.host(host.name) / "user-data"
    data.touch(mode=0o600)
    data.write_text(user_data(state, host, token.read_text().strip(), ca.read_text() if ca else ""))
    program = [sys.executable, str(agent)] if agent.suffix == ".pyz" else [str(agent)]
    arguments = ["install", "--root", str(root), "--endpoint", state.endpoint]
    arguments += ["--user-data", str(data), "--token-file", str(token)]
    if ca is not None:
        arguments += ["--ca", str(ca)]
    run([*program, *arguments], env=product.environment_for())


def take_python_away(root: Path) -> None:
    """Remove every Python from the disk: such hosts run the agent's self-contained binary."""
    for program in (root / "usr/bin").glob("python3*"):
        program.unlink()
    shutil.rmtree(root / "usr/lib/python3.11", ignore_errors=True)


def check_token(path: Path) -> None:
    """Raise `Failed` when a token file that the user named is empty."""
    if not path.is_file() or not path.read_text().strip():
        raise Failed(f"There is no registration token in {path}.", "Make one by `edgewright token create NAME`.")
