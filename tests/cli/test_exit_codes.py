"""Exit codes and error sentences that scripts rely on, by the real program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.commands.kernel.registry import for_noun
from tests.cli_support import Cli
from tests.hub_fixture import RunningHub

VERBS = [command.name.partition(" ")[2] for command in for_noun("host") if command.cli]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("", 2, "The console needs a terminal, and there is none here."),
        ("hst list", 2, "There is no `hst`; the nearest is `host`."),
        ("host lst", 2, "There is no `host lst`; the nearest is `list`."),
        ("host", 2, f"`host` needs a verb: {', '.join(VERBS)}."),
        ("host show", 2, "The following arguments are required: HOST."),
        ("host list --nope", 2, "Unrecognized arguments: --nope."),
        ("host list -o xml", 2, "`host list` cannot print 'xml'."),
        ("host list", 2, "No plane is chosen yet."),
        ("cluster list", 2, "No plane is chosen yet."),
        ("host install x", 2, "No plane is chosen yet."),
        ("apply -f x", 3, ""),
        ("forge bundle x", 2, "Building a content bundle is not in this version yet."),
        ("context use nope", 3, "There is no context nope."),
        ("replay nothing.jsonl", 3, ""),
        ("--wrong", 2, "There is no option --wrong."),
        ("host list --timeout soon", 2, "--timeout: `timeout` is a number, not 'soon'."),
    ],
)
def test_without_a_plane(cli: Cli, words: str, code: int, said: str) -> None:
    done = cli(*words.split())
    assert (done.code, done.out) == (code, "")
    assert done.err.splitlines()[0] == said or not said


def test_errors_as_json(cli: Cli) -> None:
    done = cli("-o", "json", "host", "list")
    told = json.loads(done.err)
    assert set(told) == {"code", "message", "hint"}
    assert told["code"] == "NoContext"


def test_unreachable(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ewk_x\n")
    done = cli("host", "list", EDGEWRIGHT_URL="https://127.0.0.1:9", EDGEWRIGHT_API_KEY_FILE=str(tmp_path / "key"))
    assert done.code == 5
    assert "127.0.0.1:9" in done.err


def test_refused_key(plane: Cli, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ewk_wrong\n")
    done = plane("host", "list", EDGEWRIGHT_API_KEY_FILE=str(tmp_path / "key"))
    assert done.code == 4
    assert "does not accept this API key" in done.err


def test_not_found(plane: Cli) -> None:
    done = plane("host", "show", "nosuch")
    assert done.code == 3
    assert done.err.startswith("There is no host nosuch on ")


def test_conflict(plane: Cli) -> None:
    assert plane("host", "register", "twice").code == 0
    assert plane("host", "register", "twice").code == 6


def test_invalid_input(plane: Cli) -> None:
    done = plane("host", "register", "no/slash")
    assert (done.code, done.err.splitlines()[0]) == (7, "The host UID must not contain '/'.")


def test_read_only_refuses(plane: Cli) -> None:
    done = plane("--read-only", "token", "create", "x")
    assert done.code == 4
    assert done.err.startswith("This session is read-only, so `token create` is refused.")


def test_observed_hosts_refuse(plane: Cli, hub: RunningHub) -> None:
    _, token = hub.token("observed")
    hub.host("seen-only", token, observed=True)
    done = plane("host", "reset", "seen-only", "--yes")
    assert done.code == 4
    assert done.err.startswith("seen-only is only observed: its agent runs without rights and read-only")


def test_settings_with_a_slip_name_the_line(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "ew" / "config"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('theme = "dark"\nthme = "x"\n')
    done = cli("config", "validate")
    assert done.code == 7
    assert done.err.splitlines()[0] == (
        f"{folder / 'settings.toml'}, line 2: there is no setting `thme`; the nearest is `theme`."
    )


def test_a_closed_pipe_is_quiet(plane: Cli, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    from tests.support import ROOT

    words = f"{sys.executable} -m edgewright config show -o json | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
