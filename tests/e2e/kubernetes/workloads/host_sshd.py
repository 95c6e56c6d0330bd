"""A host with a kubeconfig: a real sshd in a mount namespace of its own, whose /etc and /run are copies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.clients.ssh.sshd import Sshd
from tests.support import missing


class Host(Sshd):
    """An sshd whose sessions see `files` (absolute paths below /etc, /run and /var/lib) as their host has them."""

    _entry: tuple[str, ...] = ()

    def with_files(self, files: Mapping[str, str]) -> Host:
        """Put files into the copies; call it before `start`, or while it runs."""
        for path, text in files.items():
            place = self.folder / "root" / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            place.chmod(0o600)
        return self

    def without(self, path: str) -> None:
        """Remove a file of the host."""
        (self.folder / "root" / path.lstrip("/")).unlink()

    def start(self) -> Host:
        if os.getuid():
            missing("e2e", "root, for a mount namespace of the host")
        root = self.folder / "root"
        (root / "run/sshd").mkdir(parents=True, exist_ok=True)
        (root / "etc").mkdir(exist_ok=True)
        (root / "var/lib").mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", "/etc/.", str(root / "etc")], check=True)
        (self.folder / "sshd_config").touch()
        binds = " && ".join(f'mount --bind "{root}{path}" {path}' for path in ("/etc", "/run", "/var/lib"))
        self._entry = ("unshare", "--mount", "sh", "-c", f'{binds} && exec "$@"', "sh")
        super().start()
        return self

    def __enter__(self) -> Host:
        return self.start()

    def _command(self, command: list[str]) -> list[str]:
        return [*self._entry, *command]


def processes(text: str) -> list[str]:
    """Return the command lines of this machine that contain a text."""
    out = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in line:
            out.append(line)
    return out
