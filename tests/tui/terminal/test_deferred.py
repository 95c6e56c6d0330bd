"""What is deferred is loaded by the first use, once, and is then the module that everybody else has."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import ROOT
from tui.terminal import deferred

PROGRAM = """
import sys
from tui.terminal import deferred
deferred.begin()
import asyncio, threading
from textual.app import App
from textual.theme import ThemeProvider
import tui.app

def loaded(*names):
    return [name for name in names if name in sys.modules]

print("before", loaded("_ssl", "textual.types", "textual.fuzzy", "textual.widgets._option_list", "rich._ratio"))
deferred.finish()
import ssl
threads = [threading.Thread(target=lambda: ssl.SSLContext) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
import ssl as again
print("ssl", again is sys.modules["ssl"], asyncio.base_events.ssl.SSLContext is again.SSLContext)
print("sslproto", asyncio.sslproto.SSLProtocol is __import__("asyncio.sslproto").sslproto.SSLProtocol)

class Themed(App):
    async def on_mount(self):
        self.search_themes()

async def themes():
    app = Themed()
    async with app.run_test() as pilot:
        await pilot.pause()
        from textual.command import CommandPalette, Provider
        print("palette", isinstance(app.screen, CommandPalette), issubclass(ThemeProvider, Provider))
        hits = [str(hit.text) async for hit in ThemeProvider(app.screen).discover()]
        print("themes", "nord" in hits)

asyncio.run(themes())
"""


def test_what_is_deferred_is_loaded_by_its_first_use() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(run, check=True, capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == [
        "before []",
        "ssl True True",
        "sslproto True",
        "palette True True",
        "themes True",
    ]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of the test's own that is deferred; loading it twice or partly is seen."""
    name = f"deferred_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import time\ncount = []\ntime.sleep(0.05)\nclass Real:\n    size = 3\nlast = 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(deferred.MODULES, name, ("Real",))
    deferred.begin()
    yield name
    deferred.finish()
    sys.modules.pop(name, None)


def test_threads_that_use_a_module_at_the_same_time_all_get_the_complete_one(made: str) -> None:
    module = import_module(made)
    assert "last" not in vars(module)
    seen: list[tuple[int, list[int]]] = []
    threads = [threading.Thread(target=lambda: seen.append((module.last, module.count))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and len({id(count) for _, count in seen}) == 1
    assert type(sys.modules[made]) is ModuleType and sys.modules[made] is not module


def test_a_name_taken_from_a_deferred_module_is_as_good_as_the_class(made: str) -> None:
    stand_in = import_module(made).Real
    assert not isinstance(3, stand_in)
    assert made not in deferred._loader.loaded
    assert stand_in.size == 3
    real = sys.modules[made].Real

    class Heir(stand_in):  # type: ignore[misc, valid-type]
        pass

    assert isinstance(stand_in(), real) and isinstance(real(), stand_in) and issubclass(Heir, real)


def test_what_a_module_lacks_is_an_attribute_error(made: str) -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        import_module(made).nothing_of_this_name  # noqa: B018
    assert not hasattr(sys.modules[made], "nothing_of_this_name")
