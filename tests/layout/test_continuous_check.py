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
