"""A reading that libfaketime lets hang is done again; one of a host with its own clock is not (`hosts.py`)."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.e2e.doctor.hosts import DoctorHost


class Hanging(DoctorHost):
    """A host whose first script does not end."""

    asked = 0

    def words(self) -> list[str]:
        """Return a command that hangs, then one that answers."""
        self.asked += 1
        return ["sleep", "5"] if self.asked == 1 else ["echo", "read"]


def test_a_script_that_hangs_is_run_again_with_another_clock_alone(tmp_path: Path) -> None:
    host = Hanging(1, "10.0.0.1", "", tmp_path)
    host.clock = "-50y"
    assert asyncio.run(host.run_script(b"", timeout=0.1, limit=99)).output == b"read\n" and host.asked == 2
    host = Hanging(1, "10.0.0.1", "", tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        asyncio.run(host.run_script(b"", timeout=0.1, limit=99))
