"""What the lab needs of a machine, and the one place that runs outside programs.

The lab is made of other people's programs: systemd-nspawn boots the hosts, mmdebstrap makes their disk, iproute2 and
nftables make the network. A machine that lacks one of them, or the right to use it, is reported in one sentence
before anything is changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgewright.core.errors import Failed

PROGRAMS: dict[str, str] = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "bridge": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "ssh-keygen": "openssh-client",
}
"""Program -> Debian package that contains it."""

CAP_NET_ADMIN = 12
CAP_SYS_ADMIN = 21


def _capabilities() -> int:
    """Return the effective capability set of this process as a bit mask (Linux, `CapEff` of /proc/self/status)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def shortcomings() -> list[str]:
    """Return what this machine lacks to run a lab: complete sentences with the fix; empty when it can."""
    if not Path("/proc/self/status").exists() or not Path("/sys/fs/cgroup").is_dir():
        return [
            "The lab boots Linux hosts in containers, and this is not a Linux machine with control groups: use one."
        ]
    matches: list[str] = []
    if os.geteuid() != 0:
        matches.append("The lab makes network namespaces and mounts, which only root may: run it by sudo.")
    else:
        have = _capabilities()
        for bit, name in ((CAP_SYS_ADMIN, "CAP_SYS_ADMIN"), (CAP_NET_ADMIN, "CAP_NET_ADMIN")):
            if not have >> bit & 1:
                matches.append(
                    f"This root user lacks {name} (a container?): run the lab on a machine or a privileged one."
                )
    lacking = [program for program in PROGRAMS if shutil.which(program, path=search_path()) is None]
    if lacking:
        packages = " ".join(sorted({PROGRAMS[program] for program in lacking}))
        matches.append(f"The lab needs {', '.join(lacking)}: apt-get install {packages}")
    if not Path("/dev/net/tun").exists():
        matches.append("The lab needs /dev/net/tun to slow links down: load the module tun.")
    return matches


def search_path() -> str:
    """Return PATH with the administrator's folders in it, which a plain user's PATH lacks on Debian."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for outside programs: ours, a full PATH, plain English messages."""
    return {**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    check: bool = True,
    timeout: float = 60.0,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run `command` and return its standard output.

    `timeout` is in seconds. Raises `Failed` with the program's own last line when it fails and `check` is set.
    """
    arguments = [str(word) for word in command]
    try:
        done = subprocess.run(
            arguments, input=stdin, capture_output=True, text=True, timeout=timeout, env=environment(env), check=False
        )
    except FileNotFoundError:
        raise Failed(
            f"The program {arguments[0]} is not here.", "Run `edgewright check` to see what is missing."
        ) from None
    except subprocess.TimeoutExpired:
        raise Failed(f"`{' '.join(arguments)}` did not end within {timeout:.0f} s.") from None
    if check and done.returncode != 0:
        reason = _reason(done.stderr.strip() or done.stdout.strip())
        raise Failed(f"`{' '.join(arguments[:6])}` failed with code {done.returncode}: {reason}")
    return done.stdout


def _reason(text: str) -> str:
    """Return why a program failed: the sentences of an error in JSON (our own programs), else its last line."""
    try:
        document = json.loads(text[text.index("{") :])
    except ValueError:
        return text.splitlines()[-1] if text else "no output"
    if not isinstance(document, dict) or not document.get("message"):
        return text.splitlines()[-1]
    return " ".join(str(document[key]) for key in ("message", "hint") if document.get(key))
