"""The disk that every lab host starts from: Debian packages unpacked once, cached, and shared read-only.

Each host lays its own writable layer over it (overlayfs), so that a host costs 10 MB and starts in a second or two.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edgewright.core.errors import Conflict, Failed
from edgewright.lab.tools import environment, run

SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "python3",  # not -minimal: the agent needs ssl and the rest of the standard library
    "openssh-server",
    "iproute2",
    "ca-certificates",
    "procps",
    "libfaketime",  # `lab fault clock`: containers share the machine's clock and may not set it
)
FORMAT = "1"
"""Raised when the way the base is made changes, so that older ones are not taken."""

_MOUNTS = Path("/proc/self/mounts")
_CONFINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""Whatever ends the lab ends the installer too, and its mounts (proc, sys, dev) vanish with the namespace: mounts
that stay would prevent the removal of the draft, and with it each later `up`."""
Report = Callable[[str], None]


def cache_folder() -> Path:
    """Return where bases are cached: EDGEWRIGHT_LAB_CACHE, else /var/cache/edgewright-lab (the lab runs as root)."""
    return Path(os.environ.get("EDGEWRIGHT_LAB_CACHE", "/var/cache/edgewright-lab")).absolute()


def base_key(suite: str = SUITE, packages: tuple[str, ...] = PACKAGES) -> str:
    """Return the name under which the base of these packages is cached."""
    text = " ".join([FORMAT, suite, *sorted(packages)])
    return f"{suite}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def ensure_base(log: Report, suite: str = SUITE, packages: tuple[str, ...] = PACKAGES) -> Path:
    """Return the folder of the base, made if it is not there yet (about half a minute, 60 MB of packages).

    Two labs that want it at once make it once. Raises `Failed` with the installer's own words.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    ready = cache / base_key(suite, packages)
    with (cache / f"{ready.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("base image: another lab is making it, waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if ready.is_dir():
            return ready
        draft = cache / f"{ready.name}.new"
        _unmount_below(draft)
        shutil.rmtree(draft, ignore_errors=True)
        _install(draft, suite, packages, log)
        draft.rename(ready)
    return ready


def _running_on(cache: Path, mounts: str) -> str | None:
    """Return the folder of a lab whose hosts run on a base, "" when it cannot be read, `None` without one."""
    for line in mounts.splitlines():
        if f"lowerdir={cache}/" in line:
            upper = re.search(r"upperdir=([^,\s]+)/hosts/[^/,]+/upper", line)
            return upper[1].replace("\\040", " ") if upper else ""
    return None


def clean_cache() -> int:
    """Remove every base and what a killed `up` left of one; returns the bytes that this frees.

    Raises `Conflict` while hosts of a lab are running on a base, or one is being made.
    """
    cache = cache_folder()
    running = _running_on(cache, _MOUNTS.read_text())
    if running is not None:
        down = f"edgewright lab down --dir {shlex.quote(running)}" if running else "edgewright lab down"
        raise Conflict(f"Hosts of a lab are running on a base in {cache}.", f"End that lab: {down}")
    freed = 0
    for folder in sorted(path for path in cache.glob("*") if path.is_dir()):
        lock_file = cache / f"{folder.name.removesuffix('.new')}.lock"
        with lock_file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"A lab is making the base {folder.name}.", "Wait until it is done.") from None
            _unmount_below(folder)
            freed += _size(folder)
            shutil.rmtree(folder)
            lock_file.unlink(missing_ok=True)
    return freed


def _unmount_below(folder: Path) -> None:
    """End the mounts below a draft: a killed `up` of an earlier version left them."""
    places = [line.split()[1].replace("\\040", " ") for line in _MOUNTS.read_text().splitlines()]
    for place in sorted((place for place in places if place.startswith(f"{folder}/")), reverse=True):
        run(["umount", "--lazy", place], check=False)


def _size(folder: Path) -> int:
    """Return the bytes that the files below a folder take on the disk, a file with several names once."""
    files: dict[tuple[int, int], int] = {}
    for home, _, names in os.walk(folder):
        for name in names:
            entry = (Path(home) / name).lstat()
            files[entry.st_dev, entry.st_ino] = entry.st_blocks * 512
    return sum(files.values())


def _install(target: Path, suite: str, packages: tuple[str, ...], log: Report) -> None:
    """Run mmdebstrap into `target`, reporting how long it takes."""
    began = time.monotonic()
    log(f"base image: unpacking Debian {suite} with {len(packages)} packages (once, about half a minute)")
    command = [
        *_CONFINED,
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Languages "none"',
        f"--include={','.join(packages)}",
        suite,
        str(target),
    ]
    done = threading.Event()

    def beat() -> None:
        while not done.wait(10.0):
            log(f"base image: still unpacking, {time.monotonic() - began:.0f} s")

    teller = threading.Thread(target=beat, daemon=True)
    teller.start()
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    finally:
        done.set()
        teller.join()
    if result.returncode != 0:
        shutil.rmtree(target, ignore_errors=True)
        complaints = [line for line in result.stderr.splitlines() if line.startswith("E:")] or ["no output"]
        raise Failed(
            f"The base image could not be made: {complaints[0]}.",
            "Look whether `apt-get update` works on this machine.",
        )
    # a key of the installer's making would be the same on every host
    for key in (target / "etc" / "ssh").glob("ssh_host_*"):
        key.unlink()
    log(f"base image: ready in {time.monotonic() - began:.1f} s")
