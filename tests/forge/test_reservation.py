"""One output, two builds: the second is refused when it starts, and a build that died holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.commands.installer.wizard_api import start_build
from edgewright.core.errors import Conflict
from edgewright.forge import builds, reservation
from edgewright.forge.builds import process
from edgewright.forge.builds.record import read_json, write_json
from edgewright.forge.reservation import handing_over, reserved
from tests import forked
from tests.cli_support import Cli, Done
from tests.support import ROOT

CONFIG = "#cloud-config\nstylus:\n  site:\n    paletteEndpoint: hub.example.org:8443\n    edgeHostToken: abcdefgh1234\n"
ANSWERS = """apiVersion: edgewright/v1
kind: Installer
metadata: {name: shop}
answers:
  plane.endpoint: https://hub.example.org:8443
  token.text: abcdefgh1234
  user.password: a long password
  base.path: %s
  output.folder: .
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `edgewright` as a process of its own, without a plane."""

    def run(*words: str) -> Done:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(tmp_path / "ew")}
        command = [sys.executable, "-m", "edgewright", *words]
        done = forked.run(command, env=environment, cwd=tmp_path)
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives: another build."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def held_by(out: Path, child: subprocess.Popen[bytes], build: str = "") -> None:
    with reserved(out):
        pass  # makes the folder
    write_json(
        reservation._file(out), {"pid": child.pid, "started": process.started(child.pid), "build": build, "out": ""}
    )


def test_a_second_one_is_refused_and_names_the_first(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    out = tmp_path / "shop.iso"
    held_by(out, other, "261128-1")
    with pytest.raises(Conflict, match="is being written by build 261128-1") as told, reserved(out):
        raise AssertionError("it was let through")
    assert "build cancel 261128-1" in told.value.hint
    with pytest.raises(Conflict), reserved(tmp_path / "x" / ".." / "shop.iso"):
        raise AssertionError("another way to write the same path was let through")
    with reserved(tmp_path / "kiosk.iso"), reserved(out, "261128-1"):
        pass  # another output, and the build that has the reservation itself


def test_one_that_died_and_one_that_ended_hold_nothing(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    out = tmp_path / "shop.iso"
    held_by(out, other)
    other.kill()
    other.wait()
    with reserved(out):
        assert read_json(reservation._file(out))["out"] == str(out)
    assert not reservation._file(out).exists()
    with pytest.raises(RuntimeError), reserved(out):
        raise RuntimeError
    assert not reservation._file(out).exists()


def test_a_build_that_is_started_has_the_reservation(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    out, build = tmp_path / "shop.iso", "261128-2"
    with handing_over(out) as started:
        write_json(builds.root() / build / "process.json", {"pid": other.pid, "started": process.started(other.pid)})
        started.append(build)
    with pytest.raises(Conflict, match=build), handing_over(out):
        raise AssertionError("it was let through")


def test_the_wizard_and_the_command_line_refuse_a_second_build(
    tmp_path: Path, base_iso: Path, other: subprocess.Popen[bytes], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "ew"))
    held_by(tmp_path / "shop.iso", other, "261128-3")
    (tmp_path / "config.yaml").write_text(CONFIG)
    file = tmp_path / "shop.yaml"
    file.write_text(ANSWERS % base_iso)
    file.chmod(0o600)
    iso = ("forge", "iso", "--base", str(base_iso), "--user-data", "config.yaml", "--offline", "-o", "shop.iso")
    for words in (("apply", "-f", str(file)), ("apply", "-f", str(file), "--detach"), iso):
        done = cli(*words)
        assert done.code == 6 and "is being written by build 261128-3" in done.err, (words, done)
    answers = {
        "plane.endpoint": "https://hub.example.org:8443",
        "token.text": "abcdefgh1234",
        "user.password": "a long password",
        "base.path": str(base_iso),
        "output.name": "shop",
    }
    with pytest.raises(Conflict, match="is being written"):
        start_build(answers, tmp_path)
    assert builds.list_builds() == [] and not (tmp_path / "shop.iso").exists()


def test_a_build_in_the_foreground_can_be_opened_in_the_wizard_again(tmp_path: Path, base_iso: Path, cli: Cli) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(ANSWERS % base_iso)
    file.chmod(0o600)
    assert cli("apply", "-f", str(file)).code == 0
    kept = next((tmp_path / "ew" / "state" / "builds").glob("*/answers.yaml"))
    assert kept.stat().st_mode & 0o777 == 0o600 and "a long password" not in kept.read_text()
    assert "plane.endpoint: https://hub.example.org:8443" in kept.read_text()
