"""The installer wizard in real terminals: left, and left for a build that is watched; the console continues.

Only a real terminal shows it: under a pilot, screens are popped by the task of the test.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.installer.samples import CA
from tests.e2e.console import Console
from tests.e2e.fleet import product
from tests.e2e.terminal.wizard_answers import ANSWERS
from tests.forge.conftest import base_iso
from tests.support import missing

__all__ = ["base_iso"]
pytestmark = [pytest.mark.e2e]
SMALL, LARGE = (80, 24), (132, 43)


@pytest.fixture
def console(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Console]:
    """A console of a plane that does not answer: the wizard needs none."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    ca, key = tmp_path / "ca.crt", tmp_path / "key"
    ca.write_text(CA + "\n")
    key.write_text("not-a-key-of-any-plane\n")
    key.chmod(0o600)
    columns, lines = request.param
    opened = Console(tmp_path / "home", "https://127.0.0.1:9", ca, key, columns, lines, prefix=["env"])
    try:
        opened.wait("Pulse")
        yield opened
    finally:
        opened.close()


def to_pulse(console: Console) -> None:
    """Show that keys still do something: a frozen console keeps the screen, one that ended has no title."""
    console.press("1")
    console.wait("edgewright", "FLEET")
    assert "console ended with" not in console.screen()


@pytest.mark.parametrize(
    "console",
    [pytest.param(SMALL, id="80x24", marks=pytest.mark.core), pytest.param(LARGE, id="132x43")],
    indirect=True,
)
def test_who_leaves_the_wizard_is_back_on_the_screen_before(console: Console) -> None:
    console.press("6")
    console.wait("Installers")
    for answers in ("Enter", "Down"):  # kept, thrown away
        console.press("+")
        console.wait("New installer", "PLANE")
        console.press("Down", "Down", "x")
        console.press("Escape")
        console.wait("Leave the wizard")
        console.press(*([answers] if answers == "Enter" else [answers, "Enter"]))
        console.wait("Installers", "No installer yet")
        to_pulse(console)
        console.press("6")
        console.wait("Installers", "No installer yet")


@pytest.mark.parametrize(
    ("console", "manner"),
    [
        pytest.param(SMALL, "slow", id="80x24-slow", marks=pytest.mark.core),
        pytest.param(SMALL, "fast", id="80x24-fast"),
        pytest.param(LARGE, "slow", id="132x43-slow"),
        pytest.param(LARGE, "fast", id="132x43-fast", marks=pytest.mark.core),
    ],
    indirect=["console"],
)
def test_a_build_is_begun_from_the_summary_and_watched_to_its_end(
    console: Console, base_iso: Path, tmp_path: Path, manner: str
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(ANSWERS % base_iso)
    file.chmod(0o600)
    begun = product(console.env, "apply", "-f", str(file), "--detach")
    assert begun.returncode == 0, begun.stderr
    deadline = time.monotonic() + 60
    while states(console) != ["done"]:
        assert time.monotonic() < deadline, states(console)
        time.sleep(0.2)
    for made in tmp_path.glob("shop-7.*"):
        made.unlink()
    console.press("6")
    console.wait("Installers", "shop-7")
    if manner == "fast":
        console.write(b"rb")
    else:
        console.press("r")
        console.wait("SUMMARY", "b build")
        console.press("b")
    console.wait("Installers › shop-7", patience=30)
    while states(console) != ["done", "done"]:
        assert time.monotonic() < deadline, states(console)
        time.sleep(0.2)
    assert (tmp_path / "shop-7.iso").exists()
    console.wait("Installers › shop-7", "FILES", "v verify")  # the path of a long folder is cut
    to_pulse(console)


def states(console: Console) -> list[str]:
    """Return the states of all builds."""
    listed = product(console.env, "build", "list", "-o", "json")
    return [build["state"] for build in json.loads(listed.stdout)]
