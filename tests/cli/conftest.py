"""A real hub and the real command line for the tests of the CLI."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_support import Cli, Done
from tests.forked import Forked, can_fork
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub() as running:
        yield running


@pytest.fixture
def cli(quiet_home: Path, tmp_path: Path) -> Cli:
    """Run `edgewright` as a process of its own, without a plane."""

    def run(*words: str, stdin: str | None = None, **env: str) -> Done:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(tmp_path / "ew"), **env}
        start: type[subprocess.Popen[str]] = Forked if can_fork(env) else subprocess.Popen
        command, pipe = [sys.executable, "-m", "edgewright", *words], subprocess.PIPE
        with start(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=tmp_path) as program:
            try:
                out, err = program.communicate(stdin or "", timeout=60)
            except BaseException:
                program.kill()
                raise
        assert "Traceback" not in err, err
        return Done(program.returncode, out, err)

    return run


@pytest.fixture
def plane(cli: Cli, hub: RunningHub) -> Cli:
    """Run `edgewright` against the hub as admin."""

    def run(*words: str, stdin: str | None = None, **env: str) -> Done:
        way = {
            "EDGEWRIGHT_URL": hub.url,
            "EDGEWRIGHT_CA": str(hub.ca),
            "EDGEWRIGHT_API_KEY_FILE": str(hub.data / "admin-api-key"),
        }
        return cli(*words, stdin=stdin, **{**way, **env})

    return run
