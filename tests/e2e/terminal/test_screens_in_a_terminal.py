"""Every view of the console in a real terminal, driven by keys: slowly, and with all keys of a script in one write."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.console import Console, Terminal
from tests.e2e.fleet import command_environment, product, until
from tests.e2e.planes import SmallPlane, end_local_plane, small_plane, started_in
from tests.e2e.terminal.screen_scripts import GUIDE, GUIDE_TO_ITS_END, PLANE, REPLAY
from tests.e2e.terminal.script import answers, go_home, play
from tests.e2e.terminal.wizard_answers import ANSWERS
from tests.forge.conftest import base_iso
from tests.support import missing

__all__ = ["base_iso"]
pytestmark = [pytest.mark.e2e]
SIZES = {"80x24": (80, 24), "132x43": (132, 43)}
CORE_SLOW = ("hosts", "installer-new")
"""Views that are driven slowly in the continuous check, too."""
NOT_CORE = ("disk",)
"""Views that are not driven there: the log of a host waits for a heartbeat in the same way."""
PLAYS = [
    pytest.param(view, size, manner, id=f"{view}-{size}-{manner}", marks=[pytest.mark.core] * core)
    for size in SIZES
    for manner in ("slow", "fast")
    for view in PLANE
    for core in [size == "80x24" and view not in NOT_CORE and (manner == "fast" or view in CORE_SLOW)]
]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPlane]:
    """A hub with nine simulated hosts and two versions of a profile."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    with small_plane(tmp_path_factory.mktemp("plane")) as made:
        names = {"URL": made.url, "CA": made.ca, "API_KEY_FILE": made.key}
        env = {f"EDGEWRIGHT_{name}": str(value) for name, value in names.items()}
        env |= command_environment(tmp_path_factory.mktemp("admin"))
        for words in (("import", "--shipped", "one-node-k3s"), ("version", "one-node-k3s", "--version", "1.1.0")):
            done = product(env, "profile", *words, "--yes")
            assert done.returncode == 0, done.stderr
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, base_iso: Path) -> Path:
    """A home with one installer built in it."""
    home = tmp_path_factory.mktemp("home")
    file = home / "shop.yaml"
    file.write_text(ANSWERS % base_iso)
    file.chmod(0o600)
    made = product(command_environment(home), "apply", "-f", str(file))
    assert made.returncode == 0, made.stderr
    return home


@pytest.fixture(scope="module")
def console_of(plane: SmallPlane, home: Path) -> Iterator[Callable[[str, str], Console]]:
    """Return what gives the console of a size and a manner of typing; one that ended is replaced."""
    opened: dict[tuple[str, str], Console] = {}

    def console(size: str, manner: str) -> Console:
        present = opened.get((size, manner))
        if present is not None and present.ended:
            opened.pop((size, manner)).close()
        if (size, manner) not in opened:
            for other in opened.values():
                other.close()
            opened.clear()
            opened[size, manner] = plane.console(home, *SIZES[size])
        return opened[size, manner]

    yield console
    for one in opened.values():
        one.close()


def crash_logs(home: Path) -> list[Path]:
    return sorted(home.rglob("crashes/*.log"))


@pytest.mark.parametrize(("view", "size", "manner"), PLAYS)
def test_a_view_does_what_its_keys_say(
    console_of: Callable[[str, str], Console], home: Path, view: str, size: str, manner: str
) -> None:
    console = console_of(size, manner)
    play(console, PLANE[view], fast=manner == "fast")
    go_home(console)
    assert answers(console) < 10
    assert crash_logs(home) == []


@pytest.fixture
def empty_home(tmp_path: Path) -> Path:
    """A home without a plane."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def local_hub(home: Path) -> int | None:
    """Return the process of the hub that a console of this home started, None when none runs."""
    for database in home.rglob("hub.db"):
        status = product(command_environment(home), "hub", "status", "--data", str(database.parent), "-o", "json")
        found = json.loads(status.stdout)
        return int(found["pid"]) if found["running"] else None
    return None


@pytest.mark.parametrize("manner", ["slow", pytest.param("fast", marks=pytest.mark.core)])
def test_the_guide_leads_to_a_hub_of_ones_own(empty_home: Path, manner: str) -> None:
    guide = Terminal(command_environment(empty_home))
    try:
        guide.wait("First steps", "Start a hub here")
        play(guide, GUIDE["first-run"], fast=manner == "fast")
        play(guide, GUIDE_TO_ITS_END.replace("PORT", str(free_port())), fast=manner == "fast")
        until("the end of the console", 20, lambda: guide.ended)
        assert "console ended with 0" in guide.screen()
        assert local_hub(empty_home) is None
        until("the end of what the guide started", 20, lambda: not started_in(empty_home))
    finally:
        guide.close()
        end_local_plane(empty_home)
    assert crash_logs(empty_home) == []


@pytest.mark.parametrize("manner", ["slow", pytest.param("fast", marks=pytest.mark.core)])
def test_a_recording_is_stepped_through(plane: SmallPlane, home: Path, tmp_path: Path, manner: str) -> None:
    env = command_environment(home)
    file = tmp_path / "fleet.rec"
    where = {"EDGEWRIGHT_URL": plane.url, "EDGEWRIGHT_CA": str(plane.ca), "EDGEWRIGHT_API_KEY_FILE": str(plane.key)}
    made = product({**env, **where}, "record", str(file), "--for", "2s")
    assert made.returncode == 0, made.stderr
    replay = Terminal(env, ("replay", str(file)))
    try:
        replay.wait("Replay")
        play(replay, REPLAY["replay"], fast=manner == "fast")
        assert answers(replay) < 10
    finally:
        replay.close()
    assert crash_logs(home) == []
