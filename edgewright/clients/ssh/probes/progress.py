"""How far a run of probes has come: its frames are counted as they arrive, long before the answer is complete."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.clients.ssh.probes.probe import Probe
from edgewright.core import times

LONGEST = 200
"""Bytes of a line that may be a frame; what is longer is none."""


class Progress:
    """Counts for one run. The thread that reads the connection fills it (`take`), a screen reads its plain values."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.probes = len(probes)
        self.answered = 0
        """Probes of which the answer is here, or that the host left out."""
        self.received = 0
        """Bytes of the answer that are here."""
        self.last_at = 0.0
        """When bytes arrived last, epoch seconds; while probes run the link is not measured."""
        self.running = ""
        """The probe that the host works on, "" between two, and while it waits for other machines."""
        self._left = {probe.id for probe in probes}
        self._start, self._rest = b"", b""

    def expect(self, marker: str) -> None:
        """Count the frames that begin with `marker`."""
        self._start = marker.encode() + b" "

    def take(self, data: bytes) -> None:
        """Count what arrived; a frame may arrive in several pieces."""
        self.received += len(data)
        self.last_at = times.now()
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LONGEST]
        for line in lines:
            if line.startswith(self._start):
                self._frame(line[len(self._start) :].decode("ascii", "replace").split()[:2])

    def _frame(self, parts: list[str]) -> None:
        verb, name = parts if len(parts) == 2 else ("", "")
        if verb == "begin" and name in self._left:
            self.running = name
        elif verb in ("end", "skip") and name in self._left:
            self._left.remove(name)
            self.answered += 1
            self.running = ""
