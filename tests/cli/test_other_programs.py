"""Hub, agent and lab are programs of their own; options of the whole, errors and exit codes hold for them too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_support import Cli


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("hub serve", 2, "The following arguments are required: --data. See: edgewright hub serve --help"),
        ("hub serve --data d --listen nonsense", 2, "The listen address 'nonsense' is not HOST:PORT."),
        ("hub serve --data d --listen 127.0.0.1:²", 2, "The listen address '127.0.0.1:²' is not HOST:PORT."),
        ("hub serve --data d --heartbeat 0", 7, "--heartbeat is between 0.1 and 86400, not 0."),
        ("hub serve --data d --silence-limit nan", 7, "--silence-limit is between 0.1 and 31536000, not nan."),
        ("hub serve --data d --advertise bad_name", 7, "--advertise 'bad_name' is neither a host name nor an address."),
        ("hub serve --data d --listen 127.0.0.1:0 --db mysql://u:secret@h/d", 1, ""),
        ("hub serve --data d --listen 127.0.0.1:0 --db foo://bar", 1, "There is no hub data in foo."),
        ("hub backup --plan --data d f", 2, "`hub backup` has no option --plan."),
        ("hub status --context x --data d", 2, "`hub status` has no option --context."),
        ("--read-only hub restore --data d f", 4, "This session is read-only, so `hub restore` is refused."),
        ("--wrong hub status --data d", 2, "There is no option --wrong."),
        ("agent run --bogus", 2, "edgewright-agent: Unrecognized arguments: --bogus."),
        ("--timeout 0", 2, "--timeout: `timeout` is between 0.1 and 3600, not 0."),
        ("context add", 2, "The following arguments are required"),
    ],
)
def test_one_sentence_and_the_right_code(cli: Cli, words: str, code: int, said: str) -> None:
    done = cli(*words.split())
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(said)
    assert "usage:" not in done.err and "secret" not in done.err and "wrong (" not in done.err


@pytest.mark.parametrize("words", ["hub status --data d", "hub serve", "agent status --data d", "agent run --bogus"])
def test_errors_as_json(cli: Cli, words: str) -> None:
    done = cli(*words.split(), "-o", "json")
    assert set(json.loads(done.err)) == {"code", "message", "hint"}
    assert done.code in (2, 3)


def test_a_plan_of_an_installation_installs_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ewt_x\n")
    (tmp_path / "root" / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "root" / "usr" / "bin" / "python3").touch()
    words = ["--root", str(tmp_path / "root"), "--endpoint", "https://plane:8443", "--token-file"]
    done = cli("agent", "install", *words, str(tmp_path / "token"), "--plan")
    assert done.code == 0
    assert "/etc/edgewright/token" in done.out
    assert not (tmp_path / "root" / "etc").exists()


def test_a_plan_that_nobody_answers_leaves_json_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ewk_x\n")
    kept = ["--url", "https://127.0.0.1:9", "--api-key-file", str(tmp_path / "key"), "--no-check"]
    assert cli("context", "add", "x", *kept).code == 0
    done = cli("context", "remove", "x", "-o", "json")
    assert (done.code, json.loads(done.err)["code"]) == (2, "Usage")


def test_a_full_disk_behind_the_output_is_told(cli: Cli) -> None:
    import os
    import subprocess
    import sys

    from tests.support import ROOT

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words in (["--help"], ["config", "show"]):
        with Path("/dev/full").open("w") as full:
            command = [sys.executable, "-m", "edgewright", *words]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            1,
            "Nothing more can be written: No space left on device.",
        )


def test_files_of_the_user_are_told_with_their_line(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "ew" / "config"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text("a = [\n")
    assert "settings.toml, line 1: the file ends inside a value." in cli("config", "show").err
    (folder / "settings.toml").unlink()
    (folder / "contexts.toml").write_text('[contexts.x]\nurl = "nope"\n')
    (folder / "contexts.toml").chmod(0o600)
    assert "contexts.toml, line 2: nope is not an address of a plane." in cli("context", "list").err


def test_the_hub_of_the_guide_is_meant_where_no_directory_is_named(cli: Cli, tmp_path: Path) -> None:
    none = cli("hub", "configure", "--address", "10.4.0.2")
    assert none.code == 2 and "--data" in none.err
    data = tmp_path / "ew" / "data" / "hub"
    data.mkdir(parents=True, mode=0o700)
    (data / "hub.lock").touch()
    status = cli("hub", "status", "-o", "json")
    assert status.code == 5 and status.json()["data"] == str(data)
    refused = cli("--read-only", "hub", "configure", "--address", "10.4.0.2")
    assert refused.code == 4
    other = cli("hub", "status", "--data", str(tmp_path / "other"))
    assert other.code == 3 and "other" in other.err
