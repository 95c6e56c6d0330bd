"""What every test shares: the tables of Palette's API, a quiet home, names of cases."""

from __future__ import annotations

import gc
import itertools
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.groups import pytest_xdist_make_scheduler
from tests.pictures import pytest_addoption, pytest_collection_modifyitems, pytest_configure, snap_compare
from tests.properties import pytest_pycollect_makemodule
from tests.signals import give_back, inherited
from tests.support import palette_tables

# Hooks and a fixture, found here by pytest.
__all__ = [
    "pytest_addoption", "pytest_collection_modifyitems", "pytest_configure",
    "pytest_pycollect_makemodule", "pytest_xdist_make_scheduler", "snap_compare",
]  # fmt: skip


@pytest.fixture(scope="session")
def edge_subset() -> dict[str, Any]:
    """The facts of Palette's API that concern edge hosts: `paths` and `definitions`, as in a Swagger 2 document."""
    return palette_tables()


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return what makes an empty directory; `mktemp` would read the names of all before it, for thousands of tests."""
    folder, numbers = tmp_path_factory.mktemp("homes"), itertools.count()

    def make() -> Path:
        home = folder / str(next(numbers))
        home.mkdir(mode=0o700)
        return home

    return make


@pytest.fixture(autouse=True)
def quiet_home(new_home: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, so that no setting, context or cache of the user is read or written."""
    home = new_home()
    for name in [n for n in os.environ if n.startswith("EDGEWRIGHT_") and n != "EDGEWRIGHT_REQUIRE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in ("COLUMNS", "LINES", "NO_COLOR", "COLORTERM", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    return home


# What a shell starts in its background is deaf to Ctrl-C, and so are its children: the programs under test must hear.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Under nohup the tests go on when the terminal is closed; the programs under test hear that as well: what a program
    # inherits is that a signal is ignored, never a handler.
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected, and look at none of that again: 20,000 tests in each process."""
    gc.disable()
    try:
        result = yield
    finally:
        gc.enable()
    gc.collect()
    gc.freeze()
    return result


_INHERITED = inherited()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Give signals back that a test left ignored or blocked: programs of the tests after it would not hear them."""
    yield
    if left := give_back(_INHERITED):
        item.warn(pytest.PytestWarning(f"{item.nodeid} left signals: {left}"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long or binary value by its kind: several test processes must collect the same names every time."""
    if isinstance(val, bytes) or (isinstance(val, str) and (len(val) > 60 or not val.isprintable())):
        return f"{argname}-{type(val).__name__}-{len(val) // 100 * 100}"
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return how many processes `-n auto` means: one more than the cores, since tests wait more than they compute."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return min((os.cpu_count() or 1) + 1, 16)
