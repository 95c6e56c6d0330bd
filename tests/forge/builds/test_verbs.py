"""`build` on the real command line: words, exit codes, nothing left behind."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.errors import Failed
from edgewright.forge import builds
from edgewright.forge.builds import Recorder
from edgewright.forge.progress import Progress
from tests import forked
from tests.support import ROOT


def edgewright(*words: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = forked.run([sys.executable, "-m", "edgewright", *words], env=environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def failed(tmp_path: Path) -> builds.Build:
    recorder = Recorder.new("iso", "shop")
    with pytest.raises(Failed), recorder:
        recorder(Progress("writing the ISO"))
        recorder.made([tmp_path / "shop.iso"])
        raise Failed("The disk is full: 3 MB are missing.", "Make room.", "NoSpace")
    return builds.find(recorder.id)


def test_no_build_yet_is_said_calmly() -> None:
    done = edgewright("build", "list")
    assert done.returncode == 0 and "no build yet" in done.stderr
    assert json.loads(edgewright("build", "list", "-o", "json").stdout) == []


def test_a_failed_build_tells_what_and_the_next_step(failed: builds.Build) -> None:
    done = edgewright("build", "list")
    assert failed.id in done.stdout and "The disk is full: 3 MB are missing." in done.stdout
    shown = edgewright("build", "show", "shop")
    assert "WENT WRONG" in shown.stdout and "Make room." in shown.stdout and "writing the ISO" in shown.stdout
    told = json.loads(edgewright("build", "show", failed.id, "-o", "json").stdout)
    assert told["error"]["code"] == "NoSpace" and told["state"] == "failed"
    log = edgewright("build", "log", failed.id)
    assert log.stdout.splitlines()[-1].endswith("failed: The disk is full: 3 MB are missing. Make room.")
    assert edgewright("build", "log", failed.id, "--follow").stdout.splitlines() == log.stdout.splitlines()
    assert edgewright("build", "log", failed.id, "--lines", "1").stdout == log.stdout.splitlines()[-1] + "\n"


def test_forgetting_asks_and_leaves_what_was_made(failed: builds.Build, tmp_path: Path) -> None:
    (tmp_path / "shop.iso").write_bytes(b"x")
    assert edgewright("build", "delete", "shop").returncode == 2  # nobody is there to ask
    plan = edgewright("build", "delete", "shop", "--plan")
    assert "stays:" in plan.stdout and "Cannot be undone" in plan.stdout and failed.folder.exists()
    assert edgewright("--read-only", "build", "delete", "shop", "--yes").returncode == 4
    assert edgewright("build", "delete", "shop", "--yes").returncode == 0
    assert not failed.folder.exists() and (tmp_path / "shop.iso").exists()


def test_exit_codes_are_the_documented_ones(failed: builds.Build, tmp_path: Path) -> None:
    assert edgewright("build", "show", "nothing").returncode == 3
    assert edgewright("build", "cancel", failed.id, "--yes").returncode == 6
    assert edgewright("apply", "-f", str(tmp_path / "none")).returncode == 3
    document = tmp_path / "a.yaml"
    document.write_text("apiVersion: edgewright/v1\nkind: Installer\nanswers: {token.text: abc}\n")
    document.chmod(0o644)
    assert edgewright("apply", "-f", str(document)).returncode == 4  # others can read its token
    document.write_text("apiVersion: edgewright/v1\nkind: Something\n")
    document.chmod(0o600)
    done = edgewright("apply", "-f", str(document), "-o", "json")
    assert done.returncode == 7 and json.loads(done.stderr)["code"] == "Kind"
    assert edgewright("build", "run", failed.id).returncode == 6  # it has begun already


def test_the_noun_of_the_last_release_is_taken_with_a_note() -> None:
    done = edgewright("forge", "builds", "list", "-o", "json")
    assert done.returncode == 0 and json.loads(done.stdout) == []
    assert "`forge builds` is `build` now" in done.stderr
    assert "`build` needs a verb" in edgewright("forge", "builds").stderr
