"""What a shell of a site leaves here: a recording that the real asciinema plays, without any secret of the catalogue.

asciinema is the one in PATH, else version 2.4.0 of its project, installed by pip into a folder of the test.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.ssh.conftest import key_files
from tests.core.redaction.canaries import CANARIES
from tests.e2e.console import Terminal
from tests.e2e.ssh.test_console_shell import Field, field, shell
from tests.e2e.ssh.test_users import allowed, etc
from tests.support import missing

__all__ = ["allowed", "etc", "field", "key_files", "shell"]
pytestmark = [pytest.mark.e2e]
VERSION = "2.4.0"
APART = ("key, without its begin", "key, journal, without its begin", "container, key")
"""Of these the last line of a key may be left: what is before it was not seen."""


@pytest.fixture(scope="module")
def asciinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the program."""
    if found := shutil.which("asciinema"):
        yield found
        return
    folder = tmp_path_factory.mktemp("asciinema")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120)
    command = [str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", f"asciinema=={VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        missing("e2e", f"asciinema is not installed, and pip cannot: {done.stderr.strip()[-200:]}")
    yield str(folder / "bin" / "asciinema")


def left_in(data: bytes) -> list[str]:
    """Return the canaries of which a part is there."""
    return [each.kind for each in CANARIES for part in each.hidden if len(part) > 8 and part in data]


def test_asciinema_plays_a_recording_to_the_same_screen(shell: Terminal, field: Field, asciinema: str) -> None:
    shell.press("printf '\\033[1;31mred\\033[0m wide \\346\\227\\245 end\\n'; seq 3", "Enter")
    shell.wait("red wide 日 end")
    shell._tmux("resize-window", "-t", "console", "-x", "100", "-y", "30")
    shell.press("stty size", "Enter")
    shell.wait("24 100")
    shell.press("exit", "Enter")
    shell.wait("has ended. Recorded in")
    (file,) = field.recordings()
    for words in (("play", "-s", "50", str(file)), ("cat", str(file))):
        played = Terminal(field.env, words, (100, 30), program=(asciinema,))
        field.terminals.append(played)
        screen = played.wait("console ended with", patience=30)
        assert "console ended with 0" in screen, screen
        assert "red wide 日 end" in screen and "24 100" in screen, screen
        painted = played._tmux("capture-pane", "-p", "-e", "-t", "console")
        assert re.search(r"\x1b\[[0-9;]*31m(?:\x1b\[[0-9;]*m)*red", painted), "the colour is there"


def test_no_secret_of_the_catalogue_is_in_a_recording_or_a_file_beside_it(
    shell: Terminal, field: Field, etc: Path
) -> None:
    text = etc / "home" / "secrets"
    text.write_bytes(b"\n".join(each.text for each in CANARIES if each.kind not in APART) + b"\nlast-line-of-it\n")
    text.chmod(0o644)
    shell.press(f"clear; cat {text}", "Enter")
    shell.wait("last-line-of-it")
    shell.press("exit", "Enter")
    shell.wait("has ended. Recorded in")
    (file,) = field.recordings()
    assert b"last-line-of-it" in file.read_bytes() and left_in(file.read_bytes()) == []
    stored = [path for path in (field.home / "ew").rglob("*") if path.is_file()]
    assert len(stored) > 2 and all(left_in(path.read_bytes()) == [] for path in stored)
