"""What must not be loaded before the first frame: a module is half a millisecond, some are ten.

An import that moves from a function to the top of a module fails here. Load it where it is used, or after the first
frame; add to `ours` only what the first frame shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

HEAVY = frozenset(
    [
        "httpx",
        "httpcore",
        "anyio",
        "h11",
        "sqlalchemy",
        "alembic",
        "yaml",
        "cryptography",
        "starlette",
        "uvicorn",
        "paramiko",
        "keyring",
        "jwt",
        "zstandard",
        "csv",
        "shlex",
        "json",
        "tomllib",
        "statistics",
        "secrets",
        "argparse",
        "sqlite3",
        "multiprocessing",
        "xml",
        "http",
        "email.message",
        "_ssl",
        "_hashlib",
        "ipaddress",
        "tempfile",
        "textual.types",
        "textual.widgets._option_list",
    ]
)
"""Packages and modules that a first frame needs nothing of; what is deferred counts when it is loaded."""
ELSEWHERE = [
    "edgewright.agent",
    "edgewright.cli",
    "edgewright.clients",
    "edgewright.config",
    "edgewright.forge",
    "edgewright.hub",
    "edgewright.lab",
    "edgewright.sources",
    "edgewright.wire.palette",
    "tui.modals",
    "tui.wizards",
    "tui.render",
    "tui.verbs.palette",
    "tui.verbs.command_text",
    "tui.frame.pager",
    "tui.screens.installers",
    "tui.screens.tokens",
    "tui.screens.feed",
    "tui.screens.replay",
]
"""Packages of ours that are loaded when they are needed."""
OURS = {"hosts": 195, "pulse": 207}
"""Modules of ours at the most; each collection of the store is one, since the model has the types of their rows, and
each noun with keys in the console is two."""
PROGRAM = """
import sys
from tui.terminal import deferred
deferred.begin()
import asyncio
from tests.tui.fleet import session_of
from tui.app import EdgewrightApp

async def main():
    app = EdgewrightApp(session_of(view=sys.argv[1]))
    async with app.run_test(size=(200, 50)) as pilot:
        while not app.screen.query("#keys") or not app.screen.query_one("#keys").line.spans:
            await pilot.pause()
        print(*sorted(name for name, module in sys.modules.items() if type(module) is not deferred.Deferred))

asyncio.run(main())
"""


@pytest.fixture(scope="module", params=["hosts", "pulse"])
def view(request: pytest.FixtureRequest) -> str:
    """The view that is opened first."""
    return str(request.param)


@pytest.fixture(scope="module")
def loaded(view: str) -> set[str]:
    """The modules that are there when the first frame of a view is."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-c", PROGRAM, view]
    return set(subprocess.run(run, check=True, capture_output=True, text=True, env=environment).stdout.split())


def test_nothing_heavy_is_loaded_before_the_first_frame(loaded: set[str]) -> None:
    assert not {name for name in loaded if name in HEAVY or name.split(".")[0] in HEAVY}


def test_no_part_that_comes_later_is_loaded_before_the_first_frame(loaded: set[str]) -> None:
    assert not {name for name in loaded if any(name == part or name.startswith(f"{part}.") for part in ELSEWHERE)}


def test_few_modules_of_ours_are_loaded_before_the_first_frame(loaded: set[str], view: str) -> None:
    assert len([name for name in loaded if name.split(".")[0] in ("edgewright", "tui")]) <= OURS[view]


DEFERRED = {"_ssl", "_hashlib", "tempfile", "json", "ipaddress", "http.client", "email.parser", "secrets"}
"""Modules that a real start imports and its first frame does not use."""
START = """
import sys
from edgewright import main
main._begin_start_cache()
from pathlib import Path
from tui.terminal.deferred import Deferred
import edgewright.main.console as start
start.check_terminal = lambda: None
loaded = lambda: sorted(name for name, module in sys.modules.items() if type(module) is not Deferred)
start.run_app = lambda session, *closing, loop=None: print(*loaded()) or 0
sys.exit(start.console({}))
"""
VERBS = tuple(
    f"edgewright.commands.{noun}."
    for noun in ("alert", "build", "console", "context", "event", "forge", "host", "installer", "project", "token")
)


def test_a_start_without_a_key_map_loads_no_verb(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    contexts = config / "contexts.toml"
    contexts.write_text('current = "lab"\n[contexts.lab]\nurl = "https://127.0.0.1:1"\n')
    contexts.chmod(0o600)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(tmp_path)}
    run = [sys.executable, "-c", START]
    done = subprocess.run(run, check=True, capture_output=True, text=True, env=environment)
    names = done.stdout.split()
    assert "edgewright.sources.plane" in names, "the start came to the console"
    assert not [name for name in names if name.startswith(VERBS)]
    assert not {"httpx", "httpcore", "sqlalchemy", "yaml", "cryptography", "starlette", "keyring"} & set(names)
    assert not DEFERRED & set(names)
