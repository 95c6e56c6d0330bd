"""A host whose agent forms a cluster of one node, in a lab of its own, while other hosts are looked at."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet

HOST = "edge1"


class Shop:
    """The lab; `ready` waits for its cluster.

    The lab names the machine as the name server of its host; there one answers that it knows no name.
    """

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(folder)
        self.programs = build.find(versions.DEFAULT).folder / "bin"
        self._threads = ThreadPoolExecutor(1)
        words = ("--hosts", "1", "--kubernetes", versions.DEFAULT, "--cluster")
        self._up: Future[None] = self._threads.submit(self.fleet.up, *words)
        self._names: socket.socket | None = None

    def ready(self) -> None:
        """Wait until the cluster runs and is healthy."""
        self._up.result()
        if self._names is None:
            self._names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._names.bind((self.address.rpartition(".")[0] + ".1", 53))
            threading.Thread(target=self._answer, args=(self._names,), daemon=True).start()

    @property
    def address(self) -> str:
        """The address of the host."""
        return str(self.fleet.shown["hosts"][0]["address"])

    def within(self, script: str) -> str:
        """Run a script in the host without SSH."""
        return self.fleet.within(HOST, "sh", "-c", script)

    def close(self) -> None:
        """End the lab, when it is up or has failed."""
        self._up.exception()
        self._threads.shutdown()
        if self._names is not None:
            self._names.close()
        self.fleet.down()

    @staticmethod
    def _answer(names: socket.socket) -> None:
        while True:
            try:
                asked, peer = names.recvfrom(512)
                names.sendto(asked[:2] + b"\x81\x83" + asked[4:6] + bytes(6) + asked[12:], peer)
            except OSError:
                return


def is_built() -> bool:
    """Return whether this machine has the parts of Kubernetes."""
    return any(built.version == versions.DEFAULT for built in build.trees())
