"""The continuous check runs every test that is marked for it, and fails for a skip only where the part is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

CHECK = (ROOT / ".ci" / "run").read_text("utf-8")
STAGES = re.findall(
    r"\$\(PY\) -m pytest (tests/\S+).*-m \"?(?:e2e and core|e2e)\"?", (ROOT / "Makefile").read_text("utf-8")
)


def test_a_test_marked_core_lies_where_a_stage_runs_it() -> None:
    assert sorted(set(STAGES)) == ["tests/dist", "tests/e2e", "tests/e2e/sites", "tests/hub"]
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark." + "core" in path.read_text("utf-8")]
    assert len(marked) > 10
    outside = [path for path in marked if not any(path.is_relative_to(ROOT / stage) for stage in STAGES)]
    assert outside == []


@pytest.mark.parametrize(
    ("installed", "required"),
    [
        (["nft"], ""),
        (["systemd-nspawn", "mmdebstrap", "tmux"], ""),
        (["openssl"], "openssl"),
        (["tmux", "openssl", "faketime"], "openssl,faketime"),
    ],
)
def test_a_part_is_required_only_when_all_its_programs_are_there(
    installed: list[str], required: str, tmp_path: Path
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    for name in installed:
        (tmp_path / name).symlink_to("/bin/true")
    began, ended = CHECK.index("have() {"), CHECK.index('export EDGEWRIGHT_REQUIRE="$require"')
    lines = [line for line in CHECK[began:ended].splitlines() if not line.startswith("stage ")]
    script = "\n".join(lines).replace('"$(id -u)"', "0") + '\nprintf %s "$require"'
    done = subprocess.run(
        [bash, "-c", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (required, "")


@pytest.mark.parametrize(
    ("codes", "ended", "made", "listed"),
    [
        ("0", 0, ["part PYTEST_ARGS=-q"], "some tests: 0 s of 60 s"),
        (
            "2 0",
            0,
            ["part PYTEST_ARGS=-q", "part PYTEST_ARGS=-q -n 0 --last-failed --last-failed-no-failures none"],
            "some tests: 0 s of 60 s (what failed once more, alone)",
        ),
        ("2 2", 2, [], ""),
    ],
)
@pytest.mark.parametrize("end", ["", ' | tee "$again.log"'])
def test_what_fails_is_run_once_more_alone_and_the_list_says_so(
    codes: str, ended: int, made: list[str], listed: str, end: str, tmp_path: Path
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    first, second = CHECK.index('times=""'), CHECK.index("once_more() {")
    functions = [
        CHECK[first : CHECK.index("packages=")],
        CHECK[second : CHECK.index("details=")],
        f"SECONDS=0; codes=({codes})",
        f'make() {{ echo "$*" >>{tmp_path}/made; return "${{codes[$(($(wc -l <{tmp_path}/made) - 1))]}}"; }}',
        f"some() {{ twice -q part{end}; }}",
        'stage "some tests" 1 some; printf "%s" "$times"',
    ]
    script = "set -euo pipefail\n" + "\n".join(functions)
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (ended, "")
    if not ended:
        assert (tmp_path / "made").read_text().splitlines() == made
        assert re.sub(r"\d+ s of", "0 s of", done.stdout.splitlines()[-1]) == listed
