"""Random keys over all screens, the same every time: no exception, no frozen screen, no growing memory.

The hub and its hosts are the test's own, so that whatever a verb changes harms nobody. No installer is built in the
home of the console: a proof would boot machines.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.planes import SmallPlane, small_plane
from tests.e2e.terminal.walk import Figures, every_key, keys_of, walk
from tests.support import missing

pytestmark = [pytest.mark.e2e]
SLOWEST = 5.0
"""Seconds within which a key must be answered."""
GROWTH = 1.25
"""Resident memory at the end against that after a fifth of the walk."""
CORE = pytest.mark.core
WALKS = [
    pytest.param(20261128, 800, 0.0, 800, id="burst-800", marks=CORE),
    pytest.param(20261129, 200, 20.0, 100, id="paced-200", marks=CORE),
    pytest.param(20261130, 10_000, 0.0, 2_000, id="burst-10000"),
    pytest.param(20261201, 10_000, 20.0, 500, id="paced-10000"),
]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPlane]:
    """A hub and nine simulated hosts."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    with small_plane(tmp_path_factory.mktemp("plane")) as made:
        yield made


@pytest.fixture(scope="module")
def table(pytestconfig: pytest.Config) -> Iterator[list[tuple[str, Figures]]]:
    """Collect the figures of the walks and print them at the end."""
    rows: list[tuple[str, Figures]] = []
    yield rows
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name, figures in rows:
            print(f"\nwalk {name}, {figures}")


def test_the_keys_are_the_same_every_time_and_reach_every_screen() -> None:
    assert keys_of(1, 500) == keys_of(1, 500) != keys_of(2, 500)
    assert {"1", "6", "?", "<enter>", "<esc>", "<tab>", "+", "C", "y"} <= set(every_key())
    assert not {"<ctrl+c>", "<ctrl+q>", "<ctrl+z>"} & set(every_key())


@pytest.mark.parametrize(("seed", "count", "rate", "chunk"), WALKS)
def test_random_keys_break_nothing(
    plane: SmallPlane,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    table: list[tuple[str, Figures]],
    seed: int,
    count: int,
    rate: float,
    chunk: int,
) -> None:
    console = plane.console(tmp_path / "home")
    try:
        figures = walk(console, seed, count, rate, chunk, patience=300.0 if not rate else 60.0)
        assert not console.ended
    finally:
        console.close()
    table.append((request.node.callspec.id, figures))
    assert sorted(tmp_path.rglob("crashes/*.log")) == []
    assert figures.slowest < SLOWEST
    assert len(figures.memory) < 5 or figures.growth < GROWTH
