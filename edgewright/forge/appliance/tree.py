"""The image of the box: the built system with our agent, its units, and what makes it one with Kairos's layout."""

from __future__ import annotations

import re
import shutil
from importlib import resources
from pathlib import Path

from edgewright.forge.appliance import parts
from edgewright.forge.appliance.confined import inside
from edgewright.forge.appliance.lock import Lock
from edgewright.forge.appliance.rootfs import System
from edgewright.forge.appliance.space import tool_failed
from edgewright.forge.programs import run
from edgewright.forge.progress import Job

PROGRAMS = "/usr/lib/edgewright"
ARCHIVE = f"{PROGRAMS}/edgewright-agent.pyz"
UNITS = "usr/lib/systemd/system"

_SSH_KEYS = """\
# The image has no host key; each box makes its own at its first start.
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -s /etc/ssh/ssh_host_ed25519_key || \
ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
"""
_SSHD = """\
# One kind of key: the slow ones would delay the first start of a small box.
HostKey /etc/ssh/ssh_host_ed25519_key
"""
_SUDO = """\
# As in Kairos: who is in the group `admin` becomes root without a password, for most of them log in by a key alone.
%admin ALL=(ALL) NOPASSWD: ALL
"""


def make_tree(lock: Lock, system: System, agent: Path, units: Path, version: str, work: Path, job: Job) -> Path:
    """Unpack the system into `work`/tree and add what is ours; return the folder. Needs root. Raises `Failed`."""
    root = work / "tree"
    root.mkdir()
    job.step("unpacking the system", "steps")
    arguments = ["tar", "--extract", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--preserve-permissions"]
    arguments += ["--use-compress-program=zstd", "-f", str(system.tree), "-C", str(root)]
    done = run(arguments, job)
    if done.code != 0:
        raise tool_failed("tar", done, work)
    job.step("adding the agent", "steps")
    _add_agent(root, agent, work, job)
    names = _add_units(root, units)
    _release(root, lock, version)
    _normalise(root, lock)
    _services(root, names, work, job)
    return root


def _add_agent(root: Path, agent: Path, work: Path, job: Job) -> None:
    place = root / PROGRAMS[1:]
    place.mkdir(parents=True)
    shutil.copyfile(agent, place / "given.pyz")
    script = resources.files("edgewright.forge.appliance").joinpath("compile_bytecode.py").read_text(encoding="utf-8")
    terms = ["python3", "-B", "-c", script, "archive", f"{PROGRAMS}/given.pyz", ARCHIVE, ARCHIVE]
    done = inside(root, terms, job, {"PYTHONHASHSEED": "0"})
    if done.code != 0:
        raise tool_failed("python3", done, work)
    (place / "given.pyz").unlink()
    link = root / "usr/bin/edgewright-agent"
    link.symlink_to(ARCHIVE)


def _add_units(root: Path, units: Path) -> list[str]:
    """Copy the units and return the words for `systemctl enable`."""
    names = []
    for unit in sorted(path for path in units.iterdir() if path.suffix in (".service", ".path", ".timer")):
        target = root / UNITS / unit.name
        shutil.copyfile(unit, target)
        target.chmod(0o644)
        if not re.search(r"^\[Install\]", unit.read_text(encoding="utf-8"), re.MULTILINE):
            continue
        instances = [f"{unit.stem}{tty}.service" for tty in parts.TTYS] if unit.stem.endswith("@") else [unit.name]
        names += instances
    return names


def _release(root: Path, lock: Lock, version: str) -> None:
    kernel = lock.version_of("linux-image-amd64")
    fields = {
        "KAIROS_NAME": f"edgewright-appliance-{parts.DISTRIBUTION}",
        "KAIROS_VERSION": f"v{version}",
        "KAIROS_RELEASE": f"v{version}",
        "KAIROS_SOFTWARE_VERSION": version,
        "KAIROS_FLAVOR": "debian",
        "KAIROS_FLAVOR_RELEASE": "12",
        "KAIROS_FAMILY": "debian",
        "KAIROS_VARIANT": "core",
        "KAIROS_MODEL": "generic",
        "KAIROS_ARCH": lock.architecture,
        "KAIROS_TARGETARCH": lock.architecture,
        "KAIROS_IMAGE_LABEL": f"12-core-{lock.architecture}-generic-v{version}",
        "KAIROS_FIPS": "false",
        "KAIROS_TRUSTED_BOOT": "false",
        "EDGEWRIGHT_LOCK": lock.digest,
        "EDGEWRIGHT_KERNEL": kernel,
    }
    text = "".join(f'{key}="{value}"\n' for key, value in fields.items())
    for folder in parts.FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "etc/kairos-release").write_text(text)


def _normalise(root: Path, lock: Lock) -> None:
    """Set what a running system would choose, and what the day of the build would change."""
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("edgewright\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 edgewright\n::1 localhost ip6-localhost\n")
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.symlink_to("/run/systemd/resolve/stub-resolv.conf")
    shadow = root / "etc/shadow"
    day = str(lock.timestamp // 86400)
    lines = [line.split(":") for line in shadow.read_text().splitlines()]
    shadow.write_text("".join(":".join([*line[:2], day, *line[3:]]) + "\n" for line in lines))
    (root / UNITS / "ssh.service.d").mkdir(exist_ok=True)
    (root / UNITS / "ssh.service.d/10-edgewright.conf").write_text(_SSH_KEYS)
    (root / "etc/ssh/sshd_config.d").mkdir(exist_ok=True)
    (root / "etc/ssh/sshd_config.d/10-edgewright.conf").write_text(_SSHD)
    (root / "etc/sudoers.d/10-edgewright").write_text(_SUDO)
    (root / "etc/sudoers.d/10-edgewright").chmod(0o440)
    (root / "etc/issue").write_text("Edgewright reference appliance \\n \\l\n\n")


def _services(root: Path, units: list[str], work: Path, job: Job) -> None:
    for terms in (["enable", *parts.ENABLED, *units], ["mask", *parts.MASKED], ["set-default", "multi-user.target"]):
        done = inside(root, ["systemctl", "--quiet", *terms], job)
        if done.code != 0:
            raise tool_failed("systemctl", done, work)
