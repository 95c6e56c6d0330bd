"""Scripts of the user-data: bounded in time, in output, and in what they leave behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgewright.agent.kernel.settings import Flags, Settings, find_labels
from edgewright.core.cloudconfig.userdata import Site


def labels(folder: Path, text: str, seconds: int = 2) -> tuple[dict[str, str], tuple[str, ...]]:
    script = folder / "tags.sh"
    script.write_text("#!/bin/sh\n" + text)
    script.chmod(0o755)
    site = Site({"tagsFromScript": {"scriptName": str(script), "timeout": seconds}})
    return find_labels(Settings(Flags(), site, "", ()))


def alive(number: str) -> bool:
    try:
        return Path(f"/proc/{int(number)}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_script_that_prints_without_end_is_stopped(tmp_path: Path) -> None:
    began = time.monotonic()
    found, warnings = labels(tmp_path, "exec yes\n", 30)
    assert not found and "printed more than" in warnings[0]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("ending", ["wait\n", 'echo \'{"site": "berlin"}\'\n'])
def test_nothing_that_a_script_started_outlives_it(tmp_path: Path, ending: str) -> None:
    note = tmp_path / "pid"
    began = time.monotonic()
    found, warnings = labels(tmp_path, f"sleep 600 &\necho $! > {note}\n{ending}", 2)
    assert time.monotonic() - began < 8
    if "berlin" in ending:
        assert (found, warnings) == ({"site": "berlin"}, ())  # a pipe that a child holds open does not hold the agent
    else:
        assert "did not end within 2 s" in warnings[0]
    for _ in range(100):
        if not alive(note.read_text()):
            break
        time.sleep(0.02)
    assert not alive(note.read_text())


def zombies() -> set[str]:
    """Return the ended children of this process that nobody has waited for."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if words[0] == "Z" and int(words[1]) == os.getpid():
            found.add(stat.parent.name)
    return found


def test_no_descriptor_and_no_zombie_stays(tmp_path: Path) -> None:
    before, dead = len(os.listdir("/proc/self/fd")), zombies()
    for _ in range(20):
        labels(tmp_path, "exit 3\n")
    assert len(os.listdir("/proc/self/fd")) == before
    assert zombies() <= dead
