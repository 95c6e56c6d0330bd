"""A lab with Kubernetes for the benchmarks of clusters: programs run in its hosts without a command line between."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgewright.core.errors import EdgewrightError
from edgewright.lab.kubernetes import fleet, versions
from edgewright.lab.tools import shortcomings
from tests.e2e.fleet import Fleet
from tools.bench import SKIPPED


class Lab(Fleet):
    """A fleet whose hosts stay on: their first process is looked up once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._leaders: dict[str, int] = {}

    def leader(self, name: str) -> int:
        """Return the process id of a host's first process."""
        if name not in self._leaders:
            self._leaders = {host["name"]: host["leader"] for host in self.status()["hosts"]}
        return self._leaders[name]

    def within(self, name: str, *command: str, timeout: float = 30.0, check: bool = True) -> str:
        """See `Fleet.within`."""
        words = ["nsenter", f"--target={self.leader(name)}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        done = subprocess.run([*words, *command], capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0 or not check, f"{command} in {name}: {done.stdout}{done.stderr}"
        return done.stdout

    def var_lib(self, name: str) -> Path:
        """Return /var/lib of a host on this machine."""
        return self.folder / "lab" / "hosts" / name / "var-lib"


@contextmanager
def lab(hosts: int) -> Iterator[Lab]:
    """Run a lab of hosts that can run Kubernetes; ends this program with a sentence where that is not possible."""
    try:
        lacking = shortcomings()
        if not lacking:
            fleet.prepared(versions.DEFAULT, hosts)
    except EdgewrightError as error:
        lacking = [f"{error.message} {error.hint}"]
    if lacking:
        print(lacking[0], file=sys.stderr)
        raise SystemExit(SKIPPED)
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    made = Lab(folder)
    try:
        made.up("--hosts", str(hosts), "--kubernetes", versions.DEFAULT)
        yield made
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)
