"""What the tests of Doctor rest on: a reading that libfaketime lets hang is done again, a disk has a number of its own (`hosts.py`)."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
from pathlib import Path

import pytest

from tests.e2e.doctor.hosts import LOOP_CTL_REMOVE, DoctorHost, add_loop


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


@pytest.mark.e2e
def test_two_runs_that_want_the_same_disk_get_different_ones() -> None:
    first, second = add_loop(999_001), add_loop(999_001)
    with Path("/dev/loop-control").open("rb") as control:
        for number in (first, second):
            fcntl.ioctl(control, LOOP_CTL_REMOVE, number)
    assert second == first + 1
