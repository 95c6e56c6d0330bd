"""What the installed system mounts: /oem, /usr/local, and the folders below /usr/local/.state that outlive a boot."""

from __future__ import annotations

import os
import shutil
import time
from typing import Callable, List, NamedTuple, Sequence

from edgewright.agent.appliance import paths as places
from edgewright.agent.appliance.paths import below
from edgewright.agent.appliance.runner import Runner, read_text, write_file
from edgewright.core.errors import EdgewrightError
from edgewright.core.text import clean

PATIENCE = 30.0
"""Seconds until a partition that has not shown up counts as missing."""
PERSISTENT = (
    "/etc/ssh", "/home", "/root", "/var/log", "/etc/rancher", "/etc/kubernetes", "/etc/cni", "/opt",
    "/var/lib/edgewright", "/var/lib/rancher", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/etcd",
    "/var/lib/systemd/timesync", "/var/lib/cni",
)  # fmt: skip


class Mount(NamedTuple):
    """One file system by label."""

    label: str
    folder: str
    fs: str = "auto"
    options: str = "rw,nodev"


def base_mounts() -> List[Mount]:
    """Return what every slot mounts."""
    return [
        Mount(places.L_OEM, places.OEM, options="rw,nodev,nosuid,noexec"),
        Mount(places.L_PERSISTENT, places.PERSISTENT, options="rw"),
    ]


def extra_mounts(text: str) -> List[Mount]:
    """Return the extra partitions that the installer wrote down (`LABEL=x /folder fs` a line)."""
    rows = [line.split() for line in text.splitlines() if line.startswith("LABEL=")]
    return [Mount(row[0][6:], "/run/media" + row[1], row[2]) for row in rows if len(row) == 3]


def mount_all(
    mounts: Sequence[Mount], runner: Runner, report: Callable[[str], None], wait: Callable[[str], bool]
) -> List[str]:
    """Check and mount each; return the labels that are not there, each reported. Never fails."""
    missing = []
    for mount in mounts:
        device = f"/dev/disk/by-label/{mount.label}"
        try:
            if not wait(device):
                raise FileNotFoundError(2, f"there is no partition {mount.label}")
            if mount.fs != "xfs":
                runner.succeeds(["fsck", "-a", device])
            os.makedirs(mount.folder, exist_ok=True)
            runner.run(["mount", "-o", mount.options, device, mount.folder])
        except (EdgewrightError, OSError) as error:
            reported = error.message if isinstance(error, EdgewrightError) else (error.strerror or str(error))
            report(
                f"{mount.folder} is not mounted: {clean(reported, 200)}; what belongs there is lost at the next start"
            )
            missing.append(mount.label)
    return missing


def bind_all(folders: Sequence[str], runner: Runner, report: Callable[[str], None], root: str = "/") -> List[str]:
    """Mount the persistent directories over the image's, filled from it the first time; return those that failed."""
    failed, lines = [], []
    for folder in folders:
        store = below(root, f"{places.STATE}/{state_name(folder)}")
        target = below(root, folder)
        try:
            if not os.path.isdir(store):
                _fill(target, store)
            os.makedirs(target, exist_ok=True)
        except (OSError, shutil.Error) as error:
            report(f"{folder} is not persistent: {clean(error, 200)}")
            failed.append(folder)
            continue
        lines.append(f"{_escaped(store)} {_escaped(target)} none bind 0 0")
    table = below(root, places.RUN + "/binds.fstab")
    try:
        write_file(table, ("\n".join(lines) + "\n").encode())
        runner.run(["mount", "--all", "--fstab", table])  # one program for all: a start of seventeen takes long
    except (EdgewrightError, OSError) as error:
        report(f"not every persistent directory could be mounted: {clean(getattr(error, 'message', error), 200)}")
    return failed


def _escaped(path: str) -> str:
    return path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")


def state_name(folder: str) -> str:
    """Return the name below /usr/local/.state (Kairos's form: `etc-ssh.bind`)."""
    return folder.strip("/").replace("/", "-") + ".bind"


def _fill(source: str, store: str) -> None:
    part = store + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(os.path.dirname(store), exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, part, symlinks=True)
        there = os.stat(source)
        os.chown(part, there.st_uid, there.st_gid)
    else:
        os.makedirs(part)
    os.rename(part, store)


def wait_for(path: str, seconds: float = PATIENCE) -> bool:
    """Wait for a device to show up; return whether it did."""
    end = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def is_mounted(folder: str, mounts: str = "") -> bool:
    """Return whether something is mounted at a folder, by the text of /proc/mounts."""
    text = mounts or read_text("/proc/mounts")
    return any(line.split()[1:2] == [folder] for line in text.splitlines())
