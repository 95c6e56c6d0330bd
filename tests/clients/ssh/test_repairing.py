"""A fix of the catalogue in real shells: its status, its last lines, its end when it hangs, and a link that is cut."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from edgewright.clients.ssh import repairing
from tests.clients.ssh.probes.shells import PRESENT, SHELLS, LocalShell


@pytest.mark.parametrize("name", PRESENT)
async def test_status_and_last_lines(name: str) -> None:
    ran = await repairing.run(LocalShell(SHELLS[name]), "echo one; echo '\x1b[31mtwo' >&2; exit 3")
    assert ran == repairing.Ran(3, ("one", "two"))
    assert await repairing.run(LocalShell(SHELLS[name]), "true") == repairing.Ran(0, ())
    many = await repairing.run(LocalShell(SHELLS[name]), "yes a | head -n 100000; cat")
    assert many.status == 0 and len(many.lines) < repairing.MOST and many.lines[-1] == "a"


@pytest.mark.parametrize("name", PRESENT)
async def test_what_hangs_is_ended(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairing, "SECONDS", 1)
    began = time.monotonic()
    hangs = f"sleep 471{PRESENT.index(name)}"
    ran = await repairing.run(LocalShell(SHELLS[name]), hangs)
    assert ran.status is None and time.monotonic() - began < 10
    assert hangs.encode() not in subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout


@pytest.mark.parametrize("name", PRESENT)
def test_a_link_that_is_cut_does_not_end_the_command(name: str, tmp_path: Path) -> None:
    done = tmp_path / "done"
    command = f"echo a; sleep 0.5; yes b | head -n 3000; kill -HUP $$; kill -PIPE $$; touch {done}"
    host = subprocess.Popen(SHELLS[name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert host.stdin and host.stdout and host.stderr
    host.stdin.write(repairing.script(command))
    host.stdin.close()
    host.stdout.close()
    host.stderr.close()
    host.wait(10)
    assert done.exists()
