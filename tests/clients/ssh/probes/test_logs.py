"""Logs of units from a closed list, by a real shell with a journalctl of the test's own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.clients.ssh.probes.logs import LOGS, log_probe, read_log
from edgewright.core.errors import InvalidInput


class LocalShell:
    """Runs scripts by `sh` of this machine, with programs of `folder` before all others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def run_script(self, script: bytes, *, timeout: float, limit: int, sudo: bool = False) -> ScriptResult:
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        process = await asyncio.create_subprocess_exec(
            "sh", "-s", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment
        )
        output, _ = await asyncio.wait_for(process.communicate(script), timeout)
        return ScriptResult(process.returncode or 0, output[:limit], b"", len(output) > limit, 0.1)

    async def aclose(self) -> None:
        return None


def journalctl(folder: Path, body: str) -> LocalShell:
    path = folder / "journalctl"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return LocalShell(folder)


async def test_the_last_lines_of_one_unit_without_escapes_and_secrets(tmp_path: Path) -> None:
    host = journalctl(tmp_path, "echo \"$@\"; printf 'a\\033[2Jb token=ewt_secret-canary\\n'")
    lines = await read_log(host, "kubelet")
    assert lines[0] == "-u kubelet.service -b -n 400 -q --no-pager -o short-iso --utc"
    assert lines[1].startswith("ab token=") and "canary" not in lines[1]


async def test_the_kernel_is_read_by_dmesg_where_the_journal_has_nothing(tmp_path: Path) -> None:
    host = journalctl(tmp_path, "exit 0")
    dmesg = tmp_path / "dmesg"
    dmesg.write_text("#!/bin/sh\necho '[1.0] sda: I/O error'\n")
    dmesg.chmod(0o755)
    assert await read_log(host, "kernel") == ["[1.0] sda: I/O error"]


async def test_a_log_that_is_long_is_cut_and_one_that_is_empty_is_empty(tmp_path: Path) -> None:
    count = 'i=0; while [ $i -lt 3000 ]; do echo "$i ..........................."; i=$((i+1)); done'
    long = journalctl(tmp_path, count)
    lines = await read_log(long, "containerd")
    assert 1000 < len(lines) < 3000 and lines[-1].startswith("2999 ") and sum(map(len, lines)) < 65_000
    assert await read_log(journalctl(tmp_path, "exit 0"), "edgewright-keepalived") == []


@pytest.mark.parametrize("name", ["nothing", "kubelet;reboot", "", "../x"])
def test_what_is_not_in_the_list_reaches_no_script(name: str) -> None:
    with pytest.raises(InvalidInput, match="There is no such log"):
        log_probe(name)


def test_the_list_has_units_only() -> None:
    assert LOGS[0] == "kernel" and len(set(LOGS)) == len(LOGS) > 30
    assert all(name.replace("-", "").replace("@", "").isalnum() for name in LOGS)
