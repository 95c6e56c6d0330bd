"""The units of the box, the words of the command line, and the agent's milestones on the console."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from edgewright.agent.appliance import commands, runner
from edgewright.agent.appliance import paths as places
from edgewright.agent.cli import main
from edgewright.agent.clusters.paths import ACTIVATE
from edgewright.agent.install import unit
from edgewright.agent.install.unit import unit_text
from edgewright.agent.kernel import agent_log as say
from edgewright.agent.kernel import console as console_lines
from edgewright.core.errors import Failed
from tests.support import ROOT

FILES = ROOT / "edgewright/agent/appliance/files"


def lines(text: str) -> set[str]:
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def test_the_agents_unit_is_as_tight_as_the_one_that_install_writes() -> None:
    ours = lines((FILES / "edgewright-agent.service").read_text())
    command = [places.PYTHON, places.PROGRAM, "run", "--user-data", places.USERDATA, "--data", places.DATA]
    command += ["--run", unit.RUN]
    made = lines(unit_text(command, places.DATA))
    assert set(made - ours) == {"After=network.target systemd-tmpfiles-setup.service"}
    assert ours - made == {
        "ConditionKernelCommandLine=edgewright.slot",
        "ConditionPathExists=/oem/userdata",
        "After=edgewright-boot.service network.target",
        "Environment=EDGEWRIGHT_APPLIANCE=1",
    }


def test_the_reconcilers_units_are_those_that_install_writes() -> None:
    """Only the conditions of a box that runs from a slot are more; none waits for the network to be online."""
    more = {"ConditionKernelCommandLine=edgewright.slot", "ConditionPathExists=/oem/userdata"}
    after = {"After=edgewright-boot.service", "After=edgewright-boot.service local-fs.target network.target"}
    for name, text in unit.reconciler_units([places.PYTHON, places.PROGRAM], places.DATA).items():
        ours, made = lines((FILES / name).read_text()), lines(text)
        assert made - ours <= {"After=local-fs.target network.target"}, name
        assert ours - made <= more | after, name


@pytest.mark.parametrize("path", sorted(FILES.glob("*.service")), ids=lambda path: path.name)
def test_each_unit_runs_a_word_of_the_archive_that_exists(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parsed = configparser.RawConfigParser(strict=False)
    parsed.read(path)
    words = parsed["Service"]["ExecStart"].split()
    if words[0] == "/bin/sh":  # it works without Python: the agent wrote its script
        assert words[1:] == [ACTIVATE] and parsed["Install"]["WantedBy"]
        return
    assert words[:2] == [places.PYTHON, places.PROGRAM] and parsed["Install"]["WantedBy"]
    with pytest.raises(SystemExit) as ended:
        main([*words[2:4], "--help"] if words[2] == "appliance" else [words[2], "--help"])
    assert ended.value.code == 0 and "usage" in capsys.readouterr().out


def test_a_machine_that_is_no_appliance_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(runner, "read_text", lambda path, limit=0: "root=/dev/sda1 quiet")
    for words in (["install"], ["boot", "early"]):
        assert main(["appliance", *words]) == 4
        assert "was not started from the reference appliance" in capsys.readouterr().err
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["appliance", "install"]) == 4 and "needs root" in capsys.readouterr().err


def test_the_status_of_a_box(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["appliance", "status"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Slot         unknown"
    assert set(commands._facts()) == {"slot", "installed", "boot", "missing"}


def test_a_milestone_is_one_line_on_the_console(tmp_path: Path) -> None:
    console = tmp_path / "console"
    console.touch()
    console_lines.milestone("live system up\x1b[2J", str(console))
    assert console.read_bytes().startswith(b"\r\nedgewright: live system up")
    assert console.read_bytes().count(b"\x1b") == 0
    console_lines.milestone("x", str(tmp_path / "none"))  # a box without a console


def test_the_agent_tells_milestones_on_the_appliance_only_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = tmp_path / "console"
    console.touch()
    voice = say.AgentLog(console=str(console))
    voice.milestone("registered as x")
    assert console.read_bytes() == b""
    monkeypatch.setenv(say.APPLIANCE, "1")
    voice.milestone("registered as x")
    voice.milestone("registered as x")
    assert console.read_bytes() == b"\r\nedgewright: registered as x\r\n"


def test_the_runner_bounds_programs_and_says_their_last_words() -> None:
    real = runner.Runner()
    assert real.run(["/bin/sh", "-c", "cat"], stdin="secret") == "secret"
    with pytest.raises(Failed, match=r"^`/bin/sh` failed: two\.$"):
        real.run(["/bin/sh", "-c", "echo one; echo two >&2; exit 3"])
    with pytest.raises(Failed, match="did not end within 0 s"):
        real.run(["/bin/sh", "-c", "sleep 5"], seconds=0.2)
    with pytest.raises(Failed, match="cannot be started"):
        real.run(["/no/such/program"])
    assert not real.succeeds(["/no/such/program"])
