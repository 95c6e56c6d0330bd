"""Labs for the end-to-end tests: one for each module, gone after it whatever happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.tools import shortcomings
from tests.e2e.fleet import Fleet
from tests.support import missing


@pytest.fixture(scope="module")
def make_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Fleet]]:
    """Return what brings up a lab of this module; every one is taken down at its end."""
    lacking = shortcomings()
    if lacking:
        missing("e2e", lacking[0])
    fleets: list[Fleet] = []

    def make(*words: str) -> Fleet:
        fleet = Fleet(tmp_path_factory.mktemp("fleet"))
        fleets.append(fleet)
        fleet.up(*words)
        return fleet

    yield make
    for fleet in fleets:
        fleet.down()


@pytest.fixture(scope="module")
def tmux() -> str:
    """Return the terminal multiplexer, or skip."""
    found = shutil.which("tmux")
    if found is None:
        missing("e2e", "tmux is not installed: apt-get install tmux")
    return found


@pytest.fixture(scope="session")
def agent_binary() -> Path:
    """Return the agent's self-contained binary, or skip."""
    from tests.support import ROOT

    path = ROOT / "dist" / "edgewright-agent"
    if not path.is_file():
        missing("e2e", "dist/edgewright-agent is not built: make agent")
    return path
