"""What the command line must not load, and that it can be completed by real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from edgewright.cli.help import overview
from edgewright.commands.kernel.completion import script
from tests.support import ROOT, missing

HEAVY = (
    *("textual", "rich", "httpx", "asyncio", "sqlalchemy", "starlette", "paramiko", "keyring", "msgspec", "tui"),
    *("yaml", "cryptography", "tomllib", "ssl", "dataclasses", "json", "csv", "shlex"),
)


def loaded_by(*words: str) -> set[str]:
    code = (
        "import sys; from edgewright.main import main; sys.stdout = open('/dev/null', 'w'); main(sys.argv[1:]);"
        "sys.stderr.write('LOADED ' + ' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment)
    return set(done.stderr.split("LOADED ", 1)[1].split())


@pytest.mark.parametrize("words", ["--help", "--version", "host --help", "host delete --help", "completion bash"])
def test_help_loads_nothing_heavy(words: str) -> None:
    extra = set() if words != "completion bash" else {"asyncio", "ssl", "dataclasses", "json", "shlex", "tomllib"}
    assert not loaded_by(*words.split()) & (set(HEAVY) - extra)


@pytest.mark.parametrize(
    "words", ["host list", "context list", "config show", "check", "token create x", "demo --hosts 0"]
)
def test_no_verb_but_the_console_loads_textual(words: str) -> None:
    assert not loaded_by(*words.split()) & {"textual", "rich", "tui"}


def test_help_needs_no_parser_and_no_typing() -> None:
    assert not {"argparse", "typing", "re", "enum"} & loaded_by("--help")


def test_the_help_file_is_what_the_registry_gives() -> None:
    """Write it anew with: python -m edgewright.cli.help > edgewright/cli/overview.txt"""
    assert (ROOT / "edgewright" / "cli" / "overview.txt").read_text() == overview() + "\n"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("edgewright ho", {"host"}),
        ("edgewright host de", {"delete"}),
        ("edgewright -o json host li", {"list"}),
        ("edgewright host list -o w", {"wide"}),
        ("edgewright host list --sort h", {"health"}),
        ("edgewright completion z", {"zsh"}),
        ("edgewright host show edge-", {"edge-a", "edge-b"}),
        ("edgewright host list --lim", {"--limit"}),
        ("edgewright forge us", {"user-data"}),
        ("edgewright forge user-data ch", {"check"}),
        ("edgewright forge user-data check --off", {"--offline"}),
    ],
)
def test_bash_completes(line: str, wanted: set[str]) -> None:
    program = script("bash") + (
        "\nedgewright() { echo edge-a; echo edge-b; echo other; }\n"
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _edgewright\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert set(done.stdout.split()) == wanted


@pytest.mark.parametrize(("shell", "words"), [("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_other_shells_take_the_script(shell: str, words: list[str]) -> None:
    if shutil.which(shell) is None:
        missing(shell, f"{shell} is not on this machine")
    done = subprocess.run([shell, *words], input=script(shell), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
